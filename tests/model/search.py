"""
Search every interleaving, breadth first, so that the trace to a fault is a shortest one.

Between any two commands time may pass, a connection may be cut, a reply be lost, an old connection
deliver what it still has, and the store crash and come back with an earlier state. A world is a
tuple of small numbers, each of which stands for a state of the store or of one client: what two of
them do together is worked out once.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Hashable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from .clients import Client, name_of
from .habits import Habits, later, show
from .invariants import believed, broken, starved, truthful
from .places import SCRIPTS
from .producers import Operator
from .scenarios import Scenario
from .server import Script, execute
from .store import Command, Store

World: TypeAlias = "tuple[int, ...]"
"""Store, what can still go wrong (connections, crashes), the store on disk, then the clients."""
FIRST = 4
OLD_CONNECTIONS = 2
"""How many one client may have that still bring something."""


class Step(NamedTuple):
    """What a client and the store may do together."""

    label: str
    store: int
    client: int
    cost: int
    broken: str
    """What is wrong whatever happened before."""
    untrue: str
    """What is wrong unless the store crashed."""


class Result(NamedTuple):
    """What a search found."""

    states: int
    seconds: float
    complete: bool
    broken: str
    trace: tuple[str, ...]

    def __str__(self) -> str:
        steps = "".join(f"\n  {n:2}. {step}" for n, step in enumerate(self.trace, 1))
        return f"{self.states:,} states in {self.seconds:.1f} s; {self.broken or 'no fault'}{steps}"


class Table:
    """Gives each different thing a number."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, item: Hashable) -> int:
        """Return the number of *item*."""
        found = self._numbers.get(item)
        if found is None:
            found = self._numbers[item] = len(self.items)
            self.items.append(item)
        return found


