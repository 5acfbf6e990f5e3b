"""One warning of a server that may lose messages; nothing else changes by it."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path

import pytest
import redis
from faults.proxy import proxy_to
from faults.servers import AOF, Server, server_in

from queuekit.backends.redis._advice import risks
from queuekit.backends.redis.transport import RedisTransport
from queuekit.backends.redis.transport_async import AsyncRedisTransport

from .redis_tools import transport_on

FULL = b"# Memory\r\nmaxmemory:%d\r\nmaxmemory_policy:%b\r\n# Persistence\r\naof_enabled:%d\r\n"
SAVES, NO_SAVE = [b"save", b"3600 1"], [b"save", b""]
REFUSED = redis.ResponseError("NOPERM")


@pytest.mark.parametrize(
    ("info", "save", "settings"),
    [
        (FULL % (100, b"noeviction", 1), NO_SAVE, []),
        (FULL % (0, b"allkeys-lru", 1), NO_SAVE, []),
        (FULL % (100, b"allkeys-lru", 1), NO_SAVE, ["maxmemory-policy"]),
        (FULL % (100, b"volatile-ttl", 1), REFUSED, ["maxmemory-policy"]),
        (FULL % (100, b"noeviction", 0), NO_SAVE, ["appendonly"]),
        (FULL % (100, b"noeviction", 0), SAVES, []),
        (FULL % (100, b"noeviction", 0), REFUSED, []),
        (FULL % (100, b"allkeys-lru", 0), NO_SAVE, ["maxmemory-policy", "appendonly"]),
        (REFUSED, REFUSED, []),
        (b"", [], []),
    ],
)
def test_what_is_warned_of(info: object, save: object, settings: list[str]) -> None:
    found = risks(info, save)
    assert len(settings) == len(found)
    assert all(name in text for name, text in zip(settings, found, strict=True))


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    texts = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    caplog.clear()
    return texts


def risky(server: Server) -> None:
    server.do("CONFIG", "SET", "maxmemory", "1gb")
    server.do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")


@pytest.mark.redis
def test_one_warning_for_each_transport(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def use() -> None:
        transport = AsyncRedisTransport.from_url(server.url)
        await asyncio.gather(*(transport.stats("q") for _ in range(9)))
        await transport.aclose()

    with server_in(tmp_path) as server:
        risky(server)
        with transport_on(server.url, "p") as transport:
            threads = [threading.Thread(target=transport.stats, args=("q",)) for _ in range(9)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            (text,) = told(caplog)
            assert f"127.0.0.1:{server.port}" in text
            assert "maxmemory-policy" in text
            assert "appendonly" in text
            server.restart()
            transport.stats("q")
            assert [] == told(caplog)
        risky(server)
        asyncio.run(use())
        assert 1 == len(told(caplog))


@pytest.mark.redis
def test_a_safe_server_is_none_to_warn_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with server_in(tmp_path, *AOF) as server, transport_on(server.url, "p") as transport:
        transport.push("q", [b"1"])
        assert [] == told(caplog)


@pytest.mark.redis
def test_a_server_that_does_not_tell(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without permission to ask, everything works and only the debug log speaks of it."""
    with server_in(tmp_path) as server:
        risky(server)
        server.do("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all", "-info", "-config")
        caplog.set_level(logging.DEBUG, "queuekit")
        with transport_on(server.url.replace("//", "//u:p@"), "p") as transport:
            transport.push("q", [b"1"])
            assert [b"1"] == transport.pop("q")
        assert ["DEBUG"] == [r.levelname for r in caplog.records if r.name == "queuekit"]
        assert [] == told(caplog)


@pytest.mark.redis
def test_no_call_takes_a_trip_more(redis_url: str, redis_prefix: str) -> None:
    """The settings are asked for once, whatever number of connections there are."""
    with proxy_to(redis_url) as proxy, transport_on(proxy.url, redis_prefix) as transport:
        with redis.Redis.from_url(redis_url) as client:
            client.config_resetstat()
            for _ in range(3):
                transport.push("q", [b"1"])
            thread = threading.Thread(target=transport.push, args=("q", [b"1"]))
            thread.start()
            thread.join()
            calls = client.info("commandstats")
        assert 2 == proxy.connections
        assert 4 == transport._link.trips
        assert (1, 1) == (calls["cmdstat_info"]["calls"], calls["cmdstat_config|get"]["calls"])


@pytest.mark.redis
@pytest.mark.parametrize("question", [b"$4\r\nINFO", b"CONFIG"])
def test_no_call_fails_by_the_questions(redis_url: str, redis_prefix: str, question: bytes) -> None:
    """A proxy that ends the connection where it does not know a command."""
    with proxy_to(redis_url) as proxy:
        for kind in (RedisTransport, AsyncRedisTransport):
            proxy.lose(1, to=question)
            transport = kind.from_url(proxy.url, prefix=redis_prefix)
            if kind is RedisTransport:
                transport.push("q", [b"1"])
                transport.close()
            else:
                asyncio.run(_push(transport))
    with transport_on(redis_url, redis_prefix) as transport:
        assert [b"1", b"1"] == transport.pop("q", limit=9)


async def _push(transport: AsyncRedisTransport) -> None:
    await transport.push("q", [b"1"])
    await transport.aclose()


def test_building_asks_nothing() -> None:
    assert not RedisTransport.from_url("redis://127.0.0.1:1")._link.source.advice.is_given
