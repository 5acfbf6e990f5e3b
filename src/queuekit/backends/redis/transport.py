# Generated from transport_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""The transport on Redis and Valkey: what a caller asks, checked, and sent as the protocol says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from ..._checks import check_bodies, check_count, check_push, check_seconds
from ..._envelope import bare_all
from ..._forks import FORKS
from ...abilities import Limits
from ...errors import TransportClosed
from ...transport import (
    MAX_BODY,
    NO_OPTIONS,
    Delivery,
    Features,
    PushOptions,
    QueueStats,
    Receipt,
    Transport,
)
from ._claims import bodies_of
from ._confirm import WAITS_FOR
from ._limits import turns_of
from ._placing import PLAIN, placing_of, steps
from ._pops import milliseconds, peek, purge
from ._puts import check_framed, chunks
from ._threads import for_threads
from ._tries import alike
from ._wire import Command
from .claims import Claims
from .client import source_of_client, source_of_url
from .cross_slot import CrossSlot
from .exchange import Exchange
from .fifo import Fifo
from .keys import DEFAULT_PREFIX, WAKE, Keys, check_prefix
from .later import Later
from .marks import Marks
from .puts import Puts
from .recovery import recover
from .source import ClusterSource, Source
from .stats import stats

if TYPE_CHECKING:
    from .client import Client

_MAX_WAIT: Final = 1.0
"""Seconds: who waits looks again so often, for what the waking of others has missed."""

_KEYS: Final = 1024
"""Queues whose keys are remembered."""


