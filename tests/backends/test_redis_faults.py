"""Lost replies, late requests, a server that forgets, fills up or goes away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from faults.proxy import Proxy, proxy_to
from faults.servers import server_in

from queuekit import Message, ReliableQueue
from queuekit.backends.redis import claims
from queuekit.backends.redis._pops import Popped, pop_waiting
from queuekit.backends.redis._tries import PATIENCE
from queuekit.backends.redis._wire import LinkBroken
from queuekit.backends.redis.source import Source
from queuekit.backends.redis.transport import RedisTransport
from queuekit.backends.redis.transport_async import AsyncRedisTransport
from queuekit.errors import QueueFull, TransportClosed, TransportError, TransportUnavailable
from queuekit.transport import PushOptions

from .patience import LONG, wait_until
from .redis_tools import Recorder, connected, named, transport_on

pytestmark = pytest.mark.redis

LEASE = 30.0


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls be tried again however long the first try took."""
    for name in ("claims", "claims_async"):
        monkeypatch.setattr(f"queuekit.backends.redis.{name}._SHORT", LONG)


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with proxy_to(redis_url) as proxy:
        yield proxy


@pytest.fixture
def other(redis_url: str, redis_prefix: str) -> Iterator[RedisTransport]:
    """Return a transport that reaches the same queues without the proxy."""
    with transport_on(named(redis_url, redis_prefix), redis_prefix) as transport:
        transport.push("warm", [b"1"], token="warm")  # loads scripts
        transport.ack("warm", [transport.claim("warm", lease=LEASE)[0].receipt])
        transport.extend("warm", [], lease=LEASE)
        yield transport


@pytest.fixture
def transport(proxy: Proxy, other: RedisTransport) -> Iterator[RedisTransport]:
    with transport_on(proxy.url, other._prefix) as transport:
        transport.stats("warm")
        yield transport


@pytest.mark.parametrize("tries", [1, 2])
def test_a_put_whose_reply_is_lost_is_stored_once(
    transport: RedisTransport, proxy: Proxy, tries: int
) -> None:
    proxy.lose(tries, to=b"body")
    transport.push("q", [b"body 1", b"body 2"], token="t")
    transport.push("q", [b"body 3"], token="u")
    assert [b"body 1", b"body 2", b"body 3"] == transport.pop("q", limit=9)


def test_a_put_that_was_given_up_is_stored_once_when_it_is_repeated(
    transport: RedisTransport, proxy: Proxy
) -> None:
    proxy.lose(3, to=b"body")
    with pytest.raises(TransportUnavailable, match="unknown"):
        transport.push("q", [b"body"], token="t")
    transport.push("q", [b"next"], token="u")
    transport.push("q", [b"body"], token="t")
    assert [b"body", b"next"] == transport.pop("q", limit=9)


def test_a_put_that_arrives_after_its_repeat_is_not_stored(
    transport: RedisTransport, proxy: Proxy
) -> None:
    proxy.hold(1, of=b"body")
    transport.push("q", [b"body"], token="t")
    assert b":0\r\n" == proxy.deliver()
    assert [b"body"] == transport.pop("q", limit=9)


def test_a_plain_push_is_never_repeated(transport: RedisTransport, proxy: Proxy) -> None:
    sends = Recorder(transport)
    proxy.lose(1, to=b"body")
    with pytest.raises(TransportUnavailable, match="may or may not be stored"):
        transport.push("q", [b"body"])
    assert [["RPUSH"]] == sends.take()
    assert [b"body"] == transport.pop("q", limit=9)


def test_a_pop_is_never_repeated(transport: RedisTransport, proxy: Proxy) -> None:
    transport.push("q", [b"1", b"2"])
    transport.pop("warm")
    proxy.lose(1, to=b"EVALSHA")
    with pytest.raises(TransportUnavailable, match="is lost"):
        transport.pop("q")
    assert [b"2"] == transport.pop("q")


def test_a_claim_whose_reply_is_lost_brings_the_same(
    transport: RedisTransport, proxy: Proxy
) -> None:
    transport.push("q", [b"1", b"2", b"3"])
    proxy.lose(2, to=b"EVALSHA")
    held = transport.claim("q", lease=LEASE, limit=2)
    assert [b"1", b"2"] == [one.body for one in held]
    assert (1, 0, 2) == transport.stats("q")
    assert [] == transport.ack("q", [one.receipt for one in held])


