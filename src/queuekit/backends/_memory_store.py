"""The store in memory: the state machine behind one lock, and who waits for it."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import ClassVar, Final, TypeVar

from .._checks import check_bodies, check_count, check_durable, check_name, check_seconds
from .._lanes import Entry, Lanes, whole
from ..errors import ConfigurationError, TransportClosed, TransportError, Unsupported
from ..transport import (
    Delivery,
    Features,
    PushOptions,
    QueueStats,
    Receipt,
)
from ._tokens import STORED, Tokens
from ._waiters import Lines

_R = TypeVar("_R")
Clock = Callable[[], float]

_MOVED_CLOCK_TICK: Final = 0.01
"""With a clock that somebody moves, waiters look again so often (real seconds)."""


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
        self._claims = count(1)
        self._mark = os.urandom(9).hex()[:17]
        self.tokens = Tokens()
        self.pid = os.getpid()

    @classmethod
    def by_name(cls, name: str) -> Store:
        """Return the store of that name in this process; without a name a new one."""
        if not name:
            return cls(time.monotonic)
        with cls.naming:
            store = cls.named.get(name)
            if store is None or store.pid != os.getpid():  # a fork begins with stores of its own
                store = cls.named[name] = cls(time.monotonic)
            return store

    def new_token(self) -> str:
        """Mint a claim's token; the ids of bodies without a frame are cut from it."""
        return f"{self._mark}{next(self._claims):011x}0000"

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
        if self.pid != os.getpid():
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


class MemoryOperations:
    """What both colours share: every operation but waiting and closing."""

    def __init__(self, store: Store, max_body: int) -> None:
        self.store = store
        self._closed = False
        self._features = Features(max_body=check_count("max_body", max_body))

    @property
    def features(self) -> Features:
        """Everything but durability; no limits on delays and leases."""
        return self._features

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self.store.lanes)} queues>"

    def put_back(self, queue: str, bodies: Sequence[bytes]) -> None:
        """Put bodies that ``pop`` brought, and that nobody got, at the head in their order."""
        self._put_back(queue, deque(map(Entry, bodies)))

    def _run(self, queue: str, step: Callable[[Lanes], _R], *, make: bool = False) -> _R:
        """Run *step* on the lanes of a queue, alone."""
        check_name(queue)
        if self._closed:
            raise TransportClosed(f"this transport was closed; {queue!r} cannot be reached by it")
        lane = self.store.lane if make else self.store.look
        return self.store.run(lambda: step(lane(queue)))

    def _push(
        self, queue: str, bodies: Sequence[bytes], options: PushOptions, token: str | None
    ) -> None:
        check_bodies(queue, bodies, self._features.max_body)
        delay = check_seconds("delay", options.delay)
        check_durable(options.durable, self._features.waits_for)
        store = self.store
        entries = deque(map(Entry, bodies))

        def step(lane: Lanes) -> None:
            if token is not None and store.tokens.knows(queue, token):
                return
            due = store.clock() + delay if delay else None

            def steps() -> None:
                lane.put(entries, due)
                if token is not None:
                    store.tokens.add(queue, token, STORED)
                store.lines.wake(queue, len(bodies))

            whole(steps)

        if bodies:
            self._run(queue, step, make=True)
        else:
            self._run(queue, lambda _: None)

    def _pop(self, queue: str, limit: int, hand: deque[Entry]) -> bool:
        """Move messages into the caller's hand, and tell whether there were any."""
        self._run(queue, lambda lane: lane.take(hand, limit))
        return bool(hand)

    def _put_back(self, queue: str, hand: deque[Entry]) -> None:
        """Empty the hand of a call that nobody waits for any more; also when closed meanwhile."""
        store = self.store

        def step() -> None:
            messages = len(hand)
            store.lane(queue).put_back(hand)
            store.lines.wake(queue, messages)

        if hand:
            whole(lambda: store.run(step))

    def _claim(
        self, queue: str, token: str, lease: float, limit: int, found: list[Delivery]
    ) -> bool:
        store = self.store

        def step(lane: Lanes) -> None:
            before = len(lane.ready)
            found.extend(lane.claim(token, now=store.clock(), lease=lease, limit=limit))
            # what was recovered beyond our limit is for the others
            store.lines.wake(queue, len(lane.ready) + len(found) - before)

        self._run(queue, step)
        return bool(found)

    def _unclaim(self, queue: str, token: str) -> None:
        """Undo a claim that nobody waits for any more, uncounted; also when closed meanwhile."""
        store = self.store

        def step() -> None:
            store.lines.wake(queue, store.look(queue).unclaim(token))

        whole(lambda: store.run(step))

    def _peek(self, queue: str, limit: int) -> list[bytes]:
        check_count("limit", limit)
        return self._run(queue, lambda lane: lane.peek(limit))

    def _stats(self, queue: str) -> QueueStats:
        return self._run(queue, lambda lane: lane.stats())

    def _purge(self, queue: str) -> int:
        return self._run(queue, lambda lane: lane.purge())

    def _ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        return self._run(queue, lambda lane: lane.ack(receipts))

    def _release(
        self, queue: str, receipts: Sequence[Receipt], counted: bool, delay: float
    ) -> list[Receipt]:
        check_seconds("delay", delay)
        store = self.store

        def step(lane: Lanes) -> list[Receipt]:
            lost = lane.release(receipts, counted=counted, now=store.clock(), delay=delay)
            store.lines.wake(queue, len(receipts) - len(lost))
            return lost

        return self._run(queue, step)

    def _move(self, queue: str, letters: Sequence[tuple[Receipt, bytes]], to: str) -> list[Receipt]:
        store = self.store
        check_name(to)

        def step(lane: Lanes) -> list[Receipt]:
            lost = lane.move(letters, store.lane(to))
            store.lines.wake(to, len(letters) - len(lost))
            return lost

        return self._run(queue, step)

    def _extend(self, queue: str, receipts: Sequence[Receipt], lease: float) -> list[Receipt]:
        check_seconds("lease", lease, positive=True)
        clock = self.store.clock
        return self._run(queue, lambda lane: lane.extend(receipts, now=clock(), lease=lease))

    def _recover(self, queue: str, limit: int) -> int:
        check_count("limit", limit)
        store = self.store

        def step(lane: Lanes) -> int:
            before = len(lane.ready)
            done = lane.recover(now=store.clock(), limit=limit)
            store.lines.wake(queue, len(lane.ready) - before)
            return done

        return self._run(queue, step)

    def _close(self) -> None:
        """Wake everybody: whose transport was closed sees it, the others wait again."""
        self._closed = True
        self.store.lines.wake_all()

    def _slice(self, queue: str, left: float, claiming: bool) -> float:
        """Return how long a waiter may sleep before it looks again by itself."""
        store = self.store
        if store.clock is not time.monotonic:
            return min(left, _MOVED_CLOCK_TICK)
        event = self._run(queue, lambda lane: lane.next_event()) if claiming else None
        return left if event is None else min(left, max(0.0, event - time.monotonic()))


def store_of_url(url: str) -> Store:
    name = url.partition(":")[2]
    if name.startswith("/") or "?" in name:
        raise ConfigurationError(
            'a memory store is "memory:" or "memory:name", without slashes and parameters'
        )
    return Store.by_name(name)
