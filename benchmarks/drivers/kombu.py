"""kombu's SimpleQueue over its Redis transport."""

from __future__ import annotations

import redis
from kombu import Connection

from .subject import Subject


class Simple(Subject):
    """SimpleQueue; it has nothing in bulk."""

    distributions = ("kombu", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        self._url = url
        self._redis = redis.Redis.from_url(url)
        self._connection: Connection | None = None
        self.clear()

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self.rput(count, body)

    def clear(self) -> None:
        if self._connection is not None:  # a wait of its own may have taken a message already
            self._connection.release()
        self._redis.flushdb()
        self._connection = Connection(self._url)
        self._queue = self._connection.SimpleQueue("bench")

    def rput(self, count: int, body: bytes) -> None:
        put = self._queue.put
        for _ in range(count):
            put(body)

    def claim_ack(self, count: int, body: bytes) -> None:
        get = self._queue.get
        for _ in range(count):
            message = get(block=True, timeout=5)
            message.payload  # noqa: B018 - it is decoded when it is read
            message.ack()

    def rsend(self, body: bytes) -> None:
        self._queue.put(body)

    def rreceive(self, timeout: float) -> bytes | None:
        try:
            message = self._queue.get(block=True, timeout=timeout)
        except self._queue.Empty:
            return None
        message.ack()
        return bytes(message.payload)
