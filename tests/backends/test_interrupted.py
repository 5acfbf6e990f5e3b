"""
No interruption loses, repeats or halves anything: every point of every call, one by one.

A signal handler may raise wherever CPython looks for signals, ``interruption`` says where.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from queuekit import Queue, ReliableQueue
from queuekit.backends.memory import MemoryTransport
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.errors import TransportError
from queuekit.testing import MovableClock
from queuekit.transport import PushOptions, Receipt

from .interruption import everywhere, in_another_thread

pytestmark = [
    pytest.mark.skipif(
        sys.implementation.name != "cpython", reason="the points are those of CPython"
    ),
    # who is interrupted between opening a connection and keeping it leaves it to its finalizer
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]

BODIES = [b"1", b"2", b"3"]
DELAY = 3600.0


class World:
    """A transport, its clock, and what is in its queue."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.clock = MovableClock()
        self.path = folder / "queue.db"
        self.kind = kind
        self.transport: Any = self.open()

    def open(self) -> Any:
        if self.kind == "memory":
            return MemoryTransport(clock=self.clock)
        return SQLiteTransport(self.path, clock=self.clock)

    def fill(self) -> None:
        """Put the same messages in, of which the first has been claimed before."""
        self.drain()
        self.transport.push("q", BODIES)
        assert 1 == len(self.transport.claim("q", lease=60))
        self.clock.advance(61)
        assert 1 == self.transport.recover("q")

    def drain(self) -> list[tuple[bytes, int]]:
        """Take out all there is; first what is ready, then what is delayed, then what is held."""
        found: list[tuple[bytes, int]] = []
        for _ in range(3):
            for queue in ("q", "other"):
                while taken := self.transport.claim(queue, lease=9 * DELAY, limit=9):
                    found += [(one.body, one.attempt) for one in taken]
                    assert [] == self.transport.ack(queue, [one.receipt for one in taken])
            self.clock.advance(3 * DELAY)
        return found


FULL = [(b"1", 2), (b"2", 1), (b"3", 1)]


