"""BullMQ for Python: jobs with state, moved by large scripts."""

from __future__ import annotations

import asyncio
from typing import Any

import redis
from bullmq import Queue, Worker

from .subject import BULK, WorkerSubject


class Bull(WorkerSubject):
    """Queue and a Worker of one job at a time, the default."""

    distributions = ("bullmq", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._redis = redis.Redis.from_url(url)
        self._options = {"connection": url}
        self._queue = Queue("bench", self._options)

    def _run(self, work: Any) -> None:
        self._loop.run_until_complete(work)

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self._put(count, body)

    def clear(self) -> None:
        self._redis.flushdb()

    def rput(self, count: int, body: bytes) -> None:
        async def put() -> None:
            add, data = self._queue.add, {"body": body.decode()}
            for _ in range(count):
                await add("job", data)

        self._run(put())

    def rput_bulk(self, count: int, body: bytes) -> None:
        self._put(count, body)

    def _put(self, count: int, body: bytes) -> None:
        async def put() -> None:
            data = {"body": body.decode()}
            for first in range(0, count, BULK):
                some = min(BULK, count - first)
                await self._queue.addBulk([{"name": "job", "data": data} for _ in range(some)])

        self._run(put())

    def work(self, count: int | None) -> None:
        async def job(job: Any, token: str) -> None:
            self.tick(job.data["body"])

        async def run() -> None:
            worker = Worker("bench", job, self._options)
            try:
                await self.wait_for_calls_async()
            finally:
                await worker.close()

        self._run(run())

    def rsend(self, body: bytes) -> None:
        self._run(self._queue.add("job", {"body": body.decode()}))
