"""
One SQLite file as a store: its layout, its opening, its clock.

The tables, all named ``queuekit_…`` so that they can stand in an application's own file:

``meta (name, value)``
    ``version`` of this layout; ``boot`` and ``offset`` of the store's clock; ``last``, a time of
    the store's clock that has been.
``queues (number, name)``
    A row appears with a queue's first message and stays.
``lanes (pos, attempts, key, body)``
    What is ready. ``pos`` is the queue's number times 2**44 plus an offset, which names the level:
    the middle half is the usual one and begins at 2**43; ``_sqlite_places`` has the others, higher
    ones before it and lower ones behind. A push takes the last position of its level plus 1, what
    goes back to the head the first one minus 1; so the first one of a queue is claimed next.
    ``attempts`` counts the claims that failed. ``key`` names a body without a frame from its first
    claim on; it is set, too, where a message holds its group.
``delayed (queue, due, seq, attempts, key, body)``
    In the order in which they become ready.
``claims (queue, expires, token, place, deadline, attempts, key, body)``
    What claims hold, in the order in which they expire. A claim that was extended has one row more,
    with ``expires`` and place -1, whose ``deadline`` is where its messages stand now.
``groups (queue, name, seq, attempts, body)``
    A row at -2**40 for each group that is held, and behind it the messages that wait.
``marks (queue, key, value, until)``
    Keys of puts with ``dedup``, and those of ``mark``.
``bounds (queue, hidden)``
    For each queue that was pushed to with a bound, how many messages are delayed or wait in groups:
    triggers, made with the first such push to the file, count them, whoever moves them.
``rates (queue, turn)``
    For each queue with a rate, when its next turn is.

Messages that use none of this stand in the first five tables only. Nothing else is indexed: a push
writes one page, a claim of one message two, its ack one.

The clock counts seconds. During one boot it is the system's monotonic clock that goes on during
sleep, plus an offset for all processes, so that setting the wall clock moves no lease. The first
process after a reboot lets it go on from the wall clock, and never back; whoever held a claim then
is gone, so it ends all leases. Where the system does not tell one boot from another, the clock is
the wall clock.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..errors import ConfigurationError, TransportError, Unsupported
from . import _sqlite_link as link

Clock = Callable[[], float]

APPLICATION_ID: Final = 0x514B4954
"""``QKIT``, in the head of a file that queuekit made; for ``file`` and its like."""
VERSION: Final = 3

_LAST_EVERY: Final = 60.0
"""Seconds; so rarely an opening writes down the time."""
_WAL_LIMIT: Final = 64 * 2**20
"""Bytes that the -wal file keeps after a large transaction."""
_SCHEMA: Final = (
    "CREATE TABLE queuekit_meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE queuekit_queues (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    """CREATE TABLE queuekit_lanes (
    pos INTEGER PRIMARY KEY, attempts INTEGER NOT NULL DEFAULT 0, key TEXT, body BLOB NOT NULL
)""",
    """CREATE TABLE queuekit_delayed (
    queue INTEGER, due REAL, seq INTEGER,
    attempts INTEGER NOT NULL, key TEXT, body BLOB NOT NULL,
    PRIMARY KEY (queue, due, seq)
) WITHOUT ROWID""",
    """CREATE TABLE queuekit_claims (
    queue INTEGER, expires REAL, token TEXT, place INTEGER,
    deadline REAL, attempts INTEGER NOT NULL DEFAULT 0, key TEXT, body BLOB,
    PRIMARY KEY (queue, expires, token, place)
) WITHOUT ROWID""",
)
_SCHEMA_3: Final = (
    """CREATE TABLE queuekit_groups (
    queue INTEGER, name TEXT, seq INTEGER, attempts INTEGER, body BLOB,
    PRIMARY KEY (queue, name, seq)
) WITHOUT ROWID""",
    """CREATE TABLE queuekit_marks (
    queue INTEGER, key TEXT, value TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (queue, key)
) WITHOUT ROWID""",
    "CREATE INDEX queuekit_marks_until ON queuekit_marks (until)",
    "CREATE TABLE queuekit_bounds (queue INTEGER PRIMARY KEY, hidden INTEGER NOT NULL)",
    "CREATE TABLE queuekit_rates (queue INTEGER PRIMARY KEY, turn REAL NOT NULL)",
)
_UPGRADES: Final[dict[int, tuple[str, ...]]] = {
    1: (  # what a claim held stood at -1, and a row without a message at its deadline
        "DELETE FROM queuekit_claims WHERE expires >= 0",
        (
            "UPDATE queuekit_claims SET expires = (SELECT of.deadline FROM queuekit_claims of"
            " WHERE of.queue = queuekit_claims.queue AND of.expires = -1"
            " AND of.token = queuekit_claims.token AND of.place = -1) WHERE place >= 0"
        ),
    ),
    # a process that has the file open and knows no levels must not go on to push and claim: it
    # finds the table no more; what it holds it still can ack
    2: ("ALTER TABLE queuekit_ready RENAME TO queuekit_lanes", *_SCHEMA_3),
}
"""For each older version the statements that make the next one of it."""

_HAS_META = "SELECT count(*) FROM sqlite_master WHERE name = 'queuekit_meta'"
_COUNT_TABLES = "SELECT count(*) FROM sqlite_master"
_META = "SELECT name, value FROM queuekit_meta"
_SET_META = "INSERT OR REPLACE INTO queuekit_meta VALUES (?, ?)"
_END_LEASES = (
    "UPDATE queuekit_claims SET expires = 0 WHERE expires > 0",
    "UPDATE queuekit_claims SET deadline = 0 WHERE expires = -1 AND place = -1",
)


def connect(path: str, synchronous: str) -> sqlite3.Connection:
    """
    Open *path*, making the tables if it is empty.

    Raises:
        ConfigurationError: The file belongs to another program, or is no database.
        TransportError: It was made by a newer version, or cannot be in WAL mode.
    """
    if sqlite3.sqlite_version_info < (3, 35):
        raise Unsupported(f"SQLite 3.35 or newer is needed, not {sqlite3.sqlite_version}")
    conn = sqlite3.connect(
        path, timeout=link.BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        cur = conn.cursor()
        fresh = _examine(cur, path)
        _use_wal(cur, path)
        cur.execute(f"PRAGMA synchronous = {synchronous}")
        cur.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT}")
        cur.execute("PRAGMA trusted_schema = OFF")
        if fresh:
            cur.execute("BEGIN IMMEDIATE")
            if _examine(cur, path):  # still: nobody was faster
                cur.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                make_tables(cur)
            cur.execute("COMMIT")
        check_version(cur, path)
        cur.execute(f"PRAGMA busy_timeout = {link.NAP * 1000:.0f}")
    except BaseException:
        conn.close()
        raise
    return conn


def has_tables(cur: sqlite3.Cursor) -> bool:
    """Tell whether the tables are there."""
    return bool(cur.execute(_HAS_META).fetchone()[0])


def make_tables(cur: sqlite3.Cursor) -> None:
    """Make the tables within the caller's transaction."""
    for statement in (*_SCHEMA, *_SCHEMA_3):
        cur.execute(statement)
    cur.execute(_SET_META, ("version", VERSION))


