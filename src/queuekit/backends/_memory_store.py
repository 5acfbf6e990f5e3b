"""The store in memory: the state machine behind one lock, and who waits for it."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from itertools import product
from typing import ClassVar, Final, TypeVar

from .._checks import (
    check_bodies,
    check_count,
    check_name,
    check_push,
    check_seconds,
    full,
)
from .._lanes import Lanes
from .._receipt import token_of
from .._returned import Message
from .._whole import whole
from ..errors import ConfigurationError, TransportClosed, TransportError, Unsupported
from ..transport import (
    NO_OPTIONS,
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


class MemoryOperations:
    """What both colours share: every operation but waiting and closing."""

    def __init__(self, store: Store, max_body: int) -> None:
        self._closed = False
        self._features = Features(
            priorities=True,
            groups=True,
            dedup=True,
            bounds=True,
            max_body=check_count("max_body", max_body),
        )
        self.store = store

    @property
    def store(self) -> Store:
        """The queues, which other transports may share."""
        return self._store

    @store.setter
    def store(self, store: Store) -> None:
        self._store = store
        self._lanes = store.lanes

    @property
    def features(self) -> Features:
        """Everything but durability; no limits on delays and leases."""
        return self._features

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self._store.lanes)} queues>"

    def put_back(self, queue: str, bodies: Sequence[bytes]) -> None:
        """Put bodies that ``pop`` brought, and that nobody got, at the head in their order."""
        lane = self._store.look(queue)
        self._put_back(queue, list(bodies) if lane.plain else list(lane.seat(bodies)))

    def _run(self, queue: str, step: Callable[[Lanes], _R], *, make: bool = False) -> _R:
        """Run *step* on the lanes of a queue, alone."""
        check_name(queue)
        if self._closed:
            raise TransportClosed(f"this transport was closed; {queue!r} cannot be reached by it")
        lane = self._store.lane if make else self._store.look
        return self._store.run(lambda: step(lane(queue)))

    def push_now(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> str | None:
        """See ``Transport.push``."""
        lane = self._lanes.get(queue)
        max_body = self._features.max_body
        for body in bodies:
            if len(body) > max_body:
                check_bodies(queue, bodies, max_body)
        plain = options is NO_OPTIONS or options == NO_OPTIONS
        if lane is None or not lane.plain or not plain or not bodies:
            return self._push_slowly(queue, bodies, options, token)
        if bodies.__class__ is not list:
            bodies = list(bodies)  # so that what follows is one call into C
        store = self._store
        lines = store.lines
        try:
            if token is not None:
                tokens = store.tokens
                if tokens.knows(queue, token):
                    return None
                tokens.make_room()
                tokens.young[queue, token] = STORED  # and nothing is called before it is true
            lane.ready.extend(bodies)
            if queue in lines.waiting:
                lines.wake(queue, len(bodies))
        except BaseException:  # interrupted; perhaps they are stored
            lines.wake(queue, len(bodies))
            raise
        return None

    def _push_slowly(
        self, queue: str, bodies: Sequence[bytes], options: PushOptions, token: str | None
    ) -> str | None:
        check_push(options, self._features, len(bodies), token)
        store, count = self._store, len(bodies)
        delay, dedup, max_length = options.delay, options.dedup, options.max_length

        def step(lane: Lanes) -> str | None:
            if token is not None and store.tokens.knows(queue, token):
                return None
            now = store.clock()
            if dedup is not None and (first := lane.marks.get(dedup.key, now)) is not None:
                return first
            if max_length is not None and not lane.has_room(count, max_length):
                raise full(queue, max_length)
            messages = lane.seat(bodies) if options.placed else deque(bodies)

            def steps() -> None:
                lane.put(messages, now + delay if delay else None)
                if dedup is not None and token is not None:
                    lane.marks.set(dedup.key, token, now=now, window=dedup.window)
                if token is not None:
                    store.tokens.add(queue, token, STORED)
                store.lines.wake(queue, count)

            whole(steps)
            return None

        return self._run(queue, step if bodies else lambda _: None, make=bool(bodies))

    def _pop(self, queue: str, limit: int, hand: list[Message]) -> bool:
        """Move messages into the caller's hand, and tell whether there were any."""
        lane = self._lanes.get(queue)
        if lane is not None and lane.plain:
            lane.take_plain(hand, limit)
            if hand or lane.plain:  # else another thread gave places to all there was
                return bool(hand)
        self._run(queue, lambda lane: lane.take(hand, limit))
        return bool(hand)

    def _put_back(self, queue: str, hand: list[Message]) -> None:
        """Empty the hand of a call that nobody waits for any more; also when closed meanwhile."""
        store = self._store

        def step() -> None:
            messages = len(hand)
            store.lane(queue).put_back(hand)
            store.lines.wake(queue, messages)

        if hand:
            whole(lambda: store.run(step))

    def _claim(
        self, queue: str, receipt: Receipt, lease: float, limit: int, found: list[Delivery]
    ) -> bool:
        """Add what is claimed to the caller's list, and tell whether it was something."""
        store, lane = self._store, self._lanes.get(queue)
        if lane is not None and lane.plain and not lane.is_due(now := store.clock()):
            found += lane.hide(token_of(receipt), now + lease, limit)
            return bool(found)

        def step(lane: Lanes) -> None:
            now = store.clock()
            made_ready = lane.make_ready(now)
            found.extend(lane.hide(token_of(receipt), now + lease, limit))
            # what was recovered beyond our limit is for the others
            store.lines.wake(queue, made_ready)

        self._run(queue, step)
        return bool(found)

    def _unclaim(self, queue: str, receipt: Receipt) -> None:
        """Undo a claim that nobody waits for any more, uncounted; also when closed meanwhile."""
        store = self._store

        def step() -> None:
            store.lines.wake(queue, store.look(queue).unclaim(token_of(receipt)))

        whole(lambda: store.run(step))

    def _peek(self, queue: str, limit: int) -> list[bytes]:
        check_count("limit", limit)
        return self._run(queue, lambda lane: lane.peek(limit))

    def _stats(self, queue: str) -> QueueStats:
        return self._run(queue, lambda lane: lane.stats())

    def _purge(self, queue: str) -> int:
        return self._run(queue, lambda lane: lane.purge())

    def ack_now(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``."""
        lane = self._lanes.get(queue)
        if lane is not None and lane.plain:
            return lane.ack(receipts)
        store = self._store

        def step(lane: Lanes) -> list[Receipt]:
            lost = lane.ack(receipts)
            # for who follows in a group, or has a turn
            store.lines.wake(queue, len(receipts) - len(lost))
            return lost

        return self._run(queue, step)

    def _release(
        self, queue: str, receipts: Sequence[Receipt], counted: bool, delay: float
    ) -> list[Receipt]:
        check_seconds("delay", delay)
        store = self._store

        def step(lane: Lanes) -> list[Receipt]:
            lost = lane.release(receipts, counted=counted, now=store.clock(), delay=delay)
            store.lines.wake(queue, len(receipts) - len(lost))
            return lost

        return self._run(queue, step)

    def _move(self, queue: str, letters: Sequence[tuple[Receipt, bytes]], to: str) -> list[Receipt]:
        store = self._store
        check_name(to)

        def step(lane: Lanes) -> list[Receipt]:
            lost = lane.move(letters, store.lane(to))
            store.lines.wake(to, len(letters) - len(lost))
            if not lane.plain:  # as for an ack
                store.lines.wake(queue, len(letters) - len(lost))
            return lost

        return self._run(queue, step)

    def _extend(self, queue: str, receipts: Sequence[Receipt], lease: float) -> list[Receipt]:
        check_seconds("lease", lease, positive=True)
        clock = self._store.clock
        return self._run(queue, lambda lane: lane.extend(receipts, now=clock(), lease=lease))

    def _recover(self, queue: str, limit: int) -> int:
        check_count("limit", limit)
        store = self._store

        def step(lane: Lanes) -> int:
            before = lane.claimable
            done = lane.recover(now=store.clock(), limit=limit)
            store.lines.wake(queue, lane.claimable - before)
            return done

        return self._run(queue, step)

    def _close(self) -> None:
        """Wake everybody: whose transport was closed sees it, the others wait again."""
        self._closed = True
        self._lanes = {}
        self._store.lines.wake_all()

    def _slice(self, queue: str, left: float, claiming: bool) -> float:
        """Return how long a waiter may sleep before it looks again by itself."""
        store = self._store
        if store.clock is not time.monotonic:
            return min(left, _MOVED_CLOCK_TICK)
        if not claiming:
            return left

        def step(lane: Lanes) -> float:
            now = time.monotonic()
            events = lane.next_event(), lane.turns.next(now=now)
            return min([left, *(max(0.0, one - now) for one in events if one is not None)])

        return self._run(queue, step)


def check_claim(lease: float, limit: int, timeout: float) -> None:
    """Refuse wrong arguments of a claim."""
    check_count("limit", limit)
    check_seconds("lease", lease, positive=True)
    check_seconds("timeout", timeout)


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
