"""The transport in memory for threads; see ``memory``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .._checks import MAX_SECONDS, check_claim, check_count, check_seconds
from .._deadline import Deadline
from .._returned import Message, Returned, bodies_of
from ..abilities import Limits
from ..transport import (
    MAX_BODY,
    Delivery,
    QueueStats,
    Receipt,
)
from ._memory_abilities import MemoryAbilities
from ._memory_operations import MemoryOperations
from ._memory_store import Clock, Store, store_of_url
from ._waiters import Waiter


class MemoryTransport(MemoryAbilities):
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
            if lane is not None and lane.plain and 0.0 <= timeout <= MAX_SECONDS:
                try:
                    for message in lane.next:  # it is the caller's before anything is called
                        return [message.body if message.__class__ is Returned else message]
                except IndexError:
                    pass
        check_count("limit", limit)
        hand: list[Message] = []
        try:
            look = lambda: self._pop(queue, limit, hand)
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
            if limit == 1 and lane is not None and lane.plain:
                one = lane.claim_one(receipt, store.clock(), lease)
                if one:
                    return one
            found: list[Delivery] = []
            look = lambda: self._claim(queue, receipt, lease, limit, found)
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

    def claim_within(
        self, queue: str, *, limits: Limits, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Limiting.claim_within``."""
        check_claim(lease, limit, timeout)
        self._limit(queue, limits)
        receipt, found = Receipt(next(self.store.receipts)), list[Delivery]()
        try:
            look = lambda: self._claim_turns(queue, receipt, lease, limit, found)
            self._wait(queue, look, timeout, claiming=True)
            return found
        except BaseException:  # nobody gets them now
            self._unclaim(queue, receipt)
            raise

    def mark(self, queue: str, key: str, value: str, *, window: float) -> str | None:
        """See ``Marking.mark``."""
        return self._mark(queue, key, value, window)

    def marked(self, queue: str, key: str) -> str | None:
        """See ``Marking.marked``."""
        return self._marked(queue, key)

    def unmark(self, queue: str, key: str) -> bool:
        """See ``Marking.unmark``."""
        return self._unmark(queue, key)

    def wait_any(self, queues: Sequence[str], *, timeout: float) -> None:
        """See ``WaitingForAny.wait_any``; what came before this call is seen, too."""
        names, seconds = self._wait_for(queues, timeout)
        deadline = Deadline(seconds, time.monotonic())
        waiter = Waiter()
        try:
            self._enter(names, waiter)
            while not self._something_in(names) and (left := deadline.left(time.monotonic())):
                if waiter.wait(self._shortest(names, left)):
                    break
            self._leave(names, waiter)
        except BaseException:  # perhaps once more, if it was the leaving that was cut short
            self._leave(names, waiter)
            raise

    def peek_delayed(self, queue: str, *, limit: int = 1) -> list[tuple[Delivery, float]]:
        """See ``Delaying.peek_delayed``."""
        return self._peek_delayed(queue, limit)

    def move_delayed(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Delaying.move_delayed``."""
        return self._move_delayed(queue, letters, to)

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
