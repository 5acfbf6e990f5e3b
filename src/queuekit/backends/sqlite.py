"""
The transport in one SQLite file: no server, several processes and threads.

``_sqlite_store`` describes the file, ``_sqlite_lanes`` the states of a queue, ``_sqlite_database``
the transactions, ``_sqlite_wait`` the waiting. Here they become a transport.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from .._checks import (
    check_bodies,
    check_count,
    check_limits,
    check_name,
    check_push,
    check_queues,
    check_seconds,
)
from .._lanes import CLAIM_WINDOW, DUE_WINDOW
from ..abilities import Limits
from ..errors import ConfigurationError, QueueKitError
from ..transport import (
    MAX_BODY,
    NO_OPTIONS,
    Delivery,
    Features,
    PushOptions,
    QueueStats,
    Receipt,
)
from ._sqlite_borrowed import Borrowed
from ._sqlite_database import Database
from ._sqlite_later import move_delayed, peek_delayed
from ._sqlite_names import Names
from ._sqlite_put import Put, put
from ._sqlite_rows import Row
from ._sqlite_store import Clock
from ._sqlite_take import Settling, Takes, Wanted, is_due
from ._sqlite_url import PathLike, Synchronous, absolute, parse_url
from ._sqlite_wait import Look, wait_for
from ._sqlite_wait_any import News, Told, wait_for_any
from ._tokens import Tokens


class SQLiteTransport:
    """
    Keep queues in one SQLite file, for the processes and threads of one machine.

    The file (mode 0600, with a ``-wal`` and a ``-shm`` beside it) is made at the first call.

    Args:
        path: The file; a relative one is taken from the directory that is current now.
        synchronous: ``"NORMAL"`` survives the end of any process; a power cut may take the last
            commits back, never a part of one. ``"FULL"`` waits for the disk at every call.
        clock: Returns seconds, in place of the store's own clock: for tests.
        max_body: Bytes that one body may have.
        connection: An open connection of the application, instead of *path*. Everything happens
            within its transaction: a push counts when the application commits. The tables stand
            beside the application's own; consumers open the file with *path*, which puts it into
            WAL mode. Calls do not wait, tokens of pushes are not remembered, and the object is for
            the connection's thread.
        allow_network: Accept a network file system, when one machine alone opens the file.

    Raises:
        ConfigurationError: An argument can never work.
    """

    def __init__(
        self,
        path: PathLike | None = None,
        *,
        synchronous: Synchronous = "NORMAL",
        clock: Clock | None = None,
        max_body: int = MAX_BODY,
        connection: sqlite3.Connection | None = None,
        allow_network: bool = False,
    ) -> None:
        if synchronous not in ("NORMAL", "FULL"):
            raise ConfigurationError(f'synchronous must be "NORMAL" or "FULL", not {synchronous!r}')
        self._db: Database | Borrowed
        if connection is None:
            self._db = Database(absolute(path), synchronous, clock, allow_network)
        elif path is not None:
            raise ConfigurationError("give a path or connection=, not both: one file is enough")
        else:
            self._db = Borrowed(connection, clock)
        own = connection is None
        size = check_count("max_body", max_body)
        self._features = Features(
            durable=True,
            waits_for=("disk",) if own else (),
            max_body=size,
            idempotent_push=own,
            priorities=True,
            groups=True,
            dedup=True,
            bounds=True,
            max_wait=Features().max_wait if own else 0.0,
        )
        self._lane = Names(self._db).lane
        self._takes = Takes(self._db, self._lane)
        self._tokens = Tokens() if own else None
        self._told = Told()

    @classmethod
    def from_url(cls, url: str) -> SQLiteTransport:
        """Open ``sqlite:///jobs.db`` (relative), ``sqlite:////var/jobs.db``, ``sqlite:jobs.db``."""
        path, synchronous = parse_url(url)
        return cls(path, synchronous=synchronous)

    @property
    def features(self) -> Features:
        """Everything; no limits on delays and leases."""
        return self._features

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._db.path!r}>"

    def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> str | None:
        """See ``Transport.push``; tokens are remembered for an hour, but the last 100,000 only."""
        check_bodies(queue, bodies, self._features.max_body)
        if options is not NO_OPTIONS:
            check_push(options, self._features, len(bodies), token)
        lane = self._lane(queue, make=bool(bodies))
        if not bodies or lane is None:
            return None
        earlier = put(self._db, lane, self._tokens, Put(queue, bodies, options, token))
        if earlier is None:
            self._db.lines.wake(queue, len(bodies))
        return earlier if earlier != token else None  # stored before, by another object

    def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``Transport.pop``."""
        check_count("limit", limit)
        hand: list[Row] = []
        take = self._takes.pop
        try:
            self._wait(queue, lambda patience: take(queue, limit, hand, patience), timeout)
            return [body for _, _, body in hand]
        except BaseException:
            if hand:  # committed, and nobody gets them now
                self._takes.put_back(queue, hand)
            raise

    def put_back(self, queue: str, bodies: Sequence[bytes]) -> None:
        """Put bodies that ``pop`` brought, and that nobody got, at the head in their order."""
        self._takes.put_back(queue, [(0, None, body) for body in bodies])

    def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Transport.claim``."""
        return self._claim(queue, Wanted(_token(), lease, limit), timeout)

    def claim_within(
        self, queue: str, *, limits: Limits, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``Limiting.claim_within``."""
        check_limits(limits)
        return self._claim(queue, Wanted(_token(), lease, limit, limits), timeout)

    def next_turn(self, queue: str, limits: Limits) -> float | None:
        """Return the seconds until a ready message has its turn; None if time is no obstacle."""
        lane, db = self._lane(queue), self._db
        turn = db.read(lambda cur: lane.next_turn(cur, limits, db.now())) if lane else None
        return None if turn is None else max(turn - db.now(), 0.0)

    def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """See ``Transport.peek``."""
        check_count("limit", limit)
        lane = self._lane(queue)
        return self._db.read(lambda cur: lane.peek(cur, limit)) if lane else []

    def stats(self, queue: str) -> QueueStats:
        """See ``Transport.stats``; takes time with the number of messages, unlike all the rest."""
        lane = self._lane(queue)
        return self._db.read(lane.stats) if lane else QueueStats(0, 0, 0)

    def purge(self, queue: str) -> int:
        """See ``Transport.purge``."""
        lane = self._lane(queue)
        return self._db.write(lane.purge) if lane else 0

    def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``."""
        lane = self._lane(queue)
        if lane is None:
            return list(receipts)
        if len(receipts) == 1 and self._db.write_one(
            lambda cur: lane.claims.ack_one(cur, receipts[0])
        ):
            return []
        return self._db.write(lambda cur: lane.ack(cur, receipts))

    def ack_and_claim(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        *,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> tuple[list[Receipt], list[Delivery]]:
        """See ``Transport.ack_and_claim``; one transaction, when something is there to claim."""
        if self._lane(queue) is None:
            return list(receipts), self.claim(queue, lease=lease, limit=limit, timeout=timeout)
        settling = Settling(receipts)
        found = self._claim(queue, Wanted(_token(), lease, limit), timeout, settling)
        return settling.lost, found

    def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """See ``Transport.release``."""
        check_seconds("delay", delay)
        lane, db = self._lane(queue), self._db
        if lane is None:
            return list(receipts)
        lost = db.write(
            lambda cur: lane.release(cur, receipts, counted=counted, now=db.now(), delay=delay)
        )
        db.lines.wake(queue, len(receipts) - len(lost))
        return lost

    def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Transport.move``."""
        lane, target = self._lane(queue), self._lane(to, make=True)
        if lane is None or target is None:
            return [receipt for receipt, _ in letters]
        lost = self._db.write(lambda cur: lane.move(cur, letters, target))
        self._db.lines.wake(to, len(letters) - len(lost))
        return lost

    def extend(self, queue: str, receipts: Sequence[Receipt], *, lease: float) -> list[Receipt]:
        """See ``Transport.extend``."""
        check_seconds("lease", lease, positive=True)
        lane, db = self._lane(queue), self._db
        if lane is None:
            return list(receipts)
        return db.write(lambda cur: lane.claims.extend(cur, receipts, now=db.now(), lease=lease))

    def recover(self, queue: str, *, limit: int = 100) -> int:
        """See ``Transport.recover``; in several transactions, so that others come in between."""
        check_count("limit", limit)
        lane, db = self._lane(queue), self._db
        if lane is None or not db.read(lambda cur: is_due(lane, cur, db)):
            return 0
        done = 0
        while done < limit:
            left = min(CLAIM_WINDOW, limit - done)
            claims, messages = db.write(partial(lane.recover_claims, now=db.now(), limit=left))
            db.lines.wake(queue, messages)
            if not claims:
                break
            done += claims
        while done < limit:
            left = min(DUE_WINDOW, limit - done)
            count = db.write(partial(lane.promote, now=db.now(), limit=left))
            db.lines.wake(queue, count)
            if not count:
                break
            done += count
        return done

    def mark(self, queue: str, key: str, value: str, *, window: float) -> str | None:
        """See ``Marking.mark``."""
        check_name(key)
        check_seconds("window", window, positive=True)
        lane, db = self._lane(queue, make=True), self._db
        assert lane is not None
        return db.write(lambda cur: lane.marks.mark(cur, key, value, now=db.now(), window=window))

    def marked(self, queue: str, key: str) -> str | None:
        """See ``Marking.marked``."""
        check_name(key)
        lane, db = self._lane(queue), self._db
        return db.read(lambda cur: lane.marks.find(cur, key, db.now())) if lane else None

    def unmark(self, queue: str, key: str) -> bool:
        """See ``Marking.unmark``."""
        check_name(key)
        lane, db = self._lane(queue), self._db
        return db.write(lambda cur: lane.marks.unmark(cur, key, db.now())) if lane else False

    def wait_any(self, queues: Sequence[str], *, timeout: float) -> None:
        """See ``WaitingForAny.wait_any``; sees also what came before, by whatever process."""
        seconds = min(check_seconds("timeout", timeout), self._features.max_wait)
        names = check_queues(queues)
        wait_for_any(self._db, names, self.news(names), seconds)

    def news(self, queues: Sequence[str]) -> News:
        """Return what tells this thread whether a claim of one of *queues* may bring something."""
        if isinstance(queues, str) or not queues:
            raise ConfigurationError(
                "a wait for several queues takes a list of names, one at least"
            )
        for queue in queues:
            check_name(queue)
        return News(self._db, self._lane, self._told, queues)

    def peek_delayed(self, queue: str, *, limit: int = 1) -> list[tuple[Delivery, float]]:
        """See ``Delaying.peek_delayed``."""
        check_count("limit", limit)
        lane, db = self._lane(queue), self._db
        if lane is None:
            return []
        return db.read(lambda cur: peek_delayed(cur, lane, now=db.now(), limit=limit))

    def move_delayed(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Delaying.move_delayed``."""
        lane, target = self._lane(queue), self._lane(to, make=True)
        if lane is None or target is None:
            return [receipt for receipt, _ in letters]
        lost = self._db.write(lambda cur: move_delayed(cur, lane, letters, target))
        self._db.lines.wake(to, len(letters) - len(lost))
        return lost

    def changes(self) -> int:
        """Return another number when something else than this thread has changed the file."""
        return self._db.version()

    def close(self) -> None:
        """See ``Transport.close``; a connection of the application stays open."""
        self._db.close()

    def _claim(
        self, queue: str, wanted: Wanted, timeout: float, settling: Settling | None = None
    ) -> list[Delivery]:
        check_count("limit", wanted.limit)
        check_seconds("lease", wanted.lease, positive=True)
        found: list[Delivery] = []
        ends: list[float] = []

        def look(patience: float) -> bool:
            return self._takes.claim(queue, wanted, found, ends, patience, settling)

        try:
            self._wait(queue, look, timeout, lambda: self._next_event(queue, wanted.limits))
            return found
        except QueueKitError:  # the transaction was undone
            raise
        except BaseException:
            self._takes.unclaim(queue, wanted.token, ends)
            raise

    def _wait(
        self,
        queue: str,
        look: Look,
        timeout: float,
        next_event: Callable[[], float | None] = lambda: None,
    ) -> None:
        seconds = min(check_seconds("timeout", timeout), self._features.max_wait)
        wait_for(self._db, queue, look, seconds, next_event)

    def _next_event(self, queue: str, limits: Limits | None) -> float | None:
        lane, db = self._lane(queue), self._db
        if lane is None:
            return None
        event = db.read(lane.next_event)
        turn = db.read(lambda cur: lane.next_turn(cur, limits, db.now())) if limits else None
        return min((time for time in (event, turn) if time is not None), default=None)


def _token() -> str:
    return os.urandom(16).hex()  # not a counter: a fork would count on from the same
