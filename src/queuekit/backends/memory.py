"""
The transport in memory: a shell for threads and one for asyncio over the same store.

For tests and for one process. Everything but survival is as on the other transports, so a test
that passes here means something.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from .._checks import check_count, check_seconds
from .._deadline import Deadline
from ..transport import (
    MAX_BODY,
    NO_OPTIONS,
    Delivery,
    PushOptions,
    QueueStats,
    Receipt,
)
from ._memory_store import Clock, MemoryOperations, Store, store_of_url

if TYPE_CHECKING:
    import asyncio

_R = TypeVar("_R")


class _ThreadWaiter:
    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> bool:
        self._lock.release()
        return True

    def wait(self, seconds: float) -> bool:
        return self._lock.acquire(timeout=seconds)


class MemoryTransport(MemoryOperations):
    """
    Keep queues in this process's memory, for threads.

    Args:
        clock: Returns seconds; leases and delays run on it. Timeouts of waits are real time.
        max_body: Bytes that one body may have.
    """

    def __init__(self, *, clock: Clock = time.monotonic, max_body: int = MAX_BODY) -> None:
        super().__init__(Store(clock), max_body)

    @classmethod
    def from_url(cls, url: str) -> MemoryTransport:
        """Open ``memory:``, a store of its own, or ``memory:name``, shared within the process."""
        transport = cls()
        transport.store = store_of_url(url)
        return transport

    def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> None:
        """See ``Transport.push``."""
        self._push(queue, bodies, options, token)

    def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``Transport.pop``."""
        check_count("limit", limit)
        return self._wait(queue, lambda: self._pop(queue, limit), timeout, claiming=False)

    def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``."""
        check_count("limit", limit)
        check_seconds("lease", lease, positive=True)
        return self._wait(queue, lambda: self._claim(queue, lease, limit), timeout, claiming=True)

    def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """See ``Transport.peek``."""
        return self._peek(queue, limit)

    def stats(self, queue: str) -> QueueStats:
        """See ``Transport.stats``."""
        return self._stats(queue)

    def purge(self, queue: str) -> int:
        """See ``Transport.purge``."""
        return self._purge(queue)

    def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``."""
        return self._ack(queue, receipts)

    def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """See ``Transport.release``."""
        return self._release(queue, receipts, counted, delay)

    def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Transport.move``."""
        return self._move(queue, letters, to)

    def extend(self, queue: str, receipts: Sequence[Receipt], *, lease: float) -> list[Receipt]:
        """See ``Transport.extend``."""
        return self._extend(queue, receipts, lease)

    def recover(self, queue: str, *, limit: int = 100) -> int:
        """See ``Transport.recover``."""
        return self._recover(queue, limit)

    def close(self) -> None:
        """Refuse every further call by this object; the store lives on while others share it."""
        self._close()

    def _wait(
        self, queue: str, look: Callable[[], list[_R]], timeout: float, *, claiming: bool
    ) -> list[_R]:
        check_seconds("timeout", timeout)
        found = look()
        if found or not timeout:
            return found
        deadline = Deadline(min(timeout, self._features.max_wait), time.monotonic())
        while not found and deadline.left(time.monotonic()):
            waiter = _ThreadWaiter()
            if self._enter(queue, waiter, claiming):
                try:
                    waiter.wait(self._slice(queue, deadline, claiming))
                    found = look()
                finally:
                    self._leave(queue, waiter)
            else:
                found = look()
        return found


class _TaskWaiter:
    __slots__ = ("_future", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._future: asyncio.Future[None] = loop.create_future()

    def wake(self) -> bool:
        """Wake the task, and tell whether there is one: its loop may have been closed."""
        try:
            self._loop.call_soon_threadsafe(self._resolve)
        except RuntimeError:
            return False
        return True

    def _resolve(self) -> None:
        if not self._future.done():
            self._future.set_result(None)

    async def wait(self, seconds: float) -> None:
        import asyncio

        await asyncio.wait([self._future], timeout=seconds)


class AsyncMemoryTransport(MemoryOperations):
    """
    Keep queues in this process's memory, for asyncio.

    Args:
        clock: As for ``MemoryTransport``.
        max_body: Bytes that one body may have.
        shared_with: A memory transport of either colour: the same queues, and each wakes the
            waiters of the other.
    """

    def __init__(
        self,
        *,
        clock: Clock = time.monotonic,
        max_body: int = MAX_BODY,
        shared_with: MemoryTransport | AsyncMemoryTransport | None = None,
    ) -> None:
        super().__init__(shared_with.store if shared_with else Store(clock), max_body)

    @classmethod
    def from_url(cls, url: str) -> AsyncMemoryTransport:
        """See ``MemoryTransport.from_url``; a name means the same store in both colours."""
        transport = cls()
        transport.store = store_of_url(url)
        return transport

    async def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> None:
        """See ``Transport.push``."""
        self._push(queue, bodies, options, token)

    async def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``Transport.pop``."""
        check_count("limit", limit)
        return await self._wait(queue, lambda: self._pop(queue, limit), timeout, claiming=False)

    async def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``."""
        check_count("limit", limit)
        check_seconds("lease", lease, positive=True)
        look = lambda: self._claim(queue, lease, limit)  # noqa: E731 - as short as it gets
        return await self._wait(queue, look, timeout, claiming=True)

    async def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """See ``Transport.peek``."""
        return self._peek(queue, limit)

    async def stats(self, queue: str) -> QueueStats:
        """See ``Transport.stats``."""
        return self._stats(queue)

    async def purge(self, queue: str) -> int:
        """See ``Transport.purge``."""
        return self._purge(queue)

    async def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``."""
        return self._ack(queue, receipts)

    async def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """See ``Transport.release``."""
        return self._release(queue, receipts, counted, delay)

    async def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Transport.move``."""
        return self._move(queue, letters, to)

    async def extend(
        self, queue: str, receipts: Sequence[Receipt], *, lease: float
    ) -> list[Receipt]:
        """See ``Transport.extend``."""
        return self._extend(queue, receipts, lease)

    async def recover(self, queue: str, *, limit: int = 100) -> int:
        """See ``Transport.recover``."""
        return self._recover(queue, limit)

    async def aclose(self) -> None:
        """See ``MemoryTransport.close``."""
        self._close()

    async def _wait(
        self, queue: str, look: Callable[[], list[_R]], timeout: float, *, claiming: bool
    ) -> list[_R]:
        check_seconds("timeout", timeout)
        found = look()
        if found or not timeout:
            return found
        import asyncio

        deadline = Deadline(min(timeout, self._features.max_wait), time.monotonic())
        while not found and deadline.left(time.monotonic()):
            waiter = _TaskWaiter(asyncio.get_running_loop())
            if self._enter(queue, waiter, claiming):
                try:
                    await waiter.wait(self._slice(queue, deadline, claiming))
                    found = look()
                finally:
                    self._leave(queue, waiter)
            else:
                found = look()
        return found
