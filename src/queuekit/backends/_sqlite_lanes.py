"""
The ready, delayed and claimed messages of one queue in SQLite: what ``_lanes`` does, as SQL.

Every method runs in a transaction of the caller and touches few pages, whatever the queue's
length; only ``stats`` and ``purge`` walk over what they count. Texts of statements are constants,
so that each connection prepares them once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from .._lanes import CLAIM_WINDOW, DUE_WINDOW
from .._receipt import by_claim, place_of
from ..abilities import Limits
from ..transport import MAX_CLAIM, Delivery, QueueStats, Receipt
from . import _sqlite_sql as sql
from ._sqlite_claims import Claims
from ._sqlite_limits import Bound, Turns
from ._sqlite_marks import Marks
from ._sqlite_places import is_placed
from ._sqlite_ready import Ready
from ._sqlite_rows import Row, deliveries


class Claimed(NamedTuple):
    """What one step of a claim did."""

    found: list[Delivery]
    made_ready: int
    more: bool
    """More claims may have expired: nothing was taken yet, commit and step again."""


class Lane:
    """The SQL of one queue, known by its number."""

    __slots__ = ("bound", "claims", "marks", "number", "ready", "turns")

    def __init__(self, number: int) -> None:
        self.number = number
        self.ready = Ready(number)
        self.claims = Claims(number)
        self.bound = Bound(number)
        self.marks = Marks(number)
        self.turns = Turns(number)

    def push(
        self,
        cur: sqlite3.Cursor,
        bodies: Sequence[bytes],
        *,
        placed: bool = False,
        now: float = 0.0,
        delay: float = 0.0,
    ) -> None:
        """Append to the tail, or make ready in *delay* seconds; look at places if *placed*."""
        if delay:
            self._put_off(cur, [(0, None, body) for body in bodies], now + delay)
        elif placed:
            self.ready.append(cur, [(0, None, body) for body in bodies])
        else:
            self.ready.push(cur, bodies)

    def put_back(self, cur: sqlite3.Cursor, hand: list[Row]) -> int:
        """Put messages at the head, in their order, and return how many."""
        self.ready.put_back(cur, hand)
        return len(hand)

    def peek(self, cur: sqlite3.Cursor, limit: int) -> list[bytes]:
        """Return the oldest ready bodies."""
        return [body for *_, body in self.ready.first(cur, limit)]

    def stats(self, cur: sqlite3.Cursor) -> QueueStats:
        """Count messages by state, in one snapshot; walks over all but what can be claimed."""
        names = {"base": self.ready.range[0], "queue": self.number}
        return QueueStats(*cur.execute(sql.STATS, names).fetchone())

    def purge(self, cur: sqlite3.Cursor) -> int:
        """Remove what is ready, delayed or waiting in groups."""
        count = cur.execute(sql.TAKE, self.ready.range).rowcount
        count += cur.execute(sql.PURGE_DELAYED, (self.number,)).rowcount
        return count + self.ready.groups.empty(cur)

    def is_ready(self, cur: sqlite3.Cursor) -> bool:
        """Tell whether there is a ready message."""
        return bool(cur.execute(sql.HEAD, self.ready.range).fetchall())

    def next_event(self, cur: sqlite3.Cursor) -> float | None:
        """Return when the next claim expires or message becomes due."""
        times = [time for time in self._next(cur) if time is not None]
        return min(times, default=None)

    def next_turn(self, cur: sqlite3.Cursor, limits: Limits | None, now: float) -> float | None:
        """Return when a message may be taken again, if there is one and it may not be now."""
        if limits is None or not self.is_ready(cur):
            return None
        return self.turns.next(cur, limits, now)

    def claim(
        self,
        cur: sqlite3.Cursor,
        token: str,
        *,
        now: float,
        lease: float,
        limit: int,
        limits: Limits | None = None,
    ) -> Claimed:
        """Make due things ready, then hide the oldest ready messages under a new claim."""
        end = now + lease
        if limits is not None:
            return self._claim_within(cur, token, limits, now, end, limit)
        if limit == 1:
            names = (*self.ready.range, self.number, now, self.number, now)
            one = cur.execute(sql.POP_UNLESS_DUE, names).fetchall()
            if one:
                cur.execute(sql.HIDE_ONE, (self.number, end, token, *one[0]))
                return Claimed(deliveries(token, end, one), 0, more=False)
        made_ready, more = self._make_ready(cur, now)
        taken = [] if more else self._hide(cur, token, end, min(limit, MAX_CLAIM))
        return Claimed(deliveries(token, end, taken), made_ready, more)

    def unclaim(self, cur: sqlite3.Cursor, token: str, end: float) -> int:
        """Undo a claim whose deliveries nobody got; return how many are at the head again."""
        return self._give_back(cur, token, end, counted=False)

    def ack(self, cur: sqlite3.Cursor, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Forget messages."""
        if self.claims.ack_plain(cur, receipts):
            return []
        done, groups = self.claims.forget(cur, receipts)
        self._go_on(cur, groups)
        return [r for r, held in zip(receipts, done, strict=True) if not held]

    def release(
        self,
        cur: sqlite3.Cursor,
        receipts: Sequence[Receipt],
        *,
        counted: bool,
        now: float,
        delay: float,
    ) -> list[Receipt]:
        """Give messages back: delayed, to the tail (counted) or to the head (uncounted)."""
        lost: list[Receipt] = []
        heads: list[list[Row]] = []
        for group in by_claim(receipts):
            kept = group if counted or delay else sorted(group, key=place_of)
            back = self.claims.take_back(cur, kept, lost, counted)
            if delay:
                self._put_off(cur, back, now + delay)
            elif counted:
                self.ready.append(cur, back)
            else:
                heads.append(back)
        for back in reversed(heads):
            self.ready.prepend(cur, back)
        return lost

    def move(
        self, cur: sqlite3.Cursor, letters: Sequence[tuple[Receipt, bytes]], to: Lane
    ) -> list[Receipt]:
        """Store the new bodies in *to* for the messages that are held, and forget those."""
        done, groups = self.claims.forget(cur, [receipt for receipt, _ in letters])
        bodies = [body for (_, body), held in zip(letters, done, strict=True) if held]
        to.push(cur, bodies, placed=any(map(is_placed, bodies)))
        self._go_on(cur, groups)
        return [receipt for (receipt, _), held in zip(letters, done, strict=True) if not held]

    def recover_claims(self, cur: sqlite3.Cursor, now: float, limit: int) -> tuple[int, int]:
        """Give back what *limit* expired claims held; return how many claims and messages."""
        number = self.number
        window: list[tuple[float, str]] = cur.execute(sql.EXPIRED, (number, now, limit)).fetchall()
        messages = 0
        for end, token in reversed(window):  # the latest first: the oldest ends in front
            messages += self._give_back(cur, token, end, counted=True)
            cur.execute(sql.FORGET, (number, token))
        return len(window), messages

    def promote(self, cur: sqlite3.Cursor, now: float, limit: int) -> int:
        """Append up to *limit* due messages to the tail, in the order in which they are due."""
        due = cur.execute(sql.DUE, (self.number, now, limit)).fetchall()
        if due:
            self.ready.append(cur, [(attempts, key, body) for _, _, attempts, key, body in due])
            cur.execute(sql.UNDELAY, (self.number, due[-1][0], due[-1][1]))
        return len(due)

    def _next(self, cur: sqlite3.Cursor) -> tuple[float | None, float | None]:
        deadline, due = cur.execute(sql.NEXT, (self.number, self.number)).fetchone()
        return deadline, due

    def _claim_within(
        self,
        cur: sqlite3.Cursor,
        token: str,
        limits: Limits,
        now: float,
        end: float,
        limit: int,
    ) -> Claimed:
        made_ready, more = self._make_ready(cur, now)
        most = 0 if more else min(limit, MAX_CLAIM, self.turns.left(cur, limits, now))
        taken = self._hide(cur, token, end, most) if most else []
        if taken:
            self.turns.take(cur, limits, now, len(taken))
        return Claimed(deliveries(token, end, taken), made_ready, more)

    def _make_ready(self, cur: sqlite3.Cursor, now: float) -> tuple[int, bool]:
        """Do what goes before a claim; return how many messages it made ready, and if more may."""
        deadline, due = self._next(cur)
        made_ready = 0
        if deadline is not None and deadline <= now:
            claims, made_ready = self.recover_claims(cur, now, CLAIM_WINDOW)
            if claims == CLAIM_WINDOW:
                return made_ready, True
        if due is not None and due <= now:
            made_ready += self.promote(cur, now, DUE_WINDOW)
        return made_ready, False

    def _put_off(self, cur: sqlite3.Cursor, back: Sequence[Row], due: float) -> None:
        last = cur.execute(sql.LAST_DUE, (self.number, due)).fetchall()
        seq = last[0][0] + 1 if last else 0
        rows = [(self.number, due, seq + i, *row) for i, row in enumerate(back)]
        cur.executemany(sql.PUT_OFF, rows)

    def _hide(self, cur: sqlite3.Cursor, token: str, end: float, limit: int) -> list[Row]:
        """Move the oldest ready messages to a claim."""
        if limit == 1:  # deletes first: the claim may need the room that the message leaves
            one: list[Row] = cur.execute(sql.TAKE_ONE, self.ready.range).fetchall()
            if one:
                cur.execute(sql.HIDE_ONE, (self.number, end, token, *one[0]))
            return one
        rows = self.ready.first(cur, limit)
        for start, stop in _runs([row[0] for row in rows]):
            first, last = rows[start][0], rows[stop - 1][0]
            cur.execute(sql.HIDE, (self.number, end, token, first - start, first, last))
        if rows:
            cur.execute(sql.TAKE, (rows[0][0], rows[-1][0]))
        return [row[1:] for row in rows]

    def _go_on(self, cur: sqlite3.Cursor, groups: Sequence[str]) -> None:
        """Let the next ones of groups follow, in this order."""
        for group in groups:
            self.ready.leave(cur, group)

    def _give_back(self, cur: sqlite3.Cursor, token: str, end: float, *, counted: bool) -> int:
        """Give back all that a claim holds, to the head, and return how many messages."""
        rows = self.claims.end(cur, token, end, counted=counted)
        self.ready.prepend(cur, rows)
        return len(rows)


def _runs(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Return where positions that follow one another begin and end: one run for each level."""
    if positions and positions[-1] - positions[0] == len(positions) - 1:
        return [(0, len(positions))]
    gaps = [i for i in range(1, len(positions)) if positions[i] != positions[i - 1] + 1]
    return list(zip([0, *gaps], [*gaps, len(positions)], strict=True)) if positions else []
