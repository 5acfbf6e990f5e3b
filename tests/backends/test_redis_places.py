"""Queues that keep places: who learns of it and how, what it costs, and who is woken."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from queuekit._envelope import NO_HEADERS, Place, unwrap, wrap
from queuekit.abilities import Limits
from queuekit.backends.redis._limits import mark
from queuekit.backends.redis._wire import pack
from queuekit.backends.redis.keys import SIGN, WAKE
from queuekit.backends.redis.transport import RedisTransport
from queuekit.errors import QueueFull, TransportClosed, Unsupported
from queuekit.transport import Dedup, Delivery, PushOptions, QueueStats

from .patience import LONG, SOON, wait_until
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
PLACED = PushOptions(placed=True)
_ids = itertools.count(1)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    let_wait_long(monkeypatch)


@pytest.fixture
def transport(redis_url: str, redis_prefix: str) -> Iterator[RedisTransport]:
    with transport_on(named(redis_url, redis_prefix), redis_prefix) as transport:
        yield transport


@pytest.fixture
def other(redis_url: str, redis_prefix: str) -> Iterator[RedisTransport]:
    """Return a transport that has met no sign."""
    with transport_on(named(redis_url, redis_prefix), redis_prefix) as transport:
        yield transport


def placed(body: bytes, level: int = 0, group: str = "") -> bytes:
    return wrap(next(_ids).to_bytes(16, "big"), body, NO_HEADERS, Place(level, group))


def inner(found: list[Delivery] | list[bytes]) -> list[bytes]:
    return [unwrap(one.body if isinstance(one, Delivery) else one).body for one in found]


PLAIN_BYTES = [47, 358, 389, 183, 358, 396, 126, 74, 358, 454, 454, 126, 182, 151]


def test_plain_traffic_is_byte_for_byte_what_it_was(
    transport: RedisTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures are those of the version before places, with the length of the tests' prefix."""
    let_answers_stay_fresh(monkeypatch)
    calls(transport, "w")
    sizes: list[int] = []
    link, call = transport._link, transport._link.call

    def counting(commands, **options):
        sizes.append(len(pack(commands)))
        return call(commands, **options)

    link.call = counting
    calls(transport, "q")
    assert PLAIN_BYTES == sizes


def calls(transport: RedisTransport, queue: str) -> None:
    """Do what plain queues do."""
    transport.push(queue, [b"body"])
    (one,) = transport.claim(queue, lease=LEASE)
    transport.ack(queue, [one.receipt])
    transport.push(queue, [b"body"], token=queue)
    (one,) = transport.claim(queue, lease=LEASE)
    transport.release(queue, [one.receipt], counted=True)
    transport.pop(queue)
    transport.pop(queue, timeout=0.1)
    transport.claim(queue, lease=LEASE, timeout=0.1)
    transport.claim(queue, lease=LEASE, timeout=0.1)
    transport.peek(queue)
    transport.stats(queue)
    transport.purge(queue)


def test_who_has_not_met_the_sign_learns_by_its_first_claim(
    transport: RedisTransport, other: RedisTransport
) -> None:
    transport.push("q", [b"plain"])
    transport.push("q", [placed(b"high", 2)], options=PLACED)
    sends = Recorder(other)
    assert [b"high"] == inner(other.claim("q", lease=LEASE))
    assert [b"plain"] == inner(other.claim("q", lease=LEASE))
    assert [] == other.claim("q", lease=LEASE)
    found = sends.take()
    assert 1 == found.count(["claim"])
    assert [["placed_claim"]] * 2 == found[-2:]


