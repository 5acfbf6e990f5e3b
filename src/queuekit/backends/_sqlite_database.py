"""Transactions on the store: each thread with its own connection, or within the application's."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from typing import Final, TypeVar

from ..errors import ConfigurationError, TransportClosed, TransportError, Unsupported
from . import _sqlite_store as store
from ._sqlite_link import Link, raise_ours
from ._sqlite_store import Clock
from ._sqlite_wait import Lines

_R = TypeVar("_R")
Step = Callable[[sqlite3.Cursor], _R]

_LOOK_AT_FILE: Final = 1.0
"""Seconds between looks at whether the path still leads to the file that was opened."""

_alive: weakref.WeakSet[Database] = weakref.WeakSet()
_opening = threading.Lock()  # across all objects: a descriptor closed at the wrong time drops locks


class Database:
    """
    One file: a connection for each thread, opened at its first call.

    After a fork the child opens its own, and never touches those of its parent.
    """

    waits = True

    def __init__(self, path: str, synchronous: str, clock: Clock | None, network: bool) -> None:
        self.path = path
        self.synchronous = synchronous
        self.moved_clock = clock is not None
        self._clock = clock
        self._network = network
        self._identity: tuple[int, int] | None = None
        self._checked = 0.0
        self._closed = False
        self._start()
        _alive.add(self)

    def _start(self) -> None:
        self.lines = Lines()
        self._writing = threading.Lock()  # threads of one process take turns without SQLite's naps
        self._local = threading.local()
        self._links: weakref.WeakSet[Link] = weakref.WeakSet()

    def after_fork(self) -> None:
        """Forget the parent's locks and links, which bury their connections as they go."""
        self._start()

    def now(self) -> float:
        """Return the time of the store's clock; a connection was opened before."""
        return self._clock() if self._clock is not None else time.time()

    def read(self, step: Step[_R]) -> _R:
        """Run *step* without a transaction around it."""
        link = self._link()
        with link.lock:
            return self._run(link, step)

    def write_one(self, step: Step[_R]) -> _R:
        """Run *step*, which is a single statement that writes: a transaction by itself."""
        link = self._link()
        with self._writing, link.lock:
            return self._run(link, step)

    def write(self, step: Step[_R]) -> _R:
        """Run *step* as one transaction, undone by whatever it raises."""
        link = self._link()
        with self._writing, link.lock:
            return self._run(link, lambda cur: _in_transaction(cur, step))

    def version(self) -> int:
        """Return a number that changes when another connection changed the file."""
        version: int = self.read(lambda cur: cur.execute("PRAGMA data_version").fetchone())[0]
        return version

    def close(self) -> None:
        """Close all connections; what is in use closes when its call ends."""
        self._closed = True
        self.lines.wake_all()
        for link in list(self._links):
            link.close()

    def _run(self, link: Link, step: Step[_R]) -> _R:
        """Run *step* on a connection whose lock is held."""
        self._refuse_closed()
        try:
            return step(link.cur)
        except BaseException as exc:
            _undo(link.conn)
            if isinstance(exc, sqlite3.Error):
                raise_ours(exc, self.path)
            raise
        finally:
            if self._closed:
                link.close()

    def _link(self) -> Link:
        self._refuse_closed()
        try:
            link: Link = self._local.link
        except AttributeError:
            link = self._open()
        if time.monotonic() - self._checked > _LOOK_AT_FILE:
            self._look_at_file()
        return link

    def _open(self) -> Link:
        path = os.path.realpath(self.path)
        try:
            with _opening:
                if self._identity is None:
                    if not self._network:
                        store.refuse_network(path)
                    store.create_file(path)
                else:
                    self._look_at_file()
                link = Link(store.connect(path, self.synchronous))
                if self._clock is None:
                    self._clock = store.set_clock(link.cur)
                self._look_at_file()
        except sqlite3.Error as exc:
            raise_ours(exc, self.path)
        self._links.add(link)
        self._local.link = link
        return link

    def _look_at_file(self) -> None:
        """Refuse to go on when the path leads elsewhere: other processes would use another file."""
        try:
            status = os.stat(self.path)  # noqa: PTH116 - several times a second
        except OSError:
            identity = None
        else:
            identity = (status.st_dev, status.st_ino)
        if self._identity is None:
            self._identity = identity
        elif identity != self._identity:
            what = "deleted or renamed" if identity is None else "replaced by another file"
            raise TransportError(
                f"{self.path!r} was {what} while it was open, its messages with it; put it back, or"
                " close this transport and make a new one"
            )
        self._checked = time.monotonic()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise TransportClosed(f"the transport of {self.path!r} was closed before this call")


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
        self._conn = conn
        self._clock = clock
        self._time: Clock = clock or time.time
        self._closed = False
        self._pid = os.getpid()

    def now(self) -> float:
        """Return the time of the store's clock."""
        return self._time()

    def read(self, step: Step[_R]) -> _R:
        """Run *step* within the application's transaction."""
        return self.write(step)

    def write_one(self, step: Step[_R]) -> _R:
        """Run *step* within the application's transaction."""
        return self.write(step)

    def write(self, step: Step[_R]) -> _R:
        """Run *step* within the application's transaction; what it raises undoes only *step*."""
        if self._closed:
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
                cur.execute("ROLLBACK TO queuekit")
                cur.execute("RELEASE queuekit")
                raise
            cur.execute("RELEASE queuekit")
        except sqlite3.Error as exc:
            raise_ours(exc, self.path)
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


def _in_transaction(cur: sqlite3.Cursor, step: Step[_R]) -> _R:
    cur.execute("BEGIN IMMEDIATE")
    result = step(cur)
    cur.execute("COMMIT")
    return result


def _undo(conn: sqlite3.Connection) -> None:
    try:
        conn.rollback()  # does nothing when SQLite did it by itself
    except sqlite3.Error:
        pass


def _after_fork() -> None:
    global _opening  # noqa: PLW0603 - another thread may have held it when the process was copied
    _opening = threading.Lock()
    for database in list(_alive):
        database.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
