"""
The ready, delayed and claimed messages of one queue in SQLite: what ``_lanes`` does, as SQL.

Every method runs in a transaction of the caller and touches few pages, whatever the queue's
length; only ``stats`` and ``purge`` walk over what they count. Texts of statements are constants,
so that each connection prepares them once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from .._lanes import CLAIM_WINDOW, DUE_WINDOW
from .._receipt import by_claim, place_of, token_of
from ..abilities import Limits
from ..transport import MAX_CLAIM, Delivery, QueueStats, Receipt
from . import _sqlite_sql as sql
from ._sqlite_groups import held_by
from ._sqlite_limits import Bound, Turns
from ._sqlite_marks import Marks
from ._sqlite_places import is_placed
from ._sqlite_ready import Ready
from ._sqlite_rows import TOKEN_LENGTH, Row, deliveries, end_of, row_back, run_of


class Claimed(NamedTuple):
    """What one step of a claim did."""

    found: list[Delivery]
    made_ready: int
    more: bool
    """More claims may have expired: nothing was taken yet, commit and step again."""


class _Held(NamedTuple):
    """What a claim still holds of what was asked for."""

    expires: float
    live: set[int]
    """Places."""
    groups: bool
    """Whether one of them may hold a group."""
    moved: bool
    """Whether the claim was extended."""


_NOTHING: Final = _Held(0.0, set(), groups=False, moved=False)


class Lane:
    """The SQL of one queue, known by its number."""

    __slots__ = ("bound", "marks", "number", "ready", "turns")

    def __init__(self, number: int) -> None:
        self.number = number
        self.ready = Ready(number)
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
        names = (self.ready.range[0], self.number)
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

    def holds(self, cur: sqlite3.Cursor, token: str, end: float) -> bool:
        """Tell whether there is such a claim."""
        return bool(cur.execute(sql.HOLDS, (self.number, end, token)).fetchall())

    def unclaim(self, cur: sqlite3.Cursor, token: str, end: float) -> int:
        """Undo a claim whose deliveries nobody got; return how many are at the head again."""
        return self._end_claim(cur, token, end, counted=False)

    def ack_one(self, cur: sqlite3.Cursor, receipt: Receipt) -> bool:
        """
        Forget one message: a single statement, which needs no transaction around it.

        False says that the message is not held, that its claim was extended, or that it may hold a
        group: look with ``ack``.
        """
        names = (self.number, end_of(receipt), token_of(receipt), place_of(receipt))
        return names[3] >= 0 and cur.execute(sql.SETTLE_PLAIN, names).rowcount == 1

    def ack(self, cur: sqlite3.Cursor, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Forget messages."""
        if len(receipts) == 1 and self.ack_one(cur, receipts[0]):
            return []
        if run := run_of(receipts):
            names = (self.number, *run)
            if cur.execute(sql.COUNT, names).fetchone() == (len(receipts), 0):
                cur.execute(sql.SETTLE, names)
                return []
        done = self._forget(cur, receipts)
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
            back = self._take_back(cur, kept, lost, counted)
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
        done = self._forget(cur, [receipt for receipt, _ in letters])
        bodies = [body for (_, body), held in zip(letters, done, strict=True) if held]
        to.push(cur, bodies, placed=any(map(is_placed, bodies)))
        return [receipt for (receipt, _), held in zip(letters, done, strict=True) if not held]

    def extend(
        self, cur: sqlite3.Cursor, receipts: Sequence[Receipt], *, now: float, lease: float
    ) -> list[Receipt]:
        """Move deadlines of claims, never to an earlier time."""
        live: dict[str, set[int]] = {}
        end = now + lease
        for group in by_claim(receipts):
            token = token_of(group[0])
            held = self._held(cur, group)
            live[token] = held.live
            if held.live and held.expires < end:
                cur.execute(sql.EXTEND, (end, self.number, held.expires, token))
                cur.execute(sql.MOVED, (self.number, token, end))
        return [r for r in receipts if place_of(r) not in live[token_of(r)]]

    def recover_claims(self, cur: sqlite3.Cursor, now: float, limit: int) -> tuple[int, int]:
        """Give back what *limit* expired claims held; return how many claims and messages."""
        number = self.number
        window: list[tuple[float, str]] = cur.execute(sql.EXPIRED, (number, now, limit)).fetchall()
        messages = 0
        for end, token in reversed(window):  # the latest first: the oldest ends in front
            messages += self._end_claim(cur, token, end, counted=True)
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

    def _end_claim(self, cur: sqlite3.Cursor, token: str, end: float, *, counted: bool) -> int:
        """Give back all that a claim holds, to the head, and return how many messages."""
        whole = (self.number, end, token, 0, MAX_CLAIM)
        rows = cur.execute(sql.READ, whole).fetchall()
        self.ready.prepend(cur, [row_back(token, row, counted=counted) for row in rows])
        cur.execute(sql.SETTLE, whole)
        return len(rows)

    def _held(self, cur: sqlite3.Cursor, group: Sequence[Receipt]) -> _Held:
        """See which of the receipts of one claim still hold something, and where it stands."""
        token = token_of(group[0])
        asked = {place for place in map(place_of, group) if place >= 0}
        if not asked or len(token) != TOKEN_LENGTH or not token.isascii():
            return _NOTHING
        places = (token, min(asked), max(asked))

        def held(end: float, *, moved: bool) -> _Held:
            rows = cur.execute(sql.PLACES, (self.number, end, *places)).fetchall()
            live = {place for place, _ in rows if place in asked}
            return _Held(end, live, any(keyed for _, keyed in rows), moved)

        for end in dict.fromkeys(map(end_of, group)):
            if (found := held(end, moved=False)).live:
                return found
        moved = cur.execute(sql.WHERE, (self.number, token)).fetchall()
        end = moved[0][0] if moved else 0.0  # to where a reboot moves what is held
        return held(end, moved=bool(moved))

    def _settle(self, cur: sqlite3.Cursor, token: str, held: _Held) -> None:
        """Delete the places that are held, and with the last one where they stand."""
        claim = (self.number, held.expires, token)
        if held.live:
            first, last = min(held.live), max(held.live)
            if last - first < len(held.live):
                cur.execute(sql.SETTLE, (*claim, first, last))
            else:
                cur.executemany(sql.SETTLE_ONE, [(*claim, place) for place in held.live])
        if held.moved and not self.holds(cur, token, held.expires):
            cur.execute(sql.FORGET, (self.number, token))

    def _forget(self, cur: sqlite3.Cursor, receipts: Sequence[Receipt]) -> list[bool]:
        """Settle what is held, and tell for each receipt whether it was."""
        live: dict[str, set[int]] = {}
        for group in by_claim(receipts):
            token = token_of(group[0])
            held = self._held(cur, group)
            free = self._groups_of(cur, token, held) if held.groups else []
            self._settle(cur, token, held)
            for name in free:
                self.ready.leave(cur, name)
            live[token] = held.live
        done: list[bool] = []
        for receipt in receipts:
            places, place = live[token_of(receipt)], place_of(receipt)
            done.append(place in places)
            places.discard(place)  # the same receipt once more is not held any more
        return done

    def _groups_of(self, cur: sqlite3.Cursor, token: str, held: _Held) -> list[str]:
        """Return the groups that messages of one claim hold, in the order of their places."""
        names = (self.number, held.expires, token, min(held.live), max(held.live))
        rows = cur.execute(sql.READ, names).fetchall()
        groups = [held_by(key, body) for place, _, key, body in rows if place in held.live]
        return [group for group in groups if group]

    def _take_back(
        self, cur: sqlite3.Cursor, group: Sequence[Receipt], lost: list[Receipt], counted: bool
    ) -> list[Row]:
        """Take messages of one claim out of it, in the order given; add to *lost* what is not."""
        token = token_of(group[0])
        held = self._held(cur, group)
        rows: list[tuple[int, int, str | None, bytes]] = []
        if held.live:
            names = (self.number, held.expires, token, min(held.live), max(held.live))
            rows = cur.execute(sql.READ, names).fetchall()
        self._settle(cur, token, held)
        left = {
            row[0]: row_back(token, row, counted=counted) for row in rows if row[0] in held.live
        }
        back: list[Row] = []
        for receipt in group:
            row = left.pop(place_of(receipt), None)
            if row is None:
                lost.append(receipt)
            else:
                back.append(row)
        return back


def _runs(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Return where positions that follow one another begin and end: one run for each level."""
    if positions and positions[-1] - positions[0] == len(positions) - 1:
        return [(0, len(positions))]
    gaps = [i for i in range(1, len(positions)) if positions[i] != positions[i - 1] + 1]
    return list(zip([0, *gaps], [*gaps, len(positions)], strict=True)) if positions else []
