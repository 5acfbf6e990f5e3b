"""redis.asyncio's own client, with the commands and scripts of ``raw_redis``."""

from __future__ import annotations

import asyncio
import time

import redis.asyncio

from .raw_redis import CLAIM
from .redis_py import Bare
from .subject import TaskSubject, share_out


class BareAsync(TaskSubject):
    """redis.asyncio.Redis as its documentation shows it: one client for all tasks."""

    distributions = ("redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        self._bare = Bare(url, folder)
        self._loop = asyncio.new_event_loop()
        self._client = redis.asyncio.Redis.from_url(url)
        self._claim = self._loop.run_until_complete(self._client.script_load(CLAIM.decode()))
        self._claims = 0

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self._bare.fill(operation, count, body)

    def clear(self) -> None:
        self._bare.clear()

    def close(self) -> None:
        self._loop.run_until_complete(self._client.aclose())

    def size(self) -> int:
        return self._bare.size()

    def put_tasks(self, count: int, body: bytes, tasks: int) -> None:
        async def some() -> None:
            for _ in range(count // tasks):
                await self._client.rpush("bare", body)

        self._loop.run_until_complete(share_out(some, tasks))

    def get_tasks(self, count: int, body: bytes, tasks: int) -> None:
        async def some() -> None:
            for _ in range(count // tasks):
                assert await self._client.lpop("bare") is not None

        self._loop.run_until_complete(share_out(some, tasks))

    def claim_tasks(self, count: int, body: bytes, tasks: int) -> None:
        async def some() -> None:
            for _ in range(count // tasks):
                self._claims += 1
                token = f"{self._claims:016x}"
                keys = ["bare", f"bare:c:{token}", "bare:leases"]
                deadline = int(time.time() * 1000) + 60_000
                claim = self._client.evalsha(self._claim, 3, *keys, deadline, token)
                assert await claim is not None
                async with self._client.pipeline(transaction=False) as pipe:
                    pipe.delete(keys[1])
                    pipe.zrem("bare:leases", token)
                    await pipe.execute()

        self._loop.run_until_complete(share_out(some, tasks))
