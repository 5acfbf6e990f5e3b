"""Tasks of one event loop that wait for messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from ._pace import Pace

if TYPE_CHECKING:
    import asyncio

_SHORTEST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05
"""Seconds between two looks of the first in line, for what others pushed or became due."""
_LONGEST_GLANCE: Final = 0.008
"""Seconds between two looks at whether others have changed anything, where the store tells it."""


class _Waiter:
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


class TaskLines:
    """
    The waiting tasks of each queue, those that claim apart from those that pop.

    Args:
        changes: Returns something else when others have changed the store, if it can tell.
    """

    def __init__(self, changes: Callable[[], object] | None) -> None:
        self._changes = changes
        self._pace = Pace(_SHORTEST_PAUSE, _LONGEST_GLANCE if changes else _LONGEST_PAUSE)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lines: dict[tuple[str, bool], list[_Waiter]] = {}

    async def wait(
        self, queue: str, look: Callable[[], Awaitable[bool]], seconds: float, *, claiming: bool
    ) -> None:
        """Look until there is something or the time is over."""
        import asyncio

        loop = asyncio.get_running_loop()
        found = await look()
        if found:
            self._pace.came(queue, loop.time())
        if found or not seconds:
            return
        self._enter_loop(loop)
        line = self._lines.setdefault((queue, claiming), [])
        waiter = _Waiter(loop)
        line.append(waiter)
        try:
            if await self._look_again(queue, line, waiter, look, loop.time() + seconds):
                self._pace.came(queue, loop.time())
        finally:
            line.remove(waiter)
            if line:  # another one is the first now, and who was woken and leaves wakes the next
                line[0].wake()
            elif self._lines.get((queue, claiming)) is line:
                del self._lines[queue, claiming]

    async def wait_any(self, queues: Sequence[str], seconds: float) -> None:
        """Wait until something was pushed here or changed by others, or for a short time."""
        import asyncio

        loop = asyncio.get_running_loop()
        end = loop.time() + min(seconds, _LONGEST_PAUSE)
        seen = self._changes() if self._changes else None
        self._enter_loop(loop)
        waiter = _Waiter(loop)
        lines = [self._lines.setdefault((queue, True), []) for queue in queues]
        try:
            for line in lines:
                line.append(waiter)
            while (left := end - loop.time()) > 0:
                woken = await waiter.wait(min(left, _LONGEST_GLANCE) if self._changes else left)
                if woken or (self._changes and self._changes() != seen):
                    break
        finally:
            for queue, line in zip(queues, lines, strict=True):
                self._step_out(queue, line, waiter)

    def _enter_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget another loop: who waits there is not woken, and looks by itself."""
        if self._loop is not loop:
            self._loop = loop
            self._lines.clear()

    def _step_out(self, queue: str, line: list[_Waiter], waiter: _Waiter) -> None:
        if waiter in line:
            line.remove(waiter)
        if line:  # another one is the first now, and who was woken and leaves wakes the next
            line[0].wake()
        elif self._lines.get((queue, True)) is line:
            del self._lines[queue, True]

    def claiming(self, queue: str) -> int:
        """Return how many wait for a claim."""
        return len(self._lines.get((queue, True), ()))

    def wake(self, queue: str, messages: int) -> None:
        """Wake as many of each kind as there are messages."""
        if self._loop is not None and self._loop.is_closed():
            self._lines.clear()  # who waited there waits no more
        for claiming in (True, False):
            left = messages
            for waiter in self._lines.get((queue, claiming), ()):
                if left <= 0:
                    break
                if not waiter.woken:
                    waiter.wake()
                    left -= 1

    def wake_all(self) -> None:
        """Wake everybody: the transport was closed."""
        for line in list(self._lines.values()):
            for waiter in line:
                waiter.wake()

    def clear(self) -> None:
        """Forget who waits: they are tasks of the process that this one was forked from."""
        self._lines.clear()

    async def _look_again(
        self,
        queue: str,
        line: list[_Waiter],
        waiter: _Waiter,
        look: Callable[[], Awaitable[bool]],
        end: float,
    ) -> bool:
        """Look when woken; who is first in line looks also now and then."""
        pause, looked = _SHORTEST_PAUSE, 0.0
        seen: object = None
        while (left := end - waiter.loop.time()) > 0:
            first = line[0] is waiter
            woken = await waiter.wait(min(left, pause) if first else left)
            now = waiter.loop.time()
            pause = _SHORTEST_PAUSE if woken else self._pace.after(pause, queue, now)
            if not (woken or first):
                continue
            if self._changes is not None:  # asked before the look, so that none is missed
                before, seen = seen, self._changes()
                if before == seen and not woken and now < looked + _LONGEST_PAUSE:
                    continue
            looked = now
            if await look():
                return True
        return False
