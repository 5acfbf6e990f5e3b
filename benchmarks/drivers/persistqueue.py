"""persist-queue on SQLite: pickles in rows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from persistqueue import SQLiteAckQueue, SQLiteQueue

from .subject import BULK, Subject


class Fifo(Subject):
    """SQLiteQueue; what it has in bulk is task_done for many gets."""

    distributions = ("persist-queue",)

    def __init__(self, url: str, folder: str) -> None:
        self._folder = Path(folder) / "queue"
        self._queue = self._open()

    def _open(self, **options: Any) -> Any:
        return SQLiteQueue(str(self._folder), auto_commit=True, **options)

    def fill(self, operation: str, count: int, body: bytes) -> None:
        for _ in range(count):
            self._queue.put(body)

    def clear(self) -> None:
        """Begin a new file."""
        self._queue.close()
        shutil.rmtree(self._folder)
        self._queue = self._open()

    def close(self) -> None:
        self._queue.close()

    def size(self) -> int:
        return int(self._queue.qsize())

    def put(self, count: int, body: bytes) -> None:
        put = self._queue.put
        for _ in range(count):
            put(body)

    def get(self, count: int, body: bytes) -> None:
        get = self._queue.get
        for _ in range(count):
            get(timeout=5)

    def get_bulk(self, count: int, body: bytes) -> None:
        many = SQLiteQueue(str(self._folder), auto_commit=False)
        for _ in range(count // BULK):
            for _ in range(BULK):
                many.get(timeout=5)
            many.task_done()
        many.close()
        self._queue.close()
        self._queue = self._open()  # which counts its rows anew


class Ack(Subject):
    """SQLiteAckQueue; it has nothing in bulk."""

    distributions = ("persist-queue",)

    def __init__(self, url: str, folder: str) -> None:
        self._folder = Path(folder) / "queue"
        self._queue = SQLiteAckQueue(str(self._folder))

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self.rput(count, body)

    def clear(self) -> None:
        """Begin a new file, as what is acked stays."""
        self._queue.close()
        shutil.rmtree(self._folder)
        self._queue = SQLiteAckQueue(str(self._folder))

    def close(self) -> None:
        self._queue.close()

    def size(self) -> int:
        return int(self._queue.qsize())

    def rput(self, count: int, body: bytes) -> None:
        put = self._queue.put
        for _ in range(count):
            put(body)

    def claim_ack(self, count: int, body: bytes) -> None:
        get, ack = self._queue.get, self._queue.ack
        for _ in range(count):
            ack(get(timeout=5))
