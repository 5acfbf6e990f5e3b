"""SAQ: an asyncio job queue."""

from __future__ import annotations

import asyncio
from typing import Any

from saq import Queue, Worker

from .subject import BULK, WorkerSubject


class Saq(WorkerSubject):
    """Queue and a Worker of ten jobs at once, the default. In bulk: 100 enqueues at once."""

    distributions = ("saq", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._queue = Queue.from_url(url, name="bench")
        self._run(self._queue.connect())

    def _run(self, work: Any) -> None:
        self._loop.run_until_complete(work)

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self.rput_bulk(-(-count // BULK) * BULK, body, count)

    def clear(self) -> None:
        self._run(self._queue.redis.flushdb())

    def rput(self, count: int, body: bytes) -> None:
        async def put() -> None:
            enqueue, text = self._queue.enqueue, body.decode()
            for _ in range(count):
                await enqueue("job", body=text)

        self._run(put())

    def rput_bulk(self, count: int, body: bytes, most: int | None = None) -> None:
        async def put() -> None:
            enqueue, text = self._queue.enqueue, body.decode()
            for first in range(0, count, BULK):
                last = min(first + BULK, most or count)
                await asyncio.gather(*[enqueue("job", body=text) for _ in range(first, last)])

        self._run(put())

    def work(self, count: int | None) -> None:
        async def job(context: object, *, body: str) -> None:
            self.tick(body)

        async def run() -> None:
            worker = Worker(self._queue, functions=[("job", job)])
            task = asyncio.create_task(worker.start())
            await self.wait_for_calls_async()
            await worker.stop()
            await task

        self._run(run())

    def rsend(self, body: bytes) -> None:
        self._run(self._queue.enqueue("job", body=body.decode()))
