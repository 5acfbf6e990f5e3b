"""
What a transport may offer beyond ``Transport``: small protocols, found by ``isinstance``.

A third party's transport needs none of them; a queue that is asked for what its transport lacks
says so when it is built. The twins for asyncio promise the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .transport import Delivery, Receipt, Transport


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast all consumers of a queue together take its messages; each gives the same values."""

    rate: float | None = None
    """Messages of *per* seconds, spaced evenly; None means any number."""
    per: float = 1.0
    burst: int = 1
    """Messages taken at once after a pause: at most rate + burst in any *per* seconds."""
    in_flight: int | None = None
    """Messages that may be claimed at the same time; None means any number."""


@runtime_checkable
class Limiting(Protocol):
    """Takes messages no faster than all consumers of the queue together may."""

    def claim_within(
        self, queue: str, *, limits: Limits, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """
        Claim as ``Transport.claim`` does, but no more than *limits* allow at this moment.

        Decided in the step of the claim, by the store's clock. With ``limits.in_flight`` a call
        claims one message at most. A message that is released keeps the turn that it took. Waits,
        up to *timeout*, also for its turn.
        """
        ...


@runtime_checkable
class Marking(Protocol):
    """Remembers keys for a time. The keys of ``PushOptions.dedup`` are such marks."""

    def mark(self, queue: str, key: str, value: str, *, window: float) -> str | None:
        """
        Remember *value* under *key* for *window* seconds, or return the value that is there.

        One step, so of several callers one gets None. A transport within an application's own
        transaction marks within that.
        """
        ...

    def marked(self, queue: str, key: str) -> str | None:
        """Return the value that is remembered under *key*, None if there is none."""
        ...

    def unmark(self, queue: str, key: str) -> bool:
        """Forget *key*; tell whether it was there."""
        ...


@runtime_checkable
class WaitingForAny(Protocol):
    """Waits for several queues at once."""

    def wait_any(self, queues: Sequence[str], *, timeout: float) -> None:
        """
        Return when a claim of one of *queues* may bring something, or after *timeout* seconds.

        Takes nothing, and may return early; never waits longer than ``features.max_wait``. What
        came between the caller's last look and this call may go unseen until the timeout, so a
        caller keeps that short.
        """
        ...


@runtime_checkable
class Delaying(Protocol):
    """Moves messages that are not due yet to another queue, which keeps their due times."""

    def peek_delayed(self, queue: str, *, limit: int = 1) -> list[tuple[Delivery, float]]:
        """
        Return the next *limit* delayed messages and the seconds left of each; change nothing.

        The next due first. A receipt names the message as it stands, for ``move_delayed`` only;
        nothing is held, and nothing counts as an attempt. The key is empty for a body that has no
        id yet. Messages with a place are left out: such a one may hold its group, and its level
        must be known where it goes.

        Raises:
            Unsupported: The store cannot move them (a cluster).
        """
        ...

    def move_delayed(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """
        Store each new body in queue *to*, due when the message it stands for was, and forget that.

        Up to 1000 messages are moved in one step, not repeated. Returns the receipts of messages
        that are not delayed any more, or not as they were; for these nothing is stored. New bodies
        carry a frame.

        Raises:
            Unsupported: As ``peek_delayed``.
            TransportUnavailable: They may or may not be moved.
        """
        ...


@runtime_checkable
class AsyncLimiting(Protocol):
    """``Limiting`` for asyncio."""

    async def claim_within(
        self, queue: str, *, limits: Limits, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Limiting.claim_within``; cancelled, it gives back what it claimed, uncounted."""
        ...


@runtime_checkable
class AsyncMarking(Protocol):
    """``Marking`` for asyncio."""

    async def mark(self, queue: str, key: str, value: str, *, window: float) -> str | None:
        """See ``Marking.mark``."""
        ...

    async def marked(self, queue: str, key: str) -> str | None:
        """See ``Marking.marked``."""
        ...

    async def unmark(self, queue: str, key: str) -> bool:
        """See ``Marking.unmark``."""
        ...


@runtime_checkable
class AsyncWaitingForAny(Protocol):
    """``WaitingForAny`` for asyncio."""

    async def wait_any(self, queues: Sequence[str], *, timeout: float) -> None:
        """See ``WaitingForAny.wait_any``."""
        ...


@runtime_checkable
class AsyncDelaying(Protocol):
    """``Delaying`` for asyncio."""

    async def peek_delayed(self, queue: str, *, limit: int = 1) -> list[tuple[Delivery, float]]:
        """See ``Delaying.peek_delayed``."""
        ...

    async def move_delayed(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Delaying.move_delayed``."""
        ...


@runtime_checkable
class Threading(Protocol):
    """A transport for asyncio whose store threads can reach, too."""

    def for_threads(self) -> Transport:
        """
        Return a transport of the same store that blocks; its ``close`` leaves this one open.

        A heartbeat uses it: it renews a lease while a handler blocks the event loop.
        """
        ...
