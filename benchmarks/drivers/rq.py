"""RQ: a job per message, run by a worker that does not fork."""

from __future__ import annotations

import redis
from rq import Queue, SimpleWorker

from .subject import BULK, WorkerSubject

ticks: list[Rq] = []


def job(body: bytes) -> None:
    """Be found by its name."""
    ticks[0].tick(body)


class Rq(WorkerSubject):
    """Queue and SimpleWorker (the default worker forks for each job, which is far slower)."""

    distributions = ("rq", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        super().__init__()
        self._redis = redis.Redis.from_url(url)
        self._queue = Queue("bench", connection=self._redis)
        ticks[:] = [self]

    def fill(self, operation: str, count: int, body: bytes) -> None:
        data = [Queue.prepare_data(job, (body,)) for _ in range(count)]
        self._queue.enqueue_many(data)

    def clear(self) -> None:
        self._redis.flushdb()

    def size(self) -> int:
        return self._queue.count

    def rput(self, count: int, body: bytes) -> None:
        enqueue = self._queue.enqueue
        for _ in range(count):
            enqueue(job, body)

    def rput_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            self._queue.enqueue_many([Queue.prepare_data(job, (body,)) for _ in range(BULK)])

    def work(self, count: int | None) -> None:
        worker = SimpleWorker([self._queue], connection=self._redis)
        worker.work(burst=count is None, max_jobs=count, logging_level="WARNING")

    def rsend(self, body: bytes) -> None:
        self._queue.enqueue(job, body)
