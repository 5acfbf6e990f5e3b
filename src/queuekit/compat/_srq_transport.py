"""SafeRedisQueue's five keys as a transport: uids in flight, recovered by generations."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from .._checks import (
    check_bodies,
    check_count,
    check_limit,
    check_push,
    check_seconds,
)
from ..backends.redis._pops import milliseconds
from ..backends.redis._puts import chunks
from ..backends.redis._tries import alike
from ..backends.redis._wire import Command, Reply
from ..backends.redis.client import source_of_client, source_of_url
from ..backends.redis.cluster import ClusterLink
from ..backends.redis.exchange import Exchange
from ..backends.redis.keys import DEFAULT_PREFIX, check_prefix
from ..backends.redis.link import Link
from ..backends.redis.source import ClusterSource, Source
from ..errors import TransportClosed
from ..transport import (
    MAX_CLAIM,
    NO_OPTIONS,
    Delivery,
    Features,
    PushOptions,
    QueueStats,
    Receipt,
)
from ._bodies import MAX_BODY
from ._srq_claims import CHUNK, RETURNS, SrqClaims, chunks_of, receipts_of, uids_of
from ._srq_script import PREFIX, SrqKeys
from ._srq_url import split_url

if TYPE_CHECKING:
    from ..backends.redis.client import Client

_MAX_WAIT: Final = 1.0
"""Seconds: who waits recovers what is due so often."""


class SafeRedisQueueTransport:
    """
    Keep queues where SafeRedisQueue 3.0 keeps them, together with its own processes.

    At least once, with what the layout has no place for: a receipt is the message's uid, the same
    for every delivery, so that a late one is obeyed (it acks or fails what another consumer holds
    now); attempts are not counted; there are no delays. A claim holds for *interval* seconds at
    the least, and about twice as long if somebody else is looking for messages all the time; what
    then comes back goes to the tail, so that a message that kills its consumers lets others pass.
    All who share a queue should have the same interval: the shortest counts.

    A name in braces, ``{jobs}``, works on a cluster.

    Args:
        client: A client of redis-py without ``decode_responses``, or a source of connections.
        prefix: Begins every key.
        interval: Seconds between two recoveries; None recovers nothing.
        max_body: Bytes that one body may have.
    """

    def __init__(
        self,
        client: Client | Source | ClusterSource,
        *,
        prefix: str = PREFIX,
        interval: float | None = 60.0,
        max_body: int = MAX_BODY,
    ) -> None:
        source: Source | ClusterSource
        if isinstance(client, (Source, ClusterSource)):
            source = client
        else:
            source = source_of_client(client, for_asyncio=False)
        self._prefix = check_prefix(prefix)
        if interval is not None:
            interval = check_seconds("interval", interval, positive=True)
        self._interval = 0 if interval is None else milliseconds(interval)
        self._features = Features(
            durable=True,
            fenced=False,
            atomic_push=False,
            idempotent_push=False,
            exact_lease=False,
            counts_attempts=False,
            max_body=check_count("max_body", max_body),
            max_delay=0.0,
            max_lease=interval,
            max_wait=_MAX_WAIT,
        )
        self._shown = source.shown
        link = Link(source) if isinstance(source, Source) else ClusterLink(source)
        self._exchange = Exchange(link)
        self._claims = SrqClaims(self._exchange, min(_MAX_WAIT, source.socket_timeout / 2))

    @classmethod
    def from_url(
        cls, url: str, *, prefix: str | None = None, interval: float | None = 60.0
    ) -> SafeRedisQueueTransport:
        """
        Build a transport for a URL as ``RedisTransport.from_url`` takes it.

        Its scheme may begin with ``srq+``, by which queues and the command line know this layout,
        and it may have the parameter ``autoclean_interval``: seconds, which count before
        *interval*.
        """
        url, given = split_url(url)
        interval = interval if given is None else given
        source, ours = source_of_url(url, for_asyncio=False)
        if prefix is None:
            prefix = PREFIX if ours.prefix == DEFAULT_PREFIX else ours.prefix
        return cls(source, prefix=prefix, interval=interval)

    @property
    def features(self) -> Features:
        """As durable as the server; not fenced; no counts, delays or leases of their own."""
        return self._features

    @property
    def prefix(self) -> str:
        """What every key begins with."""
        return self._prefix

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._shown} prefix={self._prefix!r}>"

    def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> None:
        """See ``Transport.push``; a token changes nothing. Never repeated."""
        keys = self._enter(queue)
        check_push(options, self._features, len(bodies), token)
        self._put(queue, keys, bodies)

    def put(self, queue: str, bodies: Sequence[bytes]) -> list[str]:
        """Push *bodies* as ``push`` does and return their uids."""
        return self._put(queue, self._enter(queue), bodies)

    def _put(self, queue: str, keys: SrqKeys, bodies: Sequence[bytes]) -> list[str]:
        check_bodies(queue, bodies, self._features.max_body)
        made: list[str] = []
        for chunk in chunks(bodies):
            uids = [str(uuid.uuid4()) for _ in chunk]
            self._once(f"push to {queue!r}", keys.put([uid.encode() for uid in uids], chunk),
                       unknown="the bodies may or may not be stored")  # fmt: skip
            made += uids
        return made

    def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """
        See ``Transport.pop``: a claim that is acked before it is returned.

        What interrupts it before the ack leaves the messages at the head; during the ack they may
        be lost.
        """
        keys = self._enter(queue)
        check_count("limit", limit)
        wait = min(check_seconds("timeout", timeout), _MAX_WAIT)
        found: list[Delivery] = []
        try:
            while len(found) < limit:
                more = self._claims.claim(
                    f"claim from {queue!r}", keys, min(limit - len(found), MAX_CLAIM), wait, 0
                )
                if not more:
                    break
                found += more
                wait = 0.0
            self.ack(queue, [each.receipt for each in found])
        except BaseException:
            self._claims.put_back(keys, uids_of([each.receipt for each in found]))
            raise
        return [each.body for each in found]

    def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """See ``Transport.peek``."""
        command = self._enter(queue).peek(check_count("limit", limit))
        return cast("list[bytes]", self._repeated(f"peek at {queue!r}", command))

    def stats(self, queue: str) -> QueueStats:
        """See ``Transport.stats``; uids without an item count, too, until they are dropped."""
        reply = self._repeated(f"count {queue!r}", self._enter(queue).stats())
        ready, claimed = cast("list[int]", reply)
        return QueueStats(ready, 0, claimed)

    def purge(self, queue: str) -> int:
        """See ``Transport.purge``."""
        keys = self._enter(queue)
        unknown = "the messages may or may not be removed"
        return cast("int", self._once(f"purge {queue!r}", keys.purge(), unknown=unknown))

    def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``; *lease* is what is kept at the least, see the class."""
        keys = self._enter(queue)
        limit = min(check_count("limit", limit), MAX_CLAIM)
        self._check_lease(lease)
        wait = min(check_seconds("timeout", timeout), _MAX_WAIT)
        return self._claims.claim(f"claim from {queue!r}", keys, limit, wait, self._interval)

    def give_back(self, queue: str, receipts: Sequence[Receipt]) -> None:
        """Release messages to the head, as far as the server takes them; the others come back."""
        self._claims.put_back(SrqKeys(self._prefix, queue), uids_of(receipts))

    def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``; a late one forgets the message wherever it is by now."""
        keys = self._enter(queue)
        doing = f"ack on {queue!r}"
        lost: list[Receipt] = []
        for chunk in chunks_of(uids_of(receipts)):
            again = [False]

            def command(
                is_again: bool, chunk: list[bytes] = chunk, again: list[bool] = again
            ) -> Command:
                again[0] |= is_again
                return keys.ack(chunk)

            (reply,) = self._exchange.until_done(doing, [command])
            if not again[0]:  # else this very call may have done it before
                lost += receipts_of(reply)
        return lost

    def ack_and_claim(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        *,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> tuple[list[Receipt], list[Delivery]]:
        """See ``Transport.ack_and_claim``; one after the other."""
        check_count("limit", limit)
        self._check_lease(lease)
        check_seconds("timeout", timeout)
        lost = self.ack(queue, receipts)
        return lost, self.claim(queue, lease=lease, limit=limit, timeout=timeout)

    def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """See ``Transport.release``; not repeated, and what is not done comes back by itself."""
        keys = self._enter(queue)
        check_limit("delay", check_seconds("delay", delay), self._features.max_delay)
        lost: list[Receipt] = []
        uids = uids_of(receipts)
        parts = list(chunks_of(uids)) if counted else list(chunks_of(uids))[::-1]
        for chunk in parts:
            command = keys.fail(chunk) if counted else keys.give_back(chunk)
            lost += receipts_of(self._once(f"release to {queue!r}", command, unknown=RETURNS))
        return lost

    def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Transport.move``; the uids stay the same."""
        keys, target = self._enter(queue), self._enter(to)
        lost: list[Receipt] = []
        for part in chunks_of(list(letters), CHUNK // 2):
            uids = uids_of([receipt for receipt, _ in part])
            pairs = [
                each for uid, (_, body) in zip(uids, part, strict=True) for each in (uid, body)
            ]
            reply = self._once(f"move from {queue!r} to {to!r}", keys.move(target, pairs),
                               unknown=RETURNS)  # fmt: skip
            lost += receipts_of(reply)
        return lost

    def extend(self, queue: str, receipts: Sequence[Receipt], *, lease: float) -> list[Receipt]:
        """See ``Transport.extend``; each message for itself, for the interval at the least."""
        keys = self._enter(queue)
        self._check_lease(lease)
        lost: list[Receipt] = []
        for chunk in chunks_of(uids_of(receipts)):
            lost += receipts_of(self._repeated(f"extend on {queue!r}", keys.extend(chunk)))
        return lost

    def recover(self, queue: str, *, limit: int = 100) -> int:
        """See ``Transport.recover``; counts messages, and does nothing without an interval."""
        keys = self._enter(queue)
        command = keys.recover(self._interval, check_count("limit", limit))
        if not self._interval:
            return 0
        unknown = "what is due is recovered the next time"
        return cast("int", self._once(f"recover {queue!r}", command, unknown=unknown))

    def close(self) -> None:
        """Close the connections. A second call does nothing."""
        self._exchange.link.close()

    def _enter(self, queue: str) -> SrqKeys:
        keys = SrqKeys(self._prefix, queue)
        if self._exchange.link.closed:
            raise TransportClosed(f"this transport was closed; {queue!r} cannot be reached by it")
        return keys

    def _check_lease(self, lease: float) -> None:
        seconds = check_seconds("lease", lease, positive=True)
        check_limit("lease", seconds, self._features.max_lease)

    def _once(self, doing: str, command: Command, *, unknown: str) -> Reply:
        return self._exchange.once(doing, [command], unknown=unknown)[0]

    def _repeated(self, doing: str, command: Command) -> Reply:
        return self._exchange.until_done(doing, [alike(command)])[0]
