"""Randomness for ids and tokens, asked of the system for many at a time; no fork repeats it."""

from __future__ import annotations

import os
from typing import Final

_SIZE: Final = 16
_COUNT: Final = 256
_spare: list[bytes] = []


def entropy() -> bytes:
    """Return 16 random bytes that nobody else gets, in this process or a child of it."""
    try:
        return _spare.pop()
    except IndexError:
        pool = os.urandom(_SIZE * _COUNT)
        _spare.extend(pool[i : i + _SIZE] for i in range(_SIZE, len(pool), _SIZE))
        return pool[:_SIZE]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_spare.clear)
