"""
SafeRedisQueue's calls on SafeRedisQueue's keys: at least once, acked by uid.

Change the import, and old and new processes share one queue. What differs from the original is
listed in ``docs/migrating.md``. ``python -m queuekit.compat.saferedisqueue`` is its command line.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from types import EllipsisType, TracebackType
from typing import TYPE_CHECKING, Generic, Self, cast

from .._checks import DEAD, check_count, check_many, check_name, check_seconds
from .._codec import Codec
from .._deadline import Deadline
from ..errors import ConfigurationError, DecodeError
from ..serializer import Serializer, T
from ..transport import Delivery, Receipt
from ._bodies import Assigned
from ._opening import check_decode, check_ways, open_source
from ._srq_transport import SafeRedisQueueTransport

if TYPE_CHECKING:
    from ..backends.redis.client import Client

__all__ = ["SafeRedisQueue", "SafeRedisQueueTransport"]

_log = logging.getLogger("queuekit")

_LEASE = 1.0
"""What is asked where nothing comes back by itself."""


class SafeRedisQueue(Generic[T]):
    """
    At least once: a FIFO queue on the five keys of SafeRedisQueue 3.0.

    ``get`` hands out a message and its uid; it stays until ``ack(uid)``. What was neither acked nor
    failed comes back to the tail after one to two times *autoclean_interval*, if somebody calls or
    waits in ``get``. The layout names no owner, so:

    * A consumer that takes longer than the interval says ``extend(uid)`` in time, or another one
      gets its message as well: a slow consumer looks like a dead one.
    * A late ``ack`` or ``fail`` is obeyed, whoever has the message by now.
    * Deliveries are not counted: ``fail`` puts a message at the tail at once, without a limit, and
      one that always fails comes for ever. ``ReliableQueue`` has attempts, backoff, dead letters.
    * Messages that come back do so in another order, and ``ack`` takes longer the more messages
      are in flight.

    Args:
        args: As for ``redis.Redis``: host, port, db, password, ...
        name: The queue's name, a part of its keys; in braces, ``{jobs}``, it works on a cluster.
        url: Any URL of queuekit, or one of redis-py together with *kw*; *args* mean nothing then.
        autoclean_interval: Seconds, 60 by default, the same for all who share the queue; None
            brings nothing back.
        serializer: A module or object with ``dumps`` and ``loads``; may be assigned at any time.
            Without one, text, bytes and numbers are stored as they are, and come as text (as bytes
            where they are no text).
        client: A client of redis-py, of which only how it connects is used.
        transport: A transport of this layout, to share its connections; it stays open.
        decode_responses: True gives text to ``loads``, and takes only what is text; with False
            messages without a serializer are bytes.
        kw: As for ``redis.Redis``.

    Raises:
        ConfigurationError: An interval that is not positive, two answers to where the store is, an
            option that redis-py does not take.
    """

    AUTOCLEAN_INTERVAL: float | None = 60
    """The interval where none is given."""

    def __init__(
        self,
        *args: object,
        name: object = "0",
        url: str | None = None,
        autoclean_interval: float | EllipsisType | None = ...,
        serializer: Serializer[T] | None = None,
        client: Client | None = None,
        transport: SafeRedisQueueTransport | None = None,
        decode_responses: bool | None = None,
        **kw: object,
    ) -> None:
        check_ways(url, client, transport, {**kw, "host": args[0]} if args else kw)
        self._name = check_name(str(name))
        self.serializer = serializer
        self._codec: Codec[T] = Codec(
            cast("Serializer[T]", Assigned(self, check_decode(decode_responses), frames=False))
        )
        self._owned = transport is None
        interval = autoclean_interval
        if isinstance(interval, EllipsisType):
            interval = self.AUTOCLEAN_INTERVAL
        if transport is None:
            source = open_source(url, client, args, kw)
            transport = SafeRedisQueueTransport(source, interval=interval)
        self._transport = transport
        vars(self)["AUTOCLEAN_INTERVAL"] = transport.features.max_lease  # as the original has it
        begin = f"{transport.prefix}:{self._name}"
        self.QUEUE_KEY = f"{begin}:queue"
        self.ITEMS_KEY = f"{begin}:items"
        self.ACKBUF_KEY = f"{begin}:ackbuf"
        self.BACKUP = f"{begin}:backup"
        self.BACKUP_LOCK = f"{begin}:backuplock"

    @property
    def name(self) -> str:
        """The name of the queue."""
        return self._name

    @property
    def transport(self) -> SafeRedisQueueTransport:
        """The store; pass it to another queue to share its connections."""
        return self._transport

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r} on {self._transport!r}>"

    def __len__(self) -> int:
        """Return how many messages wait; those in flight are not among them."""
        return self._transport.stats(self._name).ready

    def __bool__(self) -> bool:
        """Be true even when empty."""
        return True

    def put(self, item: T) -> str:
        """
        Put an item at the tail and return its uid: 36 characters.

        Raises:
            EncodeError: The serializer cannot carry it; nothing is stored.
            TransportUnavailable: It may or may not be stored. Not repeated.
        """
        return self._transport.put(self._name, [self._codec.encode(item)])[0]

    def put_many(self, items: Iterable[T]) -> list[str]:
        """Put all items of an iterable in one call, as ``put`` does, and return their uids."""
        check_many(items)
        return self._transport.put(self._name, [self._codec.encode(item) for item in items])

    def get(self, timeout: float = 0) -> tuple[str, T] | tuple[None, None]:
        """
        Take the oldest item and return its uid and itself; ``(None, None)`` when there is none.

        An item of None is ``(uid, None)``; a uid whose item is gone is dropped, not returned.

        Args:
            timeout: 0 waits for ever, a positive number so many seconds, a negative one not at all.

        Raises:
            DecodeError: The bytes are no item. They are in the error and, under the same uid, in
                the queue ``<name>!dead``; the next call goes on.
            TransportUnavailable: The server cannot be reached; what was taken comes back.
        """
        deadline = Deadline(_wait(timeout), time.monotonic())
        lease = self._transport.features.max_lease or _LEASE
        longest = self._transport.features.max_wait
        while True:
            wait = deadline.slice(time.monotonic(), longest)
            found = self._transport.claim(self._name, lease=lease, timeout=wait)
            if found:
                try:
                    return self._item(found[0])
                except DecodeError:
                    raise
                except BaseException:
                    self._transport.give_back(self._name, [found[0].receipt])
                    raise
            if not deadline.left(time.monotonic()):
                return None, None

    def ack(self, *uids: str | bytes | None) -> None:
        """
        Say that items are done: they are forgotten. None, as ``get`` may return it, is no item.

        One whose time was up is forgotten as well, wherever it is, and a warning is logged.
        """
        self._report("ack", self._transport.ack(self._name, _receipts(uids)))

    def fail(self, *uids: str | bytes | None) -> None:
        """
        Say that items are not done: each goes to the tail, at once and however often it failed.

        Unless somebody has an item now, nothing happens to it, and a warning is logged: it waits
        already, is done, or never was.
        """
        lost = self._transport.release(self._name, _receipts(uids), counted=True)
        self._report("fail", lost)

    def extend(self, *uids: str | bytes | None) -> None:
        """
        Keep items for another interval at the least; to be called more often than that.

        For those whose time was up before nothing happens, and a warning is logged.
        """
        lease = self._transport.features.max_lease or _LEASE
        self._report("extend", self._transport.extend(self._name, _receipts(uids), lease=lease))

    def peek(self, limit: int = 1) -> list[T]:
        """Return the first *limit* items that wait and change nothing."""
        found = self._transport.peek(self._name, limit=check_count("limit", limit))
        return [self._codec.decode(data) for data in found]

    def clear(self) -> int:
        """Remove the items that wait and return how many; those in flight stay."""
        return self._transport.purge(self._name)

    push = put
    """The old name of ``put``."""
    pop = get
    """The old name of ``get``."""

    def close(self) -> None:
        """Close the connections that this queue opened. A second call does nothing."""
        if self._owned:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def _item(self, found: Delivery) -> tuple[str, T]:
        try:
            return found.key, self._codec.decode(found.body)
        except DecodeError as exc:
            self._transport.move(self._name, [(found.receipt, found.body)], to=self._name + DEAD)
            why = f"queue {self._name!r}, item {found.key}: {exc}"
            raise DecodeError(why, exc.raw) from exc.__cause__

    def _report(self, verb: str, lost: list[Receipt]) -> None:
        if lost:
            _log.warning(
                "queue %r: %s of what nobody had any more: %s", self._name, verb, ", ".join(lost)
            )


def _wait(timeout: object) -> float | None:
    """Return seconds, 0 for at once, None for ever."""
    if timeout is None:
        raise ConfigurationError("timeout is 0 for ever, or so many seconds, or negative for now")
    if isinstance(timeout, (int, float)) and timeout < 0:
        return 0.0
    return check_seconds("timeout", timeout) or None


def _receipts(uids: Iterable[str | bytes | None]) -> list[Receipt]:
    """Return uids as receipts, also those that an old process kept as bytes."""
    return [
        Receipt(uid.decode("utf-8", "surrogateescape") if isinstance(uid, bytes) else uid)
        for uid in uids
        if uid is not None
    ]


if __name__ == "__main__":
    from ._srq_command import main

    main()
