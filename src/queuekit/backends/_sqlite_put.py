"""What a push to a SQLite store decides in its own transaction: repeat, key, bound, place."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from .._checks import full
from ..transport import NO_OPTIONS, PushOptions
from ._sqlite_borrowed import Borrowed
from ._sqlite_database import Database
from ._sqlite_lanes import Lane
from ._sqlite_places import place_in
from ._tokens import Tokens

_TOUCH: Final = "INSERT OR REPLACE INTO queuekit_meta VALUES ('touched', random())"
"""A commit that writes nothing would not sync those before it."""


class Put(NamedTuple):
    """A push, checked; there is a body at least."""

    queue: str
    bodies: Sequence[bytes]
    options: PushOptions
    token: str | None


def put(db: Database | Borrowed, lane: Lane, tokens: Tokens | None, what: Put) -> str | None:
    """
    Store the bodies, once; return the token that their key has already, or None.

    Raises:
        QueueFull: They exceed the bound; nothing is stored.
    """
    queue, bodies, options, token = what
    mark: list[object] = []
    no_room: list[int] = []
    durable = options.durable is not None
    level = _alone(bodies, options)

    def step(cur: sqlite3.Cursor) -> str | None:
        if token is not None and tokens is not None:
            if tokens.knows(queue, token):
                if durable:
                    cur.execute(_TOUCH)
                return None
            tokens.add(queue, token, mark)
        if level is not None:
            lane.ready.push_one(cur, bodies[0], mark, level)
            return None
        now = db.now()
        earlier = _refused(cur, lane, what, now, no_room)
        if earlier is None and not no_room:
            lane.push(cur, bodies, placed=options.placed, now=now, delay=options.delay)
            mark.append(True)
        elif durable:
            cur.execute(_TOUCH)
        return earlier

    if level is not None:
        return db.write_one(step, mark)
    earlier = db.write(step, mark, durable=durable)
    for most in no_room:  # not before: what was counted for it is kept
        raise full(queue, most)
    return earlier


def _alone(bodies: Sequence[bytes], options: PushOptions) -> int | None:
    """Return the level of a body that a single statement can store, None if it takes several."""
    if len(bodies) > 1:
        return None
    if options is NO_OPTIONS:
        return 0
    if options.delay or options.durable or options.dedup or options.max_length:
        return None
    place = place_in(bodies[0]) if options.placed else None
    if place is None:
        return 0
    return None if place.group else place.level


def _refused(
    cur: sqlite3.Cursor, lane: Lane, what: Put, now: float, no_room: list[int]
) -> str | None:
    """Return the token that a push's key has already; else note the bound, or keep the key."""
    dedup, most = what.options.dedup, what.options.max_length
    if dedup is not None:
        earlier = lane.marks.find(cur, dedup.key, now)
        if earlier is not None:
            return earlier
    if most is not None and not lane.bound.has_room(cur, len(what.bodies), most):
        no_room.append(most)
    elif dedup is not None and what.token is not None:
        lane.marks.mark(cur, dedup.key, what.token, now=now, window=dedup.window)
    return None
