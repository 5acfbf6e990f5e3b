"""SQLite connections: one per thread, their end in dead threads and forks, and the errors."""

from __future__ import annotations

import os
import sqlite3
import threading
from typing import Final, NoReturn

from ..errors import (
    BodyTooLarge,
    QueueFull,
    TransportClosed,
    TransportError,
    TransportUnavailable,
)

BUSY_TIMEOUT = 30.0
"""Seconds to wait for another process's transaction; ordinary ones take far less than one."""

NAP: Final = 0.1
"""Seconds that SQLite waits by itself; meanwhile a signal's handler has to wait."""

_CLOSING_TIMEOUT: Final = 1.0
_WRITE_LOCK: Final = "120"
"""The byte of the -shm file that who writes has locked (SQLite's file format, part 2.3)."""

_graveyard: list[sqlite3.Connection] = []
"""Connections of the process we were forked from: never used, closed or collected here."""


class Link:
    """
    The connection of one thread, and the lock that keeps ``close`` out while it is used.

    It ends with its thread: the thread's local storage holds the only strong reference.
    """

    __slots__ = ("__weakref__", "busy", "conn", "cur", "lock", "open", "pid", "synchronous")

    def __init__(self, conn: sqlite3.Connection, synchronous: str) -> None:
        self.busy = False
        self.synchronous = synchronous
        self.conn = conn
        self.cur = conn.cursor()
        self.lock = threading.RLock()  # reentrant: an interrupt in the wrong place blocks nobody
        self.pid = os.getpid()
        self.open = True

    def set_synchronous(self, level: str) -> None:
        """Change how commits wait for the disk, outside of a transaction."""
        self.synchronous = ""  # unknown, should this be interrupted
        self.cur.execute(f"PRAGMA synchronous = {level}")
        self.synchronous = level

    def close(self) -> None:
        """Close the connection, or leave that to who is using it just now."""
        if self.busy:  # the thread's own call, which a signal handler has interrupted
            return
        if self.lock.acquire(timeout=_CLOSING_TIMEOUT):
            try:
                self.open = False
                self.cur.close()
                self.conn.close()
            except sqlite3.Error:  # what could not be written at the end is in the WAL
                pass
            finally:
                self.lock.release()

    def __del__(self) -> None:
        if getattr(self, "open", False):  # not if its making was interrupted
            if self.pid == os.getpid():
                self.close()
            else:
                bury(self.conn)


def bury(conn: sqlite3.Connection) -> None:
    """
    Keep a connection that belongs to the parent process for ever.

    SQLite must not even close it here, as the end of the interpreter would; so it gets a
    reference that nobody drops.
    """
    _graveyard.append(conn)
    try:
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(conn))
    except (ImportError, AttributeError):  # another interpreter: the list has to do
        pass


def refuse_reentry(link: Link) -> None:
    """Refuse a call that came in the middle of another one of its thread."""
    if link.busy:
        raise_reentry()


def raise_reentry() -> NoReturn:
    """Say that a call came in the middle of another one of its thread."""
    raise TransportError(
        "a signal handler or finalizer used the SQLite transport in the middle of another call of"
        " its thread; let it set a flag, or use another thread"
    )


def raise_ours(exc: sqlite3.Error, path: str, waited: float) -> NoReturn:
    """Raise the error of ours that says what *exc* means for the file *path*, from *exc*."""
    raise _ours(exc, path, waited) from exc


def raise_busy(path: str, waited: float) -> NoReturn:
    """Say that the lock of *path* was not to be had."""
    raise _busy(path, waited)


def _busy(path: str, waited: float) -> TransportUnavailable:
    return TransportUnavailable(
        f"{_holder(path)} has held the lock of {path!r} for more than {waited:g} s, nothing was"
        " changed; look for a program with an open transaction, and try again"
    )


def _holder(path: str) -> str:
    """Return who holds the lock for writing, where the system tells (Linux)."""
    try:
        status = os.stat(f"{os.path.realpath(path)}-shm")  # noqa: PTH116 - a name, not a path
        with open("/proc/locks") as locks:  # noqa: PTH123 - read as it is
            for line in locks:
                _, _, _, mode, pid, place, begin, *_ = line.split()
                file = place.rpartition(":")[2]
                if (mode, file, begin) == ("WRITE", str(status.st_ino), _WRITE_LOCK):
                    return "this process" if int(pid) == os.getpid() else f"process {pid}"
    except (OSError, ValueError):  # another system, or the file is gone
        pass
    return "another connection"


def _ours(exc: sqlite3.Error, path: str, waited: float) -> TransportError:
    extended = getattr(exc, "sqlite_errorcode", None)
    code = extended & 0xFF if isinstance(extended, int) else None
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _busy(path, waited)
    if code == sqlite3.SQLITE_FULL:
        return QueueFull(
            f"no room for {path!r}: the disk or the file's limit is full; nothing was stored,"
            " free some space or consume messages"
        )
    if code == sqlite3.SQLITE_READONLY:
        return TransportError(
            f"{path!r} cannot be written: the file, its directory or its file system is read-only;"
            " a queue needs to write also in order to consume"
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return TransportError(
            f"{path!r} is damaged or no SQLite database ({exc}); restore it from a backup, or save"
            " what is left with the .recover command of the sqlite3 program"
        )
    if code == sqlite3.SQLITE_TOOBIG:
        return BodyTooLarge(f"a body for {path!r} exceeds what SQLite can store in one value")
    if code == sqlite3.SQLITE_IOERR:
        return TransportUnavailable(
            f"reading or writing {path!r} failed ({exc}); the outcome is unknown, check the disk,"
            " its free space and the limit of a file's size (ulimit -f)"
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return TransportError(f"{path!r} cannot be opened ({exc}); check its directory and rights")
    if str(exc).startswith("no such table: queuekit_"):
        return TransportError(
            f"a newer queuekit has changed the layout of {path!r} while it was open here; restart"
            " this process with that queuekit"
        )
    if isinstance(exc, sqlite3.ProgrammingError) and "closed" in str(exc):
        return TransportClosed(f"the connection to {path!r} was closed")
    return TransportError(f"SQLite refused to work on {path!r}: {exc}")