def test_what_calls_cost(transport: RedisTransport) -> None:
    frames = [placed(b"%d" % n, n % 3, "g" * (n % 2)) for n in range(6)]
    transport.push("warm", frames, options=PLACED)
    warm = [one.receipt for one in transport.claim("warm", lease=LEASE, limit=9)]
    transport.ack("warm", warm)
    transport.claim_within("warm", limits=Limits(rate=1), lease=LEASE)
    transport.mark("warm", "k", "v", window=9)
    sends = Recorder(transport)
    transport.push("q", frames, options=PushOptions(placed=True, max_length=99))
    options = PushOptions(placed=True, dedup=Dedup("k", 9.0))
    transport.push("q", [placed(b"x")], options=options, token="t")
    held = [one.receipt for one in transport.claim("q", lease=LEASE, limit=9)]
    transport.ack("q", held[:1])
    transport.ack_and_claim("q", held[1:], lease=LEASE)
    transport.claim_within("q", limits=Limits(rate=1), lease=LEASE)
    transport.mark("q", "k2", "v", window=9)
    transport.marked("q", "k2")
    transport.unmark("q", "k2")
    claim, settle, put = ["placed_claim"], ["placed_settle"], ["placed_put"]
    assert [
        put, put, claim, settle, settle + claim, claim, ["mark"], ["GET"], ["DEL"],
    ] == sends.take()  # fmt: skip


def test_limits_need_no_sign(transport: RedisTransport, redis_client: redis.Redis) -> None:
    transport.push("q", [b"1", b"2"])
    (one,) = transport.claim_within("q", limits=Limits(in_flight=1), lease=LEASE)
    assert one.receipt.endswith(".p")
    assert [] == transport.release("q", [one.receipt], counted=False)
    assert None is redis_client.zscore(transport._enter("q").leases, SIGN)
    assert not redis_client.exists(transport._enter("q").landing)
    assert [b"1", b"2"] == transport.pop("q", limit=9)


@pytest.mark.parametrize("limit", [1, 9])
@pytest.mark.parametrize("timeout", [0.0, 0.2])
def test_a_pop_that_knows_nothing_of_places_takes_what_is_next(
    transport: RedisTransport, other: RedisTransport, limit: int, timeout: float
) -> None:
    transport.push("q", [b"plain"])
    frames = [placed(b"low", -1), placed(b"high", 1), placed(b"a", 0, "g"), placed(b"b", 0, "g")]
    transport.push("q", frames, options=PLACED)
    want = [b"high", b"plain", b"a", b"low", b"b"][:limit]  # who follows is behind its level
    assert want == inner(other.pop("q", limit=limit, timeout=timeout))
    while other.pop("q"):
        pass
    assert QueueStats(0, 0, 0) == transport.stats("q")
    transport.push("q", [placed(b"c", 0, "g")], options=PLACED)
    assert [b"c"] == inner(transport.claim("q", lease=LEASE)), "its group was left busy"


def test_a_pop_that_waits_is_woken_by_a_level(
    transport: RedisTransport, other: RedisTransport, redis_client: redis.Redis
) -> None:
    def push() -> None:
        wait_until(lambda: blocked(redis_client, transport._prefix))
        transport.push("q", [placed(b"x", 1)], options=PLACED)

    for _ in range(3):  # the first one has not met the sign
        thread = threading.Thread(target=push)
        thread.start()
        begun = time.monotonic()
        assert [b"x"] == inner(other.pop("q", timeout=LONG))
        assert time.monotonic() - begun < SOON
        thread.join()


def test_looks_and_purges_that_know_nothing_of_places(
    transport: RedisTransport, other: RedisTransport
) -> None:
    frames = [placed(b"low", -1), placed(b"a", 0, "g"), placed(b"b", 0, "g")]
    transport.push("q", frames, options=PLACED)
    assert [b"a", b"low"] == inner(other.peek("q", limit=9))
    with_fresh_eyes = other._enter("q")
    with_fresh_eyes.is_placed = False
    assert QueueStats(3, 0, 0) == other.stats("q")
    with_fresh_eyes.is_placed = False
    assert 3 == other.purge("q")
    assert QueueStats(0, 0, 0) == transport.stats("q")


def test_recovery_that_knows_nothing_of_places(
    transport: RedisTransport, other: RedisTransport
) -> None:
    transport.push("q", [placed(b"a", 1, "g"), placed(b"b", 1, "g")], options=PLACED)
    transport.claim("q", lease=0.001)
    # After the claim, which would bring what is due by then.
    late = PushOptions(placed=True, delay=0.001)
    transport.push("q", [placed(b"late", 0, "g")], options=late)
    time.sleep(0.01)
    assert 1 == other.recover("q", limit=1)
    assert 1 == other.recover("q")
    assert [b"a"] == inner(other.claim("q", lease=LEASE, limit=9))


