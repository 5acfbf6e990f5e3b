"""Transactions on the store within those of the application, on its own connection."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TypeVar

from ..errors import ConfigurationError, TransportClosed, Unsupported
from . import _sqlite_link
from . import _sqlite_store as store
from ._pace import Pace
from ._sqlite_link import raise_ours
from ._sqlite_step import Hand, Step
from ._sqlite_store import Clock
from ._waiters import Lines

_R = TypeVar("_R")


class Borrowed:
    """
    The application's own connection: everything happens within its transaction.

    Nothing is committed for the application, except where it is in autocommit mode and has no
    transaction open. For the thread and process of that connection.
    """

    waits = False
    moved_clock = False
    path = "the application's database"

    def __init__(self, conn: sqlite3.Connection, clock: Clock | None) -> None:
        if conn.text_factory is not str:
            raise ConfigurationError("connection= needs text_factory=str, sqlite3's default")
        self.lines = Lines()
        self.pace = Pace(0.0, 0.0)  # nobody waits here
        self._conn = conn
        self._clock = clock
        self._time: Clock = clock or time.time
        self._closed = False
        self._pid = os.getpid()

    def now(self) -> float:
        """Return the time of the store's clock."""
        return self._time()

    def is_there(self) -> bool:
        """Tell whether the application's database has our tables."""
        if self._closed:
            raise TransportClosed("this transport was closed before this call")
        cur = self._conn.cursor()
        cur.row_factory = None
        return store.has_tables(cur)

    def read(self, step: Step[_R], *, late: bool = False) -> _R:
        """Run *step* within the application's transaction."""
        return self.write(step, late=late)

    def write_one(
        self, step: Step[_R], hand: Hand | None = None, *, patience: float | None = None
    ) -> _R:
        """Run *step* within the application's transaction."""
        return self.write(step, hand, patience=patience)

    def write(
        self,
        step: Step[_R],
        hand: Hand | None = None,
        *,
        patience: float | None = None,
        durable: bool = False,
        late: bool = False,
    ) -> _R:
        """Run *step* within the application's transaction; what it raises undoes only *step*."""
        if durable:
            raise Unsupported("when the application commits, its connection decides what is synced")
        if self._closed and not late:
            raise TransportClosed("this transport was closed before this call")
        if self._pid != os.getpid():
            raise Unsupported("a connection stays in the process that made it, this one is a fork")
        try:
            if not self._conn.in_transaction and self._conn.isolation_level is not None:
                self._conn.execute("BEGIN")  # as sqlite3 does before an application's INSERT
            cur = self._conn.cursor()
            cur.row_factory = None
            cur.execute("SAVEPOINT queuekit")
            try:
                self._prepare(cur)
                result = step(cur)
            except BaseException:
                if hand is not None:
                    del hand[:]
                cur.execute("ROLLBACK TO queuekit")
                cur.execute("RELEASE queuekit")
                raise
            cur.execute("RELEASE queuekit")
        except sqlite3.Error as exc:
            raise_ours(exc, self.path, _sqlite_link.BUSY_TIMEOUT)
        return result

    def version(self) -> int:
        """Return nothing of use: nobody waits here."""
        return 0

    def close(self) -> None:
        """Refuse further calls; the connection is the application's."""
        self._closed = True

    def _prepare(self, cur: sqlite3.Cursor) -> None:
        if not store.has_tables(cur):
            store.make_tables(cur)
        store.check_version(cur, self.path)
        if self._clock is None:
            self._time = store.set_clock(cur)
