"""Bounds, groups and levels in memory, with many threads at once."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from queuekit._lanes import Lanes
from queuekit.abilities import Limits
from queuekit.backends._memory_store import Store
from queuekit.backends.memory import AsyncMemoryTransport, MemoryTransport
from queuekit.errors import QueueFull
from queuekit.testing.suites.samples import PLACED, framed, inner, placed
from queuekit.transport import PushOptions, QueueStats

from .patience import LONG, SOON, wait_until, with_long_waits

EMPTY = QueueStats(0, 0, 0)
ENOUGH = 90.0
"""Seconds after which a thread goes on no more, so that a fault ends the test."""


class Watched(Lanes):
    """Remembers its greatest length."""

    most = 0

    def put(self, messages, due=None):
        super().put(messages, due)
        stats = self.stats()
        self.most = max(self.most, stats.ready + stats.delayed)


class WatchedStore(Store):
    def lane(self, queue: str) -> Lanes:
        return self.lanes.setdefault(queue, Watched())


def together(*calls: Callable[[], None]) -> None:
    """Run each call in a thread of its own, and raise what one raised."""
    with ThreadPoolExecutor(len(calls)) as pool:
        for future in [pool.submit(call) for call in calls]:
            future.result(120)


def bounded(count: int, most: int) -> tuple[int, int]:
    """Put and take *count* messages with 8 threads each; return what came, and the most at once."""
    transport = MemoryTransport()
    transport.store = WatchedStore(time.monotonic)
    options, came, lock = PushOptions(max_length=most), set[bytes](), threading.Lock()
    full = threading.Event()
    end = time.monotonic() + ENOUGH

    def produce(number: int) -> None:
        for n in range(count // 8):
            while time.monotonic() < end:
                try:
                    transport.push("q", [b"%d.%d" % (number, n)], options=options)
                    break
                except QueueFull:
                    full.set()
                    time.sleep(0.001)

    def consume() -> None:
        full.wait(ENOUGH)
        while len(came) < count and time.monotonic() < end:
            found = transport.claim("q", lease=600.0, limit=20, timeout=0.1)
            assert [] == transport.ack("q", [one.receipt for one in found])
            with lock:
                came.update(one.body for one in found)

    producers = [lambda n=n: produce(n) for n in range(8)]
    together(*producers, *[consume] * 8)
    assert EMPTY == transport.stats("q")
    return len(came), transport.store.look("q").most


def test_a_bound_is_exact_under_many_producers() -> None:
    came, most = bounded(4_000, most=20)
    assert 4_000 == came
    assert most == 20, "less would mean that it was never full"


@pytest.mark.t2
@pytest.mark.timeout(300)
def test_the_bound_of_the_promise_is_exact() -> None:
    came, most = bounded(100_000, most=1000)
    assert 100_000 == came
    assert most <= 1000


def grouped(count: int, groups: int, *, lost: int) -> None:
    """Work off *count* messages of *groups* in 8 threads, which forget one claim in *lost*."""
    transport = MemoryTransport()
    frames = [placed(b"%d" % n, group=f"group {n % groups}") for n in range(count)]
    for start in range(0, count, 1000):
        transport.push("q", frames[start : start + 1000], options=PLACED)
    order: defaultdict[int, list[list[int]]] = defaultdict(list)
    lock = threading.Lock()
    done, end = threading.Event(), time.monotonic() + ENOUGH

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while not done.is_set() and time.monotonic() < end:
            found = transport.claim("q", lease=1.0, limit=chance.randint(1, 10), timeout=0.1)
            if found and not chance.randrange(lost):
                continue  # as one that was killed
            for one, name in zip(found, inner(found), strict=True):
                entry = [int(name)]
                with lock:
                    mine = order[int(name) % groups]
                    mine.append(entry)
                if transport.ack("q", [one.receipt]):
                    with lock:  # the lease was over: another one has it, perhaps noted by now
                        mine[:] = [each for each in mine if each is not entry]
            if transport.stats("q") == EMPTY:
                done.set()

    together(*[lambda seed=seed: work(seed) for seed in range(8)])
    assert count == sum(map(len, order.values()))
    for group, mine in order.items():
        assert list(range(group, count, groups)) == [number for (number,) in mine]


def test_groups_keep_their_order_when_claims_are_lost() -> None:
    grouped(3_000, 30, lost=100)


@pytest.mark.t2
@pytest.mark.timeout(300)
def test_a_thousand_groups_keep_their_order() -> None:
    grouped(100_000, 1000, lost=500)


def first_place() -> tuple[list[bytes], list[bytes]]:
    """Push and take in four threads, while a fifth puts the first message with a place."""
    transport = MemoryTransport()
    transport.push("q", [b"first"])
    sent, came = [b"%d" % n for n in range(60)], list[bytes]()
    start = threading.Barrier(5)

    def plain(part: list[bytes]) -> None:
        start.wait()
        for body in part:
            transport.push("q", [body])

    def take() -> None:
        start.wait()
        for _ in range(40):
            came.extend(inner(transport.pop("q")))
            found = transport.claim("q", lease=60.0)
            assert [] == transport.ack("q", [one.receipt for one in found])
            came.extend(inner(found))

    def place(part: list[bytes]) -> None:
        start.wait()
        for body in part:
            transport.push("q", [placed(body, level=1, group="g")], options=PLACED)

    parts = [sent[:20], sent[20:40], sent[40:]]
    together(lambda: plain(parts[0]), lambda: plain(parts[1]), take, take, lambda: place(parts[2]))
    while found := transport.pop("q", limit=100):
        came.extend(inner(found))
    assert EMPTY == transport.stats("q")
    return sorted([*sent, b"first"]), sorted(came)


def test_the_first_place_comes_while_others_push_and_take() -> None:
    """Threads that saw a plain queue go on without the lock for a moment."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for turn in range(30):
            want, came = first_place()
            assert want == came, turn
    finally:
        sys.setswitchinterval(before)


