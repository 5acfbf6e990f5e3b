"""Celery: a task per message, run in its solo pool."""

from __future__ import annotations

import redis
from celery import Celery as App
from celery.contrib.testing.worker import start_worker

from .subject import WorkerSubject


class Celery(WorkerSubject):
    """An app without a result backend and a worker in a thread of this process."""

    distributions = ("celery", "kombu", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        super().__init__()
        self._redis = redis.Redis.from_url(url)
        self._app = App("bench", broker=url, set_as_current=True)

        @self._app.task(name="job")
        def job(body: str) -> None:
            self.tick(body)

        self._job = job

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self.rput(count, body)

    def clear(self) -> None:  # the bindings stay: producers make them once
        self._redis.delete("celery", "unacked", "unacked_index")

    def size(self) -> int:
        return int(self._redis.llen("celery"))

    def rput(self, count: int, body: bytes) -> None:
        delay, text = self._job.delay, body.decode()
        for _ in range(count):
            delay(text)

    def work(self, count: int | None) -> None:
        with start_worker(self._app, pool="solo", loglevel="ERROR", perform_ping_check=False):
            self.wait_for_calls()

    def rsend(self, body: bytes) -> None:
        self._job.delay(body.decode())
