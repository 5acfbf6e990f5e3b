"""
Leases under fire: consumers that are stopped, killed, poisoned and signalled, in real processes.

Times are chosen for a busy machine: a lease that must not run out is long, one that must is short.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from queuekit import ReliableQueue, TransportClosed, TransportUnavailable

from .children import SECONDS, Child, child, url_of, wait_for

LEASE = 0.3
SLICE = 1.0
"""Seconds that one wait of a transport lasts at most."""
PATIENCE = 10.0
"""Seconds more than a promise, for a busy machine; without the promise it would be a minute."""


def on(*fast: str) -> pytest.MarkDecorator:
    """Run a test on both stores: at once on those named, on the others in ``make faults``."""
    return pytest.mark.parametrize("kind", [case(kind, fast=kind in fast) for kind in STORES])


def case(*values: Any, fast: bool) -> Any:
    """Return one set of parameters, the first of them a store."""
    marks = [pytest.mark.redis] if values[0] == "redis" else []
    return pytest.param(*values, marks=marks if fast else [*marks, pytest.mark.t2])


STORES = ("sqlite", "redis")


class Shop:
    """A store of a test's own, looked at and worked on from here as well."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jobs = ReliableQueue[Any]("jobs", url)

    def counts(self) -> tuple[int, int, int]:
        return tuple(self.jobs.stats())

    def snapshot(self) -> Any:
        """Return all that is stored of messages and claims, byte by byte."""
        if self.url.startswith("sqlite"):
            path = self.url.removeprefix("sqlite:///")
            with contextlib.closing(sqlite3.connect(path)) as connection:
                dump = connection.iterdump()
                return [line for line in dump if not line.startswith(NAMED)]
        base, _, prefix = self.url.partition("?prefix=")
        with redis.Redis.from_url(base) as client:
            keys = sorted(client.keys(f"*{prefix}:*"))
            return {key: client.dump(key) for key in keys}

    def dead(self) -> list[str]:
        return [letter.body.decode() for letter in self.jobs.dead.letters()]


