"""
The transport in memory: a shell for threads and one for asyncio over the same store.

For tests and for one process. Everything but survival is as on the other transports, so a test
that passes here means something.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from .._checks import check_count, check_seconds
from .._deadline import Deadline
from .._lanes import Entry
from ..transport import (
    MAX_BODY,
    NO_OPTIONS,
    Delivery,
    PushOptions,
    QueueStats,
    Receipt,
)
from ._memory_store import Clock, MemoryOperations, Store, store_of_url
from ._waiters import TaskWaiter, Waiter


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
        hand: deque[Entry] = deque()
        try:
            look = lambda: self._pop(queue, limit, hand)  # noqa: E731 - as short as it gets
            self._wait(queue, look, timeout, claiming=False)
            return [entry.body for entry in hand]
        except BaseException:  # nobody gets them now
            self._put_back(queue, hand)
            raise

    def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``."""
        check_count("limit", limit)
        check_seconds("lease", lease, positive=True)
        token, found = self.store.new_token(), list[Delivery]()
        try:
            look = lambda: self._claim(queue, token, lease, limit, found)  # noqa: E731
            self._wait(queue, look, timeout, claiming=True)
            return found
        except BaseException:  # nobody gets them now
            self._unclaim(queue, token)
            raise

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
        self, queue: str, look: Callable[[], bool], timeout: float, *, claiming: bool
    ) -> None:
        """Look until there is something or the time is over."""
        seconds = min(check_seconds("timeout", timeout), self._features.max_wait)
        if look() or not seconds:
            return
        deadline = Deadline(seconds, time.monotonic())
        waiter, lines = Waiter(), self.store.lines
        found = False
        try:
            lines.enter(queue, waiter)
            while not (found := look()) and (left := deadline.left(time.monotonic())):
                if waiter.wait(self._slice(queue, left, claiming)):
                    lines.enter(queue, waiter)
            lines.leave(queue, waiter, satisfied=found)
        except BaseException:  # perhaps once more, if it was the leaving that was cut short
            lines.leave(queue, waiter, satisfied=found)
            raise


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
        hand: deque[Entry] = deque()
        try:
            look = lambda: self._pop(queue, limit, hand)  # noqa: E731 - as short as it gets
            await self._wait(queue, look, timeout, claiming=False)
            return [entry.body for entry in hand]
        except BaseException:  # nobody gets them now
            self._put_back(queue, hand)
            raise

    async def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``."""
        check_count("limit", limit)
        check_seconds("lease", lease, positive=True)
        token, found = self.store.new_token(), list[Delivery]()
        try:
            look = lambda: self._claim(queue, token, lease, limit, found)  # noqa: E731
            await self._wait(queue, look, timeout, claiming=True)
            return found
        except BaseException:  # nobody gets them now
            self._unclaim(queue, token)
            raise

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
        self, queue: str, look: Callable[[], bool], timeout: float, *, claiming: bool
    ) -> None:
        """Look until there is something or the time is over."""
        seconds = min(check_seconds("timeout", timeout), self._features.max_wait)
        if look() or not seconds:
            return
        import asyncio

        deadline = Deadline(seconds, time.monotonic())
        waiter, lines = TaskWaiter(asyncio.get_running_loop()), self.store.lines
        found = False
        try:
            lines.enter(queue, waiter)
            while not (found := look()) and (left := deadline.left(time.monotonic())):
                if await waiter.wait(self._slice(queue, left, claiming)):
                    lines.enter(queue, waiter)
            lines.leave(queue, waiter, satisfied=found)
        except BaseException:  # perhaps once more, if it was the leaving that was cut short
            lines.leave(queue, waiter, satisfied=found)
            raise
