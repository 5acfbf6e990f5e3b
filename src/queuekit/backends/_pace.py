"""How often to look for what others pushed: often while messages come, else seldom. Pure."""

from __future__ import annotations

from typing import Final

_BUSY: Final = 0.05
"""Seconds after a message in which the next one is expected soon."""


class Pace:
    """
    The pauses between looks, for each queue.

    Args:
        shortest: Seconds between looks while messages come.
        longest: Seconds between looks in the end, when none comes.
    """

    def __init__(self, shortest: float, longest: float) -> None:
        self.shortest = shortest
        self._longest = longest
        self._came: dict[str, float] = {}

    def came(self, queue: str, now: float) -> None:
        """Note that there was a message."""
        self._came[queue] = now

    def after(self, pause: float, queue: str, now: float) -> float:
        """Return the pause that follows one of *pause* seconds in which nothing came."""
        came = self._came.get(queue)
        if came is not None and now - came < _BUSY:
            return self.shortest
        return min(pause * 1.5, self._longest)
