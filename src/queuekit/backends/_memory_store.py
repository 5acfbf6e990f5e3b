"""The store in memory: the queues behind one lock, and who waits for them."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from itertools import product
from typing import ClassVar, Final, TypeVar

from .._lanes import Lanes
from ..errors import ConfigurationError, TransportError, Unsupported
from ._tokens import Tokens
from ._waiters import Lines

_R = TypeVar("_R")
Clock = Callable[[], float]

_BYTES: Final = [f"{n:02x}" for n in range(256)]

_alive: weakref.WeakSet[Store] = weakref.WeakSet()


class Store:
    """The queues, their lock, and who waits; shared by transports of both colours."""

    named: ClassVar[dict[str, Store]] = {}
    naming: ClassVar[threading.RLock] = threading.RLock()

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lanes: dict[str, Lanes] = {}
        self.lines = Lines()
        self._lock = threading.RLock()
        self._inside = False
        mark = os.urandom(9).hex()[:17] + "0"
        self.receipts = map("".join, product((mark,), *5 * (_BYTES,), ("0000.0",)))
        """First receipts of claims: tokens, from which the ids of bare bodies are cut."""
        self.tokens = Tokens()
        self.forked = False
        _alive.add(self)

    @classmethod
    def by_name(cls, name: str) -> Store:
        """Return the store of that name in this process; without a name a new one."""
        if not name:
            return cls(time.monotonic)
        with cls.naming:
            store = cls.named.get(name)
            if store is None or store.forked:  # a fork begins with stores of its own
                store = cls.named[name] = cls(time.monotonic)
            return store

    def after_fork(self) -> None:
        """Have nothing, so that every call comes to ``run``, which refuses it."""
        self.forked = True
        self.lanes.clear()

    def lane(self, queue: str) -> Lanes:
        """Return the lanes of a queue to put something into them."""
        lanes = self.lanes.get(queue)
        if lanes is None:
            lanes = self.lanes[queue] = Lanes()
        return lanes

    def look(self, queue: str) -> Lanes:
        """Return the lanes of a queue; empty ones, of nobody, where nothing was ever put."""
        return self.lanes.get(queue) or Lanes()

    def run(self, step: Callable[[], _R]) -> _R:
        """
        Run *step* alone.

        The lock is reentrant, so that a signal handler (or a finalizer) which comes in the middle
        of a step in its own thread is refused, and does not wait for itself.

        Raises:
            TransportError: This thread is in the middle of a step.
        """
        if self.forked:
            raise Unsupported(
                "a memory transport stays in the process that made it: a fork has its own copy;"
                ' use "sqlite:" or "redis:" between processes'
            )
        with self._lock:
            if self._inside:
                raise TransportError(
                    "a signal handler or finalizer used the memory transport in the middle of"
                    " another call of its thread; let it set a flag, or use another thread"
                )
            self._inside = True
            try:
                return step()
            finally:
                self._inside = False


def store_of_url(url: str) -> Store:
    name = url.partition(":")[2]
    if name.startswith("/") or "?" in name:
        raise ConfigurationError(
            'a memory store is "memory:" or "memory:name", without slashes and parameters'
        )
    return Store.by_name(name)


def _after_fork() -> None:
    for store in list(_alive):
        store.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
