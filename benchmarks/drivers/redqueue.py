"""redqueue: JSON messages with headers and traces in a list, BLMOVE to a processing list."""

from __future__ import annotations

import redis
from redqueue import QueueClient

from .subject import BULK, Subject


class Red(Subject):
    """QueueClient with its list backend; it has no put of several."""

    distributions = ("redqueue", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        self._client = QueueClient.from_url(url, queue="bench", backend="list")
        self._redis = redis.Redis.from_url(url)

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self.rput(count, body)

    def clear(self) -> None:
        self._redis.flushdb()

    def close(self) -> None:
        self._client.close()

    def rput(self, count: int, body: bytes) -> None:
        publish, payload = self._client.publish, body.decode()
        for _ in range(count):
            publish(payload)

    def claim_ack(self, count: int, body: bytes) -> None:
        consume, ack = self._client.consume, self._client.ack
        for _ in range(count):
            message = consume(timeout=4)
            assert message is not None
            ack(message)

    def claim_ack_bulk(self, count: int, body: bytes) -> None:
        left = count
        while left:
            messages = self._client.consume(timeout=4, batch_size=BULK)
            assert messages
            for message in messages:
                self._client.ack(message)
            left -= len(messages)

    def rsend(self, body: bytes) -> None:
        self._client.publish(body.decode())

    def rreceive(self, timeout: float) -> bytes | None:
        message = self._client.consume(timeout=min(timeout, 4))
        if message is None:
            return None
        self._client.ack(message)
        return str(message.payload).encode()
