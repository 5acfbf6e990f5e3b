"""The bare clients: a careful program without queuekit, with the same trips and durability."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from pathlib import Path
from typing import Protocol


class Subject(Protocol):
    """Something that queues bodies of bytes."""

    def put(self, bodies: list[bytes]) -> None: ...
    def get(self, count: int) -> int: ...
    def claim_ack(self, count: int) -> int: ...
    def clear(self) -> None: ...
    def close(self) -> None: ...


class BareDeque:
    """A deque and a lock; a dict of what is claimed."""

    def __init__(self) -> None:
        self._ready: deque[bytes] = deque()
        self._claimed: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self._next = 0

    def put(self, bodies: list[bytes]) -> None:
        with self._lock:
            self._ready.extend(bodies)

    def get(self, count: int) -> int:
        with self._lock:
            ready = self._ready
            return len([ready.popleft() for _ in range(min(count, len(ready)))])

    def claim_ack(self, count: int) -> int:
        with self._lock:
            first = self._next
            taken = [self._ready.popleft() for _ in range(min(count, len(self._ready)))]
            for body in taken:
                self._claimed[self._next] = body
                self._next += 1
        with self._lock:
            for i in range(first, first + len(taken)):
                del self._claimed[i]
        return len(taken)

    def clear(self) -> None:
        self._ready.clear()

    def close(self) -> None:
        pass


class BareSQLite:
    """One table, WAL, synchronous=NORMAL, a transaction per call; a column says what is claimed."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE m (id INTEGER PRIMARY KEY, lease REAL NOT NULL DEFAULT 0, body BLOB)"
        )

    def put(self, bodies: list[bytes]) -> None:
        if len(bodies) == 1:
            self._db.execute("INSERT INTO m (body) VALUES (?)", (bodies[0],))
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO m (body) VALUES (?)", [(body,) for body in bodies])
        self._db.execute("COMMIT")

    def get(self, count: int) -> int:
        if count == 1:
            sql = "DELETE FROM m WHERE id = (SELECT min(id) FROM m) RETURNING body"
            return len(self._db.execute(sql).fetchall())
        sql = "DELETE FROM m WHERE id IN (SELECT id FROM m ORDER BY id LIMIT ?) RETURNING body"
        return len(self._db.execute(sql, (count,)).fetchall())

    def claim_ack(self, count: int) -> int:
        if count == 1:
            sql = (
                "UPDATE m SET lease = 1 WHERE id ="
                " (SELECT id FROM m WHERE lease = 0 ORDER BY id LIMIT 1) RETURNING id, body"
            )
            rows = self._db.execute(sql).fetchall()
        else:
            sql = (
                "UPDATE m SET lease = 1 WHERE id IN"
                " (SELECT id FROM m WHERE lease = 0 ORDER BY id LIMIT ?) RETURNING id, body"
            )
            rows = self._db.execute(sql, (count,)).fetchall()
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("DELETE FROM m WHERE id = ?", [(row[0],) for row in rows])
        self._db.execute("COMMIT")
        return len(rows)

    def clear(self) -> None:
        self._db.execute("DELETE FROM m")

    def close(self) -> None:
        self._db.close()


class BareRedis:
    """redis-py as its documentation shows it: RPUSH, LPOP, LMOVE and LREM, batches in pipelines."""

    def __init__(self, url: str) -> None:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._client = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0))

    def put(self, bodies: list[bytes]) -> None:
        self._client.rpush("bare", *bodies)

    def get(self, count: int) -> int:
        if count == 1:
            return self._client.lpop("bare") is not None
        return len(self._client.lpop("bare", count) or ())

    def claim_ack(self, count: int) -> int:
        if count == 1:
            body = self._client.lmove("bare", "bare:claimed", "LEFT", "RIGHT")
            return self._client.lrem("bare:claimed", 1, body) if body else 0
        with self._client.pipeline(transaction=False) as pipe:
            for _ in range(count):
                pipe.lmove("bare", "bare:claimed", "LEFT", "RIGHT")
            taken = [body for body in pipe.execute() if body]
        with self._client.pipeline(transaction=False) as pipe:
            for body in taken:
                pipe.lrem("bare:claimed", 1, body)
            return sum(pipe.execute())

    def clear(self) -> None:
        self._client.delete("bare", "bare:claimed")

    def close(self) -> None:
        self._client.close()
