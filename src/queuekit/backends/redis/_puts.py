"""Lanes and tokens of puts: what makes a repeated put store nothing twice. No I/O."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from ..._envelope import frame_id
from ...errors import ConfigurationError
from . import _script
from ._wire import PACKED, Command, pack
from .keys import Keys

CHUNK: Final = 1000
"""Bodies of one command or script."""
_CHUNK_BYTES: Final = 8 * 2**20
"""A chunk that has so many bytes takes no more: a script holds up the server."""

_ARGUMENTS: Final = 8
"""Arguments of a put before the bodies."""

_TOKENS: Final = 1024
_OPEN: Final = 100_000
"""Puts that were given up and may be asked again: remembered longer than those that were done."""
_TOKEN_LIFE: Final = 3600.0

Token: TypeAlias = tuple[bytes, str]
"""A queue's list and the token of a push into it: another queue may have the same token."""


def put_call(keys: Keys, lane_id: bytes, number: int, chunk: Sequence[bytes]) -> Command:
    """Return the call that puts a chunk without a delay, packed."""
    head, lane = _head(keys.ready), keys.lane(lane_id)
    digits = b"%d" % number
    sizes = (_ARGUMENTS + len(chunk), head, len(lane), lane, len(digits), digits)
    parts = [b"*%d\r\n%b$%d\r\n%b\r\n$%d\r\n%b\r\n$1\r\n0\r\n$1\r\n0\r\n" % sizes]
    parts += [b"$%d\r\n%b\r\n" % (len(body), body) for body in chunk]
    return (PACKED, _script.PUT.hash, b"".join(parts), keys.ready)


@lru_cache(maxsize=256)
def _head(ready: bytes) -> bytes:
    """Return the arguments that all puts into a queue begin with, packed."""
    command = _script.PUT((ready, b""))
    packed = pack([command[:4]])
    return packed[packed.index(b"\r\n") + 2 :]


class _Lane:
    """A channel of numbered puts, used by one call at a time."""

    __slots__ = ("id", "last")

    def __init__(self) -> None:
        self.id = os.urandom(16).hex().encode()
        self.last = 0


class Ticket:
    """The numbers in a lane that one put has, for ever."""

    __slots__ = ("born", "first", "lane", "lane_id")

    def __init__(self, lane: _Lane, count: int) -> None:
        self.lane = lane
        self.lane_id = lane.id
        self.first = lane.last + 1
        self.born = time.monotonic()
        lane.last += count


class Tickets:
    """
    Hands out lanes and remembers tokens.

    A lane whose put was not seen to succeed never comes back: a number that the server may or may
    not have taken must not name another put.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Lane] = []
        self._open: OrderedDict[Token, Ticket] = OrderedDict()  # nobody knows what became of them
        self._done: OrderedDict[Token, Ticket] = OrderedDict()

    def begin(self, token: Token | None, count: int) -> tuple[Ticket, bool]:
        """Return the ticket for *count* chunks, and whether it is a new one."""
        with self._lock:
            if token is not None:
                known = self._open.get(token) or self._done.get(token)
                if known is not None and time.monotonic() - known.born < _TOKEN_LIFE:
                    return known, False
            ticket = Ticket(self._idle.pop() if self._idle else _Lane(), count)
            if token is not None:
                _keep(self._open, token, ticket, _OPEN)
            return ticket, True

    def done(self, ticket: Ticket, token: Token | None, *, is_new: bool) -> None:
        """Take note that the server took all of a ticket; the lane of a new one comes back."""
        with self._lock:
            if is_new:
                self._idle.append(ticket.lane)
            if token is not None:
                self._open.pop(token, None)
                _keep(self._done, token, ticket, _TOKENS)

    def unused(self, ticket: Ticket, token: Token | None) -> None:
        """Take note that none of a new ticket was taken, and nothing of it is under way."""
        with self._lock:
            self._idle.append(ticket.lane)
            if token is not None:
                self._open.pop(token, None)

    def forked(self) -> None:
        """Leave the lanes to the parent: a number used by both would swallow a put."""
        self._lock = threading.Lock()
        self._idle.clear()


def _keep(tickets: OrderedDict[Token, Ticket], token: Token, ticket: Ticket, most: int) -> None:
    tickets[token] = ticket
    tickets.move_to_end(token)
    if len(tickets) > most:
        tickets.popitem(last=False)


def chunks(bodies: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Cut a batch; the same batch is always cut alike, so that a repeat has the same numbers."""
    if 0 < len(bodies) <= CHUNK and sum(map(len, bodies)) <= _CHUNK_BYTES:  # nearly always
        yield list(bodies)
        return
    chunk: list[bytes] = []
    size = 0
    for body in bodies:
        if len(chunk) == CHUNK or (chunk and size + len(body) > _CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(body)
        size += len(body)
    if chunk:
        yield chunk


def check_framed(bodies: Sequence[bytes]) -> None:
    """Refuse bodies that are to be delayed and have no id that tells them from their equals."""
    if any(frame_id(body) is None for body in bodies):
        raise ConfigurationError(
            "a delayed body must have a frame, whose id tells it from its equals; put it through"
            " an engine, which adds one"
        )
