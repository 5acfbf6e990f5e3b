"""
The ready, delayed and claimed messages of one queue in SQLite: what ``_lanes`` does, as SQL.

Every method runs in a transaction of the caller and touches few pages, whatever the queue's
length; only ``stats`` and ``purge`` walk over what they count. Texts of statements are constants,
so that each connection prepares them once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final, NamedTuple

from .._lanes import CLAIM_WINDOW, DUE_WINDOW
from .._receipt import by_claim, place_of, token_of
from ..transport import MAX_CLAIM, Delivery, QueueStats, Receipt
from . import _sqlite_sql as sql
from ._sqlite_rows import TOKEN_LENGTH, Row, deliveries, end_of, row_back, run_of

SPAN: Final = 1 << 44
"""Positions of one queue; it begins in their middle, and again whenever it is empty."""
MAX_QUEUES: Final = (1 << 63) // SPAN - 1


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
    moved: bool
    """Whether the claim was extended."""


_NOTHING: Final = _Held(0.0, set(), moved=False)


class Lane:
    """The SQL of one queue, known by its number."""

    __slots__ = ("_begin", "_range", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self._range = (number * SPAN, (number + 1) * SPAN - 1)
        self._begin = number * SPAN + SPAN // 2

    def push_one(self, cur: sqlite3.Cursor, body: bytes, mark: list[object]) -> None:
        """
        Append one body: a single statement, which needs no transaction around it.

        Executed and noted in *mark* within one call, so that no interruption comes in between.
        """
        names = (*self._range, self._begin, body)
        mark.extend(map(bool, map(cur.execute, (sql.PUSH_ONE,), (names,))))

    def push(
        self, cur: sqlite3.Cursor, bodies: Iterable[bytes], *, now: float = 0.0, delay: float = 0.0
    ) -> None:
        """Append to the tail, or make ready in *delay* seconds."""
        if delay:
            self._put_off(cur, [(0, None, body) for body in bodies], now + delay)
        else:
            cur.executemany(sql.PUSH, enumerate(bodies, self._tail(cur)))

    def pop_one(self, cur: sqlite3.Cursor, hand: list[Row]) -> None:
        """
        Move the oldest ready message into *hand*: a single statement.

        Executed and fetched within one call, so that no interruption comes in between.
        """
        hand.extend(chain.from_iterable(map(cur.execute, (sql.POP_ONE,), (self._range,))))

    def pop(self, cur: sqlite3.Cursor, hand: list[Row], limit: int) -> None:
        """Move the oldest ready messages into *hand*."""
        hand.extend(self._take_ready(cur, limit))

    def put_back(self, cur: sqlite3.Cursor, hand: list[Row]) -> int:
        """Put messages at the head, in their order, and return how many."""
        self._prepend(cur, hand)
        return len(hand)

    def peek(self, cur: sqlite3.Cursor, limit: int) -> list[bytes]:
        """Return the oldest ready bodies."""
        limit = min(limit, SPAN)  # SQLite's integers end
        return [body for (body,) in cur.execute(sql.PEEK, (*self._range, limit)).fetchall()]

    def stats(self, cur: sqlite3.Cursor) -> QueueStats:
        """Count messages by state, in one snapshot; walks over what is delayed or claimed."""
        names = (*self._range, *self._range, self.number, self.number)
        return QueueStats(*cur.execute(sql.STATS, names).fetchone())

    def purge(self, cur: sqlite3.Cursor) -> int:
        """Remove what is ready or delayed."""
        count = cur.execute(sql.TAKE, self._range).rowcount
        return count + cur.execute(sql.PURGE_DELAYED, (self.number,)).rowcount

    def is_ready(self, cur: sqlite3.Cursor) -> bool:
        """Tell whether there is a ready message."""
        return bool(cur.execute(sql.HEAD, self._range).fetchall())

    def next_event(self, cur: sqlite3.Cursor) -> float | None:
        """Return when the next claim expires or message becomes due."""
        times = [time for time in self._next(cur) if time is not None]
        return min(times, default=None)

    def claim(
        self, cur: sqlite3.Cursor, token: str, *, now: float, lease: float, limit: int
    ) -> Claimed:
        """Make due things ready, then hide the oldest ready messages under a new claim."""
        end = now + lease
        if limit == 1:
            names = (*self._range, self.number, now, self.number, now)
            one = cur.execute(sql.POP_UNLESS_DUE, names).fetchall()
            if one:
                cur.execute(sql.HIDE_ONE, (self.number, end, token, *one[0]))
                return Claimed(deliveries(token, end, one), 0, more=False)
        deadline, due = self._next(cur)
        made_ready = 0
        if deadline is not None and deadline <= now:
            claims, made_ready = self.recover_claims(cur, now, CLAIM_WINDOW)
            if claims == CLAIM_WINDOW:
                return Claimed([], made_ready, more=True)
        if due is not None and due <= now:
            made_ready += self.promote(cur, now, DUE_WINDOW)
        taken = self._hide(cur, token, end, min(limit, MAX_CLAIM))
        return Claimed(deliveries(token, end, taken), made_ready, more=False)

    def holds(self, cur: sqlite3.Cursor, token: str, end: float) -> bool:
        """Tell whether there is such a claim."""
        return bool(cur.execute(sql.HOLDS, (self.number, end, token)).fetchall())

    def unclaim(self, cur: sqlite3.Cursor, token: str, end: float) -> int:
        """Undo a claim whose deliveries nobody got; return how many are at the head again."""
        return self._end_claim(cur, token, end, counted=False)

    def ack_one(self, cur: sqlite3.Cursor, receipt: Receipt) -> bool:
        """
        Forget one message: a single statement, which needs no transaction around it.

        False says that the message is not held, or that its claim was extended: look with ``ack``.
        """
        names = (self.number, end_of(receipt), token_of(receipt), place_of(receipt))
        return names[3] >= 0 and cur.execute(sql.SETTLE_ONE, names).rowcount == 1

    def ack(self, cur: sqlite3.Cursor, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Forget messages."""
        if len(receipts) == 1 and self.ack_one(cur, receipts[0]):
            return []
        if run := run_of(receipts):
            names = (self.number, *run)
            if cur.execute(sql.COUNT, names).fetchone()[0] == len(receipts):
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
                self._append(cur, back)
            else:
                heads.append(back)
        for back in reversed(heads):
            self._prepend(cur, back)
        return lost

    def move(
        self, cur: sqlite3.Cursor, letters: Sequence[tuple[Receipt, bytes]], to: Lane
    ) -> list[Receipt]:
        """Store the new bodies in *to* for the messages that are held, and forget those."""
        done = self._forget(cur, [receipt for receipt, _ in letters])
        to.push(cur, [body for (_, body), held in zip(letters, done, strict=True) if held])
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
            self._append(cur, [(attempts, key, body) for _, _, attempts, key, body in due])
            cur.execute(sql.UNDELAY, (self.number, due[-1][0], due[-1][1]))
        return len(due)

    def _next(self, cur: sqlite3.Cursor) -> tuple[float | None, float | None]:
        deadline, due = cur.execute(sql.NEXT, (self.number, self.number)).fetchone()
        return deadline, due

    def _tail(self, cur: sqlite3.Cursor) -> int:
        last = cur.execute(sql.TAIL, self._range).fetchall()
        return last[0][0] + 1 if last else self._begin

    def _append(self, cur: sqlite3.Cursor, back: Sequence[Row]) -> None:
        if back:
            tail = self._tail(cur)
            cur.executemany(sql.PUT, [(tail + i, *row) for i, row in enumerate(back)])

    def _prepend(self, cur: sqlite3.Cursor, back: Sequence[Row]) -> None:
        if back:
            first = cur.execute(sql.HEAD, self._range).fetchall()
            head = (first[0][0] if first else self._begin) - len(back)
            cur.executemany(sql.PUT, [(head + i, *row) for i, row in enumerate(back)])

    def _put_off(self, cur: sqlite3.Cursor, back: Sequence[Row], due: float) -> None:
        last = cur.execute(sql.LAST_DUE, (self.number, due)).fetchall()
        seq = last[0][0] + 1 if last else 0
        rows = [(self.number, due, seq + i, *row) for i, row in enumerate(back)]
        cur.executemany(sql.PUT_OFF, rows)

    def _take_ready(self, cur: sqlite3.Cursor, limit: int) -> list[Row]:
        limit = min(limit, SPAN)  # SQLite's integers end
        rows = cur.execute(sql.FIRST, (*self._range, limit)).fetchall()
        if rows:
            cur.execute(sql.TAKE, (rows[0][0], rows[-1][0]))
        return [(attempts, key, body) for _, attempts, key, body in rows]

    def _hide(self, cur: sqlite3.Cursor, token: str, end: float, limit: int) -> list[Row]:
        """Move the oldest ready messages to a claim."""
        if limit == 1:  # deletes first: the claim may need the room that the message leaves
            one: list[Row] = cur.execute(sql.POP_ONE, self._range).fetchall()
            if one:
                cur.execute(sql.HIDE_ONE, (self.number, end, token, *one[0]))
            return one
        rows = cur.execute(sql.FIRST, (*self._range, limit)).fetchall()
        if rows:
            first, last = rows[0][0], rows[-1][0]
            cur.execute(sql.HIDE, (self.number, end, token, first, first, last))
            cur.execute(sql.TAKE, (first, last))
        return [row[1:] for row in rows]

    def _end_claim(self, cur: sqlite3.Cursor, token: str, end: float, *, counted: bool) -> int:
        """Give back all that a claim holds, to the head, and return how many messages."""
        whole = (self.number, end, token, 0, MAX_CLAIM)
        rows = cur.execute(sql.READ, whole).fetchall()
        self._prepend(cur, [row_back(token, row, counted=counted) for row in rows])
        cur.execute(sql.SETTLE, whole)
        return len(rows)

    def _held(self, cur: sqlite3.Cursor, group: Sequence[Receipt]) -> _Held:
        """See which of the receipts of one claim still hold something, and where it stands."""
        token = token_of(group[0])
        asked = {place for place in map(place_of, group) if place >= 0}
        if not asked or len(token) != TOKEN_LENGTH or not token.isascii():
            return _NOTHING
        places = (token, min(asked), max(asked))

        def live(end: float | None) -> set[int]:
            rows = cur.execute(sql.PLACES, (self.number, end, *places)).fetchall()
            return asked.intersection([place for (place,) in rows])

        for end in dict.fromkeys(map(end_of, group)):
            if found := live(end):
                return _Held(end, found, moved=False)
        moved = cur.execute(sql.WHERE, (self.number, token)).fetchall()
        end = moved[0][0] if moved else 0.0  # to where a reboot moves what is held
        return _Held(end, live(end), moved=bool(moved))

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
            self._settle(cur, token, held)
            live[token] = held.live
        done: list[bool] = []
        for receipt in receipts:
            places, place = live[token_of(receipt)], place_of(receipt)
            done.append(place in places)
            places.discard(place)  # the same receipt once more is not held any more
        return done

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
