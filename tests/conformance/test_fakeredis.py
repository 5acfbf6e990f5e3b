"""A smoke test on fakeredis, for who has no server at hand; what counts is ``test_redis.py``."""

from __future__ import annotations

from collections.abc import Iterator

import fakeredis
import pytest

from queuekit._envelope import Place, wrap
from queuekit.backends.redis.transport import RedisTransport
from queuekit.backends.redis.transport_async import AsyncRedisTransport
from queuekit.errors import QueueFull
from queuekit.transport import PushOptions, QueueStats, Receipt


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


def test_places_and_keys(transport: RedisTransport) -> None:
    frames = [
        wrap(bytes([n]) * 16, b"x", {}, Place(level, "g")) for n, level in enumerate((1, 0, 2))
    ]
    options = PushOptions(placed=True, max_length=3)
    transport.push("q", frames, options=options)
    with pytest.raises(QueueFull):
        transport.push("q", frames[:1], options=options)
    for frame in frames:
        (held,) = transport.claim("q", lease=60.0, limit=9)
        assert frame == held.body
        assert [] == transport.ack("q", [held.receipt])
    assert transport.mark("q", "k", "a", window=9.0) is None
    assert transport.mark("q", "k", "b", window=9.0) == "a"
