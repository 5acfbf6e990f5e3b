"""
Which leases of a worker have to be renewed, and what the answers mean; no I/O.

Written once for threads and tasks: a heartbeat asks ``begin`` what to extend, and tells ``end``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from .transport import Receipt

_log = logging.getLogger("queuekit")

_SOONEST: Final = 0.01
"""Seconds between two beats at the least."""


class Leased(Protocol):
    """A message that is being worked on."""

    id: str
    receipt: Receipt
    settled: bool
    until: float


class Holder(Protocol):
    """Who works on messages: a thread or task of a worker."""

    def leased(self, queue: object) -> Sequence[Leased]:
        """Return what it works on, of one queue."""
        ...

    def begun(self) -> float:
        """Return when its handler was called, by the monotonic clock."""
        ...

    def lose(self, message: Leased) -> None:
        """Hear that a lease is lost, or must be; perhaps more than once."""
        ...


class Ahead(Protocol):
    """What was claimed, and nobody works on yet."""

    def first(self) -> Receipt | None:
        """Return a receipt of its claim."""
        ...

    def extended(self, until: float) -> None:
        """Hear until when the claim is held."""
        ...


class Renewals:
    """
    The leases of one queue, in one worker.

    Args:
        lease: Seconds.
        holders: Who works on its messages.
        ahead: What was claimed for them.
        max_time: Seconds after which a message is not renewed any more.
    """

    def __init__(
        self,
        queue: object,
        name: str,
        lease: float,
        holders: Iterable[Holder],
        ahead: Ahead,
        max_time: float | None,
    ) -> None:
        self.name = name
        self.lease = lease
        self._queue = queue
        self._holders = holders
        self._ahead = ahead
        self._max_time = max_time
        self._sent = 0.0
        self._asked: list[Leased] = []
        self._first: Receipt | None = None
        self._failed = False

    def begin(self, now: float) -> list[Receipt]:
        """Return what is to be extended."""
        self._sent = now
        self._failed = False
        self._asked = []
        for holder in self._holders:
            late = self._max_time is not None and now - holder.begun() >= self._max_time
            for message in holder.leased(self._queue):
                if late or message.until < 0:  # known to be lost
                    continue
                self._asked.append(message)
        self._first = self._ahead.first()
        receipts = [message.receipt for message in self._asked]
        return receipts if self._first is None else [*receipts, self._first]

    def end(self, lost: Iterable[Receipt]) -> None:
        """Take the answer of the extension."""
        gone, until = set(lost), self._sent + self.lease
        for message in self._asked:
            if message.receipt not in gone:
                message.until = until
            elif not message.settled:
                message.until = -1.0
        if self._first is not None:
            self._ahead.extended(0.0 if self._first in gone else until)

    def failed(self, error: Exception) -> None:
        """Take note that the store could not be asked; the next beat is soon."""
        self._failed = True
        _log.warning("queue %r: the lease could not be renewed: %s", self.name, error)

    def pause(self, now: float) -> float:
        """Tell holders what must be taken for lost; return the seconds until the next beat."""
        pause = self.lease / (12 if self._failed else 3)
        for holder in self._holders:
            for message in holder.leased(self._queue):
                if message.until <= now:
                    holder.lose(message)
                else:
                    pause = min(pause, message.until - now)
        return max(pause, _SOONEST)
