"""
The contract between an engine and a store: bytes in, bytes out, batches below, messages above.

Rules for every method:

* Seconds are floats. Durations cross the interface, never timestamps; the transport's own clock
  decides (the server's where there is one).
* Batches may be of any size; the transport splits them.
* A queue exists because it is named. An empty queue costs nothing.
* Safe from many threads (tasks). After ``close``, which is idempotent and closes only what the
  transport opened itself, every method raises ``TransportClosed``.
* A transport repeats nothing that could happen twice. ``TransportUnavailable`` says that the
  outcome is unknown. Foreign errors never leak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, NewType, Protocol, TypeAlias, runtime_checkable

Receipt = NewType("Receipt", str)
"""A fencing token for one delivery, minted anew by every claim."""

Durability: TypeAlias = Literal["disk", "replicas"]
"""What a push waits for: the disk of the store's machine, or the store's replicas."""

MAX_BODY: Final = 16 * 2**20
"""Default limit of one body, in bytes: large bodies belong into a file store, not in a queue."""

MAX_CLAIM: Final = 1000
"""Most messages of one claim: it is settled and recovered in one step of the store."""


class Delivery(NamedTuple):
    """One message as one claim handed it out."""

    body: bytes
    receipt: Receipt
    attempt: int
    """1 on the first delivery; every claim that ended in a failure or an expiry adds one."""
    key: str
    """Names the message in its store, the same on every delivery."""


class QueueStats(NamedTuple):
    """How many messages of a queue are in which state."""

    ready: int
    delayed: int
    claimed: int
    """Held by consumers; an expired claim counts here until it is recovered."""


class Dedup(NamedTuple):
    """A key that is stored with the push's token, in the same step, if it is new."""

    key: str
    window: float
    """Seconds, from the first push with that key, before the key is new again."""


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What a push may ask for beyond storing; a transport refuses what it does not declare."""

    delay: float = 0.0
    """Seconds, by the transport's clock, before the bodies become ready."""
    durable: Durability | None = None
    """Return only when the bodies would also survive the end of this machine, or of the primary."""
    placed: bool = False
    """Frames of these bodies carry a priority or a group: the store looks, and honours them."""
    dedup: Dedup | None = None
    """Store the one body only if its key is new."""
    max_length: int | None = None
    """
    Store nothing if the queue had more messages than this afterwards, those claimed not counted.

    Returned messages (failed, released, expired ones) are never refused, and may exceed it.
    """


NO_OPTIONS: Final = PushOptions()
"""A plain push."""


class Features(NamedTuple):
    """What a transport offers, as data: checked when a queue is built, and selects tests."""

    ordered: bool = True
    """One consumer sees the order of the pushes."""
    durable: bool = False
    """The messages survive the process that pushed them."""
    fenced: bool = True
    """A stale receipt is always reported and never obeyed."""
    exact_lease: bool = True
    """
    An expired claim comes back to the head as soon as somebody claims or recovers.

    Otherwise all that is promised is that a lease lasts: what comes back does so later and message
    by message, and ``extend`` is for the messages it names.
    """
    counts_attempts: bool = True
    """``Delivery.attempt`` tells the deliveries of a message; otherwise it is 1, always."""
    atomic_push: bool = True
    """A batch of any size is stored whole or not at all."""
    atomic_move: bool = True
    """``move`` is one step; otherwise a crash may leave a message in both queues, never in none."""
    idempotent_push: bool = True
    """A push with the same token stores nothing twice."""
    uncounted_release: bool = True
    """A message can be given back to the head without counting an attempt."""
    peekable: bool = True
    priorities: bool = False
    """Ready messages are claimed by the levels in their frames, highest first."""
    groups: bool = False
    """Of the messages with one group in their frames one is in flight, and their order is kept."""
    dedup: bool = False
    """``PushOptions.dedup`` is honoured; and the transport is a ``Marking`` one."""
    bounds: bool = False
    """``PushOptions.max_length`` is honoured, exactly, whoever else pushes."""
    waits_for: tuple[Durability, ...] = ()
    """What a push can wait for; ``PushOptions.durable`` names one."""
    max_body: int = MAX_BODY
    """Bytes."""
    max_delay: float | None = None
    """Seconds; ``0.0`` means no delays, ``None`` no limit."""
    max_lease: float | None = None
    """Seconds; ``None`` means no limit."""
    max_wait: float = 1.0
    """Seconds: the longest that one call waits. A larger ``timeout`` is cut to it."""


@runtime_checkable
class FifoTransport(Protocol):
    """What a ``Queue`` needs: six methods."""

    @property
    def features(self) -> Features:
        """What this transport offers."""
        ...

    def push(self, queue: str, bodies: Sequence[bytes]) -> str | None:
        """
        Store *bodies* at the tail, in their order, and return None when they are stored.

        Raises:
            BodyTooLarge: One body exceeds ``features.max_body``; nothing is stored.
            QueueFull: The store has no room; nothing is stored, or without
                ``features.atomic_push`` the first bodies of a large batch only.
            TransportUnavailable: The bodies may or may not be stored. Not repeated.
        """
        ...

    def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """
        Remove and return up to *limit* ready bodies, oldest first, each to one caller.

        At most once: a body whose reply is lost on the way is lost. Waits up to *timeout* seconds
        (and never longer than ``features.max_wait``) for the first; ``[]`` means none came. Looks
        at ready messages only: a claim or ``recover`` makes due and expired ones ready.

        Raises:
            TransportUnavailable: What was popped, if anything, is lost.
        """
        ...

    def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """Return the first *limit* ready bodies and change nothing; a snapshot."""
        ...

    def stats(self, queue: str) -> QueueStats:
        """Count the messages by state, without waiting; zeros for a queue nobody has used."""
        ...

    def purge(self, queue: str) -> int:
        """
        Remove ready and delayed messages and return how many.

        What is claimed stays with its owner. Harmless on an empty queue.
        """
        ...

    def close(self) -> None:
        """Close what this transport opened. A second call does nothing."""
        ...