def test_a_claim_that_arrives_late_takes_nothing(transport: RedisTransport, proxy: Proxy) -> None:
    transport.push("q", [b"1", b"2"])
    proxy.hold(1, of=b"EVALSHA")
    (held,) = transport.claim("q", lease=LEASE)
    assert [] == transport.ack("q", [held.receipt])
    assert b"SPENT" in proxy.deliver()
    assert (1, 0, 0) == transport.stats("q")


def test_a_fruitless_claim_that_arrives_late_takes_nothing(
    transport: RedisTransport, proxy: Proxy
) -> None:
    proxy.hold(1, of=b"EVALSHA")
    assert [] == transport.claim("q", lease=LEASE)
    transport.push("q", [b"1"])
    assert b"SPENT" in proxy.deliver()
    assert (1, 0, 0) == transport.stats("q")


def test_a_wait_whose_reply_is_lost_loses_nothing(transport: RedisTransport, proxy: Proxy) -> None:
    transport.push("q", [b"1"])
    proxy.lose(1, to=b"BLMOVE")
    sends = Recorder(transport)
    (held,) = transport.claim("q", lease=LEASE, timeout=0.3)
    transport.ack("q", [held.receipt])
    assert [] == transport.claim("q", lease=LEASE, timeout=0.3)
    transport.push("q", [b"2"])
    assert ["BLMOVE", "claim"] in sends.take()
    (held,) = transport.claim("q", lease=LEASE)
    assert b"2" == held.body


@pytest.mark.parametrize("verb", ["ack", "fail", "release", "delay", "move"])
@pytest.mark.parametrize("both", [True, False])
def test_an_end_whose_reply_is_lost_is_done_once(
    transport: RedisTransport, proxy: Proxy, verb: str, both: bool
) -> None:
    transport.push("q", [b"1", b"2"])
    held = [one.receipt for one in transport.claim("q", lease=LEASE, limit=2)]
    named = held if both else held[:1]
    proxy.lose(1, to=b"EVALSHA")
    if verb == "ack":
        lost = transport.ack("q", named)
    elif verb == "move":
        lost = transport.move("q", [(receipt, b"letter") for receipt in named], to="dead")
    else:
        delay = 60.0 if verb == "delay" else 0.0
        lost = transport.release("q", named, counted=verb == "fail", delay=delay)
    assert [] == lost
    done = len(named)
    ready, delayed, dead = {
        "ack": (0, 0, 0),
        "fail": (done, 0, 0),
        "release": (done, 0, 0),
        "delay": (0, done, 0),
        "move": (0, 0, done),
    }[verb]
    assert (ready, delayed, 2 - done) == transport.stats("q")
    assert dead == transport.stats("dead").ready
    assert named == transport.ack("q", named), "a call of its own is told the truth"


def test_an_end_that_comes_too_late_is_told_so_though_a_reply_was_lost(
    transport: RedisTransport, proxy: Proxy, other: RedisTransport
) -> None:
    transport.push("q", [b"1"])
    (held,) = transport.claim("q", lease=0.001)
    time.sleep(0.01)
    assert b"1" == other.claim("q", lease=LEASE)[0].body
    proxy.lose(1, to=b"EVALSHA")
    assert [held.receipt] == transport.ack("q", [held.receipt])


def test_a_server_that_forgot_the_scripts_gets_them_again(
    transport: RedisTransport, redis_client: redis.Redis
) -> None:
    for step in range(2):
        redis_client.script_flush()
        transport.push("q", [b"1"], token=f"{step}")
        redis_client.script_flush()
        (held,) = transport.claim("q", lease=LEASE, timeout=1.0)
        redis_client.script_flush()
        assert [] == transport.ack("q", [held.receipt])
        redis_client.script_flush()
        assert [] == transport.claim("q", lease=LEASE, timeout=0.02)
        assert (0, 0, 0) == transport.stats("q")


def test_a_server_without_room_can_be_drained(tmp_path: Path) -> None:
    with server_in(tmp_path) as server, transport_on(server.url, "full") as transport:
        transport.push("q", [b"%d" % i for i in range(20)], token="t")
        transport.claim("q", lease=0.001, limit=2)
        held = transport.claim("q", lease=LEASE, limit=6)
        time.sleep(0.01)
        with redis.Redis.from_url(server.url) as client:
            client.config_set("maxmemory", "1")
            for options in ({}, {"token": "u"}):
                with pytest.raises(QueueFull, match="maxmemory"):
                    transport.push("q", [b"more"], **options)
            receipts = [one.receipt for one in held]
            assert [] == transport.extend("q", receipts, lease=2 * LEASE)
            assert [] == transport.ack("q", receipts[:2])
            assert [] == transport.release("q", receipts[2:3], counted=True)
            assert [] == transport.release("q", receipts[3:4], counted=False)
            assert [] == transport.release("q", receipts[4:5], counted=True, delay=0.001)
            assert [] == transport.move("q", [(receipts[5], b"letter")], to="dead")
            time.sleep(0.01)
            count = 0
            while held := transport.claim("q", lease=LEASE, limit=4, timeout=0.1):
                assert [] == transport.ack("q", [one.receipt for one in held])
                count += len(held)
            assert 20 - 3 == count
            client.config_set("maxmemory", "0")
        transport.push("q", [b"more"], token="u")
        assert [b"more"] == transport.pop("q", limit=9)


