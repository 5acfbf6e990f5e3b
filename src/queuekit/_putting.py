# Generated from _putting_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Puts: what a reliable queue stores, and with which options."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, overload

from ._bounds import WhenFull, bound_of, check_patience
from ._checks import check_count, check_ids, check_limit, check_many, check_seconds
from ._envelope import NOWHERE, wrap, wrap_all
from ._letters import dead_name
from ._named import fresh_ids
from ._policy import RetryPolicy
from ._put_options import (
    NO_EXTRAS,
    Expired,
    Extras,
    MessageId,
    check_dedup,
    check_headers,
    check_place,
    delay_until,
    expiry,
)
from ._settling import SettlingQueue
from .abilities import Limits
from .errors import TransportUnavailable
from .serializer import Serializer, T
from .transport import (
    MAX_CLAIM,
    NO_OPTIONS,
    Dedup,
    Durability,
    PushOptions,
    Transport,
)

if TYPE_CHECKING:
    from ._buffer import Buffer


class PuttingQueue(SettlingQueue[T]):
    """The part of ``ReliableQueue`` that puts; not built by itself."""

    def __init__(
        self,
        name: str,
        transport: str | Transport | None,
        serializer: Serializer[Any] | str | None,
        lease: float,
        retry: RetryPolicy,
        keep_traceback: bool,
        limits: Limits | None,
        max_length: int | None,
        when_full: WhenFull | None,
    ) -> None:
        super().__init__(name, transport, serializer, lease, retry, keep_traceback, limits)
        self._bound = bound_of(name, self._transport, max_length, when_full, self._drop)

    @overload
    def put(
        self,
        body: T,
        *,
        delay: float = ...,
        eta: datetime | None = ...,
        priority: int = ...,
        group: str | None = ...,
        headers: Mapping[str, str] | None = ...,
        expires: float | None = ...,
        expired: Expired = ...,
        durable: Durability | None = ...,
        timeout: float | None = ...,
        id: str | None = ...,
        dedup: None = ...,
    ) -> str: ...
    @overload
    def put(
        self,
        body: T,
        *,
        delay: float = ...,
        eta: datetime | None = ...,
        priority: int = ...,
        group: str | None = ...,
        headers: Mapping[str, str] | None = ...,
        expires: float | None = ...,
        expired: Expired = ...,
        durable: Durability | None = ...,
        timeout: float | None = ...,
        id: str | None = ...,
        dedup: Dedup,
    ) -> MessageId: ...
    def put(
        self,
        body: T,
        *,
        delay: float = 0.0,
        eta: datetime | None = None,
        priority: int = 0,
        group: str | None = None,
        headers: Mapping[str, str] | None = None,
        expires: float | None = None,
        expired: Expired = "dead",
        durable: Durability | None = None,
        timeout: float | None = None,
        id: str | None = None,  # noqa: A002 - the field's name for it
        dedup: Dedup | None = None,
    ) -> str:
        """
        Put one message at the tail and return its id, 32 hexadecimal digits.

        Returns when it is stored. An id is a UUID of version 7: it tells when it was made. The
        options mean together what they mean alone; ``docs/delivery.md`` says what that is.

        Args:
            body: What the serializer can carry.
            delay: Seconds, by the store's clock, before it becomes ready.
            eta: Instead: the moment, with a time zone, by this machine's clock; a past one is now.
            priority: -3 to 3; of the ready messages those of the highest level go first.
            group: Of the messages of a group one is in flight, and their order is kept.
            headers: Texts that travel with it, as ``message.headers``; their names must not begin
                with ``queuekit-``.
            expires: Seconds, by the clocks of producer and consumer, after which no handler gets
                it any more, also not again.
            expired: What becomes of it then: ``"dead"``, a dead letter, or ``"drop"``.
            durable: What to wait for beyond storing: ``"disk"`` (a power cut of the store's machine
                takes nothing back), ``"replicas"`` (nor does a failover). A transport offers what
                its ``features.waits_for`` names.
            timeout: Seconds that it waits for room in a queue with ``max_length``; None for ever.
            id: That of a put which raised ``TransportUnavailable``, from its error: if it was
                stored then, nothing is stored now. Holds for an hour, and for the same transport
                object; of other ids it is not checked whether a message has them.
            dedup: A key. If a put had the same one within its window, nothing is stored, and the
                answer is the id of that message, with ``.new`` False.

        Raises:
            EncodeError: The serializer cannot carry it; nothing is stored.
            BodyTooLarge: It is over the transport's limit; nothing is stored.
            QueueFull: The store has no room, or the queue has its ``max_length``; nothing is
                stored.
            TransportUnavailable: It may or may not be stored; repeat it with its id.
            NotConfirmed: It is stored, but not as *durable* asks; repeat it with its id.
            Unsupported: The transport does not offer an option; nothing is stored.
        """
        packed = self._codec.encode_many((body,))
        ids = None if id is None else (id,)
        if (
            priority == 0
            and eta is None
            and group is None
            and headers is None
            and expires is None
            and timeout is None
            and dedup is None
        ):
            return (self._put(packed, delay, durable, ids))[0]
        extras = self._extras(priority, group, headers, expires, expired, timeout, dedup)
        if eta is not None:
            delay = delay_until(eta, delay, time.time())
        if dedup is None:
            return (self._put(packed, delay, durable, ids, extras))[0]
        ids = ids or (fresh_ids(1)[0].hex(),)
        (stored,) = self._put(packed, delay, durable, ids, extras)
        return MessageId(stored, new=stored == ids[0])

    def put_many(
        self,
        bodies: Iterable[T],
        *,
        delay: float = 0.0,
        eta: datetime | None = None,
        priority: int = 0,
        group: str | None = None,
        headers: Mapping[str, str] | None = None,
        expires: float | None = None,
        expired: Expired = "dead",
        durable: Durability | None = None,
        timeout: float | None = None,
        ids: Sequence[str] | None = None,
    ) -> list[str]:
        """
        Put all bodies of an iterable, in order, and return their ids; of nothing, do nothing.

        All are encoded before the first is sent: one that cannot be encoded stores none. See
        ``put``, whose options hold for each; on a transport without ``features.atomic_push`` an
        error may leave the first ones stored.

        Args:
            ids: Those of a call that raised ``TransportUnavailable``, all of them, for the same
                bodies in the same order.

        Raises:
            ConfigurationError: Also for more bodies than the queue's ``max_length``.
        """
        check_many(bodies)
        packed = self._codec.encode_many(bodies)
        if (
            priority == 0
            and eta is None
            and group is None
            and headers is None
            and expires is None
            and timeout is None
        ):
            return self._put(packed, delay, durable, ids)
        extras = self._extras(priority, group, headers, expires, expired, timeout, None)
        if eta is not None:
            delay = delay_until(eta, delay, time.time())
        return self._put(packed, delay, durable, ids, extras)

    def _extras(
        self,
        priority: int,
        group: str | None,
        headers: Mapping[str, str] | None,
        expires: float | None,
        expired: Expired,
        timeout: float | None,
        dedup: Dedup | None,
    ) -> Extras:
        """Check what most puts do not ask for."""
        features = self._transport.features
        place = check_place(priority, group, features)
        given = {} if headers is None else check_headers(headers)
        if expires is not None:
            given |= expiry(expires, expired, time.time())
        if timeout is not None:
            check_patience(self._bound, timeout)
        return Extras(place, given, check_dedup(dedup, features), timeout)

    def _put(
        self,
        packed: list[bytes],
        delay: float,
        durable: Durability | None,
        ids: Sequence[str] | None,
        extras: Extras = NO_EXTRAS,
    ) -> list[str]:
        transport = self._open()
        raw_ids = fresh_ids(len(packed)) if ids is None else check_ids(ids, len(packed))
        if extras is NO_EXTRAS:
            frames = wrap_all(raw_ids, packed)
        else:
            headers, place = extras.headers, extras.place
            pairs = zip(raw_ids, packed, strict=True)
            frames = [wrap(raw_id, body, headers, place) for raw_id, body in pairs]
        if delay:
            check_limit("delay", check_seconds("delay", delay), transport.features.max_delay)
        names = [message_id.hex() for message_id in raw_ids]
        if not frames:
            return names
        plain = not delay and durable is None and extras is NO_EXTRAS and self._bound is None
        options = NO_OPTIONS if plain else self._options(delay, durable, extras)
        try:
            if self._bound is None:
                found = transport.push(self._name, frames, options=options, token=names[0])
            else:
                found = self._bound.push(self._open, frames, options, names[0], extras.timeout)
        except TransportUnavailable as exc:
            exc.ids = tuple(names)
            raise
        return names if found is None else [found]

    def _options(self, delay: float, durable: Durability | None, extras: Extras) -> PushOptions:
        return PushOptions(
            delay=delay,
            durable=durable,
            placed=extras.place != NOWHERE,
            dedup=extras.dedup,
            max_length=None if self._bound is None else self._bound.max_length,
        )

    def push_frames(self, frames: Sequence[bytes], token: str) -> None:
        """Push what a buffer has gathered."""
        if self._bound is None:
            self._transport.push(self._name, frames, token=token)
        else:
            options = PushOptions(max_length=self._bound.max_length)
            self._bound.push(self._open, frames, options, token)

    def _drop(self, count: int) -> int:
        """Make room: what is next in line goes to the dead letters."""
        transport = self._open()
        limit = min(count, MAX_CLAIM)
        found = transport.claim(self._name, lease=self._lease, limit=limit)
        reason = f"dropped: {self._name!r} was full"
        try:
            letters = [
                (one.receipt, self._letter(one.key, one.body, one.attempt - 1, reason))
                for one in found
            ]
            if letters:
                transport.move(self._name, letters, to=dead_name(self._name))
        except BaseException:
            self.give_back([one.receipt for one in found])
            raise
        return len(found)

    def buffer(self, *, size: int = 100, linger: float = 0.01) -> Buffer[T]:
        """
        Return a producer that gathers messages and puts them together, in one trip.

        To be left by ``with`` or ``close``, which store what is left. A message is stored
        when ``put`` has gathered *size* of them, *linger* seconds after the first, or by ``flush``;
        until then a crash of this process loses it.

        Args:
            size: Messages of one trip.
            linger: Seconds that a message waits for others.
        """
        from ._buffer import Buffer

        if self._bound is not None:
            self._bound.check_size(check_count("size", size))
        return Buffer(self, size, linger)

    def encode(self, body: T) -> bytes:
        """Return the bytes of a body, or raise ``EncodeError``; nothing is put."""
        return self._codec.encode(body)
