"""A signal handler that raises, at every place of a sync call to Redis: no message goes with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from backends.interruption import everywhere
from backends.redis_tools import transport_on

from queuekit import LeaseLost, Message, Queue, ReliableQueue
from queuekit._envelope import Place, wrap
from queuekit.abilities import Limits
from queuekit.backends.redis.transport import RedisTransport
from queuekit.transport import PushOptions

pytestmark = pytest.mark.redis

BODIES = [b"1", b"2", b"3"]
NAME = "q"


@pytest.fixture
def transport(redis_url: str, redis_prefix: str) -> Iterator[RedisTransport]:
    with transport_on(redis_url, redis_prefix) as transport:
        yield transport


def drained(queue: Queue[bytes]) -> list[bytes]:
    found: list[bytes] = []
    while (body := queue.get()) is not None:
        found.append(body)
    return found


GETS: dict[str, Callable[[Queue[bytes]], object]] = {
    "get": lambda queue: queue.get(),
    "get, waiting": lambda queue: queue.get(timeout=1),
    "get_many": lambda queue: queue.get_many(2),
    "get_many, waiting": lambda queue: queue.get_many(2, timeout=1),
    "consume": lambda queue: next(queue.consume()),
}


@pytest.mark.parametrize("way", GETS)
def test_an_interrupted_get_loses_nothing(transport: RedisTransport, way: str) -> None:
    queue = Queue(NAME, transport, serializer="bytes")
    queue.put(*BODIES)
    for _, where in everywhere(lambda: GETS[way](queue), least=100):
        if not where:
            continue
        assert drained(queue) == BODIES, where
        queue.put(*BODIES)


def test_what_was_kept_for_the_next_call_survives_its_interruption(
    transport: RedisTransport,
) -> None:
    queue = Queue(NAME, transport, serializer="bytes")
    key = transport._enter(NAME).ready
    transport._fifo.kept.put(key, BODIES)
    for _, where in everywhere(lambda: queue.get_many(2), least=10):
        if not where:
            continue
        assert drained(queue) == BODIES, where
        transport._fifo.kept.put(key, BODIES)


CLAIMS: dict[str, Callable[[ReliableQueue[bytes]], object]] = {
    "get": lambda queue: queue.get(),
    "get_many, waiting": lambda queue: queue.get_many(2, timeout=1),
}


@pytest.mark.parametrize("way", CLAIMS)
def test_an_interrupted_claim_counts_nothing(transport: RedisTransport, way: str) -> None:
    queue = ReliableQueue(NAME, transport, serializer="bytes")
    queue.put_many(BODIES)
    for _, where in everywhere(lambda: CLAIMS[way](queue), least=100):
        if not where:
            continue
        assert transport.stats(NAME) == (3, 0, 0), where
        found = queue.get_many(9)
        assert [(1, body) for body in BODIES] == [(each.attempt, each.body) for each in found], (
            where
        )
        queue.ack(*found)
        queue.put_many(BODIES)


WITHIN = "backends/redis"
"""An end that was interrupted above that was answered: it was settled before, and said to be."""

ENDS: dict[str, Callable[[Message[bytes]], object]] = {
    "ack": lambda message: message.ack(),
    "fail": lambda message: message.fail(delay=0),
    "release": lambda message: message.release(),
    "reject": lambda message: message.reject("no"),
}


def one_message(transport: RedisTransport) -> Message[bytes]:
    """Forget what an earlier round left, and return a message of a new one."""
    queue = ReliableQueue(NAME, transport, serializer="bytes")
    transport.purge(NAME)
    transport.purge(f"{NAME}!dead")
    queue.put(b"x")
    return queue.get(block=True)


@pytest.mark.parametrize("way", ENDS)
def test_an_interrupted_end_is_asked_again_and_happens_once(
    transport: RedisTransport, way: str
) -> None:
    queue = ReliableQueue(NAME, transport, serializer="bytes")
    message = one_message(transport)
    for _, where in everywhere(lambda: ENDS[way](message), least=50):  # noqa: B023 - called in this turn
        if not where or WITHIN not in where:
            with contextlib.suppress(LeaseLost):
                message.ack()
            message = one_message(transport)
            continue
        try:
            ENDS[way](message)
        except LeaseLost:
            pytest.fail(f"{where}: it was ours, and is said to be lost")
        ready, _, claimed = transport.stats(NAME)
        assert (ready, claimed) == (int(way in {"fail", "release"}), 0), where
        assert queue.dead.size() == (way == "reject"), where
        with pytest.raises(LeaseLost):
            message.ack()
        message = one_message(transport)


@pytest.mark.parametrize("second", ENDS)
@pytest.mark.parametrize("first", ENDS)
def test_of_two_interrupted_ends_the_first_one_counts(
    transport: RedisTransport, first: str, second: str
) -> None:
    """If it arrived; and of the second it is said truly whether it was done."""
    queue = ReliableQueue(NAME, transport, serializer="bytes")
    message = one_message(transport)
    for _, where in everywhere(lambda: ENDS[first](message), least=50):  # noqa: B023 - called in this turn
        if not where or WITHIN not in where:
            with contextlib.suppress(LeaseLost):
                message.ack()
            message = one_message(transport)
            continue
        done = first
        if first != second:
            try:
                ENDS[second](message)
            except LeaseLost:
                pass
            else:
                done = second
        else:
            ENDS[second](message)
        ready, _, claimed = transport.stats(NAME)
        assert (ready, claimed) == (int(done in {"fail", "release"}), 0), where
        assert queue.dead.size() == (done == "reject"), where
        message = one_message(transport)


PLACED_CALLS: dict[str, Callable[[RedisTransport], object]] = {
    "claim": lambda transport: transport.claim(NAME, lease=30.0),
    "claim, waiting": lambda transport: transport.claim(NAME, lease=30.0, limit=9, timeout=1.0),
    "within limits": lambda transport: transport.claim_within(
        NAME, limits=Limits(rate=1e6, in_flight=5), lease=30.0, timeout=1.0
    ),
    "pop": lambda transport: transport.pop(NAME, limit=9, timeout=1.0),
}


@pytest.mark.parametrize("way", PLACED_CALLS)
def test_where_a_queue_keeps_places_an_interruption_takes_nothing(
    transport: RedisTransport, way: str
) -> None:
    """Whether or not the transport has met the sign before."""
    keys = transport._enter(NAME)
    places = [Place(1, "g"), Place(0), Place(0, "g")]
    frames = [wrap(bytes([n]) * 16, b"x", {}, place) for n, place in enumerate(places)]
    transport.push(NAME, frames, options=PushOptions(placed=True))
    knows = False
    for _, where in everywhere(lambda: PLACED_CALLS[way](transport), least=100):
        keys.is_placed = knows = not knows
        if not where:
            continue
        if way == "pop":
            found = transport.pop(NAME, limit=9)
            assert sorted(frames) == sorted(found), where
            transport.push(NAME, frames, options=PushOptions(placed=True))
            continue
        assert transport.stats(NAME) == (3, 0, 0), where
        assert frames[:2] == transport.peek(NAME, limit=9), where
        keys.is_placed = knows
