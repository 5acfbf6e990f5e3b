"""
What the claims of one queue in SQLite hold, and what becomes of it.

The receipts of a claim name where its messages stand; see ``_sqlite_rows``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from .._receipt import by_claim, place_of, token_of
from ..transport import MAX_CLAIM, Receipt
from . import _sqlite_sql as sql
from ._sqlite_groups import held_by
from ._sqlite_rows import TOKEN_LENGTH, Row, end_of, row_back, run_of


class Held(NamedTuple):
    """What a claim still holds of what was asked for."""

    expires: float
    live: set[int]
    """Places."""
    groups: bool
    """Whether one of them may hold a group."""
    moved: bool
    """Whether the claim was extended."""


_NOTHING: Final = Held(0.0, set(), groups=False, moved=False)


class Claims:
    """The SQL of the claims of a queue, known by its number."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def holds(self, cur: sqlite3.Cursor, token: str, end: float) -> bool:
        """Tell whether there is such a claim."""
        return bool(cur.execute(sql.HOLDS, (self.number, end, token)).fetchall())

    def ack_one(self, cur: sqlite3.Cursor, receipt: Receipt) -> bool:
        """
        Forget one message: a single statement, which needs no transaction around it.

        False says that the message is not held, that its claim was extended, or that it may hold a
        group: look with ``ack``.
        """
        names = (self.number, end_of(receipt), token_of(receipt), place_of(receipt))
        return names[3] >= 0 and cur.execute(sql.SETTLE_PLAIN, names).rowcount == 1

    def ack_plain(self, cur: sqlite3.Cursor, receipts: Sequence[Receipt]) -> bool:
        """Forget messages if they stand side by side, all are held and none may hold a group."""
        if len(receipts) == 1 and self.ack_one(cur, receipts[0]):
            return True
        run = run_of(receipts)
        if run is None or cur.execute(sql.COUNT, (self.number, *run)).fetchone() != (
            len(receipts),
            0,
        ):
            return False
        cur.execute(sql.SETTLE, (self.number, *run))
        return True

    def end(self, cur: sqlite3.Cursor, token: str, end: float, *, counted: bool) -> list[Row]:
        """Take out all that a claim holds."""
        whole = (self.number, end, token, 0, MAX_CLAIM)
        rows = cur.execute(sql.READ, whole).fetchall()
        cur.execute(sql.SETTLE, whole)
        return [row_back(token, row, counted=counted) for row in rows]

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

    def _held(self, cur: sqlite3.Cursor, group: Sequence[Receipt]) -> Held:
        """See which of the receipts of one claim still hold something, and where it stands."""
        token = token_of(group[0])
        asked = {place for place in map(place_of, group) if place >= 0}
        if not asked or len(token) != TOKEN_LENGTH or not token.isascii():
            return _NOTHING
        places = (token, min(asked), max(asked))

        def held(end: float, *, moved: bool) -> Held:
            rows = cur.execute(sql.PLACES, (self.number, end, *places)).fetchall()
            live = {place: keyed for place, keyed in rows if place in asked}
            return Held(end, set(live), any(live.values()), moved)

        for end in dict.fromkeys(map(end_of, group)):
            if (found := held(end, moved=False)).live:
                return found
        moved = cur.execute(sql.WHERE, (self.number, token)).fetchall()
        end = moved[0][0] if moved else 0.0  # to where a reboot moves what is held
        return held(end, moved=bool(moved))

    def _settle(self, cur: sqlite3.Cursor, token: str, held: Held) -> None:
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

    def forget(
        self, cur: sqlite3.Cursor, receipts: Sequence[Receipt]
    ) -> tuple[list[bool], list[str]]:
        """Settle what is held; tell for each receipt whether it was, and which groups are free."""
        live: dict[str, set[int]] = {}
        named: dict[tuple[str, int], str] = {}
        for group in by_claim(receipts):
            token = token_of(group[0])
            held = self._held(cur, group)
            if held.groups:
                named.update(self._groups_of(cur, token, held))
            self._settle(cur, token, held)
            live[token] = held.live
        done: list[bool] = []
        groups: list[str] = []
        for receipt in receipts:
            token, place = token_of(receipt), place_of(receipt)
            done.append(place in live[token])
            live[token].discard(place)  # the same receipt once more is not held any more
            groups.append(named.pop((token, place), ""))
        return done, groups

    def _groups_of(self, cur: sqlite3.Cursor, token: str, held: Held) -> dict[tuple[str, int], str]:
        """Return the groups that messages of one claim hold, by token and place."""
        names = (self.number, held.expires, token, min(held.live), max(held.live))
        rows = cur.execute(sql.READ, names).fetchall()
        return {
            (token, place): held_by(key, body) for place, _, key, body in rows if place in held.live
        }

    def take_back(
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
