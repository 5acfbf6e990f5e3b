"""Keys that a queue in SQLite remembers for a time: of puts, and of what a handler has done."""

from __future__ import annotations

import sqlite3
from typing import Final

_FIND: Final = "SELECT value FROM queuekit_marks WHERE queue = ? AND key = ? AND until > ?"
_SET: Final = "INSERT OR REPLACE INTO queuekit_marks (queue, key, value, until) VALUES (?, ?, ?, ?)"
_FORGET: Final = "DELETE FROM queuekit_marks WHERE queue = ? AND key = ?"
_CLEAN: Final = (
    "DELETE FROM queuekit_marks WHERE (queue, key) IN"
    " (SELECT queue, key FROM queuekit_marks WHERE until <= ? ORDER BY until LIMIT 10)"
)
"""Each new key removes up to ten of those that are over, of any queue: so they stay few."""


class Marks:
    """The SQL of the keys of a queue, known by its number."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def find(self, cur: sqlite3.Cursor, key: str, now: float) -> str | None:
        """Return the value of a key whose time is not over."""
        found = cur.execute(_FIND, (self._number, key, now)).fetchall()
        return str(found[0][0]) if found else None

    def mark(
        self, cur: sqlite3.Cursor, key: str, value: str, *, now: float, window: float
    ) -> str | None:
        """Remember a key, or return the value that it has."""
        found = self.find(cur, key, now)
        if found is None:
            cur.execute(_CLEAN, (now,))
            cur.execute(_SET, (self._number, key, value, now + window))
        return found

    def unmark(self, cur: sqlite3.Cursor, key: str, now: float) -> bool:
        """Forget a key, and tell whether it was there."""
        there = self.find(cur, key, now) is not None
        cur.execute(_FORGET, (self._number, key))
        return there
