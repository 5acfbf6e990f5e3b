"""The Redis transport on a real server, both colours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import redis

from queuekit.testing.suites import AsyncTransportSuite, TransportSuite

from .harnesses import AsyncRedisHarness, RedisHarness


@pytest.mark.redis
class TestRedis(TransportSuite):
    @pytest.fixture
    def harness(
        self, redis_url: str, redis_client: redis.Redis, redis_prefix: str
    ) -> Iterator[RedisHarness]:
        with RedisHarness(redis_url, redis_client, redis_prefix).closing() as harness:
            yield harness


@pytest.mark.redis
@pytest.mark.asyncio
class TestAsyncRedis(AsyncTransportSuite):
    @pytest_asyncio.fixture
    async def harness(
        self, redis_url: str, redis_client: redis.Redis, redis_prefix: str
    ) -> AsyncIterator[AsyncRedisHarness]:
        async with AsyncRedisHarness(redis_url, redis_client, redis_prefix).closing() as harness:
            yield harness
