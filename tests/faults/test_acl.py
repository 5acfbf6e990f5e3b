"""Users that may do little, passwords that are wrong, keys of another kind: said at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from faults.acl import documented
from faults.beside import beside
from faults.servers import Server, server_in
from queuekit import (
    AsyncQueue,
    AsyncReliableQueue,
    Queue,
    ReliableQueue,
    TransportError,
)
from queuekit._envelope import Place, wrap
from queuekit.abilities import Limits
from queuekit.backends.redis.transport import RedisTransport
from queuekit.transport import Dedup, PushOptions

pytestmark = pytest.mark.redis

FRAMED = b"\xc1\x71\0\0" + b"i" * 16 + b"body"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_in(tmp_path_factory.mktemp("server")) as server:
        yield server


@contextmanager
def user(server: Server, rules: list[str]) -> Iterator[RedisTransport]:
    """Return a transport of a user with these rules, on an empty server without scripts."""
    server.do("FLUSHALL")
    server.do("SCRIPT", "FLUSH")
    server.do("ACL", "SETUSER", "u", "reset", *rules)
    transport = RedisTransport.from_url(server.url.replace("//", "//u:secret@"))
    try:
        yield transport
    finally:
        transport.close()


def produce(transport: RedisTransport, _: Server) -> None:
    transport.push("q", [b"1", b"2"])
    transport.push("q", [b"3"], token="t")
    transport.push("q", [b"3"], token="t")
    transport.push("q", [FRAMED], options=PushOptions(delay=0.01))


def place(transport: RedisTransport, server: Server) -> None:
    """Put with all that a put can have."""
    produce(transport, server)
    framed = [wrap(bytes([n]) * 16, b"x", {}, Place(1, "g")) for n in range(2)]
    options = PushOptions(placed=True, max_length=99)
    transport.push("p", framed, options=options)
    options = PushOptions(delay=0.01, placed=True, dedup=Dedup("k", 9.0))
    transport.push("p", [wrap(b"l" * 16, b"late", {}, Place(0, "g"))], options=options, token="t")
    assert transport.mark("p", "k", "x", window=9) == "t" == transport.marked("p", "k")
    assert transport.unmark("p", "k")


def everything(transport: RedisTransport, server: Server) -> None:
    """Do all that a transport can do, and reach each way through its scripts."""
    produce(transport, server)
    time.sleep(0.02)
    assert 1 == transport.recover("q")
    assert [b"1", b"2", b"3"] == transport.peek("q", limit=9)[:3]
    held = [one.receipt for one in transport.claim("q", lease=9, limit=4)]
    assert [] == transport.extend("q", held, lease=9)
    assert [] == transport.release("q", held[:1], counted=True)
    assert [] == transport.release("q", held[1:2], counted=False)
    assert [] == transport.release("q", held[3:], counted=True, delay=0.01)
    assert [] == transport.move("q", [(held[2], b"dead")], to="q!dead")
    assert transport.stats("q").ready == 2
    transport.claim("q", lease=0.001, limit=9)
    time.sleep(0.02)
    assert 2 == transport.claim("q", lease=9)[0].attempt
    transport.purge("q")
    with pushing_to_who_waits(server):
        while not (found := transport.claim("w", lease=9, timeout=1.0)):
            pass
    (one,) = found
    assert [] == transport.ack("w", [one.receipt])
    assert held == transport.ack("q", held)
    claims = transport._claims
    (again,) = claims._ends(transport._enter("q"), held[:1], "A").parts
    claims._exchange.once("repeat an ack", [again(True)], unknown="")
    assert [] == transport.pop("w", timeout=0.01)
    transport.push("w", [b"1", b"2"])
    assert [b"1", b"2"] == transport.pop("w", limit=9)
    with_places(transport, server)
    transport._fifo.kept.put(transport._enter("w").ready, [b"kept"])
    transport.close()


@contextmanager
def pushing_to_who_waits(server: Server) -> Iterator[None]:
    """Put a message once somebody is asleep at the server: before, he would not wait for it."""

    def push(over: threading.Event) -> None:
        while not server.do("INFO", "clients")["blocked_clients"]:
            if over.wait(0.005):
                return
        server.do("RPUSH", "queuekit:w", "x")

    with beside(push):
        yield


def with_places(transport: RedisTransport, server: Server) -> None:
    """Do all that a transport can do with a queue that keeps places."""
    transport.push("p", [b"plain"])
    (plain,) = transport.claim("p", lease=9)
    place(transport, server)
    assert 1 == len(transport.peek("p", limit=9))
    assert [] == transport.release("p", [plain.receipt], counted=False)
    time.sleep(0.02)
    first, second = transport.claim("p", lease=9, limit=9)
    assert [] == transport.release("p", [first.receipt, second.receipt], counted=True, delay=0.01)
    time.sleep(0.02)
    assert 2 == transport.recover("p")
    (first,) = transport.claim_within("p", limits=Limits(rate=9), lease=0.01)
    time.sleep(0.02)
    (first,) = transport.claim_within("p", limits=Limits(rate=99, burst=9), lease=9, timeout=1)
    assert [] == transport.move("p", [(first.receipt, b"dead")], to="p!dead")
    assert 0 == transport.stats("p").claimed
    assert transport.pop("p")
    assert transport.purge("p")


def test_the_documented_users_can_do_what_they_shall(server: Server) -> None:
    with user(server, documented("worker")) as transport:
        everything(transport, server)
    assert [b"kept"] == server.do("LRANGE", "queuekit:w", 0, -1)
    with user(server, documented("placer")) as transport:
        place(transport, server)
    with user(server, documented("producer")) as transport:
        produce(transport, server)
        for call in (transport.pop, transport.peek, transport.purge, transport.stats):
            with pytest.raises(TransportError, match=r"docs/redis\.md"):
                call("q")


def test_no_documented_command_could_be_left_out(server: Server) -> None:
    """Without it something is refused, or (for interrupted calls) only slower."""
    spare = {"+client|id", "+client|unblock"}
    for name, work in (("worker", everything), ("producer", produce), ("placer", place)):
        rules = documented(name)
        needless, texts = [], []
        for rule in rules:
            if rule[0] == "+" and rule not in spare:
                with user(server, [each for each in rules if each != rule]) as transport:
                    try:
                        work(transport, server)
                    except TransportError as exc:
                        texts.append(str(exc))
                        continue
                    needless.append(rule)
        assert [] == needless
        assert [] == [text for text in texts if "docs/redis.md" not in text]


def test_other_keys_are_refused(server: Server) -> None:
    with user(server, documented("worker")):
        url = server.url.replace("//", "//u:secret@")
        with Queue("q", f"{url}?prefix=other") as queue:
            for call in (lambda: queue.put(1), queue.get, queue.stats):
                with pytest.raises(TransportError, match=r"NOPERM.*docs/redis\.md"):
                    call()
        assert 0 == server.do("DBSIZE")


def ends(server: Server, url: str, words: str) -> None:
    """See that producers and loops of both engines and colours end at once, for good."""
    before = dump(server)
    begun = time.monotonic()

    def check(call: Callable[[], Any]) -> None:
        with pytest.raises(TransportError, match=words) as caught:
            call()
        assert type(caught.value) is TransportError
        assert "s3cret" not in str(caught.value)

    async def loop(kind: type) -> None:
        async with kind("q", url) as queue:
            async for _ in queue.consume():
                pass

    for engine in (Queue, ReliableQueue):
        with engine("q", url) as queue:
            check(lambda queue=queue: queue.put(1))
            check(lambda queue=queue: list(queue.consume()))
            check(queue.worker(print))
    for kind in (AsyncQueue, AsyncReliableQueue):
        check(lambda kind=kind: asyncio.run(loop(kind)))
    assert time.monotonic() - begun < 15, "each would go on for ever"
    assert before == dump(server)


def dump(server: Server) -> dict[bytes, bytes]:
    with redis.Redis(port=server.port) as client:
        return {key: client.dump(key) for key in client.scan_iter()}


def test_a_wrong_password_ends_all(server: Server) -> None:
    with user(server, documented("worker")):
        ends(server, server.url.replace("//", "//u:s3cret@"), "password")
        server.do("CONFIG", "SET", "requirepass", "s3cret")
        server.password = "s3cret"
        try:
            with Queue("q", server.url) as queue, pytest.raises(TransportError, match="NOAUTH"):
                queue.put(1)
        finally:
            server.do("CONFIG", "SET", "requirepass", "")
            server.password = None


@pytest.mark.parametrize("missing", ["+evalsha", "+blmove", "+blpop"])
def test_a_missing_permission_ends_the_loop(server: Server, missing: str) -> None:
    rules = [rule for rule in documented("worker") if rule != missing]
    with user(server, rules):
        engine = Queue if missing == "+blpop" else ReliableQueue
        url = server.url.replace("//", "//u:secret@")
        with engine("q", url) as queue, pytest.raises(TransportError, match="NOPERM") as caught:
            next(iter(queue.consume()))
        assert type(caught.value) is TransportError


def test_a_database_that_is_not_there_ends_all(server: Server) -> None:
    ends(server, server.url.replace("/0", "/99"), "databases")


def _consume(url: str) -> None:
    with ReliableQueue("q", url) as queue:
        next(iter(queue.consume()))


def _async_consume(url: str) -> None:
    async def run() -> None:
        async with AsyncReliableQueue("q", url) as queue:
            await anext(queue.consume())

    asyncio.run(run())


@pytest.mark.parametrize("key", ["queuekit:q", "{queuekit:q}:w", "{queuekit:q}:leases"])
def test_a_key_of_another_kind_ends_the_loops(server: Server, key: str) -> None:
    """What is there stays as it is, whichever of our keys it is."""
    server.do("FLUSHALL")
    server.do("RPUSH", "queuekit:q", "1")
    server.do("SET", key, "somebody's")
    before = dump(server)
    for loop in (_consume, _async_consume):
        with pytest.raises(TransportError, match=r"'q'.*WRONGTYPE") as caught:
            loop(server.url)
        assert type(caught.value) is TransportError
    assert before == dump(server)


def test_delayed_messages_of_another_kind(server: Server) -> None:
    server.do("FLUSHALL")
    server.do("SET", "{queuekit:q}:delayed", "somebody's")
    before = dump(server)
    with ReliableQueue("q", server.url) as queue:
        with pytest.raises(TransportError, match="WRONGTYPE"):
            queue.put(1, delay=5)
        with pytest.raises(TransportError, match="WRONGTYPE"):
            next(iter(queue.consume()))
    assert before == dump(server)
