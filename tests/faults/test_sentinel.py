"""Sentinel: after every failover the queues go on at the new primary, by themselves."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest
import redis
import redis.asyncio.sentinel
import redis.sentinel

from faults.acl import documented
from faults.resuming import SOON, loops_on
from faults.sentinels import SERVICE, Service, service_in
from faults.servers import Server, eventually, free_port, server_in
from queuekit import AsyncQueue, ConfigurationError, Queue, TransportError, TransportUnavailable
from queuekit.backends.redis.transport import RedisTransport
from queuekit.backends.redis.transport_async import AsyncRedisTransport

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service_in(tmp_path_factory.mktemp("service"), down_after=60.0) as service:
        yield service


def both(url: str) -> None:
    """Put and get in both colours."""

    async def run() -> None:
        async with AsyncQueue("colours", url) as queue:
            await queue.put("async")

    asyncio.run(run())
    with Queue("colours", url) as queue:
        queue.put("sync")
        assert ["async", "sync"] == queue.get_many(9)


def test_the_primary_is_found(service: Service) -> None:
    both(service.url)
    both(service.url.replace("redis+", "valkey+", 1) + "/3")
    with redis.Redis(port=service.primary.port, db=3) as client:
        assert 0 == client.exists("queuekit:colours")


def test_a_sentinel_that_is_gone_does_not_matter(service: Service) -> None:
    gone = f"redis+sentinel://127.0.0.1:{free_port()},"
    both(service.url.replace("redis+sentinel://", gone))


A_SECOND = 4.5
"""So long may a second be, on a machine that stands still now and then: no five, as elsewhere."""


class Still:
    """A server that takes connections and says nothing."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._taken: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._taken):
            each.close()

    def asked(self) -> int:
        """Return how many connections there were."""
        with suppress(BlockingIOError):
            while True:
                self._taken.append(self._listener.accept()[0])
        return len(self._taken)


def test_one_that_stands_still_costs_a_second(service: Service) -> None:
    with Still() as still:
        begun = time.monotonic()
        with Queue("q", service.url.replace("//", f"//127.0.0.1:{still.port},")) as queue:
            queue.put(1)
            assert 0.9 < time.monotonic() - begun < A_SECOND
            assert 1 == still.asked()
            found: list[object] = []
            thread = threading.Thread(target=lambda: found.append(queue.get()))
            thread.start()  # on a connection of its own: that one is not asked first any more
            thread.join()
            assert [1] == found
            assert 1 == still.asked()


def test_clients_of_sentinels_are_taken(service: Service) -> None:
    asked = [("127.0.0.1", sentinel.port) for sentinel in service.sentinels]
    with redis.sentinel.Sentinel(asked) as sentinel:
        transport = RedisTransport(sentinel.master_for(SERVICE))
        assert f"127.0.0.1:{asked[0][1]}/{SERVICE}/0" in repr(transport)
        transport.push("clients", [b"1"])
        assert [b"1"] == transport.pop("clients")
        transport.close()
        with pytest.raises(ConfigurationError, match="master_for"):
            RedisTransport(sentinel.slave_for(SERVICE))

    async def run() -> None:
        sentinel = redis.asyncio.sentinel.Sentinel(asked)
        transport = AsyncRedisTransport(sentinel.master_for(SERVICE))
        await transport.push("clients", [b"2"])
        assert [b"2"] == await transport.pop("clients")
        await transport.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("transport", [RedisTransport, AsyncRedisTransport])
def test_mistakes_are_named(service: Service, transport: type, tmp_path: Path) -> None:
    """An unknown service, no sentinel there, a server that is none: for good, or for now."""

    def refused(kind: type[TransportError], words: str, url: str) -> None:
        with pytest.raises(TransportError, match=words) as caught:
            made = transport.from_url(url)
            if transport is RedisTransport:
                made.stats("q")
            else:
                asyncio.run(made.stats("q"))
        assert type(caught.value) is kind
        assert "s3cret" not in str(caught.value)

    port = service.primary.port
    where = service.url.partition("//")[2].partition("/")[0]
    refused(TransportError, "knows no service", f"redis+sentinel://{where}/nobody")
    refused(TransportError, "is no sentinel", f"redis+sentinel://127.0.0.1:{port}/{SERVICE}")
    dead = f"127.0.0.1:{free_port()}"
    refused(TransportUnavailable, dead, f"redis+sentinel://u:s3cret@{dead}/{SERVICE}")
    refused(TransportUnavailable, "no service", f"redis+sentinel://{where},{dead}/nobody")


