"""The queues of a SQLite store by their names."""

from __future__ import annotations

import sqlite3

from .._checks import check_name
from ..errors import QueueFull
from ._sqlite_borrowed import Borrowed
from ._sqlite_database import Database
from ._sqlite_lanes import Lane
from ._sqlite_places import MAX_QUEUES

_FIND = "SELECT number FROM queuekit_queues WHERE name = ?"
_NAME = "INSERT INTO queuekit_queues (name) VALUES (?) ON CONFLICT DO NOTHING"


class Names:
    """Finds the SQL of a queue; knows nobody who uses it, so that no cycle keeps files open."""

    def __init__(self, db: Database | Borrowed) -> None:
        self._db = db
        self._lanes: dict[str, Lane] = {}

    def lane(self, queue: str, *, make: bool = False) -> Lane | None:
        """Return the SQL of a queue, None where nobody has pushed to it yet."""
        lane = self._lanes.get(queue)
        if lane is not None:
            return lane
        check_name(queue)
        if not make and not self._db.is_there():
            return None

        def find(cur: sqlite3.Cursor) -> list[tuple[int]]:
            return cur.execute(_FIND, (queue,)).fetchall()

        found = self._db.read(find)
        if not found and make:
            self._db.write_one(lambda cur: cur.execute(_NAME, (queue,)))
            found = self._db.read(find)
        if not found:
            return None
        number = found[0][0]
        if number > MAX_QUEUES:
            raise QueueFull(f"one file has at most {MAX_QUEUES} queues; use another for {queue!r}")
        lane = Lane(number)
        if self._db.waits:  # an application may undo what it has not committed
            self._lanes[queue] = lane
        return lane
