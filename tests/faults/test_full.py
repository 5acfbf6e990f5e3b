"""A full server: it takes nothing more, and everything in it can be worked off."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from faults.servers import server_in
from queuekit import Message, Queue, QueueFull, ReliableQueue
from queuekit._envelope import Place, wrap
from queuekit.abilities import Limits
from queuekit.backends.redis.transport import RedisTransport
from queuekit.transport import PushOptions

pytestmark = pytest.mark.redis


@contextlib.contextmanager
def full(directory: Path) -> Iterator[tuple[str, redis.Redis]]:
    """Yield a server whose queue ``jobs`` has ten messages, and no room for more."""
    with server_in(directory) as server, redis.Redis.from_url(server.url) as client:
        with ReliableQueue("jobs", server.url) as jobs, Queue("numbers", server.url) as numbers:
            jobs.put_many(range(10))
            numbers.put(*range(3))
            jobs.dead.size()
        client.config_set("maxmemory", 1)
        yield server.url, client


def test_puts_are_refused_and_store_nothing(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        url, client = stack.enter_context(full(tmp_path))
        jobs = stack.enter_context(ReliableQueue[str]("jobs", url))
        numbers = stack.enter_context(Queue[int]("numbers", url))
        before = (jobs.stats(), numbers.size())
        for refused in (
            lambda: jobs.put("x"),
            lambda: jobs.put("x", delay=5),
            lambda: jobs.put_many(["x"] * 50),
            lambda: numbers.put(1),
        ):
            with pytest.raises(QueueFull, match="maxmemory"):
                refused()
        assert before == (jobs.stats(), numbers.size())
        client.config_set("maxmemory", 0)
        jobs.put("x")
        numbers.put(1)


ENDS: dict[str, Callable[[Message[int]], object]] = {
    "ack": lambda message: message.ack(),
    "fail": lambda message: message.fail(delay=0),
    "fail, delayed": lambda message: message.fail(delay=0.05),
    "release": lambda message: message.release(),
    "reject": lambda message: message.reject("no"),
    "extend": lambda message: message.extend(lease=60),
}


@pytest.mark.parametrize("way", ENDS)
def test_every_end_of_a_message_goes_on(tmp_path: Path, way: str) -> None:
    """For one of its claim, and for a message alone; then all are worked off."""
    with full(tmp_path) as (url, _), ReliableQueue[int]("jobs", url) as jobs:
        one = jobs.get(block=True)
        two, three = jobs.get_many(2)
        ENDS[way](one)
        ENDS[way](two)
        three.ack()
        held = {"extend": 2}.get(way, 0)
        assert held == jobs.stats().claimed
        gone = 1 + 2 * (way in {"ack", "reject"}) + held
        assert 10 - gone == drained(jobs)
        assert 2 * (way == "reject") == jobs.dead.size()
        for letter in jobs.dead.get_many(9):
            letter.ack()


def test_expired_claims_come_back(tmp_path: Path) -> None:
    with full(tmp_path) as (url, _):
        with ReliableQueue("jobs", url, lease=0.1) as lost:
            assert 4 == len(lost.get_many(4))
        time.sleep(0.15)
        with ReliableQueue("jobs", url) as jobs:
            assert 10 == drained(jobs)


def test_a_fifo_is_emptied(tmp_path: Path) -> None:
    with full(tmp_path) as (url, client), Queue("numbers", url) as numbers:
        assert [0, 1] == numbers.get_many(2)
        assert 2 == numbers.get(timeout=1)
        assert numbers.get(timeout=0.05) is None
        with ReliableQueue("jobs", url) as jobs:
            drained(jobs)
        assert [] == list(client.scan_iter("*jobs*:c:*"))


def test_waiting_costs_little(tmp_path: Path) -> None:
    """BLMOVE is refused: who waits sleeps instead, and does not spin."""
    with full(tmp_path) as (url, client), ReliableQueue("empty", url) as empty:
        client.config_resetstat()
        assert empty.get(timeout=1.0) is None
        stats = client.info("commandstats")
        assert stats["cmdstat_evalsha"]["calls"] <= 40, "a look every 50 ms, in two commands"


def placed(count: int) -> list[bytes]:
    """Return messages of two groups and two levels."""
    places = [Place(n % 2, "gh"[n % 2]) for n in range(count)]
    return [wrap(bytes([n]) * 16, b"%d" % n, {}, place) for n, place in enumerate(places)]


@pytest.mark.parametrize("way", ["ack", "fail", "delayed", "release", "move", "expire", "pop"])
def test_a_queue_that_keeps_places_is_worked_off(tmp_path: Path, way: str) -> None:
    with (
        server_in(tmp_path) as server,
        redis.Redis.from_url(server.url) as client,
        contextlib.closing(RedisTransport.from_url(server.url)) as transport,
    ):
        transport.push("p", placed(9), options=PushOptions(placed=True))
        transport.claim_within("p", limits=Limits(rate=1e6), lease=0.001)
        for _ in range(2):  # loads the scripts, which is refused later
            transport.pop("p", timeout=0.01)
            transport.purge("other")
        held = [one.receipt for one in transport.claim("p", lease=0.05)]
        transport.release("p", held, counted=True)
        client.config_set("maxmemory", 1)
        for options in (PushOptions(placed=True), PushOptions(max_length=99)):
            with pytest.raises(QueueFull, match="maxmemory") as caught:
                transport.push("p", placed(1), options=options)
            assert caught.value.max_length is None
        held = [one.receipt for one in transport.claim("p", lease=0.05)]
        assert 1 == len(held)
        if way in {"fail", "delayed"}:
            delay = 0.01 * (way == "delayed")
            assert [] == transport.release("p", held, counted=True, delay=delay)
        elif way == "release":
            assert [] == transport.release("p", held, counted=False)
        elif way == "move":
            assert [] == transport.move("p", [(held[0], placed(1)[0])], to="dead")
        elif way == "ack":
            assert [] == transport.ack("p", held)
        time.sleep(0.1)
        while way == "pop" and transport.pop("p", timeout=0.1):
            pass
        deadline = time.monotonic() + 20
        while any(transport.stats("p")) and time.monotonic() < deadline:
            found = transport.claim_within("p", limits=Limits(rate=1e6), lease=9, timeout=0.1)
            assert [] == transport.ack("p", [one.receipt for one in found])
        assert (0, 0, 0) == transport.stats("p")


def drained(jobs: ReliableQueue[int]) -> int:
    """Work off what is there, and what comes due or back meanwhile; return how many."""
    done = 0
    end = time.monotonic() + 20
    while any(jobs.stats()[:2]):
        assert time.monotonic() < end
        message = jobs.get(timeout=0.5)
        if message is not None:
            message.ack()
            done += 1
    return done