def test_what_was_claimed_before_the_sign_ends_as_ever(
    transport: RedisTransport, other: RedisTransport, redis_client: redis.Redis
) -> None:
    other.push("q", [b"1", b"2", b"3"])
    held = [one.receipt for one in other.claim("q", lease=LEASE, limit=3)]
    transport.push("q", [placed(b"high", 1)], options=PLACED)
    assert WAKE == redis_client.lindex(other._enter("q").ready, 0)
    assert [] == other.release("q", held[1:2], counted=False)
    assert [] == other.release("q", held[2:], counted=True)
    assert [] == other.ack("q", held[:1])
    assert [b"high", b"2", b"3"] == inner(other.peek("q", limit=9))
    ready = redis_client.lrange(other._enter("q").ready, 0, -1)
    assert WAKE not in ready
    assert QueueStats(3, 0, 0) == other.stats("q")
    assert [WAKE] == redis_client.lrange(other._enter("q").landing, 0, -1)


def test_a_batch_of_a_level_wakes_as_many_as_it_has_messages(
    transport: RedisTransport, redis_client: redis.Redis
) -> None:
    found: list[bytes] = []

    def consume() -> None:
        found.extend(inner(transport.claim("q", lease=LEASE, timeout=LONG)))

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: blocked(redis_client, transport._prefix) == 4)
    begun = time.monotonic()
    transport.push("q", [placed(b"%d" % n, -2) for n in range(3)], options=PLACED)
    wait_until(lambda: len(found) == 3)
    assert time.monotonic() - begun < SOON, "somebody waited for the end of its slice"
    transport.push("q", [placed(b"3", -2)], options=PLACED)
    for thread in threads:
        thread.join()
    assert [b"0", b"1", b"2", b"3"] == sorted(found)


def test_who_waits_for_nothing_does_not_spin(transport: RedisTransport) -> None:
    transport.push("q", [placed(b"x", 1)], options=PLACED)
    transport.ack("q", [one.receipt for one in transport.claim("q", lease=LEASE)])
    transport.claim("q", lease=LEASE)
    sends = Recorder(transport)
    assert [] == transport.claim("q", lease=LEASE, timeout=0.3)
    assert len(sends.take()) <= 3


def test_wakes_are_no_messages(transport: RedisTransport, redis_client: redis.Redis) -> None:
    keys = transport._enter("q")
    transport.push("q", [placed(b"x", 1)], options=PLACED)
    redis_client.blmove(keys.ready, keys.landing, 1, "LEFT", "RIGHT")  # who waited, and died
    transport.push("q", [placed(b"y", -1)], options=PLACED)
    assert [WAKE, WAKE] == redis_client.lrange(keys.landing, 0, -1)
    assert QueueStats(2, 0, 0) == transport.stats("q")
    with pytest.raises(QueueFull):
        transport.push("q", [b"z"], options=PushOptions(max_length=2))
    transport.push("q", [b"z"], options=PushOptions(max_length=3))
    assert [b"x", b"z", b"y"] == inner(transport.peek("q", limit=9))
    assert [b"x", b"z", b"y"] == inner(transport.claim("q", lease=LEASE, limit=9))
    assert [WAKE] == redis_client.lrange(keys.landing, 0, -1)
    assert 0 == redis_client.llen(keys.ready)


def test_a_bounded_batch_is_one_step_or_refused(transport: RedisTransport) -> None:
    bound = PushOptions(max_length=99_999)
    with pytest.raises(Unsupported, match="smaller batches"):
        transport.push("q", [b"x"] * 10_001, options=bound)
    sends = Recorder(transport)
    transport.push("q", [b"x"] * 10_000, options=bound)
    assert 1 == len(sends.take())
    assert 10_000 == transport.stats("q").ready


def test_refused_puts_leave_no_lanes(transport: RedisTransport, redis_client: redis.Redis) -> None:
    keyed = PushOptions(dedup=Dedup("k", 9.0))
    full = PushOptions(max_length=1)
    for n in range(20):
        transport.push("q", [b"x"], options=keyed, token=f"k{n}")
        with pytest.raises(QueueFull):
            transport.push("q", [b"1", b"2"], options=full, token=f"f{n}")
    assert 1 == len(list(redis_client.scan_iter(f"*{transport._prefix}:q*:p:*")))
    assert 1 == len(transport._puts.tickets._idle)
    assert not transport._puts.tickets._open


