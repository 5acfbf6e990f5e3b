"""SafeRedisQueue's layout as a transport, as far as its features reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from queuekit.testing.suites import TransportSuite

from .harnesses import SyncHarness

SHIFT = """
local left = redis.call('PTTL', KEYS[1])
if left > 0 then
  redis.call('PEXPIRE', KEYS[1], math.max(1, left - ARGV[1]))
end
"""


class SrqHarness(SyncHarness):
    """A turn of the recovery comes nearer when its lock does."""

    def __init__(self, url: str, client: redis.Redis, prefix: str) -> None:
        super().__init__()
        self.url, self.client, self.prefix = url, client, prefix

    def new(self, **options: Any) -> Any:
        from queuekit.backends.redis.client import source_of_url
        from queuekit.compat.saferedisqueue import SafeRedisQueueTransport

        source, _ = source_of_url(self.url, for_asyncio=False)
        return SafeRedisQueueTransport(source, prefix=self.prefix, interval=600.0, **options)

    def move_clock(self, seconds: float) -> None:
        for key in self.client.scan_iter(f"{self.prefix}:*:backuplock", count=1000):
            self.client.eval(SHIFT, 1, key, str(round(seconds * 1000)))

    def close(self) -> None:
        if found := list(self.client.scan_iter(f"{self.prefix}:*", count=1000)):
            self.client.delete(*found)


@pytest.mark.redis
class TestSafeRedisQueue(TransportSuite):
    @pytest.fixture
    def harness(
        self, redis_url: str, redis_client: redis.Redis, redis_prefix: str
    ) -> Iterator[SrqHarness]:
        with SrqHarness(redis_url, redis_client, redis_prefix).closing() as harness:
            yield harness
