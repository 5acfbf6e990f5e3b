"""The scripts and keys of SafeRedisQueue's layout. Pure."""

from __future__ import annotations

from typing import Final

from .._checks import check_name
from ..backends.redis._script import Script
from ..backends.redis._wire import Argument, Command

PREFIX: Final = "srq"
_PACKAGE: Final = "queuekit.compat"

_ACK = Script("ack.lua", _PACKAGE)
_CLAIM = Script("claim.lua", _PACKAGE)
_EXTEND = Script("extend.lua", _PACKAGE)
_FAIL = Script("fail.lua", _PACKAGE)
_FETCH = Script("fetch.lua", _PACKAGE)
_GIVE_BACK = Script("giveback.lua", _PACKAGE)
_MOVE = Script("move.lua", _PACKAGE)
_PEEK = Script("peek.lua", _PACKAGE)
_PURGE = Script("purge.lua", _PACKAGE)
_PUT = Script("put.lua", _PACKAGE)
_RECOVER = Script("recover.lua", _PACKAGE)
_STATS = Script("stats.lua", _PACKAGE)


class SrqKeys:
    """The five keys of the queue *name*, and the commands on them."""

    __slots__ = ("ackbuf", "backup", "items", "lock", "queue")

    def __init__(self, prefix: str, name: str) -> None:
        begin = f"{prefix}:{check_name(name)}:".encode()
        self.queue = begin + b"queue"
        """List of the uids that wait, oldest right."""
        self.items = begin + b"items"
        """Hash from uid to item."""
        self.ackbuf = begin + b"ackbuf"
        """List of the uids in flight since the last turn of the recovery, newest left."""
        self.backup = begin + b"backup"
        """List of the uids in flight since the turn before."""
        self.lock = begin + b"backuplock"
        """Exists for an interval after each turn."""

    def put(self, uids: list[bytes], bodies: list[bytes]) -> Command:
        """Return what stores bodies under their uids."""
        pairs = [each for pair in zip(uids, bodies, strict=True) for each in pair]
        return _PUT((self.items, self.queue), *pairs)

    def claim(self, limit: int, interval: int) -> Command:
        """Return what takes up to *limit* items, after a recovery if there is an interval."""
        places = (self.queue, self.ackbuf, self.backup, self.lock, self.items)
        return _CLAIM(places, limit, interval)

    def wait(self, slice_: Argument) -> Command:
        """Return what waits for a uid; the ``BRPOPLPUSH`` of the original under its new name."""
        return (b"BLMOVE", self.queue, self.ackbuf, b"RIGHT", b"LEFT", slice_)

    def fetch(self, uid: bytes) -> Command:
        """Return what gets the item of a uid in flight."""
        return _FETCH((self.items, self.ackbuf, self.backup), uid)

    def ack(self, uids: list[bytes]) -> Command:
        """Return what forgets items."""
        return _ACK((self.items, self.ackbuf, self.backup, self.queue), *uids)

    def fail(self, uids: list[bytes]) -> Command:
        """Return what puts items at the tail again."""
        return _FAIL((self.items, self.ackbuf, self.backup, self.queue), *uids)

    def give_back(self, uids: list[bytes]) -> Command:
        """Return what puts items at the head again."""
        return _GIVE_BACK((self.items, self.ackbuf, self.backup, self.queue), *uids)

    def move(self, target: SrqKeys, pairs: list[bytes]) -> Command:
        """Return what stores new items elsewhere; *pairs* are uids and bodies."""
        places = (self.items, self.ackbuf, self.backup, target.items, target.queue)
        return _MOVE(places, *pairs)

    def extend(self, uids: list[bytes]) -> Command:
        """Return what keeps uids in flight."""
        return _EXTEND((self.ackbuf, self.backup), *uids)

    def recover(self, interval: int, limit: int) -> Command:
        """Return one turn of the recovery."""
        places = (self.queue, self.ackbuf, self.backup, self.lock, self.items)
        return _RECOVER(places, interval, limit)

    def peek(self, limit: int) -> Command:
        """Return what looks at the oldest items."""
        return _PEEK((self.queue, self.items), limit)

    def stats(self) -> Command:
        """Return what counts."""
        return _STATS((self.queue, self.ackbuf, self.backup))

    def purge(self) -> Command:
        """Return what forgets the items that wait."""
        return _PURGE((self.queue, self.items))
