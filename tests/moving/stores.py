"""Two stores to move between, and what may befall a mover at any of its calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from queuekit import ReliableQueue
from queuekit._envelope import unwrap
from queuekit.moving import Move
from queuekit.transport import Delivery

CALLS = (
    *("push", "claim", "ack", "release", "move", "extend", "recover", "stats", "purge"),
    *("peek_delayed", "move_delayed"),
)
BODIES = [b"%d" % n for n in range(7)]
"""Three batches of three."""
LATE = [b"late %d" % n for n in range(4)]
"""Two more, which are delayed."""
DELAYS = [50_000.0, 50_000.0, 60_000.0, 70_000.0]
"""Seconds; much more than passes where movers are waited for."""
COUNT = len(BODIES) + len(LATE)
WAITED = 1000.0
"""Seconds that pass after a kill."""


sparsely = pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.t2)])
"""Of sweeps over pairs of calls the plain suite takes every fifth; `make faults` takes all."""


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours runs behind it."""


class Fate:
    """
    Passes the calls of a mover on to its transports, until one of them.

    Args:
        at: Which call, from 1; 0 for none.
        after: Whether that call is done before something happens.
        befalls: What happens; without it the mover is killed.
    """

    def __init__(
        self, at: int = 0, *, after: bool = False, befalls: Callable[[], None] | None = None
    ) -> None:
        self.at = at
        self.after = after
        self.befalls = befalls or self.die
        self.calls = 0
        self.dead = False
        self.names: set[str] = set()

    def wrap(self, transport: Any) -> Any:
        return _Wrapped(transport, self)

    def call(self, method: Callable[..., Any], queue: str, *args: Any, **options: Any) -> Any:
        if self.dead:
            raise Killed("a dead process calls")
        self.names.add(queue)
        self.calls += 1
        now = self.calls == self.at
        if now and not self.after:
            self.befalls()
        result = method(queue, *args, **options)
        if now and self.after:
            self.befalls()
        return result

    def die(self) -> None:
        """Be killed, at this call and every later one."""
        self.dead = True
        raise Killed


class _Wrapped:
    """Has all methods itself, for ``isinstance`` looks at the class."""

    def __init__(self, transport: Any, fate: Fate) -> None:
        self._transport = transport
        self._fate = fate
        self.features = transport.features


def _passing(name: str) -> Callable[..., Any]:
    def call(self: Any, queue: str, *args: Any, **options: Any) -> Any:
        method = getattr(self._transport, name)
        return self._fate.call(method, queue, *args, **options)

    return call


for _name in (*CALLS, "pop", "peek", "ack_and_claim", "close"):
    setattr(_Wrapped, _name, _passing(_name))


def unable(transport: Any) -> Any:
    """Return the transport without the ability to move delayed messages."""
    class_ = type("Unable", (_Wrapped,), {"peek_delayed": None, "move_delayed": None})
    return class_(transport, Fate())


class Pair:
    """A source with the queue ``a`` and a target with ``b``, each with a clock to move."""

    def __init__(self, source: Any, target: Any) -> None:
        self.source_harness, self.target_harness = source, target
        self.source = source.make()
        self.target = target.make()
        self.waited = 0.0

    def fill(self) -> None:
        self.source.push("a", BODIES[:2])  # without frames
        jobs = ReliableQueue("a", self.source, serializer="bytes")
        jobs.put_many(BODIES[2:])
        jobs.put_many(LATE[:2], delay=DELAYS[0])
        for body, delay in zip(LATE[2:], DELAYS[2:], strict=True):
            jobs.put(body, delay=delay)
        self.waited = 0.0

    def pass_time(self) -> None:
        self.source_harness.pass_time(WAITED)
        self.target_harness.pass_time(WAITED)
        self.waited += WAITED

    def mover(self, fate: Fate | None = None) -> Move:
        fate = fate or Fate()
        return Move(fate.wrap(self.source), "a", fate.wrap(self.target), "b", batch=3)

    def move(self, fate: Fate | None = None) -> int:
        return sum(self.mover(fate).batches())

    def calls(self) -> int:
        """Return how many calls a move takes that nothing befalls."""
        self.fill()
        fate = Fate()
        assert self.move(fate) == COUNT
        self.settle(fate, "nothing befell it")
        return fate.calls

    def settle(self, fate: Fate, what: str, *, late: float = 0.0) -> None:
        """
        Check that each message is in the target, once, and nothing anywhere else; forget it.

        Each delay has left what it must have, or up to *late* seconds more.
        """
        there = ReliableQueue("b", self.target, serializer="bytes").peek(1000)
        assert Counter(BODIES) == Counter(there), what
        delayed = [(unwrap(one.body).body, left) for one, left in self.delayed("b")]
        assert [body for body, _ in delayed] == LATE, what
        for (_, left), delay in zip(delayed, DELAYS, strict=True):
            assert -30 < left - (delay - self.waited) < 30 + late, what
        rest = {name: sum(self.source.stats(name)) for name in fate.names}
        rest.update({f"{name} there": sum(self.target.stats(name)) for name in fate.names - {"b"}})
        rest = {name: count for name, count in rest.items() if count}
        assert not rest, what
        self.target.purge("b")

    def delayed(self, queue: str) -> list[tuple[Delivery, float]]:
        found: list[tuple[Delivery, float]] = self.target.peek_delayed(queue, limit=100)
        return found