def test_a_server_that_goes_and_comes_back(tmp_path: Path) -> None:
    with server_in(tmp_path) as server, transport_on(server.url, "gone") as transport:
        transport.push("q", [b"1"])
        server.stop()
        for call in (
            lambda: transport.push("q", [b"2"]),
            lambda: transport.push("q", [b"2"], token="t"),
            lambda: transport.claim("q", lease=LEASE, timeout=1.0),
            lambda: transport.pop("q", timeout=1.0),
        ):
            with pytest.raises(TransportUnavailable, match=str(server.port)):
                call()
        server.start()
        transport.push("q", [b"2"], token="t")
        assert [b"2"] == transport.pop("q", timeout=1.0)


def test_a_worker_goes_on_by_itself_when_the_server_is_back(tmp_path: Path) -> None:
    worked: list[object] = []
    with server_in(tmp_path) as server:
        jobs = ReliableQueue("back", server.url)

        @jobs.worker
        def work(message: Message[object]) -> None:
            worked.append(message.body)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            jobs.put(1)
            wait_until(lambda: worked == [1])
            server.stop()
            time.sleep(1.5)
            server.start()
            jobs.put(2)
            wait_until(lambda: worked == [1, 2])
        finally:
            work.stop()
            thread.join()
            jobs.close()


def test_an_idle_connection_that_the_server_closed_is_replaced(
    transport: RedisTransport, other: RedisTransport, redis_client: redis.Redis
) -> None:
    other.push("q", [b"1"])
    time.sleep(0.15)
    redis_client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    wait_until(lambda: not connected(redis_client, other._prefix))
    other.push("q", [b"2"])
    assert [b"1", b"2"] == other.pop("q", limit=9)


def test_a_refused_connection_names_the_server_and_not_the_password() -> None:
    transport = RedisTransport.from_url("redis://user:s3cret@127.0.0.1:1/0")
    with pytest.raises(TransportUnavailable, match=r"127\.0\.0\.1:1 .*is the server running"):
        transport.push("q", [b"x"])
    transport.close()


def test_a_refused_connection_leaves_nothing_unknown() -> None:
    transport = RedisTransport.from_url("redis://127.0.0.1:1/0")
    for call in (lambda: transport.push("q", [b"x"]), lambda: transport.pop("q")):
        with pytest.raises(TransportUnavailable, match="Nothing was sent") as caught:
            call()
        assert not {"may", "lost"} & set(str(caught.value).split())
    transport.close()


def causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__


@pytest.mark.parametrize("password", ["", "wr0ng-canary"])
def test_a_wrong_password_is_fatal_and_never_shown(tmp_path: Path, password: str) -> None:
    with server_in(tmp_path, "--requirepass", "right-canary") as server:
        for secret in (password, "right-canary"):
            url = server.url.replace("//", f"//:{secret}@") if secret else server.url
            transport = RedisTransport.from_url(url)
            assert "canary" not in repr(transport)
            if secret == "right-canary":
                transport.push("q", [b"x"])
            else:
                with pytest.raises(TransportError) as caught:
                    transport.push("q", [b"x"], token="t")
                assert not isinstance(caught.value, TransportUnavailable)
                assert "password" in str(caught.value)
                shown = "".join(f"{one} {one!r}" for one in causes(caught.value))
                assert "canary" not in shown
            transport.close()


def test_a_user_without_permission_is_told_what_is_needed(tmp_path: Path) -> None:
    with server_in(tmp_path) as server:
        with redis.Redis.from_url(server.url) as client:
            client.acl_setuser("limited", enabled=True, passwords=["+p"], commands=["+ping"])
        transport = RedisTransport.from_url(server.url.replace("//", "//limited:p@"))
        for call in (
            lambda: transport.push("q", [b"x"]),
            lambda: transport.claim("q", lease=LEASE, timeout=1.0),
        ):
            with pytest.raises(TransportError, match="ACL") as caught:
                call()
            assert not isinstance(caught.value, TransportUnavailable)
        transport.close()


