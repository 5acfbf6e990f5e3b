"""Transactions on the store: each thread with its own connection."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from typing import Final, TypeVar

from ..errors import TransportClosed
from . import _sqlite_file as file
from . import _sqlite_link
from . import _sqlite_store as store
from ._pace import Pace
from ._sqlite_link import Link, raise_busy, raise_ours, raise_reentry, refuse_reentry
from ._sqlite_step import Hand, Step, begin, insist, undo
from ._sqlite_store import Clock
from ._sqlite_turn import Turn
from ._waiters import Lines

_R = TypeVar("_R")

_LOOK_AT_FILE: Final = 1.0
"""Seconds between looks at whether the path still leads to the file that was opened."""

_SHORTEST_PAUSE: Final = 0.0005
_LONGEST_PAUSE: Final = 0.005
"""Seconds between looks of those who wait for what other processes did."""

_alive: weakref.WeakSet[Database] = weakref.WeakSet()
_opening = (
    threading.RLock()
)  # across all objects: a descriptor closed at the wrong time drops locks


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
        self.pace = Pace(_SHORTEST_PAUSE, _LONGEST_PAUSE)
        self._clock = clock
        self._network = network
        self._identity = file.Identity(path)
        self._closed = False
        self._start()
        _alive.add(self)

    def _start(self) -> None:
        self.lines = Lines()
        self._turn = Turn()
        self._local = threading.local()
        self._links: weakref.WeakSet[Link] = weakref.WeakSet()

    def after_fork(self) -> None:
        """Forget the parent's locks and links, which bury their connections as they go."""
        self._start()

    def now(self) -> float:
        """Return the time of the store's clock; a connection was opened before."""
        return self._clock() if self._clock is not None else time.time()

    def is_there(self) -> bool:
        """
        Tell whether there is a file, without making one.

        Raises:
            ConfigurationError: There is not even its directory.
        """
        self._refuse_closed()
        return self._identity.known is not None or file.exists(self.path)

    def read(self, step: Step[_R], *, late: bool = False) -> _R:
        """Run *step* without a transaction around it; *late*: also after ``close``."""
        link = self._link(late=late)
        with link.lock:
            return self._run(link, step, [], late=late)

    def write_one(
        self, step: Step[_R], hand: Hand | None = None, *, patience: float | None = None
    ) -> _R:
        """Run *step*, which is a single statement that writes: a transaction by itself."""
        taken = [] if hand is None else hand
        return self._in_turn(lambda cur, end: insist(cur, step, taken, end), taken, patience)

    def write(
        self,
        step: Step[_R],
        hand: Hand | None = None,
        *,
        patience: float | None = None,
        durable: bool = False,
        late: bool = False,
    ) -> _R:
        """
        Run *step* as one transaction, undone by whatever it raises.

        Args:
            step: What to do.
            hand: What *step* took out, or noted as done. Emptied when the transaction is undone: so
                who is interrupted finds in it what was committed, and nothing else.
            patience: Seconds to wait for others who write; ``BUSY_TIMEOUT`` by default.
            durable: Wait for the disk, as with ``synchronous="FULL"``.
            late: Also after ``close``.
        """
        taken = [] if hand is None else hand

        def transaction(cur: sqlite3.Cursor, end: float) -> _R:
            insist(cur, begin, [], end)
            result = step(cur)
            cur.execute("COMMIT")
            return result

        return self._in_turn(transaction, taken, patience, durable=durable, late=late)

    def _in_turn(
        self,
        work: Callable[[sqlite3.Cursor, float], _R],
        hand: Hand,
        patience: float | None,
        *,
        durable: bool = False,
        late: bool = False,
    ) -> _R:
        seconds = _sqlite_link.BUSY_TIMEOUT if patience is None else patience
        end = time.monotonic() + seconds
        link, turn = self._link(late=late), self._turn
        refuse_reentry(link)
        wanted = "FULL" if durable else self.synchronous
        try:
            if not turn.take(link, end):
                raise_busy(self.path, seconds)
            with link.lock:
                if link.synchronous != wanted:
                    self._run(link, lambda _: link.set_synchronous(wanted), [], late=late)
                return self._run(link, lambda cur: work(cur, end), hand, late=late, waited=seconds)
        finally:
            if turn.owner is link:
                turn.owner = None
            turn.next()

    def version(self) -> int:
        """Return a number that changes when another connection changed the file, or made it."""
        if not self.is_there():
            return -1
        version: int = self.read(lambda cur: cur.execute("PRAGMA data_version").fetchone())[0]
        return version

    def close(self) -> None:
        """Close all connections; what is in use closes when its call ends."""
        self._closed = True
        self.lines.wake_all()
        for link in list(self._links):
            link.close()

    def _run(
        self,
        link: Link,
        step: Step[_R],
        hand: Hand,
        *,
        late: bool = False,
        waited: float = _sqlite_link.BUSY_TIMEOUT,
    ) -> _R:
        """
        Run *step* on a connection whose lock is held.

        An exception may come from a signal handler between any two steps. Those that empty *hand*
        are assignments and the like, which nothing can come between.
        """
        if not late:
            self._refuse_closed()
        refuse_reentry(link)
        link.busy = True
        try:
            return step(link.cur)
        except sqlite3.Error as exc:
            del hand[:]
            undo(link)
            raise_ours(exc, self.path, waited)
        except BaseException:
            if link.conn.in_transaction:
                del hand[:]
            undo(link)
            raise
        finally:
            link.busy = False
            if self._closed:
                link.close()

    def _link(self, *, late: bool = False) -> Link:
        if not late:
            self._refuse_closed()
        try:
            link: Link = self._local.link
        except AttributeError:
            link = self._open()
        if late and not link.open:
            link = self._open()
        if time.monotonic() - self._identity.checked > _LOOK_AT_FILE:
            self._identity.check()
        return link

    def _open(self) -> Link:
        path = os.path.realpath(self.path)
        if getattr(self._local, "opening", False):
            raise_reentry()
        self._local.opening = True
        try:
            with _opening:
                if self._identity.known is None:
                    if not self._network:
                        file.refuse_network(self.path)
                    file.create(self.path)
                else:
                    self._identity.check()
                link = Link(store.connect(path, self.synchronous), self.synchronous)
                if self._clock is None:
                    self._clock = store.set_clock(link.cur)
                self._identity.check()
        except sqlite3.Error as exc:
            raise_ours(exc, self.path, _sqlite_link.BUSY_TIMEOUT)
        finally:
            self._local.opening = False
        self._links.add(link)
        self._local.link = link
        return link

    def _refuse_closed(self) -> None:
        if self._closed:
            raise TransportClosed(f"the transport of {self.path!r} was closed before this call")


def _after_fork() -> None:
    global _opening  # noqa: PLW0603 - another thread may have held it when the process was copied
    _opening = threading.RLock()
    for database in list(_alive):
        database.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
