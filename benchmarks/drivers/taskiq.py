"""taskiq with the stream broker of taskiq-redis, the one that acknowledges."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from taskiq.receiver import Receiver
from taskiq_redis import RedisStreamBroker

from .subject import BULK, WorkerSubject


class Taskiq(WorkerSubject):
    """RedisStreamBroker and a receiver of 100 tasks. In bulk: 100 sends at once."""

    distributions = ("taskiq", "taskiq-redis", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._stuck = False
        self._redis = redis.Redis.from_url(url)
        self._broker = RedisStreamBroker(url)
        self._broker.is_worker_process = True

        @self._broker.task(task_name="job")
        async def job(body: str) -> None:
            self.tick(body)

        self._job = job
        self.clear()

    def _run(self, work: Any) -> None:
        self._loop.run_until_complete(work)

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self._put(count, body)

    def clear(self) -> None:
        self._redis.flushdb()
        self._run(self._broker.startup())  # makes the group, which sees what comes after it

    def rput(self, count: int, body: bytes) -> None:
        async def put() -> None:
            kiq, text = self._job.kiq, body.decode()
            for _ in range(count):
                await kiq(text)

        self._run(put())

    def rput_bulk(self, count: int, body: bytes) -> None:
        self._put(count, body)

    def _put(self, count: int, body: bytes) -> None:
        async def put() -> None:
            kiq, text = self._job.kiq, body.decode()
            for first in range(0, count, BULK):
                some = min(BULK, count - first)
                await asyncio.gather(*[kiq(text) for _ in range(some)])

        self._run(put())

    def work(self, count: int | None) -> None:
        if self._stuck:
            raise RuntimeError(
                "an earlier receiver of this process does not end when it is told to"
            )

        async def run() -> None:
            receiver = Receiver(
                self._broker, ThreadPoolExecutor(), max_async_tasks=100, run_startup=False
            )
            finish = asyncio.Event()
            task = asyncio.create_task(receiver.listen(finish))
            await self.wait_for_calls_async()
            finish.set()
            # At times it does not end, and would take messages from the next one.
            _, left = await asyncio.wait([task], timeout=5)
            self._stuck = bool(left)

        self._run(run())

    def rsend(self, body: bytes) -> None:
        self._run(self._job.kiq(body.decode()))
