"""
The state of the store: the keys of the Redis layout, and a ledger that no client sees.

Time is a number, a body is an ``Entry``. The ledger says what was put, what took effect, how often
a message really was counted; the invariants compare the keys with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

NEW, HEAD, TAIL = "new", "head", "tail"
"""How an entry came where it is: put, given back to the head, or failed or promoted to the tail."""

Command: TypeAlias = "tuple[Any, ...]"
Reply: TypeAlias = "tuple[Any, ...]"


class Entry(NamedTuple):
    """A message, as it lies in a list."""

    message: str
    attempts: int = 0
    origin: str = NEW


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
        self.queue = [entry._replace(origin=HEAD) for entry in entries] + self.landing + self.queue
        self.landing = []

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


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]
