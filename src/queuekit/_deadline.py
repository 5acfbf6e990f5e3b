"""A deadline and its slices: long waits are cut, so that signals and ``stop`` are seen. Pure."""

from __future__ import annotations

import math


class Deadline:
    """
    The end of a wait, on a clock that the caller reads.

    Args:
        timeout: Seconds from *now*; None means that the wait never ends.
        now: What the caller's clock says, in seconds.
    """

    __slots__ = ("_end",)

    def __init__(self, timeout: float | None, now: float) -> None:
        self._end = math.inf if timeout is None else now + timeout

    def left(self, now: float) -> float:
        """Return the seconds left, 0 when the deadline has passed, infinity without one."""
        return max(0.0, self._end - now)

    def slice(self, now: float, longest: float) -> float:
        """Return how long the next single wait may be: what is left, at most *longest* seconds."""
        return min(self.left(now), longest)
