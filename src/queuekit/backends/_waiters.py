"""Who waits for something in this process: threads and tasks, woken at once."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio


class Sleeper(Protocol):
    def wake(self) -> bool:
        """End the wait, or the next one, and tell whether somebody waits there at all."""
        ...


class Waiter:
    """One waiting thread."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> bool:
        """End the wait, or the next one; one thread at a time may do it."""
        if self._lock.locked():
            self._lock.release()
        return True

    def wait(self, seconds: float) -> bool:
        """Wait, and tell whether somebody ended it."""
        return self._lock.acquire(timeout=max(seconds, 0.0))


class TaskWaiter:
    """One waiting task; any thread may wake it."""

    __slots__ = ("_loop", "_woken")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._woken: asyncio.Future[None] = loop.create_future()

    def wake(self) -> bool:
        """End the wait, or the next one; False when its loop was closed."""
        try:
            self._loop.call_soon_threadsafe(self._resolve)
        except RuntimeError:
            return False
        return True

    def _resolve(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)

    async def wait(self, seconds: float) -> bool:
        """Wait, and tell whether somebody ended it."""
        import asyncio

        await asyncio.wait([self._woken], timeout=seconds)
        if not self._woken.done():
            return False
        self._woken = self._loop.create_future()
        return True


class Lines:
    """
    The waiters of each queue, in the order in which they came.

    A signal handler may come in at any point and use the same lines: so the lock is reentrant, and
    no step relies on what the one before it saw.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.waiting: dict[str, deque[Sleeper]] = {}
        """By queue; a queue for which nobody waits is not in it."""

    def enter(self, queue: str, waiter: Sleeper) -> None:
        """Stand in line; look for messages after this, not before."""
        with self._lock:
            self.waiting.setdefault(queue, deque()).append(waiter)

    def leave(self, queue: str, waiter: Sleeper, *, satisfied: bool) -> None:
        """Step out; who had been woken and takes nothing wakes the next one."""
        with self._lock:
            line = self.waiting.get(queue)
            if line is None:
                return
            woken = not _remove(line, waiter)
            if not line:
                self.waiting.pop(queue, None)
        if woken and not satisfied:
            self.wake(queue, 1)

    def length(self, queue: str) -> int:
        """Return how many stand in line."""
        return len(self.waiting.get(queue, ()))

    def wake(self, queue: str, messages: int) -> None:
        """Wake as many as there are messages."""
        if queue not in self.waiting:
            return
        with self._lock:
            line = self.waiting.get(queue)
            while line and messages > 0:
                first = line[0]
                messages -= first.wake()
                _remove(line, first)

    def wake_all(self) -> None:
        """Wake everybody: the store was closed."""
        for queue in list(self.waiting):
            self.wake(queue, self.length(queue))


def _remove(line: deque[Sleeper], waiter: Sleeper) -> bool:
    try:
        line.remove(waiter)
    except ValueError:
        return False
    return True