def test_a_delayed_message_wakes_who_waits_for_longer() -> None:
    """Its time becomes the end of a wait that began before it was put."""
    transport = with_long_waits(MemoryTransport())
    found: list[float] = []

    def wait() -> None:
        assert [1] == [one.attempt for one in transport.claim("q", lease=60.0, timeout=LONG)]
        found.append(time.monotonic())

    def put() -> None:
        wait_until(lambda: transport.store.lines.waiting)
        due.append(time.monotonic() + 0.1)
        transport.push("q", framed(b"late"), options=PushOptions(delay=0.1))

    due: list[float] = []
    together(wait, put)
    assert -0.01 < found[0] - due[0] < SOON, "else it was found by the last look"


@pytest.mark.parametrize("verb", ["ack", "reject"])
@pytest.mark.parametrize("limits", [Limits(), Limits(in_flight=1)], ids=["group", "in-flight"])
def test_who_waits_for_another_to_settle_is_woken(verb: str, limits: Limits) -> None:
    transport = with_long_waits(MemoryTransport())
    group = "" if limits.in_flight else "g"
    frames = [placed(b"a", group=group), placed(b"b", group=group)]
    transport.push("q", frames, options=PLACED)
    (held,) = transport.claim_within("q", limits=limits, lease=60.0)
    times: list[float] = []

    def wait() -> None:
        found = transport.claim_within("q", limits=limits, lease=60.0, timeout=LONG)
        times.append(time.monotonic())
        assert [b"b"] == inner(found)

    def settle() -> None:
        wait_until(lambda: transport.store.lines.waiting)
        times.append(time.monotonic())
        if verb == "ack":
            transport.ack("q", [held.receipt])
        else:
            transport.move("q", [(held.receipt, b"letter")], to="dead")

    together(wait, settle)
    assert times[1] - times[0] < SOON, "else it was found by the last look"


def test_a_turn_ends_the_wait_for_it() -> None:
    transport = with_long_waits(MemoryTransport())
    transport.push("q", [b"a", b"b"])
    limits = Limits(rate=1, per=0.2)
    start = time.monotonic()
    transport.claim_within("q", limits=limits, lease=60.0)
    transport.wait_any(["q", "other"], timeout=LONG)
    turn = time.monotonic()
    assert [b"b"] == inner(transport.claim_within("q", limits=limits, lease=60.0))
    assert 0.19 < time.monotonic() - start < SOON
    transport.push("q", [b"c"])
    assert [b"c"] == inner(transport.claim_within("q", limits=limits, lease=60.0, timeout=LONG))
    assert 0.19 < time.monotonic() - turn < SOON


@pytest.mark.asyncio
async def test_a_transport_for_threads_reaches_the_same_store() -> None:
    mine = AsyncMemoryTransport()
    await mine.push("q", [b"a"])
    threads = mine.for_threads()
    assert [b"a"] == threads.peek("q")
    (held,) = await mine.claim("q", lease=60.0)
    assert [] == threads.extend("q", [held.receipt], lease=90.0)
    threads.close()
    assert QueueStats(0, 0, 1) == await mine.stats("q")
    await mine.aclose()
