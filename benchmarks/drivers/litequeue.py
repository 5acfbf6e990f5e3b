"""litequeue: texts in rows that keep their history."""

from __future__ import annotations

from pathlib import Path

from litequeue import LiteQueue

from .subject import BULK, Subject


class Lite(Subject):
    """LiteQueue; in bulk: 100 puts in one of its transactions."""

    distributions = ("litequeue",)

    def __init__(self, url: str, folder: str) -> None:
        self._file = Path(folder) / "lite.db"
        self._queue = LiteQueue(self._file)

    def fill(self, operation: str, count: int, body: bytes) -> None:
        with self._queue.transaction():
            self.rput(count, body)

    def clear(self) -> None:
        """Begin a new file, as what is done stays."""
        self._queue.close()
        for file in self._file.parent.glob("lite.db*"):
            file.unlink()
        self._queue = LiteQueue(self._file)

    def close(self) -> None:
        self._queue.close()

    def size(self) -> int:
        return self._queue.qsize()

    def rput(self, count: int, body: bytes) -> None:
        put, text = self._queue.put, body.decode()
        for _ in range(count):
            put(text)

    def rput_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            with self._queue.transaction():
                self.rput(BULK, body)

    def claim_ack(self, count: int, body: bytes) -> None:
        pop, done = self._queue.pop, self._queue.done
        for _ in range(count):
            message = pop()
            done(message.message_id)
