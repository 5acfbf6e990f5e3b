"""Delayed messages move with their due times, in each of our stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import redis

from queuekit.abilities import AsyncDelaying, Delaying
from queuekit.backends.memory import AsyncMemoryTransport, MemoryTransport
from queuekit.backends.redis.transport import RedisTransport
from queuekit.backends.redis.transport_async import AsyncRedisTransport
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.testing.suites import AsyncDelayingSuite, DelayingSuite

from .harnesses import (
    AsyncMemoryHarness,
    AsyncRedisHarness,
    MemoryHarness,
    RedisHarness,
    SQLiteHarness,
)


class TestMemory(DelayingSuite):
    @pytest.fixture
    def harness(self) -> Iterator[MemoryHarness]:
        with MemoryHarness().closing() as harness:
            yield harness


@pytest.mark.asyncio
class TestAsyncMemory(AsyncDelayingSuite):
    @pytest_asyncio.fixture
    async def harness(self) -> AsyncIterator[AsyncMemoryHarness]:
        async with AsyncMemoryHarness().closing() as harness:
            yield harness


class TestSQLite(DelayingSuite):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[SQLiteHarness]:
        with SQLiteHarness(tmp_path).closing() as harness:
            yield harness


@pytest.mark.redis
class TestRedis(DelayingSuite):
    @pytest.fixture
    def harness(
        self, redis_url: str, redis_client: redis.Redis, redis_prefix: str
    ) -> Iterator[RedisHarness]:
        with RedisHarness(redis_url, redis_client, redis_prefix).closing() as harness:
            yield harness


@pytest.mark.redis
@pytest.mark.asyncio
class TestAsyncRedis(AsyncDelayingSuite):
    @pytest_asyncio.fixture
    async def harness(
        self, redis_url: str, redis_client: redis.Redis, redis_prefix: str
    ) -> AsyncIterator[AsyncRedisHarness]:
        async with AsyncRedisHarness(redis_url, redis_client, redis_prefix).closing() as harness:
            yield harness


def test_who_can() -> None:
    for able in (MemoryTransport, SQLiteTransport, RedisTransport):
        assert issubclass(able, Delaying)
    for able in (AsyncMemoryTransport, AsyncRedisTransport):
        assert issubclass(able, AsyncDelaying)
