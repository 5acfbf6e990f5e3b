"""
The limit on SQLite: sqlite3 by hand, one table, WAL, synchronous=NORMAL, a transaction per call.

A column says what is claimed. Nothing recovers an expired claim, counts attempts or refuses an ack.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from .subject import BULK, Subject

PUT = "INSERT INTO m (body) VALUES (?)"
GET = "DELETE FROM m WHERE id = (SELECT min(id) FROM m) RETURNING body"
GET_MANY = "DELETE FROM m WHERE id IN (SELECT id FROM m ORDER BY id LIMIT ?) RETURNING body"
CLAIM = """UPDATE m SET lease = ? WHERE id =
    (SELECT id FROM m WHERE lease = 0 ORDER BY id LIMIT 1) RETURNING id, body"""
CLAIM_MANY = """UPDATE m SET lease = ? WHERE id IN
    (SELECT id FROM m WHERE lease = 0 ORDER BY id LIMIT ?) RETURNING id, body"""
ACK = "DELETE FROM m WHERE id = ?"


class Raw(Subject):
    """One connection."""

    def __init__(self, url: str, folder: str) -> None:
        self._db = sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE m (id INTEGER PRIMARY KEY, lease REAL NOT NULL DEFAULT 0, body BLOB)"
        )

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self._put_many(count, body)

    def clear(self) -> None:
        self._db.execute("DELETE FROM m")

    def close(self) -> None:
        self._db.close()

    def size(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM m").fetchone()[0])

    def put(self, count: int, body: bytes) -> None:
        execute = self._db.execute
        for _ in range(count):
            execute(PUT, (body,))

    def put_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            self._put_many(BULK, body)

    def _put_many(self, count: int, body: bytes) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(PUT, [(body,)] * count)
        self._db.execute("COMMIT")

    rput, rput_bulk = put, put_bulk

    def get(self, count: int, body: bytes) -> None:
        execute = self._db.execute
        for _ in range(count):
            execute(GET).fetchall()[0]

    def get_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            assert len(self._db.execute(GET_MANY, (BULK,)).fetchall()) == BULK

    def claim_ack(self, count: int, body: bytes) -> None:
        execute = self._db.execute
        for _ in range(count):
            row = execute(CLAIM, (time.time() + 60,)).fetchall()[0]
            execute(ACK, (row[0],))

    def claim_ack_next(self, count: int, body: bytes) -> None:
        execute, before = self._db.execute, 0
        for _ in range(count):
            execute("BEGIN IMMEDIATE")
            if before:
                execute(ACK, (before,))
            before = execute(CLAIM, (time.time() + 60,)).fetchall()[0][0]
            execute("COMMIT")
        execute(ACK, (before,))

    def claim_ack_bulk(self, count: int, body: bytes) -> None:
        execute = self._db.execute
        for _ in range(count // BULK):
            rows = execute(CLAIM_MANY, (time.time() + 60, BULK)).fetchall()
            execute("BEGIN IMMEDIATE")
            self._db.executemany(ACK, [(row[0],) for row in rows])
            execute("COMMIT")

    def prefetch(self, count: int, body: bytes) -> None:
        execute, done = self._db.execute, []
        for _ in range(count // BULK):
            execute("BEGIN IMMEDIATE")
            self._db.executemany(ACK, done)
            rows = execute(CLAIM_MANY, (time.time() + 60, BULK)).fetchall()
            execute("COMMIT")
            done = []
            for row in rows:
                done.append((row[0],))
        self._db.executemany(ACK, done)
