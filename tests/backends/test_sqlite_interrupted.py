"""No interruption loses, repeats or halves what has a place, a key, a bound or a rate in SQLite."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from queuekit._envelope import NO_HEADERS, Place, unwrap, wrap
from queuekit.abilities import Limits
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.testing import MovableClock
from queuekit.transport import Dedup, PushOptions, Receipt

from .interruption import everywhere, in_another_thread

pytestmark = [
    pytest.mark.skipif(
        sys.implementation.name != "cpython", reason="the points are those of CPython"
    ),
    # who is interrupted between opening a connection and keeping it leaves it to its finalizer
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]

PLACED = PushOptions(placed=True)
LIMITS = Limits(rate=10.0, burst=9, in_flight=9)


def frame(n: int, group: str, level: int = 0) -> bytes:
    return wrap(b"%016d" % n, b"%d" % n, NO_HEADERS, Place(level, group))


@pytest.fixture(autouse=True)
def _swept(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Collect what was interrupted here and not in a test whose warnings are errors."""
    yield
    caplog.get_records("call").clear()  # the errors in them keep frames, and connections
    gc.collect()


class World:
    """A transport on which a group holds three messages, and a higher level one without."""

    def __init__(self, folder: Path) -> None:
        self.clock = MovableClock()
        self.transport = SQLiteTransport(folder / "queue.db", clock=self.clock)
        self.numbers = count()
        self.held: list[Receipt] = []

    def fill(self) -> None:
        self.drain()
        frames = [frame(1, "g"), frame(2, "g"), frame(3, "g"), frame(4, "", 2)]
        self.transport.push("q", frames, options=PLACED)

    def hold(self) -> None:
        """Have the first one of the group claimed, and the one without."""
        self.fill()
        self.held[:] = [one.receipt for one in self.transport.claim("q", lease=60, limit=2)]

    def drain(self) -> list[tuple[bytes, int]]:
        """Take out all there is, one of the group after the other; then what was held."""
        found: list[tuple[bytes, int]] = []
        for _ in range(2):
            for queue in ("q", "other"):
                while taken := self.transport.claim(queue, lease=99, limit=9):
                    groups = [group for one in taken if (group := unwrap(one.body).place.group)]
                    assert len(groups) < 2, "two of one group at once"
                    found += [(unwrap(one.body).body, one.attempt) for one in taken]
                    assert [] == self.transport.ack(queue, [one.receipt for one in taken])
            self.clock.advance(1000)
        return found

    def order(self) -> list[bytes]:
        return [body for body, _ in in_another_thread(self.drain)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.fill()
    yield world
    world.transport.close()


FULL = [b"4", b"1", b"2", b"3"]


def test_an_interrupted_push_with_all_options_is_known_by_its_token(world: World) -> None:
    """Repeated with its token it is stored once; with another one, its key is there or free."""
    token = [""]

    def push(token: str) -> str | None:
        options = PushOptions(placed=True, dedup=Dedup("k", 60.0), max_length=5)
        return world.transport.push("q", [frame(5, "g")], options=options, token=token)

    def again() -> str | None:
        return push(token[0])

    for _, where in everywhere(again, least=20):
        stored = in_another_thread(lambda: world.transport.stats("q")).ready == 5
        assert stored or where
        assert (token[0] if stored else None) == world.transport.marked("q", "k"), where
        assert None is in_another_thread(again), where
        assert token[0] == push("another"), where
        assert [*FULL, b"5"] == world.order(), where
        world.fill()
        token[0] = f"{next(world.numbers)}"


@pytest.mark.parametrize("limit", [1, 3])
def test_an_interrupted_pop_of_a_group_keeps_its_messages(world: World, limit: int) -> None:
    """The next ones may have followed by then: the first comes right behind the second."""
    world.transport.pop("q")
    pop = lambda: world.transport.pop("q", limit=limit)
    for found, where in everywhere(pop, least=10):
        if where:
            assert world.transport.stats("q") == (3, 0, 0), where
            assert world.order() in ([b"1", b"2", b"3"], [b"2", b"1", b"3"]), where
        else:
            assert [b"1"] == [unwrap(body).body for body in found]
            assert [b"2", b"3"] == world.order()
        world.fill()
        world.transport.pop("q")


@pytest.mark.parametrize("limits", [None, LIMITS], ids=["plain", "limited"])
def test_an_interrupted_claim_gives_back_to_the_levels(world: World, limits: Any) -> None:
    def claim() -> Any:
        if limits is None:
            return world.transport.claim("q", lease=60, limit=3)
        return world.transport.claim_within("q", limits=limits, lease=60)

    for found, where in everywhere(claim, least=10):
        if where:
            assert (4, 0, 0) == in_another_thread(lambda: world.transport.stats("q")), where
            assert [(body, 1) for body in FULL] == world.drain(), where
        else:
            assert FULL[: 1 if limits else 2] == [unwrap(one.body).body for one in found]
        world.fill()


def settling(world: World) -> dict[str, tuple[Callable[[], Any], list[bytes], list[bytes]]]:
    """Return the calls that end a claim, with the order after them and without."""
    transport, held = world.transport, world.held

    def bury() -> list[Receipt]:
        return transport.move("q", [(one, b"dead") for one in held], to="other")

    return {
        "ack": (lambda: transport.ack("q", held), [b"2", b"3"], FULL),
        "move": (bury, [b"2", b"3", b"dead", b"dead"], FULL),
        "fail": (lambda: transport.release("q", held, counted=True), FULL, FULL),
        "release": (lambda: transport.release("q", held, counted=False), FULL, FULL),
        "delay": (lambda: transport.release("q", held, counted=True, delay=9.0), FULL, FULL),
        "purge": (lambda: transport.purge("q"), [b"4", b"1"], FULL),
    }


@pytest.mark.parametrize("verb", ["ack", "move", "fail", "release", "delay", "purge"])
def test_an_interrupted_settling_hands_the_group_on_or_not(world: World, verb: str) -> None:
    call, whole, untouched = settling(world)[verb]
    world.hold()
    call()
    assert whole == world.order()
    world.hold()
    for _, where in everywhere(call, least=5):
        assert world.order() in ([whole] if not where else [whole, untouched]), where
        world.hold()


def test_an_interrupted_mark_is_there_or_not(world: World) -> None:
    mark = lambda: world.transport.mark("q", "k", "mine", window=60.0)
    for found, where in everywhere(mark, least=5):
        assert where or found is None
        there = in_another_thread(lambda: world.transport.marked("q", "k"))
        assert there in (["mine"] if not where else [None, "mine"]), where
        assert there == world.transport.mark("q", "k", "other", window=60.0)
        assert world.transport.unmark("q", "k")


def test_an_interrupted_wait_for_several_leaves_nobody_in_line(world: World) -> None:
    world.drain()
    wait = lambda: world.transport.wait_any(["q", "other"], timeout=0.001)
    for _, where in everywhere(wait, least=10):
        assert not world.transport._db.lines.waiting, where