class Search:
    """One search; *scripts* and *habits* are the rules."""

    def __init__(
        self,
        scenario: Scenario,
        scripts: Mapping[str, Script] = SCRIPTS,
        habits: Habits | None = None,
    ) -> None:
        self._scenario = scenario
        self._scripts = scripts
        self._habits = habits or Habits()
        self._stores, self._clients = Table(), Table()
        self._faults: dict[int, str] = {}
        self._believed: dict[tuple[int, int], str] = {}
        self._steps: dict[tuple[int, int], list[Step]] = {}

    def run(self, states: int = 5_000_000, seconds: float = 600.0) -> Result:
        """Search until all is seen, a fault is found, or a bound is met."""
        begin = time.monotonic()
        scenario = self._scenario
        store = self._stores.number(scenario.store())
        clients = [self._clients.number(client) for client in scenario.clients]
        start = (store, scenario.cuts, scenario.crashes, store, *clients)
        worlds, parents, seen = [start], array("l", [-1]), {start}

        def result(complete: bool, fault: str = "", last: World = (), parent: int = -1) -> Result:
            trace = self._trace(worlds, parents, parent, last, fault) if fault else ()
            return Result(len(worlds), time.monotonic() - begin, complete, fault, trace)

        at = 0
        while at < len(worlds):
            if not at % 1000 and (len(worlds) > states or time.monotonic() - begin > seconds):
                return result(False)
            world = worlds[at]
            for new, fault, _ in self._next(world):
                if not fault and new in seen:
                    continue
                if fault := fault or self._fault(new):
                    return result(False, fault, new, at)
                seen.add(new)
                worlds.append(new)
                parents.append(at)
            at += 1
        return result(True)

    def _next(self, world: World) -> Iterator[tuple[World, str, tuple[str, str]]]:
        """Yield each world that may come next, what was wrong on the way, and who did what."""
        store, cuts, crashes, disk = world[:FIRST]
        clients = world[FIRST:]
        crashed = crashes != self._scenario.crashes
        state: Store = self._stores.items[store]
        if state.now < self._scenario.end:
            later_ = self._stores.number(state._replace(now=state.now + 1))
            yield (later_, *world[1:]), "", ("", f"time {state.now + 1}")
        if crashes:
            yield from self._crash(world, state)
        for i, client in enumerate(clients):
            steps = self._steps.get((store, client))
            if steps is None:
                steps = self._steps[store, client] = list(self._together(store, client))
            for label, store_, client_, cost, fault, untrue in steps:
                if cost <= cuts:
                    others = (*clients[:i], client_, *clients[i + 1 :])
                    new = (store_, cuts - cost, crashes, disk, *others)
                    yield new, fault or ("" if crashed else untrue), (label, str(i))

    def _crash(self, world: World, state: Store) -> Iterator[tuple[World, str, tuple[str, str]]]:
        store, cuts, crashes, disk = world[:FIRST]
        if disk != store:
            yield (store, cuts, crashes, store, *world[FIRST:]), "", ("", "all is on disk")
        clients = []
        for number in world[FIRST:]:
            client: Client = self._clients.items[number]._replace(late=())
            if client.phase == "wait":
                client = client.repeated(state.now, self._habits)
            clients.append(self._clients.number(client))
        old = self._stores.number(self._stores.items[disk]._replace(now=state.now))
        yield (old, cuts, crashes - 1, disk, *clients), "", ("", "crash, back to what was on disk")

    def _together(self, store: int, number: int) -> Iterator[Step]:
        """Yield what one client and the store may do."""
        client: Client = self._clients.items[number]
        now = self._stores.items[store].now
        habits = self._habits

        def step(label: str, to: int, new: Client, cost: int, *wrong: str) -> Step:
            fault, untrue = (*wrong, "", "")[:2]
            return Step(label, to, self._clients.number(new), cost, fault, untrue)

        for label, new in client.starts(now, habits):
            yield step(label, store, new, 0)
        for n, (command, *rest) in enumerate(client.late):
            old = client.late[:n] + ((tuple(rest),) if rest else ()) + client.late[n + 1 :]
            to, reply, fault = self._execute(store, command)
            label = f"an old connection brings {show(command)} -> {reply}"
            yield step(label, to, client._replace(late=old), 0, fault)
        if client.phase != "wait":
            return
        if len(client.late) < OLD_CONNECTIONS:
            new = client._replace(late=later(client.late, client.pending))
            yield step("is cut and repeats", store, new.repeated(now, habits), 1)
        command, *rest = client.pending
        to, reply, fault = self._execute(store, command)
        label = f"{show(command)} -> {reply}"
        # of two commands the one that says something is heard
        new = client._replace(pending=tuple(rest), answer=reply or client.answer)
        if rest:
            yield step(label, to, new, 0, fault)
            return
        done, told = new.answered(now, habits)
        yield step(label, to, done, 0, fault, truthful(self._stores.items[to], done, told))
        if not isinstance(client, Operator):
            again = new.repeated(now, habits)
            yield step(f"{label}, reply lost, repeats", to, again, 1, fault)
            for doing, other in new.starts(now, habits):  # interrupted or given up just now
                yield step(f"{label}, reply lost, {doing}", to, other, 0, fault)

    def _execute(self, store: int, command: Command) -> tuple[int, Any, str]:
        new, reply, fault = execute(self._stores.items[store], command, self._scripts)
        return self._stores.number(new), reply, fault

    def _fault(self, world: World) -> str:
        """Return what is wrong in this world."""
        store = world[0]
        fault = self._faults.get(store)
        if fault is None:
            state = self._stores.items[store]
            fault = self._faults[store] = broken(state) or starved(state, self._scripts)
        if fault or world[2] != self._scenario.crashes:
            return fault
        for client in world[FIRST:]:
            fault = self._believed.get((store, client))
            if fault is None:
                held = believed(self._stores.items[store], self._clients.items[client])
                fault = self._believed[store, client] = held
            if fault:
                return fault
        return ""

    def _trace(
        self, worlds: list[World], parents: Any, parent: int, last: World, fault: str
    ) -> tuple[str, ...]:
        """Return the steps to *last*, worked out again: to keep them would cost the most memory."""
        path = [last]
        while parent >= 0:
            path.append(worlds[parent])
            parent = parents[parent]
        path.reverse()
        return tuple(self._label(a, b) for a, b in pairwise(path))

    def _label(self, world: World, new: World) -> str:
        steps = [(who, fault) for other, fault, who in self._next(world) if other == new]
        label, who = next((w for w, fault in steps if fault), steps[0][0])
        if not label:
            return who
        return f"{name_of(self._clients.items[world[FIRST + int(who)]])}: {label}"
