"""
The ready messages of one queue in SQLite: the order of their levels, and of their groups.

A plain message costs one row, whatever else is in the queue. Every method runs in a transaction of
the caller; texts of statements are constants, so that each connection prepares them once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from .._envelope import frame_id
from . import _sqlite_sql as sql
from ._sqlite_groups import Groups, held_by
from ._sqlite_places import LEVELS, SPAN, Range, is_placed, place_in
from ._sqlite_rows import Row

_USUAL: Final = 0
"""The level of a message that says nothing."""


class Ready:
    """The SQL of the ready messages of a queue, known by its number."""

    __slots__ = ("_levels", "_usual", "groups", "range")

    def __init__(self, number: int) -> None:
        base = number * SPAN
        self.range = (base, base + SPAN - 1)
        """First and last position, of all levels."""
        self.groups = Groups(number)
        self._levels = {
            level: Range(*(base + offset for offset in offsets))
            for level, offsets in LEVELS.items()
        }
        self._usual = self._levels[_USUAL]

    def push_one(
        self, cur: sqlite3.Cursor, body: bytes, mark: list[object], level: int = _USUAL
    ) -> None:
        """
        Append one body without a group: a single statement, which needs no transaction around it.

        Executed and noted in *mark* within one call, so that no interruption comes in between.
        """
        names = (*self._levels[level], body)
        mark.extend(map(bool, map(cur.execute, (sql.PUSH_ONE,), (names,))))

    def push(self, cur: sqlite3.Cursor, bodies: Iterable[bytes]) -> None:
        """Append plain bodies to the tail."""
        cur.executemany(sql.PUSH, enumerate(bodies, self._tail(cur, self._usual)))

    def append(self, cur: sqlite3.Cursor, rows: Sequence[Row]) -> None:
        """Append to the tails of their levels what does not have to wait for its group."""
        for level, some in self._by_level(cur, rows, front=False):
            tail = self._tail(cur, level)
            cur.executemany(sql.PUT, [(tail + i, *row) for i, row in enumerate(some)])

    def prepend(self, cur: sqlite3.Cursor, rows: Sequence[Row]) -> None:
        """Put at the heads of their levels, in their order, what need not wait for its group."""
        for level, some in self._by_level(cur, rows, front=True):
            first = cur.execute(sql.HEAD, level[:2]).fetchall()
            head = (first[0][0] if first else level.begin) - len(some)
            cur.executemany(sql.PUT, [(head + i, *row) for i, row in enumerate(some)])

    def put_back(self, cur: sqlite3.Cursor, rows: Sequence[Row]) -> None:
        """Put at the head what was popped; the next ones of their groups may have followed."""
        self.prepend(
            cur, [(tries, None if held_by(key, body) else key, body) for tries, key, body in rows]
        )

    def pop_one(self, cur: sqlite3.Cursor, hand: list[Row]) -> None:
        """
        Move the oldest ready message into *hand*, unless it holds a group: a single statement.

        Executed and fetched within one call, so that no interruption comes in between.
        """
        hand.extend(chain.from_iterable(map(cur.execute, (sql.POP_ONE,), (self.range,))))

    def pop(self, cur: sqlite3.Cursor, hand: list[Row], limit: int) -> None:
        """Move the oldest ready messages into *hand*; the next ones of their groups follow."""
        rows = self.first(cur, limit)
        if rows:
            cur.execute(sql.TAKE, (rows[0][0], rows[-1][0]))
        for _, attempts, key, body in rows:
            hand.append((attempts, key, body))
            self.leave(cur, held_by(key, body))

    def first(self, cur: sqlite3.Cursor, limit: int) -> list[tuple[int, int, str | None, bytes]]:
        """Return the oldest ready messages with their positions; between them is nothing else."""
        limit = min(limit, SPAN)  # SQLite's integers end
        return cur.execute(sql.FIRST, (*self.range, limit)).fetchall()

    def leave(self, cur: sqlite3.Cursor, group: str) -> None:
        """Let the next one of a group follow, now that its holder is done."""
        if group:
            self.append(cur, self.groups.leave(cur, group))

    def _tail(self, cur: sqlite3.Cursor, level: Range) -> int:
        last = cur.execute(sql.TAIL, level[:2]).fetchall()
        return last[0][0] + 1 if last else level.begin

    def _by_level(
        self, cur: sqlite3.Cursor, rows: Sequence[Row], *, front: bool
    ) -> list[tuple[Range, Sequence[Row]]]:
        """Sort by level what is ready; what joins a group that is held waits there."""
        if not any(is_placed(body) for _, _, body in rows):
            return [(self._usual, rows)] if rows else []
        ready: dict[int, list[Row]] = {}
        waiting: dict[str, list[Row]] = {}
        for attempts, key, body in rows:
            level, group = place_in(body)
            if group and key is None:
                if not self.groups.hold(cur, group):
                    waiting.setdefault(group, []).append((attempts, None, body))
                    continue
                key = frame_id(body)
            ready.setdefault(level, []).append((attempts, key, body))
        for group, some in waiting.items():
            self.groups.wait(cur, group, some, front=front)
        return [(self._levels[level], some) for level, some in ready.items()]
