"""Tasks that wait for a message, and calls in threads that somebody waits for, or nobody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import QueueKitError

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Executor, Future

_R = TypeVar("_R")

_log = logging.getLogger("queuekit")


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


class Work(Generic[_R]):
    """
    A call in a thread. When nobody wants what it brings, it is undone, also after its loop's end.

    Args:
        short: The call.
        undo: Gives back what it brought.
    """

    def __init__(self, short: Callable[[], _R], undo: Callable[[_R], object] | None) -> None:
        self._short = short
        self._undo = undo
        self._lock = threading.Lock()
        self._brought: list[_R] = []
        self._wanted = True
        self._loop: asyncio.AbstractEventLoop | None = None

    async def done_in(self, executor: Executor) -> _R:
        """
        Run the call in a thread; a cancellation waits for its end, unless it has not begun.

        Raises:
            asyncio.CancelledError: It was cancelled, and undone.
        """
        import asyncio

        self._loop = asyncio.get_running_loop()
        future = executor.submit(self._run)
        undoing: list[Future[Any]] = []
        try:
            done = asyncio.wrap_future(future)
            cancelled = await outlast([done], lambda: self._abandon(future, executor, undoing))
            if cancelled is None:
                return done.result()
            if not done.cancelled():
                done.exception()  # looked at, so that asyncio does not report it as forgotten
            await outlast(map(asyncio.wrap_future, undoing))
            raise cancelled
        except BaseException:  # perhaps the loop has ended, and nothing can be awaited any more
            self._abandon(future, executor, undoing)
            raise

    def _run(self) -> _R:
        found = self._short()
        with self._lock:
            self._brought.append(found)
            wanted = self._wanted
        if not wanted or (self._loop is not None and self._loop.is_closed()):
            self._give_back()
        return found

    def _abandon(self, future: Future[_R], executor: Executor, undoing: list[Future[Any]]) -> None:
        """Say that nobody waits: the thread gives back, or another one if it is done already."""
        if not self._wanted or future.cancel():
            return
        with self._lock:
            self._wanted = False
            late = bool(self._brought)
        if late and self._brought[0]:
            try:
                undoing.append(executor.submit(self._give_back))
            except RuntimeError:  # its threads have ended before
                self._give_back()

    def _give_back(self) -> None:
        if self._undo is not None and self._brought[0]:
            give_back_quietly(lambda: self._undo and self._undo(self._brought[0]))


def give_back_quietly(undo: Callable[[], object]) -> None:
    """Run what gives back; an error is only logged, since nobody waits for it."""
    try:
        undo()
    except QueueKitError as exc:
        _log.error("what a cancelled call had taken could not be given back: %s", exc)


async def outlast(
    futures: Iterable[asyncio.Future[Any]], on_cancel: Callable[[], None] = lambda: None
) -> asyncio.CancelledError | None:
    """Wait until all are done, whoever cancels; return the cancellation, if there was one."""
    import asyncio

    left = list(futures)
    cancelled: asyncio.CancelledError | None = None
    while left := [one for one in left if not one.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as exc:
            cancelled = exc
            on_cancel()
    return cancelled