def check_version(cur: sqlite3.Cursor, path: str) -> None:
    """Refuse tables of a newer version, and bring those of an older one up to date."""
    version = dict(cur.execute(_META).fetchall()).get("version")
    alone = not cur.connection.in_transaction
    while isinstance(version, int) and version < VERSION and version in _UPGRADES:
        if alone:
            cur.execute("BEGIN IMMEDIATE")
        if dict(cur.execute(_META).fetchall()).get("version") == version:
            for statement in _UPGRADES[version]:
                cur.execute(statement)
            cur.execute(_SET_META, ("version", version + 1))
        if alone:
            cur.execute("COMMIT")
        version = dict(cur.execute(_META).fetchall()).get("version")
    if version != VERSION:
        raise TransportError(
            f"the queues in {path!r} have layout version {version!r}, this queuekit knows up to"
            f" {VERSION}; upgrade queuekit in this environment"
        )


def set_clock(cur: sqlite3.Cursor) -> Clock:
    """Return the clock that all processes on this file share; sets it after a reboot."""
    boot = _boot_id()
    if not boot:
        return time.time
    meta = dict(cur.execute(_META).fetchall())
    offset = float(meta.get("offset") or 0.0)
    if meta.get("boot") != boot:
        alone = not cur.connection.in_transaction
        if alone:
            cur.execute("BEGIN IMMEDIATE")
        meta = dict(cur.execute(_META).fetchall())
        offset = float(meta.get("offset") or 0.0)
        if meta.get("boot") != boot:
            offset = max(float(meta.get("last") or 0.0), time.time()) - _monotonic()
            rows = [("boot", boot), ("offset", offset), ("last", offset + _monotonic())]
            cur.executemany(_SET_META, rows)
            for statement in _END_LEASES:
                cur.execute(statement)
        if alone:
            cur.execute("COMMIT")
    elif offset + _monotonic() > float(meta.get("last") or 0.0) + _LAST_EVERY:
        try:
            cur.execute(_SET_META, ("last", offset + _monotonic()))
        except sqlite3.OperationalError:  # locked or full: the next one will do it
            pass
    return lambda: offset + _monotonic()


def _examine(cur: sqlite3.Cursor, path: str) -> bool:
    """Return whether the file is empty; refuse it if it is anybody else's."""
    try:
        empty = not cur.execute(_COUNT_TABLES).fetchone()[0]
        owner = cur.execute("PRAGMA application_id").fetchone()[0]
        if has_tables(cur):  # last: another process may make them between two looks
            return False
    except sqlite3.DatabaseError as exc:
        if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_NOTADB:
            raise
        raise ConfigurationError(
            f"{path!r} is no SQLite database; choose another file, queuekit will not overwrite it"
        ) from exc
    if empty and owner in (0, APPLICATION_ID):
        return True
    raise ConfigurationError(
        f"{path!r} is another program's database; choose another file, or put the queues into it"
        " with SQLiteTransport(connection=...)"
    )


def _use_wal(cur: sqlite3.Cursor, path: str) -> None:
    deadline = time.monotonic() + link.BUSY_TIMEOUT
    while True:
        try:
            mode = cur.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as exc:  # while another one switches, SQLite does not wait
            busy = exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
    if mode != "wal":
        raise TransportError(
            f"{path!r} cannot be in WAL mode, it stays {mode!r}; its file system or its SQLite has"
            " no shared memory: choose a local disk"
        )


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)


def _monotonic() -> float:
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)
