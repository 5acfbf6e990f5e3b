"""
The state of the store: the keys of the Redis layout, and a ledger that no client sees.

Time is a number, a body is an ``Entry``. The ledger says what was put, what took effect, how often
a message really was counted; the invariants compare the keys with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple, TypeAlias

NEW, HEAD, TAIL, NEXT = "new", "head", "tail", "next"
"""
How an entry came where it is: put, given back to the head, failed or promoted to the tail, or as
the next of its group.
"""
SIGN = "+placed"
"""The member of the leases that says that the queue keeps places; the model keeps it apart."""

Command: TypeAlias = "tuple[Any, ...]"
Reply: TypeAlias = "tuple[Any, ...]"


class Entry(NamedTuple):
    """A message, as it lies in a list."""

    message: str
    attempts: int = 0
    origin: str = NEW


WAKE = Entry("", 0, "wake")
"""No message: wakes who waits, or stands in front of the landing list."""

Place: TypeAlias = "Entry | str"
"""A place of a claim: an entry, or the verb that settled it."""
Wanted: TypeAlias = "tuple[tuple[int, str], ...]"
"""Places, each with the message that the caller means."""


class Store(NamedTuple):
    """A state, hashable."""

    now: int = 0
    queue: tuple[Entry, ...] = ()
    landing: tuple[Entry, ...] = ()
    delayed: tuple[tuple[int, int, Entry], ...] = ()
    dead: tuple[str, ...] = ()
    claims: tuple[tuple[str, tuple[Place, ...]], ...] = ()
    leases: tuple[tuple[str, int], ...] = ()
    marks: tuple[tuple[str, tuple[int, ...] | None], ...] = ()
    """What a token left: the places that were live when it expired, or None: done."""
    lanes: tuple[tuple[str, int], ...] = ()
    put: tuple[str, ...] = ()
    """From here on the ledger. Every message, in the order of the puts."""
    gone: frozenset[str] = frozenset()
    """Acked, popped or purged."""
    counted: tuple[tuple[str, int], ...] = ()
    """How many claims of a message ended with their lease or in a failure."""
    effects: frozenset[tuple[str, str, Wanted, str]] = frozenset()
    """Which settlement, by token, verb and places, ended which message."""
    over: frozenset[str] = frozenset()
    """Tokens that may not get a list any more: they have or had one, or were given back."""
    is_placed: bool = False
    """From here on keys again, of a queue that keeps places: its sign."""
    levels: tuple[tuple[int, tuple[Entry, ...]], ...] = ()
    """The messages of the levels other than 0."""
    busy: tuple[tuple[str, tuple[str, str]], ...] = ()
    """By group the message that holds it, and where that is: R ready, C claimed, D delayed."""
    waiting: tuple[tuple[str, tuple[Entry, ...]], ...] = ()
    """By group who waits for it."""
    keys: tuple[tuple[str, str], ...] = ()
    """The tokens of the puts that have a key."""


class Server:
    """A state that can be changed; ``broken`` says what a step did that no later look can see."""

    def __init__(self, store: Store) -> None:
        self.now, queue, landing, delayed, dead, claims, leases, marks, lanes = store[:9]
        self.queue, self.landing = list(queue), list(landing)
        self.delayed, self.dead = list(delayed), list(dead)
        self.claims, self.leases, self.marks = dict(claims), dict(leases), dict(marks)
        self.lanes = dict(lanes)
        self.put, self.gone = list(store.put), set(store.gone)
        self.counted, self.effects = dict(store.counted), set(store.effects)
        self.over = set(store.over)
        self.is_placed, self.busy, self.keys = store.is_placed, dict(store.busy), dict(store.keys)
        self.levels = {level: list(entries) for level, entries in store.levels}
        self.waiting = {group: list(entries) for group, entries in store.waiting}
        self.broken = ""

    def freeze(self) -> Store:
        """Return the state as it is."""
        return Store(
            self.now,
            tuple(self.queue),
            tuple(self.landing),
            tuple(sorted(self.delayed)),
            tuple(self.dead),
            tuple(sorted(self.claims.items(), key=_first)),
            tuple(sorted(self.leases.items())),
            tuple(sorted(self.marks.items(), key=_first)),
            tuple(sorted(self.lanes.items())),
            tuple(self.put),
            frozenset(self.gone),
            tuple(sorted(self.counted.items())),
            frozenset(self.effects),
            frozenset(self.over),
            self.is_placed,
            tuple(sorted((level, tuple(each)) for level, each in self.levels.items() if each)),
            tuple(sorted(self.busy.items())),
            tuple(sorted((group, tuple(each)) for group, each in self.waiting.items() if each)),
            tuple(sorted(self.keys.items())),
        )

    def blame(self, what: str) -> None:
        """Take note of the first thing that was wrong."""
        self.broken = self.broken or what

    def expired(self) -> list[str]:
        """Return the tokens of expired claims, by deadline."""
        deadlines = sorted((at, token) for token, at in self.leases.items())
        return [token for at, token in deadlines if at <= self.now]

    def renew(self, token: str, lease: int) -> None:
        """Let a lease end later, never earlier."""
        self.leases[token] = max(self.leases.get(token, 0), self.now + lease)

    def make(self, token: str, taken: list[Entry]) -> None:
        """Record a new claim in the ledger and in the store."""
        if token in self.over:
            self.blame(f"a claim was made for {token}, which was over or had one")
        self.over.add(token)
        self.claims[token] = tuple(taken)

    def push_front(self, entries: Iterable[Entry]) -> None:
        """Put entries at the head, behind nothing: what has landed goes back before."""
        landed = [entry for entry in self.landing if entry != WAKE]
        if landed != self.landing and self.queue[:1] == [WAKE]:
            del self.queue[0]
        self.landing = [WAKE] if landed != self.landing else []
        self.queue = [entry._replace(origin=HEAD) for entry in entries] + landed + self.queue

    def end(self, token: str) -> None:
        """Remove a claim's list and lease."""
        self.claims.pop(token, None)
        self.leases.pop(token, None)

    def count(self, message: str) -> None:
        """Record in the ledger that an attempt of a message ended."""
        self.counted[message] = self.counted.get(message, 0) + 1


def live(places: Iterable[Place]) -> tuple[tuple[int, str], ...]:
    """Return the places that are not settled, with their messages."""
    return tuple((i, p.message) for i, p in enumerate(places) if isinstance(p, Entry))


@cache
def place_of(message: str) -> tuple[int, str]:
    """Return level and group, as the name of a message says them: ``a^1@g``."""
    name, _, group = message.partition("@")
    return int(name.partition("^")[2] or 0), group


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]
