"""
Turns: how many messages the limits of a queue let through. Pure.

The generic cell rate algorithm: it keeps nothing but the time at which the queue would be on
schedule again, so a pause saves up turns for one burst and no more.
"""

from __future__ import annotations

from math import floor
from typing import Final

from .abilities import Limits

_ROUNDING: Final = 1e-6
"""Of a turn, so that sums of floats make nobody wait for a turn that has come."""

NO_LIMITS: Final = Limits()


class Turns:
    """The turns of one queue; ``now`` is an argument."""

    __slots__ = ("_on_schedule", "limits")

    def __init__(self) -> None:
        self.limits = NO_LIMITS
        """What the consumers have said, all of them the same."""
        self._on_schedule: float | None = None

    def free(self, *, now: float, held: int) -> float:
        """Return how many messages may be claimed at this moment."""
        limits, free = self.limits, float("inf")
        if limits.rate is not None:
            behind = self._ahead(now) * limits.rate / limits.per
            free = max(0, floor(limits.burst - behind + _ROUNDING))
        if limits.in_flight is not None:
            free = min(free, int(held < limits.in_flight))
        return free

    def take(self, *, now: float, count: int) -> None:
        """Take *count* turns."""
        if self.limits.rate is not None:
            ahead = count * self.limits.per / self.limits.rate
            self._on_schedule = now + self._ahead(now) + ahead

    def next(self, *, now: float) -> float | None:
        """Return when there is a turn again, by the clock of *now*; None if time brings none."""
        limits = self.limits
        if limits.rate is None:
            return None
        wait = self._ahead(now) - (limits.burst - 1) * limits.per / limits.rate
        return now + wait if wait > 0 else None

    def _ahead(self, now: float) -> float:
        """Return for how many seconds turns were taken in advance."""
        return 0.0 if self._on_schedule is None else max(0.0, self._on_schedule - now)
