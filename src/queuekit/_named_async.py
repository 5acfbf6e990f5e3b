# unasync: source
"""What both engines are: a name in a store, with a serializer."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

from ._checks import check_count, check_name
from ._codec import Codec
from ._entropy import entropy
from ._envelope import new_ids
from ._lookup import find_serializer, open_async_transport
from .errors import TransportClosed, Unsupported
from .serializer import Serializer, T
from .transport import AsyncFifoTransport, QueueStats

F_co = TypeVar("F_co", bound=AsyncFifoTransport, covariant=True)


class AsyncNamedQueue(Generic[F_co, T]):
    """The base of ``AsyncQueue`` and ``AsyncReliableQueue``; not built by itself."""

    def __init__(
        self, name: str, transport: str | F_co | None, serializer: Serializer[T] | str | None
    ) -> None:
        self._name = check_name(name)
        self._codec: Codec[T] = Codec(cast("Serializer[T]", find_serializer(serializer)))
        opened, self._owned = open_async_transport(transport)
        self._transport = cast("F_co", opened)
        self._closed = False

    @property
    def name(self) -> str:
        """The name of the queue in its store."""
        return self._name

    @property
    def transport(self) -> F_co:
        """The store; pass it to another queue to share its connections."""
        return self._transport

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r} on {self._transport!r}>"

    def __bool__(self) -> bool:
        """Be true even when empty: ``if queue:`` asks whether there is a queue."""
        return True

    # sync-only: def __len__(self) -> int:
    # sync-only:     """Return the number of ready messages, as ``size`` does."""
    # sync-only:     return self.size()

    async def size(self) -> int:
        """Return the number of ready messages: neither delayed nor held by a consumer."""
        return (await self.stats()).ready

    async def stats(self) -> QueueStats:
        """Return how many messages are ready, delayed and claimed; zeros for an unused queue."""
        return await self._open().stats(self._name)

    async def peek(self, limit: int = 1) -> list[T]:
        """
        Return the bodies of the first *limit* ready messages and change nothing.

        Raises:
            DecodeError: One of them cannot be decoded; it stays where it is.
        """
        found = await self._open().peek(self._name, limit=check_count("limit", limit))
        return [self._codec.decode_stored(data) for data in found]

    async def clear(self) -> int:
        """
        Remove the ready and delayed messages and return how many.

        What consumers hold stays with them. Harmless on an empty queue.
        """
        return await self._open().purge(self._name)

    async def aclose(self) -> None:
        """
        Close the queue, and its transport if it was opened from a URL.

        A second call does nothing; every other call then raises ``TransportClosed``.
        """
        self._closed = True
        if self._owned:
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    def _wait(self, timeout: float | None) -> float | None:
        """Return *timeout*, or refuse it where the transport cannot wait at all."""
        if timeout != 0 and not self._transport.features.max_wait:
            raise Unsupported(
                "this transport cannot wait for messages: look with timeout=0 and without block="
            )
        return timeout

    def _open(self) -> F_co:
        if self._closed:
            raise TransportClosed(f"the queue {self._name!r} was closed; build a new one")
        return self._transport


def fresh_ids(count: int) -> list[bytes]:
    """Make *count* ids from the wall clock and the system's random source."""
    return new_ids(count, now_ms=time.time_ns() // 1_000_000, entropy=entropy())
