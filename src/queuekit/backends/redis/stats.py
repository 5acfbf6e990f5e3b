# Generated from stats_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""How many messages of a queue are in which state."""

from __future__ import annotations

from typing import Final, cast

from ...transport import QueueStats
from . import _script
from ._tries import alike
from ._wire import Reply
from .exchange import Exchange
from .keys import SIGN, Keys

_LOOKS: Final = 32
"""Tries to count all claims at one moment; each finds what was claimed since the last."""


def stats(exchange: Exchange, queue: str, keys: Keys) -> QueueStats:
    """Count the messages by state, at one moment unless claims come and go too fast."""
    doing = f"count {queue!r}"
    places = (keys.ready, keys.landing, keys.delayed, keys.leases)
    tokens: list[bytes] = []
    looks = 0
    while True:
        lists = [keys.claim(token) for token in tokens]
        command = _script.STATS((*places, *lists), *tokens)
        if keys.is_placed:
            command = _script.PLACED_STATS((*keys.places, *lists), *tokens)
        (reply,) = exchange.until_done(doing, [alike(command)])
        ready, delayed, claimed, *others = cast("list[Reply]", reply)
        if SIGN in others:
            keys.is_placed = True
            continue
        looks += 1
        if not others or looks == _LOOKS:  # what is left over holds one each, at the least
            counts = cast("tuple[int, int, int]", (ready, delayed, claimed))
            return QueueStats(*counts[:2], counts[2] + len(others))
        tokens += cast("list[bytes]", others)
