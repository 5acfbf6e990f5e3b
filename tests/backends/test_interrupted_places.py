"""
No interruption breaks a level, a group, a key, a bound or a turn: every point, one by one.

Each call is interrupted everywhere. Whatever is in the queues afterwards must be what was there
before it, or what is there when it was not interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from queuekit.abilities import Limits
from queuekit.backends.memory import MemoryTransport
from queuekit.errors import QueueFull
from queuekit.testing import MovableClock
from queuekit.testing.suites.samples import PLACED, inner, placed
from queuekit.transport import Dedup, Delivery, PushOptions, Receipt

from .interruption import everywhere, in_another_thread

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="the points are those of CPython"
)

DELAY = 3600.0
LIMITS = Limits(rate=1, per=DELAY, burst=3, in_flight=3)


class World:
    """A transport with messages in two groups, of three levels, some of them held."""

    def __init__(self) -> None:
        self.clock = MovableClock()
        self.transport = MemoryTransport(clock=self.clock)
        self.held: dict[str, Receipt] = {}

    def fill(self) -> None:
        """Hold the first of two groups, a message of a low level, and a plain one."""
        frames = [
            placed(b"a", group="g"),
            placed(b"b", group="g"),
            placed(b"c", group="g", level=3),
            placed(b"x", group="h", level=2),
            placed(b"y", group="h", level=2),
            placed(b"low", level=-2),
            b"plain",
        ]
        self.transport.push("q", frames, options=PLACED)
        self.held = named(self.transport.claim("q", lease=60, limit=9))
        assert {"a", "x", "low", "plain"} == set(self.held)
        self.transport.push("q", [placed(b"m"), placed(b"z", group="i", level=1)], options=PLACED)

    def drain(self) -> list[Any]:
        """Take out all there is, in steps: ready, then delayed, then held."""
        found: list[Any] = [self.transport.stats("q"), self.transport.stats("other")]
        for _ in range(3):
            for queue in ("q", "other"):
                while taken := self.transport.claim(queue, lease=9 * DELAY, limit=9):
                    found += zip(inner(taken), [one.attempt for one in taken], strict=True)
                    assert [] == self.transport.ack(queue, [one.receipt for one in taken])
            self.clock.advance(3 * DELAY)
        found.append(self.transport.marked("q", "k"))
        return found


def named(found: list[Delivery]) -> dict[str, Receipt]:
    return {name.decode(): one.receipt for name, one in zip(inner(found), found, strict=True)}


def check(
    call: Callable[[World], Any], *, least: int, before: Callable[[World], Any] = lambda _: None
) -> None:
    """Interrupt *call* everywhere, in a new world each time."""
    worlds: list[World] = []

    def fresh() -> World:
        world = World()
        world.fill()
        before(world)
        return world

    def run() -> None:
        call(worlds[-1])

    untouched = fresh().drain()
    outcomes: dict[str, list[Any]] = {}
    worlds.append(fresh())
    for _, where in everywhere(run, least=least):
        outcomes[where] = in_another_thread(worlds[-1].drain)
        worlds.append(fresh())
    done = outcomes.pop("")
    for where, outcome in outcomes.items():
        assert outcome in (untouched, done), where


@pytest.mark.parametrize("names", ["a", "ax", "xa", "xap", "low"])
def test_an_ack(names: str) -> None:
    chosen = {"low": ["low"], "xap": ["x", "a", "plain"]}.get(names, list(names))
    check(lambda world: world.transport.ack("q", [world.held[n] for n in chosen]), least=20)


@pytest.mark.parametrize("delay", [0.0, DELAY])
@pytest.mark.parametrize("counted", [True, False])
def test_a_release(counted: bool, delay: float) -> None:
    def release(world: World) -> None:
        receipts = list(world.held.values())
        world.transport.release("q", receipts, counted=counted, delay=delay)

    check(release, least=40)


def test_a_move() -> None:
    def move(world: World) -> None:
        letters = [(world.held["a"], b"letter"), (world.held["x"], placed(b"n", group="g"))]
        world.transport.move("q", letters, to="other")

    check(move, least=40)


def test_a_move_within_the_queue() -> None:
    def move(world: World) -> None:
        letters = [(world.held["a"], placed(b"A", group="g")), (world.held["low"], b"high")]
        world.transport.move("q", letters, to="q")

    check(move, least=40)


@pytest.mark.parametrize("limit", [1, 9])
def test_a_claim(limit: int) -> None:
    def claim(world: World) -> None:
        taken = world.transport.claim("q", lease=60, limit=limit)
        world.held = named(taken)

    check(claim, least=20)


def test_a_claim_that_recovers() -> None:
    check(lambda world: world.transport.recover("q"), least=40, before=expire)


def expire(world: World) -> None:
    world.clock.advance(61)
    world.transport.push("q", [placed(b"new", level=2)], options=PLACED)


def test_due_messages() -> None:
    def delay(world: World) -> None:
        late = PushOptions(placed=True, delay=5.0)
        frames = [
            placed(b"late 0", group="j"),
            placed(b"late 1", group="j"),
            placed(b"late", level=1),
        ]
        world.transport.push("q", frames, options=late)
        world.clock.advance(6)

    def recovered(world: World) -> None:
        world.transport.recover("q")

    worlds: list[World] = []

    def fresh() -> World:
        world = World()
        world.fill()
        delay(world)
        return world

    worlds.append(fresh())
    want = sorted(map(str, worlds[-1].drain()[2:]))
    worlds.append(fresh())
    for _, where in everywhere(lambda: recovered(worlds[-1]), least=20):
        found = in_another_thread(worlds[-1].drain)[2:]  # some may be ready, some not yet
        assert want == sorted(map(str, found)), where
        group = [name for name, _ in found[:-1] if name in (b"late 0", b"late 1")]
        assert [b"late 0", b"late 1"] == group, where
        worlds.append(fresh())


@pytest.mark.parametrize("limit", [1, 2, 9])
def test_a_pop(limit: int) -> None:
    """All is put back; but if its group had gone on by then, behind the one that followed."""
    worlds: list[World] = []

    def fresh() -> World:
        world = World()
        world.fill()
        more = [placed(b"z1", group="i"), placed(b"z2", group="i")]
        world.transport.push("q", more, options=PLACED)
        return world

    want = sorted(map(str, fresh().drain()))
    worlds.append(fresh())
    for found, where in everywhere(lambda: worlds[-1].transport.pop("q", limit=limit), least=20):
        if where:
            assert want == sorted(map(str, in_another_thread(worlds[-1].drain))), where
        else:
            assert [b"z", b"m"][:limit] == inner(found)
        worlds.append(fresh())


def test_a_purge() -> None:
    def late(world: World) -> None:
        world.transport.push("q", [placed(b"late")], options=PushOptions(delay=DELAY))

    check(lambda world: world.transport.purge("q"), least=20, before=late)


@pytest.mark.parametrize("delay", [0.0, DELAY])
def test_a_push_of_everything(delay: float) -> None:
    options = PushOptions(placed=True, delay=delay, max_length=100, dedup=Dedup("k", 99 * DELAY))
    body = placed(b"new", group="g", level=1)
    check(lambda world: world.transport.push("q", [body], options=options, token="t"), least=30)


def test_a_push_of_a_group() -> None:
    frames = [placed(b"%d" % n, group="new", level=n % 3) for n in range(4)]
    check(lambda world: world.transport.push("q", frames, options=PLACED, token="t"), least=30)


def test_a_push_that_is_refused() -> None:
    def push(world: World) -> None:
        with pytest.raises(QueueFull):
            world.transport.push("q", [b"a"], options=PushOptions(max_length=2))

    check(push, least=10)


def test_a_claim_within_limits() -> None:
    world = World()
    world.fill()
    world.transport.release("q", list(world.held.values()), counted=False)

    def claim() -> list[Delivery]:
        return world.transport.claim_within("q", limits=LIMITS, lease=60, limit=2)

    for found, where in everywhere(claim, least=30):
        if where:
            assert 0 == world.transport.stats("q").claimed, where
            world.clock.advance(9 * DELAY)  # a turn may be gone
        else:
            assert [b"x"] == inner(found)


def test_the_first_use_of_places() -> None:
    """The interruption comes while a plain queue becomes one with levels."""
    worlds = [MemoryTransport()]
    worlds[-1].push("q", [b"plain 0", b"plain 1"])
    frames = [placed(b"low", level=-1), placed(b"high", level=1)]
    for _, where in everywhere(lambda: worlds[-1].push("q", frames, options=PLACED), least=30):
        worlds[-1].push("q", [b"plain 2"])
        found = inner(worlds[-1].claim("q", lease=60, limit=9))
        plain = [b"plain 0", b"plain 1", b"plain 2"]
        assert found in ([b"high", *plain, b"low"], plain), where
        worlds.append(MemoryTransport())
        worlds[-1].push("q", [b"plain 0", b"plain 1"])


def test_a_mark() -> None:
    check(lambda world: world.transport.mark("q", "k", "one", window=99 * DELAY), least=10)


def test_a_wait_for_several() -> None:
    """Whoever was interrupted does not stand in line any more."""
    transport = MemoryTransport()
    for _, where in everywhere(lambda: transport.wait_any(["q", "r"], timeout=0.001), least=30):
        assert {} == transport.store.lines.waiting, where