@pytest.fixture
def shop(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    shop = Shop(url_of(kind, tmp_path, lambda: str(request.getfixturevalue("redis_url"))))
    with shop.jobs:
        yield shop


NAMED = 'INSERT INTO "queuekit_queues"'
"""A dead letter gives its queue a number, also when it is refused."""

VERBS = ["ack", "fail", "extend", "release", "reject"]


@pytest.mark.parametrize(
    ("kind", "acked"),
    [
        case(kind, acked, fast=acked == (kind == "redis"))
        for kind in STORES
        for acked in (False, True)
    ],
)
def test_a_consumer_stopped_past_its_lease_is_refused(shop: Shop, acked: bool) -> None:
    """K5: it goes on when others have the messages, or had them, and each verb says so."""
    ids = shop.jobs.put_many(VERBS)
    with child("holder", shop.url, lease=LEASE, verbs=VERBS) as first:
        assert ids == [message["id"] for message in first.hear()["held"]]
        first.stop()
        others = [shop.jobs.get(timeout=SECONDS) for _ in VERBS]
        assert [2] * 5 == [message.attempt for message in others if message]
        if acked:
            shop.jobs.ack(*others)
        before = shop.snapshot()
        first.tell()
        first.go_on()
        for verb, message_id in zip(VERBS, ids, strict=True):
            assert {"verb": verb, "outcome": "lost", "ids": [message_id]} == first.hear()
        assert 0 == first.end()
    assert before == shop.snapshot(), "a refused verb changes nothing"
    if not acked:
        shop.jobs.ack(*others)
    assert (0, 0, 0) == shop.counts()


@on()
def test_a_consumer_stopped_for_less_than_its_lease_settles(shop: Shop) -> None:
    shop.jobs.put("x")
    with child("holder", shop.url, lease=60, verbs=["ack"]) as first:
        first.hear()
        first.stop()
        assert shop.jobs.get(timeout=0.2) is None
        first.tell()
        first.go_on()
        assert "done" == first.hear()["outcome"]
    assert (0, 0, 0) == shop.counts()


WAYS = ["get", "get_many", "consume", "worker"]
ROLES = ["getter", "async_getter"]


def in_every_way(*fast: tuple[str, str, str]) -> pytest.MarkDecorator:
    """Run a test on both stores, in both colours, by each method that hands messages out."""
    cases = list(itertools.product(STORES, ROLES, WAYS))
    return pytest.mark.parametrize(
        ("kind", "role", "way"), [case(*one, fast=one in fast) for one in cases]
    )


@in_every_way(("sqlite", "async_getter", "worker"), ("redis", "getter", "consume"))
def test_nothing_dead_is_handed_out(shop: Shop, role: str, way: str) -> None:
    """K6: stopped within the claim, for twice its lease, while another one takes the message."""
    shop.jobs.put("taken")
    with child(role, shop.url, way=way, lease=LEASE, stops=True) as getter:
        getter.hear()
        getter.wait_until_stopped()
        other = shop.jobs.get(timeout=SECONDS)
        assert other is not None
        assert ("taken", 2) == (other.body, other.attempt)
        shop.jobs.put("next")
        getter.go_on()
        found = getter.hear()
        assert ("next", "done") == (found["body"], found["outcome"])
        if way not in {"consume", "worker"}:
            assert 0 == getter.end()
        assert getter.silent()
        other.ack()
    assert (0, 0, 0) == shop.counts()


@in_every_way(("sqlite", "getter", "get"))
def test_what_nobody_took_is_handed_out_alive_and_uncounted(
    shop: Shop, role: str, way: str
) -> None:
    """K6: stopped for half a lease and for two leases, with nobody else around."""
    for stop in (0.5 * LEASE, 2 * LEASE):
        shop.jobs.put("x")
        with child(role, shop.url, way=way, lease=LEASE, stops=True) as getter:
            getter.hear()
            getter.wait_until_stopped()
            time.sleep(stop)
            getter.go_on()
            found = getter.hear()
            assert ("x", 1, "done") == (found["body"], found["attempt"], found["outcome"])
        assert (0, 0, 0) == shop.counts()


@pytest.mark.redis
@pytest.mark.parametrize("kind", ["redis"])
@pytest.mark.parametrize("taken", [False, True])
def test_the_server_claims_for_a_process_that_stands(shop: Shop, taken: bool) -> None:
    """K6 without help from inside: stopped while it waits, the claim is made on the server."""
    with child("getter", shop.url, way="get", lease=LEASE, slice_=SECONDS) as getter:
        getter.hear()
        with redis.Redis.from_url(shop.url.partition("?")[0]) as client:
            wait_for(lambda: any(one["cmd"] == "blmove" for one in client.client_list()))
            getter.stop()
            shop.jobs.put_many(["first", "next"])
            wait_for(lambda: shop.counts() == (1, 0, 1))
        if taken:
            # the next, and what comes back; which first says only how busy the machine is
            both = [shop.jobs.get(timeout=SECONDS) for _ in range(2)]
            found = {one.body: one for one in both if one is not None}
            assert {"next": 1, "first": 2} == {body: one.attempt for body, one in found.items()}
            found["next"].release()
        else:
            time.sleep(2 * LEASE)
        getter.go_on()
        said = getter.hear()
        assert ("next" if taken else "first", 1, "done") == (
            said["body"],
            said["attempt"],
            said["outcome"],
        )


BODIES = [f"before {n}" for n in range(3)] + ["killer"] + [f"behind {n}" for n in range(9)]


@pytest.mark.parametrize(
    ("kind", "way", "prefetch"),
    [
        case(kind, way, prefetch, fast=(kind, way, prefetch) == ("redis", "kill", 10))
        for kind in STORES
        for way in ("kill", "exit", "crash")
        for prefetch in (1, 10)
    ],
)
def test_a_killer_dies_after_exactly_its_attempts(shop: Shop, way: str, prefetch: int) -> None:
    """K7: a supervisor starts a worker anew whenever one has died; neighbours live."""
    attempts = 3
    shop.jobs.put_many(BODIES)
    handed: Counter[str] = Counter()
    deaths = 0
    while sum(shop.counts()):
        options = {"way": way, "lease": LEASE, "prefetch": prefetch, "max_attempts": attempts}
        with child("mortal", shop.url, **options) as worker:
            deaths += worker.end() != 0
            while not worker.silent():
                handed[worker.hear()["body"]] += 1
        assert deaths <= attempts
    assert {body: attempts if body == "killer" else 1 for body in BODIES} == handed
    assert attempts == deaths
    assert ['"killer"'] == shop.dead()


@on("sqlite", "redis")
def test_waiting_consumers_recover_what_a_killed_one_held(shop: Shop) -> None:
    """No producer stirs: all that happens is that a lease ends, and that a message becomes due."""
    roles = [("waiter", "get"), ("waiter", "consume"), ("async_waiter", "get")]
    shop.jobs.put("held")
    with child("holder", shop.url, lease=2 * LEASE, verbs=["ack"]) as holder, ExitStack() as stack:
        holder.hear()
        waiters = [
            stack.enter_context(child(role, shop.url, way=way, lease=60)) for role, way in roles
        ]
        for waiter in waiters:
            waiter.hear()
        holder.kill()
        killed = time.monotonic()
        found = first_word(waiters)
        assert ("held", 2) == (found["body"], found["attempt"])
        assert time.monotonic() - killed < 2 * LEASE + SLICE + PATIENCE
        put = time.monotonic()
        shop.jobs.put("delayed", delay=0.5)
        found = first_word(waiters)
        assert ("delayed", 1) == (found["body"], found["attempt"])
        assert 0.49 <= time.monotonic() - put < 0.5 + SLICE + PATIENCE  # the server has ms
        assert all(waiter.silent() for waiter in waiters)
    assert (0, 0, 0) == shop.counts()


def first_word(children: list[Child]) -> dict[str, Any]:
    """Return what one of them says next."""
    talking: Child = wait_for(lambda: next((one for one in children if not one.silent()), None))
    return talking.hear()


@on("redis")
def test_clocks_of_clients_a_day_apart_change_nothing(shop: Shop) -> None:
    """R15: the wall clocks of two processes are wrong by a day, one to each side."""
    day = 86400
    shop.jobs.put("held")
    began = time.monotonic()
    with ExitStack() as stack:
        early = {"delay": 1.5, "shift": day}
        putter = stack.enter_context(child("putter", shop.url, body="delayed", **early))
        early = {"lease": 1.0, "shift": day}
        ahead = stack.enter_context(child("holder", shop.url, verbs=["ack"], **early))
        word, put = ahead.hear(), putter.hear()
        behind = stack.enter_context(child("waiter", shop.url, way="get", lease=60, shift=-day))
        ready = behind.hear()
        assert word["time"] > time.time() + day / 2
        assert ready["time"] < time.time() - day / 2
        assert put["time"] > time.time() + day / 2
        found = sorted((one["body"], one["attempt"]) for one in (behind.hear(), behind.hear()))
        assert [("delayed", 1), ("held", 2)] == found
        assert 1.5 < time.monotonic() - began < day / 24, "the delay, and no day"
        ahead.tell()
        assert "lost" == ahead.hear()["outcome"]
    assert (0, 0, 0) == shop.counts()


@on("redis")
def test_a_worker_that_could_not_renew_says_so_and_acks_nothing(shop: Shop) -> None:
    """W3: a handler that holds the interpreter until another one has its message."""
    shop.jobs.put("x")
    with child("stuck", shop.url, lease=1.0, way="interpreter") as worker:
        while "attempt" not in (word := worker.hear()):
            assert "appendonly" in word["log"]  # the server of the tests has none
        assert 1 == word["attempt"]
        other = shop.jobs.get(timeout=SECONDS)
        assert other is not None
        assert 2 == other.attempt
        worker.tell()
        said = []
        while "over" not in (word := worker.hear()):
            said.append(word["log"])
        assert any("ack: 1 of 1 messages of 'jobs' were not held any more" in log for log in said)
        assert 0 == worker.end()
    assert (0, 0, 1) == shop.counts(), "the other one's"
    other.ack()
    assert (0, 0, 0) == shop.counts()


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        case(kind, way, fast=(kind, way) == ("redis", "loop"))
        for kind in STORES
        for way in ("sleep", "loop")
    ],
)
def test_a_handler_that_lets_other_threads_run_keeps_its_lease(shop: Shop, way: str) -> None:
    """Also one that blocks its event loop."""
    shop.jobs.put("x")
    lease = 3.0  # renewed each second, so that it may stand still for two
    with child("stuck", shop.url, lease=lease, seconds=1.6 * lease, way=way) as worker:
        while "attempt" not in (word := worker.hear()):
            assert "appendonly" in word["log"]
        assert 1 == word["attempt"]
        assert shop.jobs.get(timeout=1.5 * lease) is None
        assert {"over": True} == worker.hear()
    assert (0, 0, 0) == shop.counts()


