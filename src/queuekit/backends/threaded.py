"""Any blocking transport for asyncio: its calls in a few threads, its waits in the event loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

from .._checks import check_count, check_queues, check_seconds
from ..abilities import Limiting, Limits, Marking
from ..errors import TransportClosed
from ..transport import (
    NO_OPTIONS,
    Delivery,
    Features,
    PushOptions,
    QueueStats,
    Receipt,
    Transport,
)
from ._lent import LentTransport
from ._threaded_calls import Calls
from ._threaded_wait import TaskLines
from ._threaded_work import undo_late

_R = TypeVar("_R")


class ThreadedTransport:
    """
    Make an ``AsyncTransport`` of a blocking one.

    No thread ever waits for a message: calls are short ones, on a few threads of this object;
    waiting happens in the event loop. It ends at once for what this object pushed, else within
    50 ms, or 8 if *transport* has a method ``changes`` (that for SQLite has). Belongs to the loop
    of its first call, and can be used in another one afterwards.

    A call that is cancelled runs to its end in its thread, which gives back what nobody wants any
    more: also when the loop has ended meanwhile. What a ``claim`` brought is released, uncounted.
    What a ``pop`` brought goes back to the head, if *transport* has a method ``put_back`` (those of
    queuekit for memory and SQLite have), else to the tail: late rather than lost.

    Args:
        transport: The blocking transport; ``aclose`` closes it.
        threads: How many calls may run at the same time.
    """

    def __init__(self, transport: Transport, *, threads: int = 4) -> None:
        self._transport = transport
        self._lines = TaskLines(transport.changes if isinstance(transport, _TellsChanges) else None)
        self._calls = Calls(check_count("threads", threads), self._lines.clear)
        if isinstance(transport, Limiting):  # what the one lacks, ``isinstance`` misses here
            self._limiting = transport
            self.claim_within = self._claim_within
        if isinstance(transport, Marking):
            self._marking = transport
            self.mark, self.marked, self.unmark = self._mark, self._marked, self._unmark

    @property
    def features(self) -> Features:
        """Those of the blocking transport."""
        return self._transport.features

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._transport!r}>"

    async def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> str | None:
        """See ``Transport.push``."""
        push = self._transport.push
        answer = await self._calls.run(lambda: push(queue, bodies, options=options, token=token))
        self._lines.wake(queue, len(bodies))
        return answer

    async def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``AsyncFifoTransport.pop``."""
        check_count("limit", limit)
        transport = self._transport

        def give_back(found: list[bytes]) -> None:
            if isinstance(transport, _TakesBack):
                transport.put_back(queue, found)
            else:
                transport.push(queue, found)

        return await self._take(
            queue, lambda: transport.pop(queue, limit=limit), give_back, timeout, claiming=False
        )

    async def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``AsyncTransport.claim``."""
        claim = self._transport.claim
        return await self._claim(queue, lambda: claim(queue, lease=lease, limit=limit), timeout)

    async def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """See ``Transport.peek``."""
        return await self._calls.run(lambda: self._transport.peek(queue, limit=limit))

    async def stats(self, queue: str) -> QueueStats:
        """See ``Transport.stats``."""
        return await self._calls.run(lambda: self._transport.stats(queue))

    async def purge(self, queue: str) -> int:
        """See ``Transport.purge``."""
        return await self._calls.run(lambda: self._transport.purge(queue))

    async def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``."""
        return await self._calls.run(lambda: self._transport.ack(queue, receipts))

    async def ack_and_claim(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        *,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> tuple[list[Receipt], list[Delivery]]:
        """See ``AsyncTransport.ack_and_claim``; in one call in a thread, if it has not to wait."""
        transport = self._transport
        answers: list[list[Receipt]] = []

        def both() -> list[Delivery]:
            if answers:
                return transport.claim(queue, lease=lease, limit=limit)
            lost, found = transport.ack_and_claim(queue, receipts, lease=lease, limit=limit)
            answers.append(lost)
            return found

        found = await self._claim(queue, both, timeout)
        return answers[0], found

    async def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """See ``Transport.release``."""
        release = self._transport.release
        lost = await self._calls.run(lambda: release(queue, receipts, counted=counted, delay=delay))
        self._lines.wake(queue, len(receipts) - len(lost))
        return lost

    async def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Transport.move``."""
        lost = await self._calls.run(lambda: self._transport.move(queue, letters, to=to))
        self._lines.wake(to, len(letters) - len(lost))
        return lost

    async def extend(
        self, queue: str, receipts: Sequence[Receipt], *, lease: float
    ) -> list[Receipt]:
        """See ``Transport.extend``."""
        return await self._calls.run(lambda: self._transport.extend(queue, receipts, lease=lease))

    async def recover(self, queue: str, *, limit: int = 100) -> int:
        """See ``Transport.recover``."""
        done = await self._calls.run(lambda: self._transport.recover(queue, limit=limit))
        if done:
            self._lines.wake(queue, self._lines.claiming(queue))
        return done

    async def wait_any(self, queues: Sequence[str], *, timeout: float) -> None:
        """See ``AsyncWaitingForAny.wait_any``; returns after 50 ms, for what others pushed."""
        names = check_queues(queues)
        seconds = min(check_seconds("timeout", timeout), self.features.max_wait)
        if self._calls.closed:
            raise TransportClosed("this transport was closed before this call")
        self._calls.look_for_a_fork()
        await self._lines.wait_any(names, seconds)

    def for_threads(self) -> LentTransport:
        """See ``Threading.for_threads``: the blocking transport, without its ``close``."""
        return LentTransport(self._transport)

    async def aclose(self) -> None:
        """End the calls and the threads, and close the blocking transport."""
        if self._calls.closed:
            return
        self._calls.closed = True
        self._lines.wake_all()
        await self._calls.end(self._transport.close)

    async def _claim_within(
        self, queue: str, *, limits: Limits, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        claim = self._limiting.claim_within
        short = lambda: claim(queue, limits=limits, lease=lease, limit=limit)
        return await self._claim(queue, short, timeout)

    async def _mark(self, queue: str, key: str, value: str, *, window: float) -> str | None:
        mark = self._marking.mark
        return await self._calls.run(lambda: mark(queue, key, value, window=window))

    async def _marked(self, queue: str, key: str) -> str | None:
        return await self._calls.run(lambda: self._marking.marked(queue, key))

    async def _unmark(self, queue: str, key: str) -> bool:
        return await self._calls.run(lambda: self._marking.unmark(queue, key))

    async def _claim(
        self, queue: str, short: Callable[[], list[Delivery]], timeout: float
    ) -> list[Delivery]:
        transport = self._transport

        def give_back(found: list[Delivery]) -> None:
            receipts = [delivery.receipt for delivery in found]
            transport.release(queue, receipts, counted=False)

        return await self._take(queue, short, give_back, timeout, claiming=True)

    async def _take(
        self,
        queue: str,
        short: Callable[[], list[_R]],
        give_back: Callable[[list[_R]], object],
        timeout: float,
        *,
        claiming: bool,
    ) -> list[_R]:
        """Call *short* until it brings something or the time is over."""
        seconds = min(check_seconds("timeout", timeout), self.features.max_wait)
        hand: list[_R] = []

        async def look() -> bool:
            try:
                found = await self._calls.run(short, give_back)
                hand.extend(found)
            except BaseException:
                self._lines.wake(queue, 1)  # what was given back is for others
                raise
            if claiming and hand and self._lines.claiming(queue) > 1:
                self._lines.wake(queue, 1)  # what was recovered beyond our limit is for the others
            return bool(hand)

        try:
            await self._lines.wait(queue, look, seconds, claiming=claiming)
            return hand
        except BaseException:
            if hand:  # a signal handler raised in this thread, and nobody gets them now
                undo_late(self._calls.threads(), partial(give_back, hand))
            raise


@runtime_checkable
class _TakesBack(Protocol):
    def put_back(self, queue: str, bodies: Sequence[bytes]) -> None:
        """Put bodies that ``pop`` brought, and that nobody got, at the head in their order."""
        ...


@runtime_checkable
class _TellsChanges(Protocol):
    def changes(self) -> object:
        """Return something else when others have changed the store; at once, in the loop."""
        ...
