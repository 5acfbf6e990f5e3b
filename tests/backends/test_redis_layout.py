"""What is stored: lists that others can fill, and nothing that stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import redis

from queuekit._envelope import claimed_id, new_ids, wrap
from queuekit.backends.redis.keys import Keys
from queuekit.backends.redis.transport import RedisTransport
from queuekit.errors import ConfigurationError, TransportError
from queuekit.transport import PushOptions

from .patience import LONG, SOON
from .redis_tools import let_wait_long, transport_on

pytestmark = pytest.mark.redis

LEASE = 30.0


def framed(text: bytes) -> bytes:
    return wrap(new_ids(1, now_ms=0, entropy=text.ljust(10, b"."))[0], text)


@pytest.fixture
def transport(redis_url: str, redis_prefix: str) -> Iterator[RedisTransport]:
    with transport_on(redis_url, redis_prefix) as transport:
        yield transport


def test_a_queue_is_a_list_of_bodies(
    transport: RedisTransport, redis_client: redis.Redis, redis_prefix: str
) -> None:
    transport.push("q", [b"ours"])
    redis_client.rpush(f"{redis_prefix}:q", b"theirs")
    assert [b"ours", b"theirs"] == redis_client.lrange(f"{redis_prefix}:q", 0, -1)
    assert [b"ours", b"theirs"] == [one.body for one in transport.claim("q", lease=LEASE, limit=9)]


def test_a_hotqueue_list_is_a_queue(redis_url: str, redis_client: redis.Redis) -> None:
    name = f"x{time.monotonic_ns()}"
    redis_client.rpush(f"hotqueue:{name}", b"1", b"2", b"3")
    with transport_on(redis_url, "hotqueue") as transport:
        assert [b"1"] == transport.pop(name)
        (held,) = transport.claim(name, lease=LEASE)
        assert b"2" == held.body
        transport.ack(name, [held.receipt])
        transport.push(name, [b"4"])
    assert [b"3", b"4"] == redis_client.lpop(f"hotqueue:{name}", 9)


def test_nothing_stays_of_a_queue_at_rest(
    transport: RedisTransport, redis_client: redis.Redis, redis_prefix: str
) -> None:
    transport.push("q", [b"%d" % i for i in range(20)], token="t")
    transport.push("q", [framed(b"late")], options=PushOptions(delay=0.001))
    held = transport.claim("q", lease=LEASE, limit=10)
    transport.ack("q", [one.receipt for one in held[:5]])
    transport.release("q", [one.receipt for one in held[5:7]], counted=True)
    transport.release("q", [one.receipt for one in held[7:]], counted=False)
    time.sleep(0.01)
    while held := transport.claim("q", lease=LEASE, limit=3):
        transport.ack("q", [one.receipt for one in held])
    left = {
        key.decode().rsplit(":", 2)[1]: redis_client.pttl(key)
        for key in redis_client.scan_iter(f"*{redis_prefix}:*", count=1000)
    }
    assert ["p"] == list(left), "only the counter of the lane, and it goes by itself"
    assert 0 < left["p"] <= 3_600_000


def test_a_claim_is_a_list_under_one_lease(
    transport: RedisTransport, redis_client: redis.Redis, redis_prefix: str
) -> None:
    transport.push("q", [b"1", b"2"])
    before, _ = redis_client.time()
    held = transport.claim("q", lease=LEASE, limit=2)
    after, _ = redis_client.time()
    token = held[0].receipt.split(".")[0]
    tag = f"{{{redis_prefix}:q}}"
    assert [f"{token}.0.2", f"{token}.1.2"] == [one.receipt for one in held]
    assert [b"1", b"2"] == redis_client.lrange(f"{tag}:c:{token}", 0, -1)
    ((member, deadline),) = redis_client.zrange(f"{tag}:leases", 0, -1, withscores=True)
    assert token.encode() == member
    assert before <= deadline / 1000 - LEASE <= after + 1
    transport.ack("q", [held[0].receipt])
    assert [b"\xc1\x71TA", b"2"] == redis_client.lrange(f"{tag}:c:{token}", 0, -1)


def test_a_bare_body_keeps_its_id_in_a_frame_of_the_store(
    transport: RedisTransport, redis_client: redis.Redis, redis_prefix: str
) -> None:
    redis_client.rpush(f"{redis_prefix}:q", b"bare")
    (held,) = transport.claim("q", lease=LEASE)
    token = held.receipt.split(".")[0]
    assert claimed_id(token, 0) == held.key
    transport.release("q", [held.receipt], counted=True)
    stored = redis_client.lindex(f"{redis_prefix}:q", 0)
    assert b"\xc1\x71\x02\x01" + bytes.fromhex(held.key) + b"bare" == stored
    assert [b"bare"] == transport.peek("q")
    (again,) = transport.claim("q", lease=LEASE)
    assert (b"bare", 2, held.key) == (again.body, again.attempt, again.key)
    transport.release("q", [again.receipt], counted=False)
    assert [b"bare"] == transport.pop("q")


@pytest.mark.parametrize("body", [b"\xc1\x71TA", b"\xc1\x71", b"\xc1\x71\x02", b"", b"\xc1\x71TD"])
def test_bodies_that_look_like_ours(transport: RedisTransport, body: bytes) -> None:
    transport.push("q", [body, b"next"])
    held = transport.claim("q", lease=LEASE, limit=2)
    assert [body, b"next"] == [one.body for one in held]
    assert (0, 0, 2) == transport.stats("q")
    transport.ack("q", [held[1].receipt])
    transport.release("q", [held[0].receipt], counted=True)
    (again,) = transport.claim("q", lease=LEASE)
    assert (body, 2, held[0].key) == (again.body, again.attempt, again.key)


def test_attempts_stop_at_255(transport: RedisTransport) -> None:
    transport.push("q", [b"\xc1\x71\x00\xfe" + b"i" * 16 + b"x"])
    for attempt in (255, 256, 256):
        (held,) = transport.claim("q", lease=LEASE)
        assert attempt == held.attempt
        transport.release("q", [held.receipt], counted=True)


@pytest.mark.parametrize("name", ["a{b}c", "a%7Bb", "tab\there", "ä{", "{}", "a:b", "a b"])
def test_names_share_no_keys_and_one_slot(name: str) -> None:
    keys, others = Keys("p", name), {Keys("p", other).ready for other in ("a", "{", "%", "a{b}")}
    assert keys.ready not in others
    tag = b"{" + keys.ready + b"}"
    ours = [keys.landing, keys.leases, keys.delayed, keys.claim(b"t"), keys.mark(b"t")]
    assert all(key.startswith(tag) for key in [*ours, keys.lane(b"l")])
    assert 0 == sum(keys.ready.count(char) for char in (b"{", b"}", b"\t"))


@pytest.mark.parametrize("prefix", ["", "a:b", "{a}", "a b", "a%", None])
def test_a_prefix_has_letters_and_digits(redis_url: str, prefix: str | None) -> None:
    with pytest.raises(ConfigurationError):
        RedisTransport(redis.Redis.from_url(redis_url), prefix=prefix)


def test_a_bare_body_cannot_be_delayed(transport: RedisTransport) -> None:
    with pytest.raises(ConfigurationError, match="frame"):
        transport.push("q", [b"bare"], options=PushOptions(delay=1.0))
    assert (0, 0, 0) == transport.stats("q")


@pytest.mark.parametrize(
    ("part", "calls"),
    [
        ("ready", ["claim", "release", "fail", "purge", "pop", "peek", "push", "stats"]),
        ("landing", ["claim", "release", "purge", "pop", "peek", "stats"]),
        ("leases", ["claim", "release", "fail", "ack", "extend", "recover", "stats"]),
        ("delayed", ["claim", "delay", "purge", "recover", "stats"]),
    ],
)
def test_a_key_of_another_type_is_an_error_and_changes_nothing(
    transport: RedisTransport,
    redis_client: redis.Redis,
    redis_prefix: str,
    part: str,
    calls: list[str],
) -> None:
    transport.push("q", [b"1", b"2"])
    (held,) = transport.claim("q", lease=LEASE)
    key = getattr(Keys(redis_prefix, "q"), part)
    redis_client.delete(key)
    redis_client.set(key, b"something else")

    def dump() -> dict[bytes, bytes | None]:
        found = redis_client.scan_iter(f"*{redis_prefix}:*", count=1000)
        return {key: redis_client.dump(key) for key in found}

    does = {
        "claim": lambda: transport.claim("q", lease=LEASE),
        "release": lambda: transport.release("q", [held.receipt], counted=False),
        "fail": lambda: transport.release("q", [held.receipt], counted=True),
        "delay": lambda: transport.release("q", [held.receipt], counted=True, delay=1.0),
        "ack": lambda: transport.ack("q", [held.receipt]),
        "extend": lambda: transport.extend("q", [held.receipt], lease=LEASE),
        "recover": lambda: transport.recover("q"),
        "purge": lambda: transport.purge("q"),
        "pop": lambda: transport.pop("q"),
        "peek": lambda: transport.peek("q"),
        "push": lambda: transport.push("q", [b"3"], token="t"),
        "stats": lambda: transport.stats("q"),
    }
    before = dump()
    for call in calls:
        with pytest.raises(TransportError, match=r"WRONGTYPE.*no queuekit data"):
            does[call]()
        assert before == dump(), call


def test_a_pop_loses_nothing_for_a_key_of_another_type(
    transport: RedisTransport, redis_client: redis.Redis, redis_prefix: str
) -> None:
    keys = Keys(redis_prefix, "q")
    redis_client.rpush(keys.landing, b"1", b"2")
    redis_client.set(keys.ready, b"something else")
    assert [b"1", b"2"] == transport.pop("q", limit=9)
    with pytest.raises(TransportError, match="WRONGTYPE"):
        transport.pop("q", limit=9)


def test_a_claim_that_is_no_list_stops_no_others(
    transport: RedisTransport, redis_client: redis.Redis, redis_prefix: str
) -> None:
    transport.push("q", [b"1", b"2"])
    bad, good = (transport.claim("q", lease=LEASE)[0].receipt.split(".")[0] for _ in range(2))
    key = Keys(redis_prefix, "q").claim(bad.encode())
    redis_client.delete(key)
    redis_client.set(key, b"?")
    redis_client.zadd(Keys(redis_prefix, "q").leases, {bad: 1, good: 2})  # both leases are over
    assert 2 == transport.recover("q")
    assert [b"2"] == transport.pop("q", limit=9)
    assert 0 == transport.recover("q")


def test_the_server_judges_the_lease(
    transport: RedisTransport, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_wait_long(monkeypatch)
    transport.push("q", [b"x"])
    begun = time.monotonic()
    (held,) = transport.claim("q", lease=0.2)
    with transport_on(redis_url, transport._prefix) as other:
        (taken,) = other.claim("q", lease=LEASE, timeout=LONG)
        assert 0.19 < time.monotonic() - begun < SOON
    assert 2 == taken.attempt
    assert [held.receipt] == transport.ack("q", [held.receipt])


def test_an_empty_queue_and_a_long_one_cost_the_same(transport: RedisTransport) -> None:
    """In turn, and the best of many: what else this machine does comes between some of them."""

    def seconds(queue: str) -> float:
        transport.push(queue, [b"x"])
        begun = time.perf_counter()
        (held,) = transport.claim(queue, lease=LEASE)
        transport.ack(queue, [held.receipt])
        return time.perf_counter() - begun

    transport.push("long", [b"x" * 100] * 100_000)
    transport.claim("long", lease=LEASE, limit=1000)
    times = [(seconds("long"), seconds("short")) for _ in range(100)]
    long, short = map(min, zip(*times, strict=True))
    assert long < 5 * short
    transport.purge("long")


def test_counts_are_of_one_moment(transport: RedisTransport) -> None:
    """Messages that go from claimed to ready and back between the looks are all counted."""
    transport.push("q", [b"x"] * 20)
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            held = [one.receipt for one in transport.claim("q", lease=60, limit=20)]
            transport.release("q", held, counted=False)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        counts = [transport.stats("q") for _ in range(300)]
        end = time.monotonic() + SOON
        while len({stats.claimed > 0 for stats in counts}) < 2 and time.monotonic() < end:
            counts.append(transport.stats("q"))
    finally:
        over.set()
        thread.join()
    assert {20} == {stats.ready + stats.claimed for stats in counts}
    assert {True, False} == {stats.claimed > 0 for stats in counts}


def test_a_token_is_that_of_one_queue(transport: RedisTransport) -> None:
    transport.push("q", [b"1"], token="t")
    transport.push("other", [b"2"], token="u")
    transport.push("other", [b"3"], token="t")
    assert [b"2", b"3"] == transport.pop("other", limit=9)
