# unasync: source
"""Puts that are gathered and sent together: one trip for many."""

from __future__ import annotations

import logging
from collections import deque
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, Self

from ._acompat import ALater, alock, asleep
from ._checks import check_bodies, check_count, check_seconds
from ._envelope import wrap
from ._named import fresh_ids
from .errors import TransportError, TransportUnavailable
from .serializer import T

if TYPE_CHECKING:
    from ._putting_async import AsyncPuttingQueue

_PAUSE: Final = 1.0
"""Seconds between the tries of a buffer that nobody puts into, while the store is away."""

_log = logging.getLogger("queuekit")


class AsyncBuffer(Generic[T]):
    """
    A producer that sends its messages together; see ``AsyncReliableQueue.buffer``.

    Safe to share between threads (tasks). What is in it is in this process only.
    """

    def __init__(self, queue: AsyncPuttingQueue[T], size: int, linger: float) -> None:
        self._queue = queue
        self._size = check_count("size", size)
        self._gathered: deque[tuple[str, bytes]] = deque()
        self._batch: list[tuple[str, bytes]] = []  # sent, and not known to be stored
        self._lock = alock()
        self._later = ALater(check_seconds("linger", linger), self._send_late)

    def __len__(self) -> int:
        """Return how many messages are not known to be stored."""
        return len(self._batch) + len(self._gathered)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the messages that are not known to be stored, oldest first."""
        return tuple(message_id for message_id, _ in (*self._batch, *self._gathered))

    async def put(self, body: T) -> str:
        """
        Take a message and return its id; send what was gathered if that makes *size*.

        The messages of one thread (task) keep their order.

        Raises:
            EncodeError: The serializer cannot carry it; it is not taken.
            BodyTooLarge: It is over the transport's limit; it is not taken.
            TransportUnavailable: Something that was gathered may or may not be stored; it stays
                here, this message, too, and is sent again by the next call, stored once.
            QueueFull: The store has no room; all stay here.
        """
        (raw,) = fresh_ids(1)
        frame = wrap(raw, self._queue.encode(body))
        transport = self._queue.transport
        check_bodies(self._queue.name, [frame], transport.features.max_body)
        message_id = raw.hex()
        self._gathered.append((message_id, frame))
        if len(self._gathered) >= self._size:
            await self.flush()
        elif not self._later.running:
            self._later.start()
        return message_id

    async def flush(self) -> None:
        """
        Return when all that was put before is stored; of nothing, do nothing.

        Raises:
            TransportUnavailable: Not known of ``ids``; they stay here and can be flushed again.
            TransportError: The store refuses them; they stay here.
        """
        async with self._lock:
            left = len(self)
            while left > 0:
                batch = self._batch
                if not batch:  # moved by one call, so that nothing is in both or in neither
                    count = min(self._size, len(self._gathered))
                    batch.extend(islice(iter(self._gathered.popleft, None), count))
                try:
                    frames = [frame for _, frame in batch]
                    await self._queue.push_frames(frames, batch[0][0])
                except TransportUnavailable as exc:
                    exc.ids = tuple(message_id for message_id, _ in batch)
                    raise
                left -= len(batch)
                self._batch = []

    async def aclose(self) -> None:
        """Store what is left, as ``flush`` does. A second call does nothing new."""
        await self.flush()
        if self._later.running:
            await self._later.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send_late(self) -> bool:
        """Send what lingers; where that fails, the producer hears it at its next call."""
        sends = len(self) > 0
        try:
            await self.flush()
        except TransportError as exc:
            _log.warning(
                "queue %r: %d buffered messages wait: %s", self._queue.name, len(self), exc
            )
            await asleep(_PAUSE)
        return sends