def test_a_server_that_is_no_primary_is_not_used(service: Service, tmp_path: Path) -> None:
    """Sentinels that do not know yet name a replica; its ROLE says so."""
    service.sentinels[0].do("SENTINEL", "MONITOR", "stale", "127.0.0.1", service.other.port, 9)
    try:
        with (
            Queue("q", service.url.replace(f"/{SERVICE}", "/stale")) as queue,
            pytest.raises(TransportUnavailable, match="is no primary"),
        ):
            queue.stats()
    finally:
        service.sentinels[0].do("SENTINEL", "REMOVE", "stale")


def test_the_sentinels_have_a_user_of_their_own(tmp_path: Path) -> None:
    secret = {"extra": ("requirepass s3cret",), "password": "s3cret"}
    with service_in(tmp_path, down_after=60.0, **secret) as service:
        with Queue("q", f"{service.url}?sentinel_password=s3cret") as queue:
            queue.put(1)
            assert 1 == queue.get()
        for url in (service.url, f"{service.url}?sentinel_password=wr0ng"):
            with Queue("q", url) as queue, pytest.raises(TransportError) as caught:
                queue.put(1)
            assert type(caught.value) is TransportError
            assert "sentinel_password=" in str(caught.value)
            assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_primary_that_stands_still_costs_a_second(
    service: Service, tmp_path: Path, colour: str
) -> None:
    """It takes connections and says nothing; the next try may find its successor."""
    sentinel = service.sentinels[0]

    async def put(url: str) -> None:
        async with AsyncQueue("q", url) as queue:
            await queue.put(1)

    with server_in(tmp_path / "still") as still:
        sentinel.do("SENTINEL", "MONITOR", "still", "127.0.0.1", still.port, 9)
        sentinel.do("SENTINEL", "SET", "still", "down-after-milliseconds", 60000)
        still.pause()
        url = f"redis+sentinel://{','.join([f'127.0.0.1:{sentinel.port}'] * 3)}/still"
        begun = time.monotonic()
        try:
            with pytest.raises(TransportUnavailable, match="Nothing was sent"):
                if colour == "async":
                    asyncio.run(put(url))
                else:
                    with Queue("q", url) as queue:
                        queue.put(1)
        finally:
            sentinel.do("SENTINEL", "REMOVE", "still")
        assert time.monotonic() - begun < A_SECOND


def test_users_that_may_do_little(service: Service) -> None:
    """What ``docs/redis.md`` lists is enough, with what it adds for Sentinel."""
    sentinel = service.sentinels[0]
    asked = ("resetchannels", "-@all", "+sentinel|get-master-addr-by-name")
    sentinel.do("ACL", "SETUSER", "s", "reset", "on", ">secret", *asked)
    login = "?sentinel_username=s&sentinel_password=secret"
    url = service.url.replace("//", "//u:secret@") + login
    for more in ((), ("+role",)):
        service.primary.do("ACL", "SETUSER", "u", "reset", *documented("worker"), *more)
        with Queue("q", url) as queue:
            if more:
                queue.put(1)
                assert 1 == queue.get()
            else:
                with pytest.raises(TransportError, match="NOPERM"):
                    queue.put(1)


def test_queues_go_on_after_a_failover(tmp_path: Path) -> None:
    """The primary is killed: within seconds of the promotion a fresh message is delivered."""
    with service_in(tmp_path) as service, loops_on(service.url) as loops:
        first, second = service.primary, service.other
        first.stop()
        service.promoted(second)
        loops.fresh(SOON)


@pytest.mark.t2
@pytest.mark.timeout(600)
def test_there_and_back_again(tmp_path: Path) -> None:
    """Killed, back as a replica, a failover by hand, one that stands still, a sentinel less."""
    with service_in(tmp_path, sentinels=3) as service, loops_on(service.url) as loops:
        first, second = service.primary, service.other
        first.stop()
        service.promoted(second)
        loops.fresh(SOON)
        first.start()
        _follows(service, first)
        loops.fresh(SOON)
        service.sentinels[0].do("SENTINEL", "FAILOVER", SERVICE)
        service.promoted(first)
        # until the old one is told, it takes what nobody will ever see
        eventually(lambda: second.do("ROLE")[0] == b"slave", 60, "it gives way")
        loops.fresh(SOON)
        _follows(service, second)
        first.pause()
        service.promoted(second)
        loops.renew_producers()
        loops.fresh(SOON)
        first.resume()
        _follows(service, first)
        loops.fresh(SOON)
        service.sentinels[0].stop()
        loops.fresh(SOON)


def _follows(service: Service, server: Server) -> None:
    eventually(lambda: server.do("ROLE")[0] == b"slave", 60, "it comes back as a replica")
    eventually(service.is_ready, 60, "the sentinels know it")
