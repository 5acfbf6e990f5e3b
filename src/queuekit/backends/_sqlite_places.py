"""
Where a message stands in the order of its queue: positions for each level. Pure.

A queue has a range of positions. In its middle half is the usual level; before it are the higher
levels, behind it the lower ones. So the first position of the range is what is claimed next,
whatever levels there are, and a queue without levels is found by the same statements.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from .._envelope import HEAD, MAGIC, NOWHERE, PLACED, FrameError, Place, frame_place

SPAN: Final = 1 << 44
"""Positions of one queue."""
MAX_QUEUES: Final = (1 << 63) // SPAN - 1

_LOWEST: Final = -3
"""Three bits of a frame could also say -4."""
_QUARTER: Final = SPAN // 4
_LEVEL: Final = _QUARTER // 4
"""Positions of one level; each begins in its middle, and again whenever it is empty."""


class Range(NamedTuple):
    """The positions of one level of a queue, counted from the queue's first one."""

    first: int
    last: int
    begin: int


def _range(first: int, size: int) -> Range:
    return Range(first, first + size - 1, first + size // 2)


LEVELS: Final[dict[int, Range]] = {
    **{level: _range((3 - level) * _LEVEL, _LEVEL) for level in (3, 2, 1)},
    0: _range(_QUARTER, 2 * _QUARTER),
    **{level: _range(3 * _QUARTER + (-level - 1) * _LEVEL, _LEVEL) for level in (-1, -2, -3)},
}
"""By level, in the order of the positions."""


def is_placed(body: bytes) -> bool:
    """Tell whether a body carries a level or a group."""
    return body[:2] == MAGIC and len(body) >= HEAD and bool(body[2] & PLACED)


def place_in(body: bytes) -> Place:
    """Return the place that a body carries; what is no proper frame has none."""
    if not is_placed(body):
        return NOWHERE
    try:
        level, group = frame_place(body)
    except FrameError:
        return NOWHERE
    return Place(max(level, _LOWEST), group)
