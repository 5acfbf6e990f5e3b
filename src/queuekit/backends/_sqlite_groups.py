"""
The groups of one queue in SQLite: who holds each, and who waits behind.

The row of a message that holds its group has a ``key``, wherever it stands; one that has to join
its group yet, because it is delayed, has none. So a plain message is told apart by its row, and
nobody has to look into its body.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from .._envelope import frame_id
from ._sqlite_places import place_in
from ._sqlite_rows import Row

HOLDER: Final = -(1 << 40)
"""The place of the row that says that a group is held; those who wait stand behind it."""

_LAST: Final = (
    "SELECT seq FROM queuekit_groups WHERE queue = ? AND name = ? ORDER BY seq DESC LIMIT 1"
)
_FIRST: Final = (
    "SELECT seq, attempts, body FROM queuekit_groups"
    f" WHERE queue = ? AND name = ? AND seq > {HOLDER} ORDER BY seq LIMIT 1"
)
_HOLD: Final = (
    "INSERT INTO queuekit_groups (queue, name, seq) SELECT ?, ?, ? WHERE NOT EXISTS"
    " (SELECT 1 FROM queuekit_groups WHERE queue = ? AND name = ?)"
)
_WAIT: Final = (
    "INSERT INTO queuekit_groups (queue, name, seq, attempts, body) VALUES (?, ?, ?, ?, ?)"
)
_LEAVE: Final = "DELETE FROM queuekit_groups WHERE queue = ? AND name = ? AND seq = ?"
_EMPTY: Final = f"DELETE FROM queuekit_groups WHERE queue = ? AND seq > {HOLDER}"
_FREE: Final = "DELETE FROM queuekit_groups WHERE queue = ?"
_HELD: Final = "SELECT key, body FROM queuekit_claims WHERE queue = ? AND key IS NOT NULL"


class Groups:
    """The SQL of the groups of one queue, known by its number."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def hold(self, cur: sqlite3.Cursor, name: str) -> bool:
        """Hold a group, and tell whether it was free."""
        names = (self._number, name, HOLDER, self._number, name)
        return cur.execute(_HOLD, names).rowcount == 1

    def wait(self, cur: sqlite3.Cursor, name: str, rows: Sequence[Row], *, front: bool) -> None:
        """Let messages wait for their group, which is held: behind those who do, or before."""
        group = (self._number, name)
        if front:
            first = cur.execute(_FIRST, group).fetchall()
            start = (first[0][0] if first else 0) - len(rows)
        else:
            last = cur.execute(_LAST, group).fetchall()[0][0]
            start = 0 if last == HOLDER else last + 1
        waiting = [
            (*group, start + i, attempts, body) for i, (attempts, _, body) in enumerate(rows)
        ]
        cur.executemany(_WAIT, waiting)

    def leave(self, cur: sqlite3.Cursor, name: str) -> list[Row]:
        """Hand the group on to who waits longest, and return that one; or free it."""
        found = cur.execute(_FIRST, (self._number, name)).fetchall()
        seq = found[0][0] if found else HOLDER
        cur.execute(_LEAVE, (self._number, name, seq))
        return [(attempts, frame_id(body), body) for _, attempts, body in found]

    def empty(self, cur: sqlite3.Cursor) -> int:
        """Remove who waits, and return how many; held is then what is claimed."""
        gone = cur.execute(_EMPTY, (self._number,)).rowcount
        if cur.execute(_FREE, (self._number,)).rowcount:
            held = cur.execute(_HELD, (self._number,)).fetchall()
            for name in {name for key, body in held if (name := held_by(key, body))}:
                self.hold(cur, name)
        return gone


def held_by(key: str | None, body: bytes) -> str:
    """Return the group that the message of a row holds; empty if it holds none."""
    return place_in(body).group if key is not None else ""
