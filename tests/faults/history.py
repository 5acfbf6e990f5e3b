"""What the ledgers of a run say, put together: each put, each delivery, and how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

SLACK = 0.005
"""Seconds by which two clocks of one machine may differ, and a server round."""


@dataclass(slots=True)
class Put:
    key: str
    begun: float
    ended: float = float("inf")
    outcome: str = "unknown"
    """Until it is answered: its process was killed."""


@dataclass(slots=True)
class Taken:
    """One delivery."""

    key: str
    attempt: int
    ledger: str
    begun: float
    ended: float
    until: float
    """The earliest end of its lease."""
    at_last: float
    """The latest end of its lease."""
    verb: str = ""
    outcome: str = ""
    """Of its end: done, lost, unknown; "" if nothing was said."""


@dataclass(slots=True)
class History:
    puts: dict[str, Put] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)
    """What was delayed."""
    batches: list[list[str]] = field(default_factory=list)
    taken: dict[str, list[Taken]] = field(default_factory=dict)
    claims: list[list[Taken]] = field(default_factory=list)
    killed: dict[str, float] = field(default_factory=dict)
    kills: int = 0
    cuts: int = 0
    ups: list[float] = field(default_factory=list)
    stale: int = 0
    cut_pops: int = 0
    """What gets without an answer may have taken."""
    left: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def read(ledgers: Iterable[Path]) -> History:
    """Read all ledgers of a run."""
    history = History()
    for path in ledgers:
        _Reader(path, history)
    for taken in history.taken.values():
        taken.sort(key=lambda one: (one.attempt, one.ended))
    return history


class _Reader:
    """Follows one process line by line; an event is handled by the method of its name."""

    def __init__(self, path: Path, history: History) -> None:
        self.name, self.history = path.name, history
        self.lease = self.begun = self.now = 0.0
        self.puts: list[Put] = []
        self.limit = 0
        self.verb, self.ends = "", list[Taken]()
        self.held: dict[str, Taken] = {}
        for line in path.read_text().splitlines():
            stamp, event, *words = line.split(" ")
            self.now = int(stamp) / 1e9
            getattr(self, f"on_{event}")(*words)
        history.cut_pops += self.limit  # killed within a get

    def _begin(self) -> None:
        self.begun, self.puts, self.ends, self.limit = self.now, [], [], 0

    def on_lease(self, seconds: str) -> None:
        self.lease = float(seconds)

    def on_put(self, *keys: str) -> None:
        self._begin()
        self.puts = [Put(key, self.begun) for key in keys]
        self.history.batches.append(list(keys))
        for put in self.puts:
            if put.key in self.history.puts:
                self.history.faults.append(f"{put.key} was put twice by the test itself")
            self.history.puts[put.key] = put

    def on_later(self, *keys: str) -> None:
        self.history.later.update(keys)

    def on_stored(self) -> None:
        for put in self.puts:
            put.outcome, put.ended = "stored", self.now

    def on_rejected(self) -> None:
        for put in self.puts:
            put.outcome = "rejected"

    def on_unknown(self) -> None:
        self.history.cut_pops += self.limit
        self.limit = 0

    def on_get(self, limit: str) -> None:
        self._begin()
        self.limit = int(limit)

    def on_got(self, *words: str) -> None:
        claim: list[Taken] = []
        for word in words:
            key, _, attempt = word.rpartition(":")
            times = self.begun, self.now, self.begun + self.lease, self.now + self.lease
            one = self.held[key] = Taken(key, int(attempt), self.name, *times)
            claim.append(one)
            self.history.taken.setdefault(key, []).append(one)
        self.history.claims.append(claim)
        self.limit = 0

    def on_end(self, verb: str, *keys: str) -> None:
        self._begin()
        self.verb, self.ends = verb, [self.held[key] for key in keys]
        for one in self.ends:
            if verb != "extend" and one.outcome != "done":
                one.verb, one.outcome = verb, "unknown"

    def on_done(self, *refused: str) -> None:
        self.history.stale += len(refused)
        for one in self.ends:
            if one.key in refused:
                self._refused(one)
            elif one.outcome == "done":
                self._fault(f"{self.verb} of {one.key} was obeyed after its {one.verb}")
            elif self.verb == "extend":
                one.until = max(one.until, self.begun + self.lease)
                one.at_last = max(one.at_last, self.now + self.lease)
            else:
                one.outcome = "done"

    def _refused(self, one: Taken) -> None:
        if one.outcome != "done":  # an end after the end has to be refused
            one.outcome = one.outcome and "lost"
            if self.now < one.until - SLACK:
                self._fault(f"{self.verb} of {one.key} was refused within its lease")

    def on_killed(self, ledger: str) -> None:
        self.history.kills += 1
        self.history.killed[ledger] = self.now

    def on_cut(self) -> None:
        self.history.cuts += 1

    def on_up(self) -> None:
        self.history.ups.append(self.now)

    def on_left(self, *keys: str) -> None:
        self.history.left.update(keys)

    def on_dead(self, *keys: str) -> None:
        self.history.dead.update(keys)

    def on_failed(self, error: str) -> None:
        self._fault(f"{self.name}: {error}")

    def _fault(self, text: str) -> None:
        self.history.faults.append(text)