def test_a_bound_is_exact_whoever_puts(redis_url: str, redis_prefix: str) -> None:
    most, each = 20, 150
    bound = PushOptions(max_length=most)
    taken: list[bytes] = []
    highest = [0]
    deadline = time.monotonic() + 90
    full = threading.Event()

    def produce(name: int) -> None:
        with transport_on(redis_url, redis_prefix) as transport:
            for n in range(each):
                token = f"{name}.{n}"
                while time.monotonic() < deadline:
                    try:
                        transport.push("q", [token.encode()], options=bound, token=token)
                        break
                    except QueueFull:
                        full.set()
                        time.sleep(0.001)

    def consume() -> None:
        full.wait(90)
        with transport_on(redis_url, redis_prefix) as transport:
            while len(taken) < 4 * each and time.monotonic() < deadline:
                highest[0] = max(highest[0], transport.stats("q").ready)
                found = transport.claim("q", lease=LEASE, limit=5, timeout=0.05)
                transport.ack("q", [one.receipt for one in found])
                taken.extend(one.body for one in found)

    threads = [threading.Thread(target=produce, args=(n,)) for n in range(4)]
    threads += [threading.Thread(target=consume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(b"%d.%d" % (n, m) for n in range(4) for m in range(each))
    assert highest[0] == most


def test_a_repeated_mark_knows_its_own_first_send(transport: RedisTransport) -> None:
    place = transport._enter("q").remembered("k")
    one, other = (mark(place, "same", 9000) for _ in range(2))
    once = transport._exchange.once
    assert [None, None] == [once("mark", [one(again)], unknown="")[0] for again in (False, True)]
    assert [b"same"] == once("mark", [other(False)], unknown="")
    assert [b"same"] == once("mark", [other(True)], unknown="")


def test_an_id_that_is_put_twice_does_not_pass_for_the_holder(transport: RedisTransport) -> None:
    one, two = (wrap(b"i" * 16, body, NO_HEADERS, Place(0, "g")) for body in (b"1", b"2"))
    transport.push("q", [one], options=PLACED)
    (held,) = transport.claim("q", lease=LEASE)
    transport.push("q", [two], options=PushOptions(placed=True, delay=0.001))
    time.sleep(0.005)
    assert [] == transport.claim("q", lease=LEASE)
    assert [] == transport.ack("q", [held.receipt])
    assert [b"2"] == inner(transport.claim("q", lease=LEASE))


def test_who_is_woken_without_a_turn_wakes_another(
    transport: RedisTransport, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bytes] = []
    limits = Limits(rate=0.001)
    over = threading.Event()
    monkeypatch.setattr("queuekit.backends.redis.claims.sleep", over.wait)  # for its turn

    def limited() -> None:
        with contextlib.suppress(TransportClosed):  # who has no turn waits until then
            one = transport.claim_within("q", limits=limits, lease=LEASE, timeout=LONG)
            found.extend(inner(one))

    def unlimited() -> None:
        found.extend(inner(transport.claim("q", lease=LEASE, timeout=LONG)))

    transport.push("q", [placed(b"warm", 1)], options=PLACED)
    transport.ack("q", [one.receipt for one in transport.claim("q", lease=LEASE)])
    transport.claim("q", lease=LEASE)
    threads = [threading.Thread(target=each) for each in (limited, limited, unlimited)]
    for n, thread in enumerate(threads):
        thread.start()
        wait_until(lambda n=n: blocked(redis_client, transport._prefix) > n)
    begun = time.monotonic()
    transport.push("q", [placed(b"1", 1), placed(b"2", 1)], options=PLACED)
    wait_until(lambda: len(found) == 2)
    assert time.monotonic() - begun < SOON, "it waited for the end of its slice"
    transport.close()
    over.set()
    for thread in threads:
        thread.join()
    assert [b"1", b"2"] == sorted(found)