class RedisTransport(Marks):
    """
    Keep queues on a Redis (6.2 or newer) or Valkey server.

    Connections are made when they are needed, and are not those of the client: that only says how
    to connect.

    Args:
        client: A client of redis-py without ``decode_responses``, or what ``from_url`` made.
        prefix: Begins every key.
        max_body: Bytes that one body may have.
        replicas: How many must have a message that is put with ``durable="replicas"``.
    """

    def __init__(
        self,
        client: Client | Source | ClusterSource,
        *,
        prefix: str = DEFAULT_PREFIX,
        max_body: int = MAX_BODY,
        replicas: int = 1,
    ) -> None:
        from .cluster import ClusterLink
        from .link import Link

        source: Source | ClusterSource
        if isinstance(client, (Source, ClusterSource)):  # from_url
            source = client
        else:
            source = source_of_client(client, for_asyncio=Link.for_asyncio)
        self._prefix = check_prefix(prefix)
        self._features = Features(
            durable=True,
            atomic_push=False,
            atomic_move=isinstance(source, Source),
            waits_for=WAITS_FOR,
            max_body=check_count("max_body", max_body),
            max_wait=_MAX_WAIT,
            priorities=True,
            groups=True,
            dedup=True,
            bounds=True,
        )
        self._source, self._replicas = source, replicas
        self._shown = source.shown
        self._longest = min(_MAX_WAIT, source.socket_timeout / 2)
        self._link = Link(source) if isinstance(source, Source) else ClusterLink(source)
        self._exchange = Exchange(self._link)
        self._claims = Claims(self._exchange, self._longest)
        self._fifo = Fifo(self._exchange, self._longest)
        self._puts = Puts(self._exchange, check_count("replicas", replicas), source.socket_timeout)
        self._cross_slot = CrossSlot(self._claims, self._puts)
        self._later = Later(self._exchange, atomic=self._features.atomic_move)
        self._keys: dict[str, Keys] = {}
        self._closed = False
        self._forks = FORKS.count

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        prefix: str | None = None,
        max_body: int = MAX_BODY,
        replicas: int | None = None,
    ) -> RedisTransport:
        """
        Build a transport for ``redis://user:password@host:6379/0``.

        Schemes: redis, valkey; rediss, valkeys with TLS; unix with the path of a socket; with
        +cluster (``redis+cluster://host:7000,host:7001``) some nodes of a cluster are named; with
        +sentinel (``redis+sentinel://host1:26379,host2:26379/service/0``) sentinels, which say who
        is the primary. Parameters: db, prefix, replicas, client_name, socket_timeout,
        socket_connect_timeout, ssl_ca_certs, ssl_certfile, ssl_keyfile, sentinel_username,
        sentinel_password.
        """
        from .link import Link

        source, ours = source_of_url(url, for_asyncio=Link.for_asyncio)
        return cls(
            source,
            prefix=ours.prefix if prefix is None else prefix,
            max_body=max_body,
            replicas=ours.replicas if replicas is None else replicas,
        )

    @property
    def features(self) -> Features:
        """As durable as the server; batches over 1000 are stored in several steps."""
        return self._features

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._shown} prefix={self._prefix!r}>"

    def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> str | None:
        """
        See ``Transport.push``.

        Without a token and options this is a plain ``RPUSH``, and never repeated. With
        ``max_length`` it is one step, of at most 10,000 bodies and 64 MiB (else ``Unsupported``).
        """
        keys = self._enter(queue)
        check_bodies(queue, bodies, self._features.max_body)
        doing = f"push to {queue!r}"
        if token is None and (options is NO_OPTIONS or options == NO_OPTIONS):
            for chunk in [bodies] if len(bodies) == 1 else chunks(bodies):
                command: Command = (b"RPUSH", keys.ready, *chunk)
                self._exchange.once(doing, [command], unknown="the bodies may or may not be stored")
            return None
        check_push(options, self._features, len(bodies), token)
        delay = milliseconds(options.delay)
        if delay:
            check_framed(bodies)
        placing = PLAIN if options is NO_OPTIONS else placing_of(options, token)
        batch = [bodies] if len(bodies) == 1 else steps(bodies, placing)
        return self._puts.put(doing, keys, batch, delay, token, options.durable, placing)

    def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``Transport.pop``; what comes for an interrupted call is kept for the next one."""
        keys = self._enter(queue)
        check_count("limit", limit)
        wait = min(check_seconds("timeout", timeout), _MAX_WAIT)
        return self._fifo.pop(queue, keys, limit, wait)

    def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """See ``Transport.peek``."""
        keys = self._enter(queue)
        command = peek(keys, check_count("limit", limit))
        (reply,) = self._exchange.until_done(f"peek at {queue!r}", [alike(command)])
        if WAKE in bodies_of(reply):
            keys.is_placed = True
            return self.peek(queue, limit=limit)
        return bare_all(bodies_of(reply))

    def stats(self, queue: str) -> QueueStats:
        """See ``Transport.stats``."""
        return stats(self._exchange, queue, self._enter(queue))

    def purge(self, queue: str) -> int:
        """See ``Transport.purge``."""
        keys = self._enter(queue)
        (count,) = self._exchange.once(
            f"purge {queue!r}", [purge(keys)], unknown="the messages may or may not be removed"
        )
        if cast("int", count) < 0:
            keys.is_placed = True
            return self.purge(queue)
        return cast("int", count)

    def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``; an interrupted call gives back what it claimed, uncounted."""
        _, found = self.ack_and_claim(queue, (), lease=lease, limit=limit, timeout=timeout)
        return found

    def ack_and_claim(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        *,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> tuple[list[Receipt], list[Delivery]]:
        """See ``Transport.ack_and_claim``: one trip where something is ready."""
        keys = self._enter(queue)
        check_count("limit", limit)
        length = milliseconds(check_seconds("lease", lease, positive=True))
        wait = min(check_seconds("timeout", timeout), _MAX_WAIT)
        return self._claims.claim(queue, keys, receipts, length, limit, wait)

    def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``."""
        keys = self._enter(queue)
        return self._claims.settle(f"ack on {queue!r}", keys, receipts, "A")

    def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """See ``Transport.release``."""
        keys = self._enter(queue)
        return self._claims.settle(
            f"release to {queue!r}",
            keys,
            receipts,
            "F" if counted else "R",
            delay=milliseconds(check_seconds("delay", delay)),
        )

    def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Transport.move``."""
        keys, target = self._enter(queue), self._enter(to)
        bodies = [body for _, body in letters]
        receipts = [receipt for receipt, _ in letters]
        doing = f"move from {queue!r} to {to!r}"
        if not self._features.atomic_move and letters:
            return self._cross_slot.move(doing, queue, keys, letters, target)
        return self._claims.settle(doing, keys, receipts, "D", bodies=bodies, target=target)

    def extend(self, queue: str, receipts: Sequence[Receipt], *, lease: float) -> list[Receipt]:
        """See ``Transport.extend``."""
        keys = self._enter(queue)
        length = milliseconds(check_seconds("lease", lease, positive=True))
        return self._claims.extend(queue, keys, receipts, length)

    def recover(self, queue: str, *, limit: int = 100) -> int:
        """See ``Transport.recover``."""
        keys = self._enter(queue)
        return recover(self._exchange, queue, keys, check_count("limit", limit))

    def claim_within(
        self,
        queue: str,
        *,
        limits: Limits,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> list[Delivery]:
        """
        See ``Limiting.claim_within``.

        ``limits.in_flight`` counts the claims of the queue. Who waits for one of them to end looks
        20 times a second.
        """
        keys = self._enter(queue)
        check_count("limit", limit)
        length = milliseconds(check_seconds("lease", lease, positive=True))
        wait = min(check_seconds("timeout", timeout), _MAX_WAIT)
        turns = turns_of(limits)
        _, found = self._claims.claim(queue, keys, (), length, limit, wait, turns)
        return found

    def for_threads(self) -> Transport:
        """See ``Threading.for_threads``: it makes connections of its own."""
        return for_threads(
            self._source,
            prefix=self._prefix,
            max_body=self._features.max_body,
            replicas=self._replicas,
        )

    def peek_delayed(self, queue: str, *, limit: int = 1) -> list[tuple[Delivery, float]]:
        """See ``Delaying.peek_delayed``; not on a cluster."""
        keys = self._enter(queue)
        return self._later.peek(queue, keys, check_count("limit", limit))

    def move_delayed(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Delaying.move_delayed``; not on a cluster."""
        keys, target = self._enter(queue), self._enter(to)
        doing = f"move from {queue!r} to {to!r}"
        return self._later.move(doing, keys, letters, target)

    def close(self) -> None:
        """Push back what was popped for interrupted callers, and close the connections."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._forks == FORKS.count:
                self._fifo.push_back()
        finally:
            self._link.close()

    def _enter(self, queue: str) -> Keys:
        """Return the keys of *queue*; every call of a method begins here."""
        keys = self._keys.get(queue)
        if keys is not None and not self._closed and self._forks == FORKS.count:  # nearly always
            return keys
        if self._closed:
            raise TransportClosed(f"this transport was closed; {queue!r} cannot be reached by it")
        if self._forks != FORKS.count:
            self._puts.tickets.forked()
            self._fifo.kept.forked()
            self._forks = FORKS.count
        if keys is None:
            if len(self._keys) >= _KEYS:
                self._keys.clear()
            keys = self._keys[queue] = Keys(self._prefix, queue)
        return keys
