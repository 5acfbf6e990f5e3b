"""
Waiting for messages: woken by threads of this process, else by looking for what others did.

The looks are shared by all waiters of a queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from .._deadline import Deadline
from ._sqlite_borrowed import Borrowed
from ._sqlite_database import Database
from ._waiters import Waiter

GRACE: Final = 2.0
"""Seconds beyond its own timeout that a call waits for others who write."""

_MOVED_CLOCK_TICK: Final = 0.01
"""With a clock that somebody moves, waiters look again so often (real seconds)."""

Look = Callable[[float], bool]
"""Takes messages if there are any, with so many seconds of patience; tells whether there were."""


def wait_for(
    db: Database | Borrowed,
    queue: str,
    look: Look,
    seconds: float,
    next_event: Callable[[], float | None],
) -> None:
    """Look until there is something or the time is over."""
    if not seconds:
        look(GRACE)
        return
    if look(seconds + GRACE):
        db.pace.came(queue, time.monotonic())
        return
    deadline = Deadline(seconds, time.monotonic())
    waiter, found = Waiter(), False
    try:
        db.lines.enter(queue, waiter)
        found = _look_again(db, queue, look, deadline, waiter, next_event)
        if found:
            db.pace.came(queue, time.monotonic())
        db.lines.leave(queue, waiter, satisfied=found)
    except BaseException:  # perhaps once more, if it was the leaving that was cut short
        db.lines.leave(queue, waiter, satisfied=found)
        raise


def _look_again(
    db: Database | Borrowed,
    queue: str,
    look: Look,
    deadline: Deadline,
    waiter: Waiter,
    next_event: Callable[[], float | None],
) -> bool:
    """Look whenever a thread of ours, another process or the clock may have brought one."""
    lines, pace = db.lines, db.pace
    seen: int | None = None
    event: float | None = None
    pause = pace.shortest
    while True:
        version = db.version()
        left = deadline.left(time.monotonic())
        if version != seen or (event is not None and event <= db.now()):
            if seen is not None:  # of several waiters one asks at a time, and tells the others
                lines.wake(queue, lines.length(queue) - 1)
            seen = version
            if look(left + GRACE):
                return True
            event = next_event()
        now = time.monotonic()
        left = deadline.left(now)
        if not left:
            return False
        sleep = min(left, pause * max(1, lines.length(queue)))
        if event is not None and not db.moved_clock:
            sleep = min(sleep, max(event - db.now(), pace.shortest))
        if waiter.wait(min(sleep, _MOVED_CLOCK_TICK) if db.moved_clock else sleep):
            lines.enter(queue, waiter)
            seen = None
        pause = pace.after(pause, queue, now)
