"""The transport in memory for asyncio; see ``memory``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .._checks import check_claim, check_count, check_seconds
from .._deadline import Deadline
from .._returned import Message, bodies_of
from ..abilities import Limits
from ..transport import (
    MAX_BODY,
    NO_OPTIONS,
    Delivery,
    PushOptions,
    QueueStats,
    Receipt,
)
from ._memory_abilities import MemoryAbilities
from ._memory_store import Clock, Store, store_of_url
from ._memory_threads import MemoryTransport
from ._waiters import TaskWaiter


class AsyncMemoryTransport(MemoryAbilities):
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
    ) -> str | None:
        """See ``Transport.push``."""
        return self.push_now(queue, bodies, options=options, token=token)

    async def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``Transport.pop``."""
        check_count("limit", limit)
        hand: list[Message] = []
        try:
            look = lambda: self._pop(queue, limit, hand)
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
            look = lambda: self._claim(queue, receipt, lease, limit, found)
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

    async def claim_within(
        self, queue: str, *, limits: Limits, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Limiting.claim_within``."""
        check_claim(lease, limit, timeout)
        self._limit(queue, limits)
        receipt, found = Receipt(next(self.store.receipts)), list[Delivery]()
        try:
            look = lambda: self._claim_turns(queue, receipt, lease, limit, found)
            await self._wait(queue, look, timeout, claiming=True)
            return found
        except BaseException:  # nobody gets them now
            self._unclaim(queue, receipt)
            raise

    async def mark(self, queue: str, key: str, value: str, *, window: float) -> str | None:
        """See ``Marking.mark``."""
        return self._mark(queue, key, value, window)

    async def marked(self, queue: str, key: str) -> str | None:
        """See ``Marking.marked``."""
        return self._marked(queue, key)

    async def unmark(self, queue: str, key: str) -> bool:
        """See ``Marking.unmark``."""
        return self._unmark(queue, key)

    async def wait_any(self, queues: Sequence[str], *, timeout: float) -> None:
        """See ``WaitingForAny.wait_any``; what came before this call is seen, too."""
        import asyncio

        names, seconds = self._wait_for(queues, timeout)
        deadline = Deadline(seconds, time.monotonic())
        waiter = TaskWaiter(asyncio.get_running_loop())
        try:
            self._enter(names, waiter)
            while not self._something_in(names) and (left := deadline.left(time.monotonic())):
                if await waiter.wait(self._shortest(names, left)):
                    break
            self._leave(names, waiter)
        except BaseException:  # perhaps once more, if it was the leaving that was cut short
            self._leave(names, waiter)
            raise

    def for_threads(self) -> MemoryTransport:
        """See ``Threading.for_threads``."""
        transport = MemoryTransport(max_body=self._features.max_body)
        transport.store = self.store
        return transport

    async def peek_delayed(self, queue: str, *, limit: int = 1) -> list[tuple[Delivery, float]]:
        """See ``Delaying.peek_delayed``."""
        return self._peek_delayed(queue, limit)

    async def move_delayed(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Delaying.move_delayed``."""
        return self._move_delayed(queue, letters, to)

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
