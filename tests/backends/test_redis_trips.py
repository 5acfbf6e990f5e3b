"""What each operation costs: the sends and the commands in them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import redis

from queuekit import ReliableQueue
from queuekit.backends.redis.transport import RedisTransport
from queuekit.transport import PushOptions, Receipt

from .patience import LONG, wait_until
from .redis_tools import (
    Recorder,
    blocked,
    let_answers_stay_fresh,
    let_wait_long,
    named,
    transport_on,
)

pytestmark = pytest.mark.redis

LEASE = 30.0
FRAMED = b"\xc1\x71\0\0" + b"i" * 16 + b"body"


@pytest.fixture
def transport(
    redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RedisTransport]:
    let_wait_long(monkeypatch)
    let_answers_stay_fresh(monkeypatch)
    with transport_on(named(redis_url, redis_prefix), redis_prefix) as transport:
        yield transport


@pytest.fixture
def waiters(redis_client: redis.Redis, redis_prefix: str) -> Callable[[], int]:
    """Return what tells how many wait on the server."""
    return lambda: blocked(redis_client, redis_prefix)


def when(true: Callable[[], object], call: Callable[[], object]) -> threading.Thread:
    """Do *call* in another thread, when something is *true*."""

    def work() -> None:
        wait_until(true)
        call()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.fixture
def sends(transport: RedisTransport) -> Recorder:
    """Return a recorder, with every script loaded."""
    transport.push("warm", [b"1", b"2", FRAMED], token="warm")
    (one,) = transport.claim("warm", lease=LEASE)
    transport.stats("warm")
    transport.extend("warm", [one.receipt], lease=LEASE)
    transport.ack("warm", [one.receipt])
    transport.claim("warm", lease=0.001)
    time.sleep(0.002)
    transport.recover("warm")
    transport.peek("warm")
    transport.pop("warm", timeout=0.1)
    transport.pop("warm", limit=9)
    transport.purge("warm")
    return Recorder(transport)


def test_a_put_is_one_send(transport: RedisTransport, sends: Recorder) -> None:
    transport.push("q", [b"1", b"2"])
    transport.push("q", [b"3"], token="t")
    transport.push("q", [FRAMED], options=PushOptions(delay=5.0))
    assert [["RPUSH"], ["put"], ["put"]] == sends.take()


def test_claim_and_ack_are_one_send_each(transport: RedisTransport, sends: Recorder) -> None:
    transport.push("q", [b"%d" % i for i in range(100)])
    sends.take()
    held = transport.claim("q", lease=LEASE, limit=100, timeout=1.0)
    assert [["claim"]] == sends.take()
    assert [] == transport.ack("q", [one.receipt for one in held])
    assert [["settle"]] == sends.take()


def test_acks_and_the_next_claim_are_one_send(transport: RedisTransport, sends: Recorder) -> None:
    transport.push("q", [b"%d" % i for i in range(4)])
    held = [one.receipt for one in transport.claim("q", lease=LEASE, limit=2)]
    sends.take()
    lost, found = transport.ack_and_claim("q", held, lease=LEASE, limit=9, timeout=1.0)
    assert ([], 2) == (lost, len(found))
    assert [["settle", "claim"]] == sends.take()


def test_a_loop_makes_one_send_for_each_batch(transport: RedisTransport, sends: Recorder) -> None:
    queue = ReliableQueue("q", transport, serializer="bytes")
    queue.put_many([b"%d" % i for i in range(25)])
    sends.take()
    for message in queue.consume(timeout=0, prefetch=10):
        message.ack()
    assert [["claim"], *[["settle", "claim"]] * 3] == sends.take()
    queue.put_many([b"%d" % i for i in range(3)])
    sends.take()
    for message in queue.consume(timeout=0):
        message.ack()
    assert [["claim"], *[["settle", "claim"]] * 3] == sends.take()


def test_a_buffer_makes_one_send_for_each_of_its_sizes(
    transport: RedisTransport, sends: Recorder
) -> None:
    queue = ReliableQueue("q", transport, serializer="bytes")
    with queue.buffer(size=10, linger=60) as buffer:
        for i in range(25):
            buffer.put(b"%d" % i)
    assert [["put"]] * 3 == sends.take()


def test_an_idle_consumer_makes_one_send_for_each_wait(
    transport: RedisTransport, sends: Recorder
) -> None:
    for _ in range(3):
        assert [] == transport.claim("q", lease=LEASE, timeout=0.05)
    assert [["claim"], *[["BLMOVE", "claim"]] * 3] == sends.take()


def test_an_idle_consumer_looks_when_something_becomes_due(
    transport: RedisTransport, sends: Recorder, redis_client: redis.Redis
) -> None:
    """How long it would wait is in what it sends; that time passes here while it is sent."""
    delayed = transport._enter("q").delayed
    inner, waits = transport._link.call, list[float]()

    def call(commands: Sequence[Any], **options: Any) -> Any:
        name, *rest, seconds = commands[0]
        if name == b"BLMOVE":
            waits.append(float(seconds))
            if len(waits) == 2:
                redis_client.zadd(delayed, dict.fromkeys(redis_client.zrange(delayed, 0, -1), 1))
                commands = [(name, *rest, "0.01"), *commands[1:]]
        return inner(commands, **options)

    transport._link.call = call
    transport.push("q", [FRAMED], options=PushOptions(delay=LONG / 2))
    assert [] == transport.claim("q", lease=LEASE, timeout=0.05)
    (held,) = transport.claim("q", lease=LEASE, timeout=LONG)
    assert FRAMED == held.body
    assert waits[0] <= 0.05
    assert 0.05 < waits[1] <= LONG / 2
    wait = ["BLMOVE", "claim"]
    assert [["put"], ["claim"], wait, wait] == sends.take()


def test_an_empty_queue_costs_a_look(transport: RedisTransport, sends: Recorder) -> None:
    assert [] == transport.claim("q", lease=LEASE)
    assert [] == transport.pop("q")
    assert [["claim"], ["pop"]] == sends.take()


def test_a_waiting_claim_is_one_send_for_the_wait(
    transport: RedisTransport, sends: Recorder, waiters: Callable[[], int]
) -> None:
    push = when(waiters, lambda: transport.push("q", [b"x"]))
    (held,) = transport.claim("q", lease=LEASE, timeout=LONG)
    assert b"x" == held.body
    push.join()
    assert [["claim"], ["BLMOVE", "claim"], ["RPUSH"]] == sends.take()


def test_waiting_pops(
    transport: RedisTransport, sends: Recorder, waiters: Callable[[], int]
) -> None:
    transport.push("q", [b"1", b"2", b"3"])
    sends.take()
    assert [b"1"] == transport.pop("q", timeout=1.0)
    assert [b"2", b"3"] == transport.pop("q", limit=9, timeout=1.0)
    assert [["BLPOP"], ["pop"]] == sends.take()
    push = when(waiters, lambda: transport.push("q", [b"4", b"5"]))
    assert [b"4", b"5"] == transport.pop("q", limit=9, timeout=LONG)
    push.join()
    assert [["pop"], ["BLPOP", "pop"], ["RPUSH"]] == sends.take()


def test_expired_claims_are_recovered_by_the_next_claim(
    transport: RedisTransport, sends: Recorder
) -> None:
    transport.push("q", [b"x"])
    transport.claim("q", lease=0.001)
    time.sleep(0.01)
    sends.take()
    (held,) = transport.claim("q", lease=LEASE)
    assert 2 == held.attempt
    assert [["claim"], ["recover", "claim"]] == sends.take()


def test_many_claims_are_settled_in_one_send(transport: RedisTransport, sends: Recorder) -> None:
    transport.push("q", [b"%d" % i for i in range(6)])
    held = [transport.claim("q", lease=LEASE, limit=2) for _ in range(3)]
    receipts = [one.receipt for group in held for one in group]
    sends.take()
    assert [] == transport.extend("q", receipts, lease=LEASE)
    assert [] == transport.release("q", receipts, counted=False)
    assert [["extend"] * 3, ["settle"] * 3] == sends.take()


def test_nonsense_costs_nothing(transport: RedisTransport, sends: Recorder) -> None:
    nonsense = [Receipt("nonsense"), Receipt("x" * 32 + ".0.1"), Receipt("")]
    assert nonsense == transport.ack("q", nonsense)
    assert [] == transport.ack("q", [])
    transport.push("q", [], token="t")
    assert [] == sends.take()


def test_counting_and_looking(transport: RedisTransport, sends: Recorder) -> None:
    transport.peek("q", limit=9)
    transport.stats("q")
    transport.push("q", [b"x"])
    transport.claim("q", lease=LEASE)
    sends.take()
    assert 1 == transport.stats("q").claimed
    assert 0 == transport.recover("q")
    assert 0 == transport.purge("q")
    assert [["stats"], ["stats"], ["due"], ["promote"], ["purge"]] == sends.take()


def test_a_push_of_many_goes_in_steps(transport: RedisTransport, sends: Recorder) -> None:
    bodies = [b"%d" % i for i in range(2500)]
    transport.push("q", bodies, token="t")
    transport.push("q", bodies, token="t")
    assert [["put"]] * 6 == sends.take()
    assert bodies == transport.pop("q", limit=9999)


def test_what_an_ack_does_on_the_server(
    transport: RedisTransport, sends: Recorder, redis_client: redis.Redis
) -> None:
    """The whole of a claim goes by ``DEL``: no body is read, however many there are."""
    transport.push("q", [b"x"] * 500)
    held = [one.receipt for one in transport.claim("q", lease=LEASE, limit=500)]
    redis_client.config_resetstat()
    transport.ack("q", held)
    calls = redis_client.info("commandstats")
    assert {"cmdstat_del": 1, "cmdstat_lpos": 4, "cmdstat_lindex": 0} == {
        name: calls.get(name, {}).get("calls", 0)
        for name in ("cmdstat_del", "cmdstat_lpos", "cmdstat_lindex")
    }


@pytest.mark.parametrize("backwards", [False, True])
def test_acks_one_by_one_do_not_scan(
    transport: RedisTransport, sends: Recorder, redis_client: redis.Redis, backwards: bool
) -> None:
    transport.push("q", [b"x"] * 50)
    held = [one.receipt for one in transport.claim("q", lease=LEASE, limit=50)]
    redis_client.config_resetstat()
    for receipt in reversed(held) if backwards else held:
        assert [] == transport.ack("q", [receipt])
    calls = redis_client.info("commandstats")
    assert 4 == calls["cmdstat_lpos"]["calls"], "only the last one looks through the claim"
    assert (0, 0, 0) == transport.stats("q")


def test_a_push_wakes_one_waiting_consumer(
    transport: RedisTransport, waiters: Callable[[], int]
) -> None:
    found: list[bytes] = []

    def consume() -> None:
        found.extend(one.body for one in transport.claim("q", lease=LEASE, timeout=LONG))

    threads = [threading.Thread(target=consume) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: waiters() == 3)
    for body in (b"x", b"y", b"z"):
        transport.push("q", [body])
        wait_until(lambda body=body: found[-1:] == [body])
        assert waiters() == 3 - len(found), "the others go on waiting"
    for thread in threads:
        thread.join()
    assert [b"x", b"y", b"z"] == found
