"""The stores under test, and the hands on their clocks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import redis

from queuekit.backends.memory import AsyncMemoryTransport, MemoryTransport
from queuekit.testing import MovableClock


class _Made:
    """Remember what was made, to close it after the test."""

    def __init__(self) -> None:
        self.clock: Any = MovableClock()
        self.made: list[Any] = []

    def new(self, **options: Any) -> Any:
        raise NotImplementedError

    def make(self, *, max_body: int | None = None) -> Any:
        self.made.append(self.new(**({} if max_body is None else {"max_body": max_body})))
        return self.made[-1]

    def move_clock(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def close(self) -> None:
        """Forget the store."""


class SyncHarness(_Made):
    def pass_time(self, seconds: float) -> None:
        self.move_clock(seconds)

    @contextmanager
    def closing(self) -> Iterator[Any]:
        try:
            yield self
        finally:
            for transport in self.made:
                transport.close()
            self.close()


class AsyncHarness(_Made):
    async def pass_time(self, seconds: float) -> None:
        self.move_clock(seconds)

    @asynccontextmanager
    async def closing(self):
        try:
            yield self
        finally:
            for transport in self.made:
                await transport.aclose()
            self.close()


class MemoryHarness(SyncHarness):
    def new(self, **options: Any) -> MemoryTransport:
        transport = MemoryTransport(clock=self.clock, **options)
        if self.made:
            transport.store = self.made[0].store
        return transport


class AsyncMemoryHarness(AsyncHarness):
    def new(self, **options: Any) -> AsyncMemoryTransport:
        shared = self.made[0] if self.made else None
        return AsyncMemoryTransport(clock=self.clock, shared_with=shared, **options)


class _SQLite(_Made):
    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.clock = MovableClock(time.time)
        self.path = directory / "queue.db"


class SQLiteHarness(_SQLite, SyncHarness):
    def new(self, **options: Any) -> Any:
        from queuekit.backends.sqlite import SQLiteTransport

        return SQLiteTransport(self.path, clock=self.clock, **options)


class AsyncSQLiteHarness(_SQLite, AsyncHarness):
    def new(self, **options: Any) -> Any:
        from queuekit.backends.async_sqlite import AsyncSQLiteTransport

        return AsyncSQLiteTransport(self.path, clock=self.clock, **options)


class ThreadedMemoryHarness(AsyncHarness):
    """A blocking transport that knows nothing of asyncio, made async."""

    def new(self, **options: Any) -> Any:
        from queuekit.backends.threaded import ThreadedTransport

        inner = MemoryTransport(clock=self.clock, **options)
        if self.made:
            inner.store = self.store
        self.store = inner.store
        return ThreadedTransport(inner)


SHIFT = """
for _, key in ipairs(KEYS) do
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    redis.call('ZINCRBY', key, -ARGV[1], member)
  end
end
"""


AGE = """
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, redis.call('PTTL', key) - ARGV[1])
end
"""


class _Redis(_Made):
    """A server's clock cannot be moved, so every stored deadline comes nearer instead."""

    def __init__(self, url: str, client: redis.Redis, prefix: str) -> None:
        super().__init__()
        self.url, self.client, self.prefix = url, client, prefix

    def keys(self, ending: str) -> list[bytes]:
        return list(self.client.scan_iter(f"*{self.prefix}:*{ending}", count=1000))

    def move_clock(self, seconds: float) -> None:
        for key in self.keys("}:leases") + self.keys("}:delayed"):
            self.client.eval(SHIFT, 1, key, str(round(seconds * 1000)))
        for key in self.keys("}:d:*"):
            self.client.eval(AGE, 1, key, str(round(seconds * 1000)))
        for key in self.keys("}:turns"):
            self.client.decrby(key, round(seconds * 1e6))

    def close(self) -> None:
        if found := self.keys(""):
            self.client.delete(*found)


class RedisHarness(_Redis, SyncHarness):
    def new(self, **options: Any) -> Any:
        from queuekit.backends.redis.transport import RedisTransport

        return RedisTransport.from_url(self.url, prefix=self.prefix, **options)


class AsyncRedisHarness(_Redis, AsyncHarness):
    def new(self, **options: Any) -> Any:
        from queuekit.backends.redis.transport_async import AsyncRedisTransport

        return AsyncRedisTransport.from_url(self.url, prefix=self.prefix, **options)
