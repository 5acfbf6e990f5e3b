# unasync: source
"""A transport around another one that fails when a test asks it to."""

from __future__ import annotations

from collections.abc import Sequence

from ..transport import (
    NO_OPTIONS,
    AsyncTransport,
    Delivery,
    Features,
    PushOptions,
    QueueStats,
    Receipt,
)
from ._faults import Faults


class AsyncFlakyTransport(Faults):
    """
    Pass every call on to *transport*, but fail as ``fail_next`` was told.

    Example:
        ``flaky.fail_next("push", after=True)``: the next push is stored and its reply is lost.
    """

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__()
        self.transport = transport

    def __repr__(self) -> str:
        return f"<{type(self).__name__} around {self.transport!r}>"

    @property
    def features(self) -> Features:
        """Those of the transport inside."""
        return self.transport.features

    async def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> str | None:
        """See ``Transport.push``."""
        lost = self._begin("push")
        answer = await self.transport.push(queue, bodies, options=options, token=token)
        self._end(lost)
        return answer

    async def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``Transport.pop``; what a lost reply carried is gone."""
        lost = self._begin("pop")
        found = await self.transport.pop(queue, limit=limit, timeout=timeout)
        self._end(lost)
        return found

    async def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """See ``Transport.peek``."""
        lost = self._begin("peek")
        found = await self.transport.peek(queue, limit=limit)
        self._end(lost)
        return found

    async def stats(self, queue: str) -> QueueStats:
        """See ``Transport.stats``."""
        lost = self._begin("stats")
        found = await self.transport.stats(queue)
        self._end(lost)
        return found

    async def purge(self, queue: str) -> int:
        """See ``Transport.purge``."""
        lost = self._begin("purge")
        count = await self.transport.purge(queue)
        self._end(lost)
        return count

    async def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``; what a lost reply carried comes back when its lease ends."""
        lost = self._begin("claim")
        found = await self.transport.claim(queue, lease=lease, limit=limit, timeout=timeout)
        self._end(lost)
        return found

    async def ack_and_claim(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        *,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> tuple[list[Receipt], list[Delivery]]:
        """See ``Transport.ack_and_claim``; a fault of a claim hits both."""
        lost = self._begin("claim")
        found = await self.transport.ack_and_claim(
            queue, receipts, lease=lease, limit=limit, timeout=timeout
        )
        self._end(lost)
        return found

    async def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``."""
        lost = self._begin("ack")
        gone = await self.transport.ack(queue, receipts)
        self._end(lost)
        return gone

    async def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """See ``Transport.release``."""
        lost = self._begin("release")
        gone = await self.transport.release(queue, receipts, counted=counted, delay=delay)
        self._end(lost)
        return gone

    async def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Transport.move``."""
        lost = self._begin("move")
        gone = await self.transport.move(queue, letters, to=to)
        self._end(lost)
        return gone

    async def extend(
        self, queue: str, receipts: Sequence[Receipt], *, lease: float
    ) -> list[Receipt]:
        """See ``Transport.extend``."""
        lost = self._begin("extend")
        gone = await self.transport.extend(queue, receipts, lease=lease)
        self._end(lost)
        return gone

    async def recover(self, queue: str, *, limit: int = 100) -> int:
        """See ``Transport.recover``."""
        lost = self._begin("recover")
        count = await self.transport.recover(queue, limit=limit)
        self._end(lost)
        return count

    async def aclose(self) -> None:
        """See ``Transport.close``."""
        lost = self._begin("close")
        await self.transport.aclose()
        self._end(lost)
