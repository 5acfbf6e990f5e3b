"""A deadline and its slices: long waits are cut, so that signals and ``stop`` are seen. Pure."""

from __future__ import annotations

import math

from ._checks import check_seconds
from .errors import ConfigurationError


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

    def remaining(self, now: float) -> float | None:
        """Return the seconds left as a timeout: None when the wait never ends."""
        return None if self._end == math.inf else self.left(now)

    def slice(self, now: float, longest: float) -> float:
        """Return how long the next single wait may be: what is left, at most *longest* seconds."""
        return min(self.left(now), longest)


def consuming_time(timeout: float | None) -> float | None:
    """Return how long a loop waits for each next item: seconds, 0 for at once, None for ever."""
    return None if timeout is None else check_seconds("timeout", timeout)


def waiting_time(block: bool | None, timeout: float | None) -> float | None:
    """
    Return how long ``get(block=, timeout=)`` waits: seconds, 0 for at once, None for ever.

    Raises:
        ConfigurationError: A timeout with ``block=False``, or one that is no number of seconds.
    """
    if timeout is None:
        return None if block else 0.0
    if block is False:
        raise ConfigurationError("block=False returns at once and takes no timeout: drop one")
    return check_seconds("timeout", timeout)
