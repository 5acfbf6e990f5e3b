"""Taking messages out of a SQLite store, and undoing it when nobody waits for them any more."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .._whole import whole
from ..abilities import Limits
from ..errors import QueueFull, QueueKitError
from ..transport import Delivery, Receipt
from ._sqlite_borrowed import Borrowed
from ._sqlite_database import Database
from ._sqlite_lanes import Claimed, Lane
from ._sqlite_rows import Row

_log = logging.getLogger("queuekit")


class Settling:
    """Receipts that are acked with a claim."""

    __slots__ = ("left", "lost")

    def __init__(self, receipts: Sequence[Receipt]) -> None:
        self.left = receipts
        """Emptied when they are acked."""
        self.lost: list[Receipt] = []
        """Those that were not held any more."""


class Wanted(NamedTuple):
    """What a claim asks for."""

    token: str
    lease: float
    limit: int
    limits: Limits | None = None


class Takes:
    """
    Pops and claims, each one look: the waiting is the caller's.

    What they take goes into a list of the caller's frame, which holds it from the commit on.

    Args:
        db: The store.
        lane_of: Returns the SQL of a queue, None where nobody has pushed to it yet.
    """

    def __init__(self, db: Database | Borrowed, lane_of: Callable[[str], Lane | None]) -> None:
        self._db = db
        self._lane_of = lane_of
        self._busy: set[str] = set()

    def pop(self, queue: str, limit: int, hand: list[Row], patience: float) -> bool:
        lane, db = self._lane_of(queue), self._db
        if lane is None or (queue not in self._busy and not db.read(lane.is_ready)):
            return False
        ready = lane.ready
        if limit == 1:
            db.write_one(lambda cur: ready.pop_one(cur, hand), hand, patience=patience)
        if limit > 1 or (not hand and db.read(lane.is_ready)):  # one that holds a group
            db.write(lambda cur: ready.pop(cur, hand, limit), hand, patience=patience)
        return self._note(queue, bool(hand))

    def claim(
        self,
        queue: str,
        wanted: Wanted,
        found: list[Delivery],
        ends: list[float],
        patience: float,
        settling: Settling | None = None,
    ) -> bool:
        """Claim; what *settling* is about is acked before, in the same transaction."""
        lane, db = self._lane_of(queue), self._db
        if lane is None:
            return False
        token, lease, limit, limits = wanted
        if not (queue in self._busy or (settling and settling.left)) and not db.read(
            lambda cur: may_claim(cur, lane, db, limits)
        ):
            return False

        def step(cur: sqlite3.Cursor) -> Claimed:
            if settling and settling.left:
                settling.lost = lane.ack(cur, settling.left)
            now = db.now()
            ends.append(now + lease)  # so that an interrupted claim is found
            claimed = lane.claim(cur, token, now=now, lease=lease, limit=limit, limits=limits)
            found.extend(claimed.found)
            return claimed

        while True:
            try:
                _, made_ready, more = db.write(step, found, patience=patience)
            except QueueFull:  # a smaller claim may find room in what its own messages leave
                if limit == 1:
                    raise
                limit = 1
                continue
            if settling:
                settling.left = ()
            if made_ready:  # what was recovered beyond our limit is for the others
                db.lines.wake(queue, made_ready)
            if not more:
                return self._note(queue, bool(found))

    def put_back(self, queue: str, hand: list[Row]) -> None:
        """Put what was popped for nobody back to the head; also when closed meanwhile."""
        self._undo(queue, lambda lane, cur: lane.put_back(cur, hand))

    def unclaim(self, queue: str, token: str, ends: Sequence[float]) -> None:
        """
        Undo a claim that nobody waits for any more, uncounted; else its lease would run out.

        Args:
            queue: Where it was.
            token: Its token.
            ends: When it would have ended, for each step that began.
        """
        self._undo(
            queue,
            lambda lane, cur: sum(lane.unclaim(cur, token, end) for end in ends),
            lambda lane, cur: any(lane.claims.holds(cur, token, end) for end in ends),
        )

    def _undo(
        self,
        queue: str,
        step: Callable[[Lane, sqlite3.Cursor], int],
        needed: Callable[[Lane, sqlite3.Cursor], bool] = lambda lane, cur: True,
    ) -> None:
        """Commit *step* once, also when this is interrupted again; an error is only logged."""
        done: list[int] = []
        db = self._db

        def commit() -> None:
            lane = self._lane_of(queue)
            if done or lane is None:
                return
            if db.read(lambda cur: needed(lane, cur), late=True):
                db.write(lambda cur: done.append(step(lane, cur)), done, late=True)
                db.lines.wake(queue, done[0])

        try:
            whole(commit)
        except QueueKitError as exc:
            _log.error("queue %r: an interrupted call could not be undone: %s", queue, exc)

    def _note(self, queue: str, found: bool) -> bool:
        """Remember where there was something: there the next call writes without looking first."""
        if found:
            self._busy.add(queue)
        else:
            self._busy.discard(queue)
        return found


def may_claim(
    cur: sqlite3.Cursor, lane: Lane, db: Database | Borrowed, limits: Limits | None = None
) -> bool:
    """Tell whether a claim may bring something, or has something to do."""
    ready = lane.is_ready(cur)
    if ready and limits is not None:
        ready = bool(lane.turns.left(cur, limits, db.now()))
    return ready or is_due(lane, cur, db)


def is_due(lane: Lane, cur: sqlite3.Cursor, db: Database | Borrowed) -> bool:
    """Tell whether a claim has expired or a delayed message is due."""
    event = lane.next_event(cur)
    return event is not None and event <= db.now()
