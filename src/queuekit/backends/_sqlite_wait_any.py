"""Waiting for messages of several queues, without taking any."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from .._deadline import Deadline
from ._sqlite_borrowed import Borrowed
from ._sqlite_database import Database
from ._sqlite_lanes import Lane
from ._sqlite_take import may_claim
from ._waiters import Waiter

SHORTEST_PAUSE: Final = 0.0005
LONGEST_PAUSE: Final = 0.005
"""Seconds between looks at whether another process has changed the file, or a time has come."""


class Told(threading.local):
    """
    What each thread has been told of: by queues, the version of the file as its connection saw it.

    It counts as seen until somebody else changes the file. Otherwise a queue whose messages may not
    be taken yet would end each wait at once.
    """

    def __init__(self) -> None:
        self.versions: dict[tuple[str, ...], int] = {}


class News:
    """
    Looks whether a claim of one of several queues may bring something.

    Args:
        db: The store.
        lane_of: Returns the SQL of a queue, None where nobody has pushed to it yet.
        told: What the thread that looks has been told of before.
        queues: Their names.
    """

    def __init__(
        self,
        db: Database | Borrowed,
        lane_of: Callable[[str], Lane | None],
        told: Told,
        queues: Sequence[str],
    ) -> None:
        self._db = db
        self._lane_of = lane_of
        self._told = told
        self._queues = tuple(queues)
        self._seen: int | None = None
        self._event: float | None = None

    def came(self) -> bool:
        """Look at the queues, if others changed the file since the last look or a time came."""
        version = self._db.version()
        if version != self._seen:
            self._seen = version
            told = self._told.versions
            if told.get(self._queues) != version and self._look():
                told[self._queues] = version
                return True
            self._event = self._next_event()
        return self._event is not None and self._event <= self._db.now()

    def _look(self) -> bool:
        db = self._db
        return any(db.read(partial(may_claim, db=db, lane=lane)) for lane in self._lanes())

    def _next_event(self) -> float | None:
        """Return when the next claim expires or message becomes due, of those to come."""
        events = [self._db.read(lane.next_event) for lane in self._lanes()]
        now = self._db.now()
        return min((time for time in events if time is not None and time > now), default=None)

    def _lanes(self) -> list[Lane]:
        found = map(self._lane_of, self._queues)
        return [lane for lane in found if lane is not None]


def wait_for_any(
    db: Database | Borrowed, queues: Sequence[str], news: News, seconds: float
) -> None:
    """Return when there is news, when a thread of this process pushes, or after *seconds*."""
    if not seconds:
        return
    waiter = Waiter()
    try:
        for queue in queues:
            db.lines.enter(queue, waiter)
        _wait(waiter, news, Deadline(seconds, time.monotonic()))
        _leave(db, queues, waiter)
    except BaseException:  # perhaps once more, if it was the leaving that was cut short
        _leave(db, queues, waiter)
        raise


def _wait(waiter: Waiter, news: News, deadline: Deadline) -> None:
    pause = SHORTEST_PAUSE
    while not news.came():
        left = deadline.left(time.monotonic())
        if not left or waiter.wait(min(left, pause)):
            return
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _leave(db: Database | Borrowed, queues: Sequence[str], waiter: Waiter) -> None:
    for queue in queues:
        db.lines.leave(queue, waiter, satisfied=False)
