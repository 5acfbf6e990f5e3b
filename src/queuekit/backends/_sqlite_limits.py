"""
How many messages a queue in SQLite may have, and how fast all consumers together take them.

Each is one row for a queue that has been asked for it. Triggers count in it what no position tells:
what is delayed, or waits in groups.
"""

from __future__ import annotations

import sqlite3
from math import floor
from typing import Final

from ..abilities import Limits
from ._sqlite_groups import HOLDER
from ._sqlite_places import SPAN
from ._sqlite_sql import DELAYED, READY, WAITING

_SLACK: Final = 1e-6
"""Seconds: what rounding the store's time may take from a turn."""

_LENGTH: Final = f"SELECT {READY} + hidden FROM queuekit_bounds WHERE queue = :queue"
_COUNT_ON: Final = (
    f"INSERT INTO queuekit_bounds (queue, hidden) VALUES (:queue, {WAITING} + {DELAYED})"
)
_COUNTED: Final = """CREATE TRIGGER IF NOT EXISTS queuekit_{0}_{1}
    AFTER {2} ON queuekit_{0}{3} BEGIN
    UPDATE queuekit_bounds SET hidden = hidden {4} 1 WHERE queue = {5}.queue;
END"""
_COUNTERS: Final = (
    _COUNTED.format("delayed", "in", "INSERT", "", "+", "NEW"),
    _COUNTED.format("delayed", "out", "DELETE", "", "-", "OLD"),
    _COUNTED.format("groups", "in", "INSERT", f" WHEN NEW.seq > {HOLDER}", "+", "NEW"),
    _COUNTED.format("groups", "out", "DELETE", f" WHEN OLD.seq > {HOLDER}", "-", "OLD"),
)
"""Made when the first bound is asked for: without one, nobody pays for them."""
_TURN: Final = "SELECT turn FROM queuekit_rates WHERE queue = ?"
_TAKE_TURN: Final = "INSERT OR REPLACE INTO queuekit_rates (queue, turn) VALUES (?, ?)"
_IN_FLIGHT: Final = (
    "SELECT count(*) FROM (SELECT 1 FROM queuekit_claims WHERE queue = ? AND expires >= 0 LIMIT ?)"
)


class Bound:
    """The SQL of the length of a queue, known by its number."""

    __slots__ = ("_names",)

    def __init__(self, number: int) -> None:
        self._names = {"base": number * SPAN, "queue": number}

    def has_room(self, cur: sqlite3.Cursor, new: int, most: int) -> bool:
        """
        Tell whether there are at most *most* with *new* messages, those claimed not counted.

        Takes the same time however many there are; the first time for a queue it counts what is
        delayed or waits in groups.
        """
        found = cur.execute(_LENGTH, self._names).fetchall()
        if not found:
            for trigger in _COUNTERS:
                cur.execute(trigger)
            cur.execute(_COUNT_ON, self._names)
            found = cur.execute(_LENGTH, self._names).fetchall()
        return bool(found[0][0] + new <= most)


class Turns:
    """
    The SQL of a queue's rate, known by its number.

    The row says when the messages taken so far would all have had their turns, evenly spaced: the
    virtual scheduling of the generic cell rate algorithm (ITU-T I.371).
    """

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def left(self, cur: sqlite3.Cursor, limits: Limits, now: float) -> int:
        """Return how many messages may be claimed now."""
        if limits.in_flight is not None:
            names = (self._number, limits.in_flight)
            if cur.execute(_IN_FLIGHT, names).fetchone()[0] >= limits.in_flight:
                return 0
        return min(self._in_turn(cur, limits, now), 1 if limits.in_flight is not None else SPAN)

    def take(self, cur: sqlite3.Cursor, limits: Limits, now: float, count: int) -> None:
        """Note that *count* messages were taken."""
        if limits.rate is not None:
            turn = self._turn(cur, limits, now) + count * limits.per / limits.rate
            cur.execute(_TAKE_TURN, (self._number, turn))

    def next(self, cur: sqlite3.Cursor, limits: Limits, now: float) -> float | None:
        """Return when the next message has its turn; None if it is now."""
        if limits.rate is None or self._in_turn(cur, limits, now):
            return None
        return self._turn(cur, limits, now) - (limits.burst - 1) * limits.per / limits.rate

    def _in_turn(self, cur: sqlite3.Cursor, limits: Limits, now: float) -> int:
        if limits.rate is None:
            return SPAN
        early = now + _SLACK - self._turn(cur, limits, now)
        return max(floor(early * limits.rate / limits.per) + limits.burst, 0)

    def _turn(self, cur: sqlite3.Cursor, limits: Limits, now: float) -> float:
        """Return the first turn that is free; what other limits left behind does not block."""
        found = cur.execute(_TURN, (self._number,)).fetchall()
        if not found or limits.rate is None:
            return now
        return float(min(max(found[0][0], now), now + limits.burst * limits.per / limits.rate))
