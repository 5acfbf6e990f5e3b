"""
The transport in memory: a shell for threads and one for asyncio over the same store.

For tests and for one process. Everything but survival is as on the other transports, so a test
that passes here means something.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .._checks import MAX_SECONDS, check_count, check_seconds
from .._deadline import Deadline
from .._returned import Message, Returned, bodies_of
from ..transport import (
    MAX_BODY,
    NO_OPTIONS,
    Delivery,
    PushOptions,
    QueueStats,
    Receipt,
)
from ._memory_store import Clock, MemoryOperations, Store, check_claim, store_of_url
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

    push = MemoryOperations.push_now

    def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``Transport.pop``."""
        if limit == 1 and limit.__class__ is int and timeout.__class__ is float:
            lane = self._lanes.get(queue)
            if lane is not None and 0.0 <= timeout <= MAX_SECONDS:
                try:
                    for message in lane.next:  # it is the caller's before anything is called
                        return [message.body if message.__class__ is Returned else message]
                except IndexError:
                    pass
        check_count("limit", limit)
        hand: list[Message] = []
        try:
            look = lambda: self._pop(queue, limit, hand)  # noqa: E731 - as short as it gets
            self._wait(queue, look, timeout, claiming=False)
            return bodies_of(hand)
        except BaseException:  # nobody gets them now
            self._put_back(queue, hand)
            raise

    def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``."""
        if (
            lease.__class__ is not float
            or timeout.__class__ is not float
            or limit.__class__ is not int
            or limit < 1
            or not 0.0 < lease <= MAX_SECONDS >= timeout >= 0.0
        ):
            check_claim(lease, limit, timeout)
        store = self._store
        receipt = Receipt(next(store.receipts))
        try:
            lane = self._lanes.get(queue)
            if limit == 1 and lane is not None:
                one = lane.claim_one(receipt, store.clock(), lease)
                if one:
                    return one
            found: list[Delivery] = []
            look = lambda: self._claim(queue, receipt, lease, limit, found)  # noqa: E731
            self._wait(queue, look, timeout, claiming=True)
            return found
        except BaseException:  # nobody gets them now
            self._unclaim(queue, receipt)
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

    ack = MemoryOperations.ack_now

    def ack_and_claim(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        *,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> tuple[list[Receipt], list[Delivery]]:
        """See ``Transport.ack_and_claim``."""
        check_claim(lease, limit, timeout)
        lost = self.ack_now(queue, receipts)
        return lost, self.claim(queue, lease=lease, limit=limit, timeout=timeout)

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
        self.push_now(queue, bodies, options=options, token=token)

    async def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``Transport.pop``."""
        check_count("limit", limit)
        hand: list[Message] = []
        try:
            look = lambda: self._pop(queue, limit, hand)  # noqa: E731 - as short as it gets
            await self._wait(queue, look, timeout, claiming=False)
            return bodies_of(hand)
        except BaseException:  # nobody gets them now
            self._put_back(queue, hand)
            raise

    async def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``."""
        check_claim(lease, limit, timeout)
        receipt, found = Receipt(next(self.store.receipts)), list[Delivery]()
        try:
            look = lambda: self._claim(queue, receipt, lease, limit, found)  # noqa: E731
            await self._wait(queue, look, timeout, claiming=True)
            return found
        except BaseException:  # nobody gets them now
            self._unclaim(queue, receipt)
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
        return self.ack_now(queue, receipts)

    async def ack_and_claim(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        *,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> tuple[list[Receipt], list[Delivery]]:
        """See ``Transport.ack_and_claim``."""
        check_claim(lease, limit, timeout)
        lost = self.ack_now(queue, receipts)
        return lost, await self.claim(queue, lease=lease, limit=limit, timeout=timeout)

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
