"""What a put asks for beyond storing: places, a key of its own, a bound. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ...errors import QueueFull, Unsupported
from ...transport import Dedup, PushOptions
from . import _script
from ._pops import milliseconds
from ._puts import chunks
from ._wire import Command, Reply
from .keys import Keys

_MOST: Final = 10_000
_MOST_BYTES: Final = 64 * 2**20
"""What a bounded put may store: it is one step, which holds up the server."""


class Placing(NamedTuple):
    """The options of a put that its script decides about, in this order: key, bound, places."""

    is_placed: bool = False
    dedup: Dedup | None = None
    token: str = ""
    max_length: int = 0

    def call(
        self,
        keys: Keys,
        lane_id: bytes,
        number: int,
        delay: int,
        before: int,
        chunk: Sequence[bytes],
    ) -> Command:
        """Return the call that puts a chunk."""
        lane = keys.lane(lane_id)
        key, token, window = lane, "", 0
        if self.dedup is not None:
            key, token = keys.remembered(self.dedup.key), self.token
            window = max(1, milliseconds(self.dedup.window))
        options = (int(self.is_placed), self.max_length, token, window)
        if self.is_placed:
            keys.is_placed = True
        return _script.PLACED_PUT(
            (*keys.places, lane, key), number, delay, before, *options, *chunk
        )

    def known(self, doing: str, reply: Sequence[Reply]) -> str:
        """
        Return the token of the push that has the key, from a reply that says why nothing is stored.

        Raises:
            QueueFull: It is for want of room.
        """
        value = reply[0]
        if isinstance(value, bytes):
            return value.decode()
        full = QueueFull(
            f"{doing}: the queue has {value!r} messages and its max_length is {self.max_length};"
            " nothing was stored; consume more, or wait for room"
        )
        full.max_length = self.max_length
        raise full


PLAIN: Final = Placing()
"""Nothing of it."""


def placing_of(options: PushOptions, token: str | None) -> Placing:
    """Return what *options* ask for; ``PLAIN`` itself for nothing."""
    if options.placed or options.dedup is not None or options.max_length is not None:
        return Placing(options.placed, options.dedup, token or "", options.max_length or 0)
    return PLAIN


def steps(bodies: Sequence[bytes], placing: Placing) -> list[list[bytes]]:
    """
    Cut a batch into what one script stores; a bounded one is not cut.

    Raises:
        Unsupported: A bounded batch is too large for that.
    """
    if not placing.max_length:
        return list(chunks(bodies))
    size = sum(map(len, bodies))
    if len(bodies) > _MOST or size > _MOST_BYTES:
        raise Unsupported(
            f"a put with max_length= is one step of the server, of at most {_MOST} messages and"
            f" {_MOST_BYTES} bytes, not {len(bodies)} and {size}; put smaller batches"
        )
    return [list(bodies)] if bodies else []