@runtime_checkable
class Transport(FifoTransport, Protocol):
    """
    What a ``ReliableQueue`` needs: claims under a lease.

    A lease belongs to the claim call; its deliveries share it. Claiming and recording the claim
    are one atomic step: no crash leaves a message neither ready, delayed, claimed nor moved.
    An expired claim that nobody recovered yet is still held by its owner.
    """

    def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> str | None:
        """
        Store *bodies* as ``FifoTransport.push`` does, or delayed by ``options.delay`` seconds.

        Returns None; but if ``options.dedup`` names a key that is not new, the token that it was
        pushed with, and nothing is stored.

        With a *token*, the same token again for the same queue stores nothing twice (within an
        hour, and by the same transport object), so the transport may repeat a lost call by itself.
        Bodies that are delayed must carry a frame, whose id makes them distinct; a transport may
        refuse others.

        Raises:
            Unsupported: An option that this transport does not declare; nothing is stored.
            QueueFull: Also when ``options.max_length`` is reached; the error has it.
            NotConfirmed: The bodies are stored, but not as ``options.durable`` asks. The same call
                with the same token asks again.
        """
        ...

    def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """
        Hide up to *limit* ready messages from other consumers for *lease* seconds.

        Oldest first. What expired or became due is made ready before. Waits up to *timeout*
        seconds (and never longer than ``features.max_wait``) for the first; ``[]`` means none
        came. At most 1000 messages at a time.

        Raises:
            Unsupported: *lease* exceeds ``features.max_lease``.
            TransportUnavailable: Whatever was claimed comes back when its lease runs out.
        """
        ...

    def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Forget the messages and return the receipts NOT held any more; ``[]`` means all done."""
        ...

    def ack_and_claim(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        *,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> tuple[list[Receipt], list[Delivery]]:
        """
        Ack as ``ack`` does, then claim as ``claim`` does: together, where the store can.

        The acks are done before it waits. Returns the receipts not held any more, and what was
        claimed. If it raises, the acks may be done; they can be asked again.
        """
        ...

    def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """
        Give messages back and return the receipts not held any more.

        With *delay* they become ready in so many seconds. Otherwise *counted* ones go to the tail,
        in the order given, and uncounted ones to the head, in their old order; those of one claim
        stay together, in the order in which the claims are first named. *counted* adds an attempt.
        """
        ...

    def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """
        Store each new body at the tail of queue *to* and forget the message it stands for.

        The new messages start with no attempts, and may exceed ``features.max_body`` by the headers
        of a dead letter. Returns the receipts not held any more, for which nothing is stored.
        """
        ...

    def extend(self, queue: str, receipts: Sequence[Receipt], *, lease: float) -> list[Receipt]:
        """
        Let the claims of these receipts end *lease* seconds from now, never earlier than before.

        Returns the receipts not held any more.
        """
        ...

    def recover(self, queue: str, *, limit: int = 100) -> int:
        """
        Make ready what is due: expired claims at the head, due messages at the tail.

        *limit* counts claims and due messages, and so does the answer: less than *limit* means
        that nothing was left. ``claim`` does this by itself. Safe to run everywhere at once.
        """
        ...


@runtime_checkable
class AsyncFifoTransport(Protocol):
    """``FifoTransport`` for asyncio: the same promises; used in the loop of its first call."""

    @property
    def features(self) -> Features:
        """What this transport offers."""
        ...

    async def push(self, queue: str, bodies: Sequence[bytes]) -> str | None:
        """See ``FifoTransport.push``."""
        ...

    async def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``FifoTransport.pop``; a cancelled call loses nothing that reached this process."""
        ...

    async def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """See ``FifoTransport.peek``."""
        ...

    async def stats(self, queue: str) -> QueueStats:
        """See ``FifoTransport.stats``."""
        ...

    async def purge(self, queue: str) -> int:
        """See ``FifoTransport.purge``."""
        ...

    async def aclose(self) -> None:
        """See ``FifoTransport.close``."""
        ...


@runtime_checkable
class AsyncTransport(AsyncFifoTransport, Protocol):
    """``Transport`` for asyncio: the same promises."""

    async def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> str | None:
        """See ``Transport.push``."""
        ...

    async def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``; a cancelled call gives back what it claimed, uncounted."""
        ...

    async def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``."""
        ...

    async def ack_and_claim(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        *,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> tuple[list[Receipt], list[Delivery]]:
        """See ``Transport.ack_and_claim``; cancelled, it gives back as ``claim`` does."""
        ...

    async def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """See ``Transport.release``."""
        ...

    async def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Transport.move``."""
        ...

    async def extend(
        self, queue: str, receipts: Sequence[Receipt], *, lease: float
    ) -> list[Receipt]:
        """See ``Transport.extend``."""
        ...

    async def recover(self, queue: str, *, limit: int = 100) -> int:
        """See ``Transport.recover``."""
        ...
