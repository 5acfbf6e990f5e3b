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

_CLOSING_TIMEOUT: Final = 1.0

_graveyard: list[sqlite3.Connection] = []
"""Connections of the process we were forked from: never used, closed or collected here."""


class Link:
    """
    The connection of one thread, and the lock that keeps ``close`` out while it is used.

    It ends with its thread: the thread's local storage holds the only strong reference.
    """

    __slots__ = ("__weakref__", "conn", "cur", "lock", "open", "pid")

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        self.cur = conn.cursor()
        self.lock = threading.RLock()  # reentrant: an interrupt in the wrong place blocks nobody
        self.open = True
        self.pid = os.getpid()

    def close(self) -> None:
        """Close the connection, or leave that to the thread that is using it just now."""
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
        if self.open:
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


def raise_ours(exc: sqlite3.Error, path: str) -> NoReturn:
    """Raise the error of ours that says what *exc* means for the file *path*, from *exc*."""
    raise _ours(exc, path) from exc


def _ours(exc: sqlite3.Error, path: str) -> TransportError:
    extended = getattr(exc, "sqlite_errorcode", None)
    code = extended & 0xFF if isinstance(extended, int) else None
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return TransportUnavailable(
            f"another connection has held the lock of {path!r} for more than {BUSY_TIMEOUT:g} s;"
            " look for a program with an open transaction, and try again"
        )
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
            f"reading or writing {path!r} failed ({exc}); the outcome is unknown, check the disk"
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return TransportError(f"{path!r} cannot be opened ({exc}); check its directory and rights")
    if isinstance(exc, sqlite3.ProgrammingError) and "closed" in str(exc):
        return TransportClosed(f"the connection to {path!r} was closed")
    return TransportError(f"SQLite refused to work on {path!r}: {exc}")
