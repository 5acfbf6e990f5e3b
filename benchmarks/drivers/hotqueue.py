"""hotqueue: FIFO over RPUSH and BLPOP, pickles by default."""

from __future__ import annotations

from urllib.parse import urlsplit

from hotqueue import HotQueue

from .subject import BULK, Subject


class Hot(Subject):
    """HotQueue; it has no get of several."""

    distributions = ("hotqueue", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        address = urlsplit(url)
        self._queue = HotQueue(
            "hot", host=address.hostname, port=address.port, db=int(address.path[1:])
        )

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self._queue.put(*[body] * count)

    def clear(self) -> None:
        self._queue.clear()

    def size(self) -> int:
        return len(self._queue)

    def put(self, count: int, body: bytes) -> None:
        put = self._queue.put
        for _ in range(count):
            put(body)

    def put_bulk(self, count: int, body: bytes) -> None:
        bodies = [body] * BULK
        for _ in range(count // BULK):
            self._queue.put(*bodies)

    def get(self, count: int, body: bytes) -> None:
        get = self._queue.get
        for _ in range(count):
            get(block=True, timeout=4)

    def send(self, body: bytes) -> None:
        self._queue.put(body)

    def receive(self, timeout: float) -> bytes | None:
        found: bytes | None = self._queue.get(block=True, timeout=min(timeout, 4))
        return found