def test_a_closed_transport_says_so(redis_url: str) -> None:
    transport = RedisTransport.from_url(redis_url)
    transport.push("closed", [b"x"])
    transport.purge("closed")
    transport.close()
    transport.close()
    with pytest.raises(TransportClosed):
        transport.push("closed", [b"x"], options=PushOptions())


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    with server_in(tmp_path) as server:
        transport = RedisTransport.from_url(f"{server.url}?socket_timeout={LONG}")
        transport.push("q", [b"x"])
        give_up_after(0.1, transport)
        server.pause()
        begun = time.monotonic()
        with pytest.raises(TransportUnavailable, match=r"no answer within 0\.1 s"):
            transport.push("q", [b"y"])
        assert time.monotonic() - begun < LONG / 2
        transport.close()


def give_up_after(seconds: float, transport: RedisTransport | AsyncRedisTransport) -> None:
    """
    Let a silence of *seconds* be too long from now on.

    Before that a server that is held up somewhere must not pass for one that stands still.
    """
    source = transport._link.source
    assert isinstance(source, Source)
    assert source.socket_timeout == LONG
    source.socket_timeout = seconds


@pytest.mark.parametrize("way", ["interrupted", "broken"])
def test_what_came_beside_a_missing_script_is_kept_when_loading_it_fails(
    transport: RedisTransport,
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """A wait popped a body, its companion found no script, and the second send was cut off."""
    error = {"interrupted": KeyboardInterrupt(), "broken": LinkBroken(False)}[way]
    transport.push("q", [b"1", b"2"])
    call = transport._link.call

    def failing(commands, **options):
        if commands[0][0] == b"SCRIPT":
            raise error
        return call(commands, **options)

    keys = transport._enter("q")
    found = Popped()
    redis_client.script_flush()
    monkeypatch.setattr(transport._link, "call", failing)
    monkeypatch.setattr(
        transport._fifo, "_pop", lambda *_: transport._fifo._take("q", wait, found, waits=True)
    )
    monkeypatch.setattr("queuekit.backends.redis.fifo.Popped", lambda: found)
    wait = pop_waiting(keys, 2, 1.0)
    with pytest.raises((KeyboardInterrupt, TransportUnavailable)):
        transport.pop("q", limit=2, timeout=1.0)
    monkeypatch.undo()
    redis_client.script_flush()
    assert [b"1", b"2"] == transport.pop("q") + transport.pop("q")


def test_foreign_tokens_are_cleared_away(
    transport: RedisTransport, redis_client: redis.Redis, redis_prefix: str
) -> None:
    """Whatever somebody put among the leases: it is removed, and stops nobody."""
    tokens = [b"\xff\xfe", "ä".encode(), b"", b" ", b"a" * 300, b"%s {x}"]
    redis_client.zadd(f"{{{redis_prefix}:q}}:leases", dict.fromkeys(tokens, 1.0))
    transport.push("q", [b"x"])
    (held,) = transport.claim("q", lease=LEASE)
    assert b"x" == held.body
    assert (0, 0, 1) == transport.stats("q")
    assert 1 == redis_client.zcard(f"{{{redis_prefix}:q}}:leases")


def test_a_claim_that_need_not_wait_is_not_tried_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller asked for an answer at once, and has one after a single timeout."""
    monkeypatch.undo()
    assert claims._SHORT < 1.2 < PATIENCE
    with server_in(tmp_path) as server:
        transport = RedisTransport.from_url(f"{server.url}?socket_timeout={LONG}")
        transport.push("q", [b"x"])
        give_up_after(1.2, transport)
        server.pause()
        sends = Recorder(transport)
        with pytest.raises(TransportUnavailable):
            transport.claim("q", lease=LEASE)
        assert [["claim"]] == sends.take()
        transport.close()


@pytest.mark.asyncio
async def test_one_silence_is_enough_for_all_connections_of_a_loop(tmp_path: Path) -> None:
    """A server that stands still closes nothing: each idle connection would wait for itself."""
    with server_in(tmp_path) as server:
        transport = AsyncRedisTransport.from_url(f"{server.url}?socket_timeout={LONG}")
        await asyncio.gather(*(transport.pop(f"q{i}", timeout=0.1) for i in range(5)))
        await transport.stats("q")
        assert 5 == len(transport._link._alone.idle)
        transport._link._shared.slot.line.silence.seconds = 0.3
        server.pause()
        with pytest.raises(TransportUnavailable):
            await transport.push("q", [b"x"])
        assert not transport._link._alone.idle
        server.resume()
        await transport.aclose()
