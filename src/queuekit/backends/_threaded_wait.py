"""Tasks that wait for a message, and for the end of a thread's work."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..errors import QueueKitError

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

_R = TypeVar("_R")


class Waiter:
    """One waiting task."""

    __slots__ = ("_woken", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._woken = loop.create_future()

    @property
    def woken(self) -> bool:
        """Whether somebody ended the wait that is going on, or the next one."""
        return self._woken.done()

    def wake(self) -> None:
        """End the wait, or the next one."""
        if not self._woken.done():
            self._woken.set_result(None)

    async def wait(self, seconds: float) -> bool:
        """Wait, and tell whether somebody ended it."""
        import asyncio

        await asyncio.wait([self._woken], timeout=seconds)
        if not self._woken.done():
            return False
        self._woken = self.loop.create_future()
        return True


async def finish(work: Future[_R]) -> _R:
    """
    Await the work of a thread; a cancellation waits for its end, unless it has not begun.

    Raises:
        asyncio.CancelledError: It was cancelled; what the work brought is in *work*.
    """
    import asyncio

    done = asyncio.wrap_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not done.done():
        try:
            await asyncio.wait([done])
        except asyncio.CancelledError as exc:
            cancelled = exc
            work.cancel()
    if cancelled is not None:
        if not done.cancelled():
            done.exception()  # looked at, so that asyncio does not report it as forgotten
        raise cancelled
    return done.result()


async def finish_quietly(work: Future[None]) -> None:
    """Await the giving back; where it fails, the lease runs out."""
    import asyncio

    try:
        await finish(work)
    except (QueueKitError, asyncio.CancelledError):
        pass
