"""arq: an asyncio job queue that polls."""

from __future__ import annotations

import asyncio
from typing import Any

from arq import create_pool, func
from arq.connections import RedisSettings
from arq.worker import Worker

from .subject import BULK, WorkerSubject


class Arq(WorkerSubject):
    """A pool and a Worker of ten jobs at once, the default. In bulk: 100 enqueues at once."""

    distributions = ("arq", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._settings = RedisSettings.from_dsn(url)
        self._pool = self._loop.run_until_complete(create_pool(self._settings))

    def _run(self, work: Any) -> None:
        self._loop.run_until_complete(work)

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self._put(count, BULK, body)

    def clear(self) -> None:
        self._run(self._pool.flushdb())

    def rput(self, count: int, body: bytes) -> None:
        async def put() -> None:
            enqueue = self._pool.enqueue_job
            for _ in range(count):
                await enqueue("job", body)

        self._run(put())

    def rput_bulk(self, count: int, body: bytes) -> None:
        self._put(count, BULK, body)

    def _put(self, count: int, at_once: int, body: bytes) -> None:
        async def put() -> None:
            enqueue = self._pool.enqueue_job
            for first in range(0, count, at_once):
                some = min(at_once, count - first)
                await asyncio.gather(*[enqueue("job", body) for _ in range(some)])

        self._run(put())

    def work(self, count: int | None) -> None:
        async def job(context: object, body: bytes) -> None:
            self.tick(body)

        async def run() -> None:
            worker = Worker(
                functions=[func(job, name="job")],
                redis_settings=self._settings,
                handle_signals=False,
            )
            task = asyncio.create_task(worker.async_run())
            await self.wait_for_calls_async()
            await asyncio.gather(*worker.tasks.values())  # which still write their results
            await worker.close()
            await asyncio.gather(task, return_exceptions=True)

        self._run(run())

    def rsend(self, body: bytes) -> None:
        self._run(self._pool.enqueue_job("job", body))