STATES: dict[str, tuple[str, int, list[int]]] = {
    # state: how it ends, its status, what is ready then
    "idle": ("quietly", 0, []),
    "backoff": ("quietly", 0, [1, 2, 3, 4]),
    "handling": ("by Ctrl-C", 130, [1, 2, 3, 4]),
    "before ack": ("by Ctrl-C", 130, [2, 3, 4]),
    "after ack": ("by Ctrl-C", 130, [2, 3, 4]),
}


@on("sqlite", "redis")
def test_ctrl_c_leaves_nothing_claimed_in_any_state(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """K4: one SIGINT in each state of a worker that has claimed three messages."""
    with ExitStack() as stack:
        shops: dict[str, Shop] = {}
        workers: dict[str, Child] = {}
        for state in STATES:
            folder = tmp_path / state
            folder.mkdir()
            url = url_of(kind, folder, lambda: str(request.getfixturevalue("redis_url")))
            shop = shops[state] = Shop(url)
            stack.enter_context(shop.jobs)
            if state != "idle":
                shop.jobs.put_many([1, 2, 3, 4])
            options = {"state": state, "lease": 60, "prefetch": 3}
            workers[state] = stack.enter_context(child("signalled", shop.url, **options))
        for state, worker in workers.items():
            assert {"state": state} == worker.hear()
            worker.send(signal.SIGINT)
        for state, (ending, status, ready) in STATES.items():
            start = time.monotonic()
            assert {"ended": ending} == workers[state].hear(), state
            assert status == workers[state].end(), state
            assert time.monotonic() - start < PATIENCE
            assert (len(ready), 0, 0) == shops[state].counts(), state
            left = shops[state].jobs.get_many(9)
            assert [(n, 1) for n in ready] == [(m.body, m.attempt) for m in left], state


@on()
def test_after_a_second_ctrl_c_and_a_sigterm_the_lease_brings_back(shop: Shop) -> None:
    """K4: what gave no time to give anything back is counted, and nothing is lost."""
    shop.jobs.put_many([1, 2])
    options = {"lease": 2.0, "prefetch": 2}
    with child("signalled", shop.url, state="releasing", **options) as worker:
        assert {"state": "handling"} == worker.hear()
        worker.send(signal.SIGINT)
        assert {"state": "releasing"} == worker.hear()
        worker.send(signal.SIGINT)
        word = worker.hear()
        while word == {"state": "releasing"}:  # the worker's own end tries once more
            worker.send(signal.SIGINT)
            word = worker.hear()
        assert {"ended": "by Ctrl-C"} == word
        assert 130 == worker.end()
    with child("signalled", shop.url, state="handling", **options) as worker:
        assert {"state": "handling"} == worker.hear()
        worker.send(signal.SIGTERM)
        assert -signal.SIGTERM == worker.end()
    first = shop.jobs.get(timeout=SECONDS)
    second = shop.jobs.get(timeout=SECONDS)
    assert first is not None
    assert second is not None
    assert [(1, 3), (2, 3)] == [(m.body, m.attempt) for m in (first, second)]


@pytest.mark.parametrize(
    ("kind", "state", "end"),
    [
        case(kind, state, end, fast=state != "waiting" or (kind, end) == ("redis", "close"))
        for kind in STORES
        for state in ("waiting", "handling", "backoff")
        for end in ("stop", "close")
    ],
)
def test_a_worker_is_ended_from_another_thread_in_any_state(
    shop: Shop, state: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R17: afterwards nothing is claimed but, on close, the message within its handler."""
    queue = ReliableQueue[Any]("jobs", shop.url)
    began, go_on = threading.Event(), threading.Event()
    if state == "handling":
        shop.jobs.put_many([1, 2, 3])
    else:
        inner = queue.transport.claim

        def claim(*arguments: Any, **options: Any) -> Any:
            began.set()
            if state == "backoff":
                raise TransportUnavailable("out of reach in this test")
            return inner(*arguments, **options)

        monkeypatch.setattr(queue.transport, "claim", claim)

    @queue.worker(prefetch=2)
    def work(message: Any) -> None:
        began.set()
        assert go_on.wait(SECONDS)

    errors: list[type[Exception]] = []

    def run() -> None:
        try:
            work()
        except TransportClosed as exc:
            errors.append(type(exc))

    thread = threading.Thread(target=run)
    thread.start()
    assert began.wait(SECONDS)
    if state == "waiting":
        time.sleep(0.1)  # or it is ended on its way there
    start = time.monotonic()
    work.stop() if end == "stop" else queue.close()
    go_on.set()
    thread.join(SECONDS)
    assert not thread.is_alive()
    assert time.monotonic() - start < 3 * SLICE + PATIENCE
    if end == "stop" or errors:
        assert ([] if end == "stop" else [TransportClosed]) == errors
    shop.jobs.put("later")
    handled = state == "handling" and end == "close"
    ready = {"stop": 2, "close": 2}[end] if state == "handling" else 0
    assert (ready + 1, 0, int(handled)) == shop.counts()
    queue.close()


def test_in_memory_waiting_threads_and_tasks_recover() -> None:
    """The same for the third transport, whose consumers are threads and tasks of one process."""
    from queuekit import AsyncReliableQueue

    url = f"memory:{time.monotonic_ns()}"
    jobs = ReliableQueue[Any]("jobs", url, lease=LEASE)
    found: list[Any] = []

    def wait() -> None:
        message = ReliableQueue[Any]("jobs", url).get(timeout=SECONDS)
        assert message is not None
        found.append((message.body, message.attempt))
        message.ack()

    async def wait_in_task() -> None:
        queue = AsyncReliableQueue[Any]("jobs", url)
        async with queue.consume(timeout=SECONDS) as messages:
            async for message in messages:
                found.append((message.body, message.attempt))
                await message.ack()
                return

    jobs.put("held")
    assert jobs.get() is not None, "and forgotten"
    threads = [
        threading.Thread(target=wait),
        threading.Thread(target=asyncio.run, args=[wait_in_task()]),
    ]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    wait_for(lambda: found)
    assert time.monotonic() - start < LEASE + SLICE + PATIENCE
    jobs.put("delayed", delay=LEASE)
    for thread in threads:
        thread.join(SECONDS)
    assert [("held", 2), ("delayed", 1)] == found
    assert (0, 0, 0) == jobs.stats()
