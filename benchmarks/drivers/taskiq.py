"""taskiq with the stream broker of taskiq-redis, the one that acknowledges."""

from __future__ import annotations

import asyncio
from typing import Any

import redis
from taskiq.api import run_receiver_task
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
        self._url, self._streams = url, 0
        self._open()
        self.clear()

    def _open(self) -> None:
        self._streams += 1
        self._broker = RedisStreamBroker(self._url, queue_name=f"taskiq{self._streams}")

        @self._broker.task(task_name="job")
        async def job(body: str) -> None:
            self.tick(body)

        self._job = job

    def _run(self, work: Any) -> None:
        self._loop.run_until_complete(work)

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self._put(count, body)

    def clear(self) -> None:
        self._redis.flushdb()
        if self._stuck:  # away from the one that would take messages from the next
            self._stuck = False
            self._open()
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
            task = asyncio.create_task(run_receiver_task(self._broker))
            await self.wait_for_calls_async()
            for _ in range(5):  # one cancellation alone is lost at times
                task.cancel()
                _, left = await asyncio.wait([task], timeout=1)
                if not left:
                    return
            self._stuck = True

        self._run(run())

    def rsend(self, body: bytes) -> None:
        self._run(self._job.kiq(body.decode()))
