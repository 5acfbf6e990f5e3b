# unasync: source
"""Where the threads (tasks) of a worker take their messages from: one or several queues."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Generic

from ._acompat import alock
from ._deadline import Deadline
from ._messages_async import AsyncMessages
from ._order import Turns
from ._outage_async import AsyncOutage
from ._renewals import Renewals
from .abilities import AsyncWaitingForAny
from .errors import TransportUnavailable
from .message_async import AsyncMessage
from .serializer import T
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ._settling_async import AsyncSettlingQueue
    from ._slot_async import AsyncSlot

_LULL: Final = 0.1
"""Seconds of a wait that would be over, but for handlers at work that may still put something."""

_GLANCE: Final = 0.5
"""Seconds of a wait for any of several queues: what it misses is seen after that."""

_ROUND: Final = 1.0
"""Seconds in which each of several queues is waited for in turn, where a store cannot do better."""

_SHORTEST: Final = 0.01
"""Seconds of the first such turn after a message."""

_LONGER: Final = 1.5
"""How much longer the next one is: a message is late by about as much as none had come before."""


class AsyncIntake(Generic[T]):
    """
    What a worker has claimed, and claims: for all its threads (tasks), one of them at a time.

    Who finds nothing claimed ahead claims for all that wait behind it; so nobody sits on messages
    that others could work on, and only one waits at the store.

    Args:
        queues: Where from.
        turns: In which order.
        timeout: Seconds without a message, and with nobody at work, after which it ends.
        prefetch: Messages claimed at a time, by one.
        confirm: Whether each ack waits for its answer.
        most: Messages that are taken at most.
    """

    def __init__(
        self,
        queues: Sequence[AsyncSettlingQueue[T]],
        turns: Turns,
        *,
        timeout: float | None,
        prefetch: int,
        confirm: bool,
        most: int | None = None,
    ) -> None:
        self.taps = [
            AsyncMessages(queue, timeout=None, prefetch=prefetch, confirm=confirm)
            for queue in queues
        ]
        self.slots: Sequence[AsyncSlot[T]] = ()
        """For whom."""
        self.confirm = confirm
        self.left = most
        """How many messages may still be taken."""
        self.stopped = False
        self._turns = turns
        self._timeout = timeout
        self._prefetch = prefetch
        self._last = 0
        self._seen_empty = False
        self._part = _SHORTEST
        self._lock = alock()
        self._outage = AsyncOutage(", ".join(queue.name for queue in queues))
        transports = {id(queue.transport): queue.transport for queue in queues}
        self._longest = min(one.features.max_wait for one in transports.values())
        shared = queues[0].transport if len(transports) == 1 and len(queues) > 1 else None
        self._any: AsyncWaitingForAny | None
        self._any = shared if isinstance(shared, AsyncWaitingForAny) else None

    async def take(self, slot: AsyncSlot[T]) -> AsyncMessage[T] | None:
        """Wait for a message and hand it to *slot*; None at the end of the loop."""
        slot.wanting = True
        try:
            async with self._lock:
                message = await self._find(slot, None)
                if message is not None and self.left is not None:
                    self.left -= 1
                return message
        finally:
            slot.wanting = False

    async def gather(self, slot: AsyncSlot[T], size: int, wait: float) -> None:
        """
        Wait for a message, and *wait* for others of its queue; nothing at the end of the loop.

        They are in ``slot.gathered``. A message on its last attempt stays alone.
        """
        async with self._lock:
            while not slot.gathered:
                size = size if self.left is None else min(size, self.left)
                message = await self._find(slot, size)
                if message is None:
                    return
                slot.gathered.append(message)
                try:
                    await self._top_up(slot, size, Deadline(wait, time.monotonic()))
                except BaseException as exc:
                    receipts = [one.receipt for one in slot.gathered]
                    slot.gathered.clear()
                    await message.queue.give_back(receipts)
                    if not isinstance(exc, TransportUnavailable):  # the next look waits for it
                        raise
            if self.left is not None:
                self.left -= len(slot.gathered)

    def stop(self) -> None:
        """Hand out nothing any more, from any thread; a wait ends within a second."""
        self.stopped = True
        for tap in self.taps:
            tap.stop()

    async def give_back(self) -> None:
        """Give back, uncounted, what was claimed ahead: others may work on it."""
        for tap in self.taps:
            await tap.give_back()

    async def aclose(self) -> None:
        """Send the acks that travel, and give back, uncounted, what was claimed ahead."""
        self.stop()
        for tap in self.taps:
            await tap.aclose()

    def renewals(self, max_time: float | None) -> list[tuple[Renewals, AsyncTransport]]:
        """Return what a heartbeat has to renew, and where."""
        return [
            (
                Renewals(tap.queue, tap.queue.name, tap.queue.lease, self.slots, tap, max_time),
                tap.queue.transport,
            )
            for tap in self.taps
        ]

    async def _find(self, slot: AsyncSlot[T], size: int | None) -> AsyncMessage[T] | None:
        """Look and wait until there is a message, the time is up, or it was stopped."""
        if self.left == 0:
            return None
        deadline = Deadline(self._timeout, time.monotonic())
        while not self.stopped:
            try:
                message = await self._look(slot, size or self._limit(), deadline)
            except TransportUnavailable as exc:
                await self._outage.endure(exc, deadline)
                continue
            self._outage.over()
            if message is not None:
                return message
            if not deadline.left(time.monotonic()):
                busy = any(other.busy for other in self.slots)
                if not busy and not self._seen_empty:
                    return None
                self._seen_empty = False  # a last look at all of them
                lull = max(_LULL, self._timeout or 0.0) if busy else 0.0
                deadline = Deadline(lull, time.monotonic())
        return None

    async def _look(
        self, slot: AsyncSlot[T], limit: int, deadline: Deadline
    ) -> AsyncMessage[T] | None:
        """Look once at each queue, and wait once if there is nothing."""
        if len(self.taps) == 1:
            return await self.taps[0].look(slot, limit, deadline)
        now = time.monotonic()
        if not self._seen_empty:
            for index in self._turns.looks(len(self.taps), now):
                message = await self._look_at(slot, index, limit, Deadline(0.0, now))
                if message is not None:
                    return message
                self._turns.empty(index, now)
        wait = deadline.slice(time.monotonic(), self._longest)
        if not wait:
            return None
        if self._any is not None:
            names = [tap.queue.name for tap in self.taps]
            await self._any.wait_any(names, timeout=min(wait, _GLANCE))
            return None
        self._seen_empty = True  # from now on in turns: a look at all of them each time costs more
        part = min(self._part, max(_ROUND / len(self.taps), _SHORTEST))
        self._part = part * _LONGER
        index = (self._last + 1) % len(self.taps)
        return await self._look_at(slot, index, limit, Deadline(min(wait, part), time.monotonic()))

    async def _look_at(
        self, slot: AsyncSlot[T], index: int, limit: int, deadline: Deadline
    ) -> AsyncMessage[T] | None:
        self._last = index
        message = await self.taps[index].look(slot, limit, deadline)
        if message is not None:
            self._turns.took(index)
            self._seen_empty = False
            self._part = _SHORTEST
        return message

    async def _top_up(self, slot: AsyncSlot[T], size: int, deadline: Deadline) -> None:
        """Gather more of the same queue, and have all held for half a lease."""
        tap = self.taps[self._last]
        while len(slot.gathered) < size and not tap.was_last:
            message = await tap.look(slot, size - len(slot.gathered), deadline)
            if message is not None:
                slot.gathered.append(message)
            elif self.stopped or not deadline.left(time.monotonic()):
                break
        for message in list(slot.gathered):
            until = await tap.queue.hold(message.receipt, message.until)
            if until is None:
                slot.gathered.remove(message)  # the lease ran out on the way: others have it
            else:
                message.until = until

    def _limit(self) -> int:
        """Return how many to claim: those of one, and one for each other that waits."""
        limit = self._prefetch + sum(slot.wanting for slot in self.slots) - 1
        return limit if self.left is None else min(limit, self.left)
