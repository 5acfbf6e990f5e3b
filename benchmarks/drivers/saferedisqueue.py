"""saferedisqueue: a hash of items, a list of their ids, a list of what is claimed."""

from __future__ import annotations

from saferedisqueue import SafeRedisQueue

from .subject import Subject


class Safe(Subject):
    """SafeRedisQueue on the redis-py that its recovery works with; it has nothing in bulk."""

    distributions = ("saferedisqueue", "redis")

    def __init__(self, url: str, folder: str) -> None:
        self._queue = SafeRedisQueue(url=url, name="safe")

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self.rput(count, body)

    def clear(self) -> None:
        queue = self._queue
        keys = queue.QUEUE_KEY, queue.ITEMS_KEY, queue.ACKBUF_KEY, queue.BACKUP, queue.BACKUP_LOCK
        queue._redis.delete(*keys)

    def size(self) -> int:
        if self._queue._redis.llen(self._queue.ACKBUF_KEY):
            raise RuntimeError("something is still claimed")
        return int(self._queue._redis.llen(self._queue.QUEUE_KEY))

    def rput(self, count: int, body: bytes) -> None:
        put = self._queue.put
        for _ in range(count):
            put(body)

    def claim_ack(self, count: int, body: bytes) -> None:
        get, ack = self._queue.get, self._queue.ack
        for _ in range(count):
            uid, _item = get(timeout=5)
            ack(uid)

    def rsend(self, body: bytes) -> None:
        self._queue.put(body)

    def rreceive(self, timeout: float) -> bytes | None:
        uid, item = self._queue.get(timeout=max(1, int(timeout)))
        if uid is None:
            return None
        self._queue.ack(uid)
        return item
