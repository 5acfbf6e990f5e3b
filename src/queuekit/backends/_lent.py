"""A blocking transport that somebody else opened and will close."""

from __future__ import annotations

from collections.abc import Sequence

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


class LentTransport:
    """Pass every call on; ``close`` ends this object alone."""

    def __init__(self, transport: Transport) -> None:
        self._transport: Transport | None = transport
        self._features = transport.features

    @property
    def features(self) -> Features:
        """Those of the transport inside."""
        return self._features

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._transport!r}>"

    def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> str | None:
        """See ``Transport.push``."""
        return self._open().push(queue, bodies, options=options, token=token)

    def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``Transport.pop``."""
        return self._open().pop(queue, limit=limit, timeout=timeout)

    def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """See ``Transport.peek``."""
        return self._open().peek(queue, limit=limit)

    def stats(self, queue: str) -> QueueStats:
        """See ``Transport.stats``."""
        return self._open().stats(queue)

    def purge(self, queue: str) -> int:
        """See ``Transport.purge``."""
        return self._open().purge(queue)

    def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``."""
        return self._open().claim(queue, lease=lease, limit=limit, timeout=timeout)

    def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``."""
        return self._open().ack(queue, receipts)

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
        transport = self._open()
        return transport.ack_and_claim(queue, receipts, lease=lease, limit=limit, timeout=timeout)

    def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """See ``Transport.release``."""
        return self._open().release(queue, receipts, counted=counted, delay=delay)

    def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Transport.move``."""
        return self._open().move(queue, letters, to=to)

    def extend(self, queue: str, receipts: Sequence[Receipt], *, lease: float) -> list[Receipt]:
        """See ``Transport.extend``."""
        return self._open().extend(queue, receipts, lease=lease)

    def recover(self, queue: str, *, limit: int = 100) -> int:
        """See ``Transport.recover``."""
        return self._open().recover(queue, limit=limit)

    def close(self) -> None:
        """Refuse every further call by this object."""
        self._transport = None

    def _open(self) -> Transport:
        if self._transport is None:
            raise TransportClosed("this transport was closed before this call")
        return self._transport
