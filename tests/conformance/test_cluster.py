"""The Redis transport on a real cluster, both colours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import redis
from faults.cluster import Cluster, cluster_in

from queuekit.testing.suites import AsyncTransportSuite, TransportSuite

from .harnesses import AsyncRedisHarness, RedisHarness

pytestmark = [pytest.mark.redis, pytest.mark.t2]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_in(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def cluster_client(cluster: Cluster) -> Iterator[redis.RedisCluster]:
    with redis.RedisCluster("127.0.0.1", cluster.primaries[0].port) as client:
        yield client


class TestCluster(TransportSuite):
    @pytest.fixture
    def harness(
        self, cluster: Cluster, cluster_client: redis.Redis, redis_prefix: str
    ) -> Iterator[RedisHarness]:
        with RedisHarness(cluster.url, cluster_client, redis_prefix).closing() as harness:
            yield harness


@pytest.mark.asyncio
class TestAsyncCluster(AsyncTransportSuite):
    @pytest_asyncio.fixture
    async def harness(
        self, cluster: Cluster, cluster_client: redis.Redis, redis_prefix: str
    ) -> AsyncIterator[AsyncRedisHarness]:
        async with AsyncRedisHarness(
            cluster.url, cluster_client, redis_prefix
        ).closing() as harness:
            yield harness
