"""Clocks for tests, to pass to a transport as ``clock=``."""

from __future__ import annotations

import time
from collections.abc import Callable


class FakeClock:
    """
    Stand still until somebody moves it.

    Args:
        start: Seconds that it shows at first.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def __call__(self) -> float:
        """Return the seconds it shows."""
        return self._now

    def __repr__(self) -> str:
        return f"FakeClock({self._now!r})"

    def advance(self, seconds: float) -> None:
        """Move it forward."""
        if seconds < 0:
            raise ValueError(f"a clock of a store never goes back, so not by {seconds!r} s")
        self._now += seconds


class MovableClock(FakeClock):
    """
    Run like a real clock, and jump forward on request.

    Args:
        base: The real clock.
    """

    def __init__(self, base: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._base = base

    def __call__(self) -> float:
        """Return the seconds it shows."""
        return self._base() + self._now

    def __repr__(self) -> str:
        return f"<MovableClock, {self._now!r} s ahead>"