@pytest.fixture(autouse=True)
def _swept(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Collect what was interrupted here and not in a test whose warnings are errors."""
    yield
    caplog.get_records("call").clear()  # the errors in them keep frames, and connections
    gc.collect()


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    world = World(request.param, tmp_path)
    world.fill()
    yield world
    world.transport.close()


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("timeout", [0.0, 1.0])
def test_an_interrupted_pop_puts_back_what_it_took(
    world: World, limit: int, timeout: float
) -> None:
    pop = lambda: world.transport.pop("q", limit=limit, timeout=timeout)
    for found, where in everywhere(pop, least=1):
        if not where:
            assert BODIES[:limit] == found
        assert FULL[0 if where else limit :] == in_another_thread(world.drain), where
        world.fill()


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("timeout", [0.0, 1.0])
def test_an_interrupted_claim_gives_back_uncounted(
    world: World, limit: int, timeout: float
) -> None:
    claim = lambda: world.transport.claim("q", lease=60, limit=limit, timeout=timeout)
    for found, where in everywhere(claim, least=6):
        if where:
            assert (3, 0, 0) == in_another_thread(lambda: world.transport.stats("q")), where
            assert FULL == world.drain(), where
        else:
            assert FULL[:limit] == [(one.body, one.attempt) for one in found]
            assert (3 - limit, 0, limit) == world.transport.stats("q")
        world.fill()


@pytest.mark.parametrize("limit", [1, 2])
def test_an_interrupted_ack_with_a_claim_gives_back_what_it_claimed(
    world: World, limit: int
) -> None:
    held: list[Receipt] = []

    def again() -> None:
        world.fill()
        held[:] = [one.receipt for one in world.transport.claim("q", lease=60)]

    again()
    call = lambda: world.transport.ack_and_claim("q", held, lease=60, limit=limit)
    for answer, where in everywhere(call, least=3):
        stats = in_another_thread(lambda: world.transport.stats("q"))
        if where:
            assert stats in ((2, 0, 1), (2, 0, 0)), where
            world.transport.ack("q", held)
            assert FULL[1:] == world.drain(), where
        else:
            assert [] == answer[0]
            assert FULL[1 : 1 + limit] == [(one.body, one.attempt) for one in answer[1]]
            assert (2 - limit, 0, limit) == stats
        again()


@pytest.mark.parametrize("verb", ["pop", "claim"])
def test_an_interrupted_wait_leaves_nobody_in_line(world: World, verb: str) -> None:
    how = {"lease": 60.0} if verb == "claim" else {}
    world.drain()
    call = lambda: getattr(world.transport, verb)("q", timeout=0.001, **how)
    for found, where in everywhere(call, least=10):
        assert not found
        lines = getattr(world.transport, "_db", None) or world.transport.store
        assert not lines.lines.waiting, where
        world.transport.push("q", [b"x"])
        assert [b"x"] == in_another_thread(lambda: world.transport.pop("q")), where


@pytest.mark.parametrize("bodies", [[b"4"], [b"4", b"5"]], ids=["one", "batch"])
@pytest.mark.parametrize("delay", [0.0, DELAY])
def test_an_interrupted_push_stores_all_or_nothing_and_its_token_tells(
    world: World, bodies: list[bytes], delay: float
) -> None:
    new = [(body, 1) for body in bodies]
    token: list[str] = []

    def push() -> None:
        options = PushOptions(delay=delay)
        world.transport.push("q", bodies, options=options, token=token[0] if token else None)

    for _, where in everywhere(push, least=3):
        assert in_another_thread(world.drain) in ([FULL + new] if not where else [FULL, FULL + new])
        world.fill()
    names = map(str, count())
    token.append(next(names))
    for _, where in everywhere(push, least=3):
        in_another_thread(lambda: [push()])  # as who does not know whether it came about
        assert FULL + new == world.drain(), where
        world.fill()
        token[0] = next(names)


def settling(world: World) -> dict[str, Callable[[list[Any]], Any]]:
    """Return the calls that end or change a claim, on its receipts."""
    transport = world.transport
    return {
        "ack": lambda held: transport.ack("q", held),
        "release": lambda held: transport.release("q", held, counted=False),
        "fail": lambda held: transport.release("q", held, counted=True),
        "delay": lambda held: transport.release("q", held, counted=True, delay=DELAY),
        "move": lambda held: transport.move("q", [(one, b"dead") for one in held], to="other"),
        "extend": lambda held: transport.extend("q", held, lease=DELAY),
        "purge": lambda held: transport.purge("q"),
    }


@pytest.mark.parametrize("verb", list(settling(World("memory", Path()))))
def test_an_interrupted_settling_happens_whole_or_not_at_all(world: World, verb: str) -> None:
    call = settling(world)[verb]
    held: list[Any] = []

    def state() -> tuple[Any, Any]:
        stats = world.transport.stats("q"), world.transport.stats("other")
        world.clock.advance(120)  # beyond the lease of the claim, but not that of the extension
        due = world.transport.recover("q", limit=1)
        return (*stats, due), world.drain()

    def again() -> None:
        world.fill()
        world.transport.push("q", [b"late"], options=PushOptions(delay=2 * DELAY))
        claim = world.transport.claim("q", lease=60, limit=2)
        held[:] = [one.receipt for one in claim]

    again()
    untouched = state()
    again()
    assert call(held) in ([], 2)
    whole = state()
    assert whole != untouched
    again()
    for _, where in everywhere(lambda: call(held), least=3):
        assert in_another_thread(state) in ([whole] if not where else [untouched, whole]), where
        again()


def test_an_interrupted_recovery_leaves_each_message_in_one_state(world: World) -> None:
    def again() -> None:
        world.fill()
        world.transport.push("q", [b"4", b"5"], options=PushOptions(delay=30.0))
        for _ in range(2):
            world.transport.claim("q", lease=60)
        world.clock.advance(90)

    again()
    for found, where in everywhere(lambda: world.transport.recover("q"), least=6):
        assert where or 4 == found
        assert 5 == sum(in_another_thread(lambda: world.transport.stats("q"))), where
        assert [(b"1", 3), (b"2", 2), (b"3", 1), (b"4", 1), (b"5", 1)] == sorted(world.drain())
        again()


def test_an_interrupted_first_call_opens_all_or_nothing(tmp_path: Path) -> None:
    world = World("sqlite", tmp_path)
    made: list[SQLiteTransport] = []

    def first() -> list[bytes]:
        made.append(world.open())
        return made[-1].pop("q")

    world.fill()
    for _, where in everywhere(first, least=50):
        expected = FULL[1:] if not where else FULL
        assert expected == in_another_thread(world.drain), where
        assert [] == in_another_thread(lambda: made[-1].pop("q")) if made else True, where
        for one in made:
            one.close()
        made.clear()
        world.fill()
    world.transport.close()
    gc.collect()  # what nobody kept warns here, where it is expected


@pytest.mark.parametrize("limit", [1, 2])
def test_an_interrupted_get_loses_nothing(world: World, limit: int) -> None:
    queue = Queue("q", world.transport, serializer="bytes")
    get = lambda: queue.get_many(limit) if limit > 1 else [queue.get()]
    for found, where in everywhere(get, least=6):
        if where:
            found = [queue.get(), queue.get()]
        elif limit == 1:
            found += [queue.get()]
        assert [b"1", b"2"] == found, where
        assert FULL[2:] == in_another_thread(world.drain), where
        world.fill()


@pytest.mark.parametrize("limit", [1, 2])
def test_an_interrupted_reliable_get_gives_back_uncounted(world: World, limit: int) -> None:
    jobs = ReliableQueue("q", world.transport, serializer="bytes")
    get = lambda: jobs.get_many(limit) if limit > 1 else [jobs.get()]
    for found, where in everywhere(get, least=10):
        if not where:
            assert FULL[:limit] == [(one.body, one.attempt) for one in found]
        else:
            assert (3, 0, 0) == in_another_thread(lambda: world.transport.stats("q")), where
            assert FULL == world.drain(), where
        world.fill()


def test_an_interrupted_step_of_consume_loses_nothing(world: World) -> None:
    queue = Queue("q", world.transport, serializer="bytes")
    bodies = queue.consume(timeout=0)
    for found, where in everywhere(lambda: next(bodies), least=6):
        assert b"1" == (found if not where else next(bodies)), where
        assert FULL[1:] == in_another_thread(world.drain), where
        world.fill()


@pytest.mark.parametrize("verb", ["push", "pop", "claim", "stats"])
def test_a_signal_handler_may_use_the_transport_and_at_worst_is_refused(
    world: World, verb: str
) -> None:
    """Never a deadlock, a broken transaction or two owners of a message."""
    transport = world.transport
    seen: list[bytes] = []
    outcomes: set[str] = set()

    def handler() -> None:
        try:
            if verb == "push":
                transport.push("other", [b"4"])
            elif verb == "pop":
                seen.extend(transport.pop("q"))
            elif verb == "claim":
                seen.extend(one.body for one in transport.claim("q", lease=60))
            else:
                assert transport.stats("q").ready <= 3
            outcomes.add("done")
        except TransportError as exc:
            outcomes.add(str(exc).partition(" used ")[0])

    def call() -> list[bytes]:
        (one,) = transport.claim("q", lease=60)
        assert [] == transport.ack("q", [one.receipt])
        return [one.body, *transport.pop("q")]

    for found, where in everywhere(call, least=10, handler=handler):
        left = [body for body, _ in in_another_thread(world.drain)]
        extra = [b"4"] if left[-1:] == [b"4"] else []
        if verb == "claim":  # held by the handler until the lease ended
            seen.clear()
        assert sorted(BODIES + extra) == sorted(found + seen + left), where
        seen.clear()
        world.fill()
    refused = {"a signal handler or finalizer"} if world.kind == "sqlite" else set[str]()
    assert {"done"} | refused == outcomes  # the calls of the store in memory have no inside


@pytest.mark.parametrize("limit", [1, 2])
def test_a_lease_that_ends_at_any_point_leaves_each_message_to_one(
    tmp_path: Path, limit: int
) -> None:
    """What a handler does here, another thread may do: the calls of memory take no lock."""
    world = World("memory", tmp_path)
    transport = world.transport
    others: list[bytes] = []
    world.fill()

    def handler() -> None:
        world.clock.advance(61)
        try:
            found = transport.claim("q", lease=60, limit=9)
        except TransportError:  # recovering: that takes the lock
            return
        assert [] == transport.ack("q", [one.receipt for one in found])
        others.extend(one.body for one in found)

    def call() -> list[bytes]:
        found = transport.claim("q", lease=60, limit=limit)
        lost = transport.ack("q", [one.receipt for one in found])
        return [one.body for one in found if one.receipt not in lost]

    for mine, where in everywhere(call, least=6, handler=handler):
        left = [body for body, _ in in_another_thread(world.drain)]
        assert sorted(BODIES) == sorted(mine + others + left), where
        others.clear()
        world.fill()


def test_a_signal_handler_may_close_and_exit(world: World) -> None:
    if world.kind == "memory":
        shared = world.transport

        def opened() -> MemoryTransport:
            transport = MemoryTransport(clock=world.clock)
            transport.store = shared.store
            return transport
    else:
        opened = world.open

    def handler() -> None:
        mine[0].close()
        raise SystemExit

    def call(verb: str) -> list[Any]:
        how = {"lease": 60.0} if verb == "claim" else {}
        try:
            return getattr(mine[0], verb)("q", limit=2, **how)
        except SystemExit:
            return []

    mine: list[Any] = [opened()]
    for verb in ("pop", "claim"):
        for found, where in everywhere(partial(call, verb), least=3, handler=handler):
            if where:
                assert not found
                assert FULL == in_another_thread(world.drain), where
            world.fill()
            mine[0].close()
            mine[0] = opened()
    mine[0].close()
