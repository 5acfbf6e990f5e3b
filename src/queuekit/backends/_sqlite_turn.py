"""Whose turn it is to write: the threads of one process do not meet in SQLite's naps."""

from __future__ import annotations

import threading
import time
from typing import Final

from ._waiters import Lines, Waiter

_LINE: Final = ""
_LONGEST_NAP: Final = 0.05
"""Seconds; a waiter that nobody woke, because who should was interrupted, looks again by then."""


class Turn:
    """
    A lock with a deadline that no interruption can leave locked.

    ``Lock.acquire(timeout=...)`` may be interrupted between getting the lock and saying so. Here
    who has the turn stands in ``owner``: whoever took it, or was interrupted while taking it, sets
    it to None if it is his, by an assignment, into which no exception can come.
    """

    def __init__(self) -> None:
        self.owner: object | None = None
        self._gate = threading.RLock()
        self._lines = Lines()

    def take(self, who: object, end: float) -> bool:
        """Take the turn, waiting until *end* of the monotonic clock; False when it is over."""
        if self._take(who):
            return True
        waiter = Waiter()
        try:
            while True:
                self._lines.enter(_LINE, waiter)
                if self._take(who):
                    return True
                left = end - time.monotonic()
                if left <= 0:
                    return False
                if not waiter.wait(min(left, _LONGEST_NAP)):
                    self._lines.leave(_LINE, waiter, satisfied=False)
        finally:
            self._lines.leave(_LINE, waiter, satisfied=self.owner is who)

    def next(self) -> None:
        """Wake who is next; the turn was given away before."""
        self._lines.wake(_LINE, 1)

    def _take(self, who: object) -> bool:
        with self._gate:
            if self.owner is None:
                self.owner = who
            return self.owner is who
