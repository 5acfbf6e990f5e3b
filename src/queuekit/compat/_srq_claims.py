"""Taking uids in flight on SafeRedisQueue's keys, and giving them back when nobody gets them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar, cast

from .._deadline import Deadline
from ..backends.redis._pops import timeout as server_timeout
from ..backends.redis._tries import alike
from ..backends.redis._wire import Reply
from ..backends.redis.exchange import Exchange
from ..errors import QueueFull, TransportClosed, TransportError
from ..transport import Delivery, Receipt
from ._srq_script import SrqKeys

_log = logging.getLogger("queuekit")

_POLL: Final = 0.05
"""Seconds between looks where the server does not let us wait: at maxmemory."""

CHUNK: Final = 1000
"""Receipts of one script."""

RETURNS: Final = "what it had taken comes back by itself"

S = TypeVar("S")


class SrqClaims:
    """
    Claims on one server.

    Args:
        longest: Seconds that one wait on the server may last.
    """

    def __init__(self, exchange: Exchange, longest: float) -> None:
        self._exchange = exchange
        self._longest = longest

    def claim(
        self, doing: str, keys: SrqKeys, limit: int, wait: float, interval: int
    ) -> list[Delivery]:
        """Take items in flight; whatever interrupts that, they go back to the head."""
        replies: list[Reply] = []  # what came, wherever the call stands
        try:
            return self._take(doing, keys, limit, wait, interval, replies)
        except BaseException:
            self.put_back(keys, _taken(replies))
            raise

    def _take(
        self,
        doing: str,
        keys: SrqKeys,
        limit: int,
        wait: float,
        interval: int,
        replies: list[Reply],
    ) -> list[Delivery]:
        deadline = Deadline(wait, time.monotonic())
        while True:
            command = keys.claim(limit, interval)
            self._exchange.once(doing, [command], unknown=RETURNS, into=replies)
            found = [each for reply in replies if isinstance(reply, list) for each in reply]
            if not found:
                left = deadline.slice(time.monotonic(), self._longest)
                if not left:
                    return []
                replies.clear()
                found = self._wait(doing, keys, left, replies)
            if found and self._exchange.link.closed:
                raise TransportClosed(f"{doing}: the transport was closed meanwhile")
            if found:
                return list(_deliveries(found))
            replies.clear()

    def _wait(self, doing: str, keys: SrqKeys, left: float, replies: list[Reply]) -> list[Reply]:
        """Wait for one uid and get its item; return both, or nothing."""
        command = keys.wait(server_timeout(left))
        try:
            self._exchange.once(doing, [command], unknown=RETURNS, waits=True, into=replies)
        except QueueFull:  # a wait is refused where a claim is not
            time.sleep(min(left, _POLL))
            return []
        uid = replies[0]
        if not isinstance(uid, bytes):
            return []
        (item,) = self._exchange.until_done(doing, [alike(keys.fetch(uid))])
        return [] if item is None else [uid, item]

    def put_back(self, keys: SrqKeys, uids: list[bytes]) -> None:
        """Put uids back, also after the transport was closed; where that fails, they return."""
        for chunk in chunks_of(uids):
            try:
                self._exchange.at_last(keys.give_back(chunk))
            except TransportError as exc:
                _log.warning("%d messages come back later, by the recovery: %s", len(chunk), exc)


def _taken(replies: Iterable[Reply]) -> list[bytes]:
    """Return the uids that replies brought; the hash of a script that was loaded does no harm."""
    uids: list[Reply] = []
    for reply in replies:
        uids += reply[::2] if isinstance(reply, list) else [reply]
    return [uid for uid in uids if isinstance(uid, bytes)]


def _deliveries(found: Sequence[Reply]) -> Iterator[Delivery]:
    for uid, body in zip(found[::2], found[1::2], strict=True):
        name = text_of(cast("bytes", uid))
        yield Delivery(cast("bytes", body), Receipt(name), 1, name)


def text_of(uid: bytes) -> str:
    return uid.decode("utf-8", "surrogateescape")


def uids_of(receipts: Iterable[Receipt]) -> list[bytes]:
    """Return uids as they are stored; a text that none can be becomes one that is never there."""
    try:
        return [receipt.encode("utf-8", "surrogateescape") for receipt in receipts]
    except UnicodeEncodeError:
        return [receipt.encode("utf-8", "replace") for receipt in receipts]


def receipts_of(reply: Reply) -> list[Receipt]:
    return [Receipt(text_of(uid)) for uid in cast("list[bytes]", reply)]


def chunks_of(values: list[S], size: int = CHUNK) -> Iterator[list[S]]:
    return (values[i : i + size] for i in range(0, len(values), size))
