"""A step, which runs on a connection: insisted on while the file is locked, and undone."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ._sqlite_link import Link

_R = TypeVar("_R")

Step = Callable[[sqlite3.Cursor], _R]
"""What runs within a transaction."""
Hand = list[Any]
"""What a step took or did; see ``Database.write``."""


def begin(cur: sqlite3.Cursor) -> None:
    """Begin a transaction that writes."""
    cur.execute("BEGIN IMMEDIATE")


def insist(cur: sqlite3.Cursor, step: Step[_R], hand: Hand, end: float) -> _R:
    """
    Run *step*, a single statement, again while the file is locked, until *end*.

    SQLite waits by itself, but for a nap only: in it no signal is heard.
    """
    while True:
        try:
            return step(cur)
        except sqlite3.OperationalError as exc:
            del hand[:]
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise


def undo(link: Link) -> None:
    """End what a step left open on its connection, as if it had not been."""
    try:
        link.conn.rollback()  # does nothing when SQLite did it by itself
        link.cur.fetchall()  # ends a statement whose rows nobody fetched
    except sqlite3.Error:
        pass
