"""A smoke test on fakeredis, for who has no server at hand; what counts is ``test_redis.py``."""

from __future__ import annotations

from collections.abc import Iterator

import fakeredis
import pytest

from queuekit.backends.redis.transport import RedisTransport
from queuekit.backends.redis.transport_async import AsyncRedisTransport
from queuekit.transport import QueueStats, Receipt


@pytest.fixture
def transport() -> Iterator[RedisTransport]:
    client = fakeredis.FakeRedis(version=(7, 0))
    transport = RedisTransport(client)
    yield transport
    transport.close()
    client.close()


def test_a_message_goes_through(transport: RedisTransport) -> None:
    transport.push("q", [b"a", b"b", b"c"])
    held = transport.claim("q", lease=60.0, limit=2)
    assert [b"a", b"b"] == [one.body for one in held]
    assert QueueStats(1, 0, 2) == transport.stats("q")
    assert [] == transport.ack("q", [held[0].receipt])
    assert [] == transport.release("q", [held[1].receipt], counted=True)
    assert [Receipt("x.0.1")] == transport.ack("q", [Receipt("x.0.1")])
    assert [b"c", b"b"] == transport.pop("q", limit=9)
    assert QueueStats(0, 0, 0) == transport.stats("q")


@pytest.mark.asyncio
async def test_a_message_goes_through_in_asyncio() -> None:
    client = fakeredis.FakeAsyncRedis(version=(7, 0))
    transport = AsyncRedisTransport(client)
    await transport.push("q", [b"a", b"b"])
    (held,) = await transport.claim("q", lease=60.0)
    assert [] == await transport.ack("q", [held.receipt])
    assert [b"b"] == await transport.pop("q", timeout=0.1)
    assert [] == await transport.claim("q", lease=60.0, timeout=0.05)
    await transport.aclose()
    await client.aclose()
