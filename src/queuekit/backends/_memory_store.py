"""The store in memory: the state machine behind one lock, and who waits for it."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import ClassVar, Final, Protocol

from .._checks import check_bodies, check_count, check_durable, check_name, check_seconds
from .._deadline import Deadline
from .._lanes import Lanes
from ..errors import ConfigurationError, TransportClosed, Unsupported
from ..transport import (
    Delivery,
    Features,
    PushOptions,
    QueueStats,
    Receipt,
)
from ._tokens import Tokens

Clock = Callable[[], float]

_MOVED_CLOCK_TICK: Final = 0.01
"""With a clock that somebody moves, waiters look again so often (real seconds)."""


class Waiter(Protocol):
    def wake(self) -> bool: ...


class Store:
    """The queues, their lock, and who waits; shared by transports of both colours."""

    named: ClassVar[dict[str, Store]] = {}
    naming: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.lanes: dict[str, Lanes] = {}
        self.waiters: dict[str, deque[Waiter]] = {}
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
        lanes = self.lanes.get(queue)
        if lanes is None:
            lanes = self.lanes[check_name(queue)] = Lanes()
        return lanes

    def wake(self, queue: str, messages: int) -> None:
        """Wake as many waiters as there are messages; the lock is held."""
        waiting = self.waiters.get(queue)
        while waiting and messages > 0:
            messages -= waiting.popleft().wake()


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

    def _lane(self, queue: str) -> Lanes:
        """Return the queue's lanes; the lock is held."""
        if self._closed:
            raise TransportClosed(f"this transport was closed; {queue!r} cannot be reached by it")
        if self.store.pid != os.getpid():
            raise Unsupported(
                "a memory transport stays in the process that made it: a fork has its own copy;"
                ' use "sqlite:" or "redis:" between processes'
            )
        return self.store.lane(queue)

    def _push(
        self, queue: str, bodies: Sequence[bytes], options: PushOptions, token: str | None
    ) -> None:
        check_bodies(queue, bodies, self._features.max_body)
        delay = check_seconds("delay", options.delay)
        check_durable(options.durable, self._features.waits_for)
        store = self.store
        with store.lock:
            lane = self._lane(queue)
            if not bodies or (token is not None and not store.tokens.add(queue, token)):
                return
            lane.push(bodies, now=store.clock() if delay else 0.0, delay=delay)
            if queue in store.waiters:
                store.wake(queue, len(bodies))

    def _pop(self, queue: str, limit: int) -> list[bytes]:
        with self.store.lock:
            return self._lane(queue).pop(limit)

    def _claim(self, queue: str, lease: float, limit: int) -> list[Delivery]:
        store = self.store
        with store.lock:
            lane = self._lane(queue)
            before = len(lane.ready)
            found = lane.claim(store.new_token(), now=store.clock(), lease=lease, limit=limit)
            if queue in store.waiters:  # what was recovered beyond our limit is for the others
                store.wake(queue, len(lane.ready) + len(found) - before)
            return found

    def _peek(self, queue: str, limit: int) -> list[bytes]:
        with self.store.lock:
            return self._lane(queue).peek(check_count("limit", limit))

    def _stats(self, queue: str) -> QueueStats:
        with self.store.lock:
            return self._lane(queue).stats()

    def _purge(self, queue: str) -> int:
        with self.store.lock:
            return self._lane(queue).purge()

    def _ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        with self.store.lock:
            return self._lane(queue).ack(receipts)

    def _release(
        self, queue: str, receipts: Sequence[Receipt], counted: bool, delay: float
    ) -> list[Receipt]:
        check_seconds("delay", delay)
        store = self.store
        with store.lock:
            lane = self._lane(queue)
            lost = lane.release(receipts, counted=counted, now=store.clock(), delay=delay)
            store.wake(queue, len(receipts) - len(lost))
            return lost

    def _move(self, queue: str, letters: Sequence[tuple[Receipt, bytes]], to: str) -> list[Receipt]:
        with self.store.lock:
            lane, target = self._lane(queue), self._lane(to)
            lost: list[Receipt] = []
            for receipt, body in letters:
                if lane.ack([receipt]):
                    lost.append(receipt)
                else:
                    target.push([body])
            self.store.wake(to, len(letters) - len(lost))
            return lost

    def _extend(self, queue: str, receipts: Sequence[Receipt], lease: float) -> list[Receipt]:
        check_seconds("lease", lease, positive=True)
        with self.store.lock:
            return self._lane(queue).extend(receipts, now=self.store.clock(), lease=lease)

    def _recover(self, queue: str, limit: int) -> int:
        check_count("limit", limit)
        with self.store.lock:
            lane = self._lane(queue)
            before = len(lane.ready)
            done = lane.recover(now=self.store.clock(), limit=limit)
            self.store.wake(queue, len(lane.ready) - before)
            return done

    def _close(self) -> None:
        """Wake everybody: whose transport was closed sees it, the others wait again."""
        self._closed = True
        with self.store.lock:
            for queue in self.store.waiters:
                self.store.wake(queue, len(self.store.waiters[queue]))

    def _enter(self, queue: str, waiter: Waiter, claiming: bool) -> bool:
        """Queue up *waiter* unless something is there by now; True means wait."""
        store = self.store
        with store.lock:
            lane = self._lane(queue)
            event = lane.next_event() if claiming else None
            if lane.ready or (event is not None and event <= store.clock()):
                return False
            store.waiters.setdefault(queue, deque()).append(waiter)
            return True

    def _leave(self, queue: str, waiter: Waiter) -> None:
        """Leave the line; who had been woken and takes nothing wakes the next one."""
        with self.store.lock:
            waiting = self.store.waiters.get(queue)
            if waiting is not None and waiter in waiting:
                waiting.remove(waiter)
            elif self.store.lane(queue).ready:
                self.store.wake(queue, 1)
            if not waiting:
                self.store.waiters.pop(queue, None)

    def _slice(self, queue: str, deadline: Deadline, claiming: bool) -> float:
        """Return how long a waiter may sleep before it looks again by itself."""
        longest = deadline.left(time.monotonic())
        with self.store.lock:
            event = self.store.lane(queue).next_event() if claiming else None
            if self.store.clock is not time.monotonic:
                return min(longest, _MOVED_CLOCK_TICK)
            return longest if event is None else min(longest, max(0.0, event - time.monotonic()))


def store_of_url(url: str) -> Store:
    name = url.partition(":")[2]
    if name.startswith("/") or "?" in name:
        raise ConfigurationError(
            'a memory store is "memory:" or "memory:name", without slashes and parameters'
        )
    return Store.by_name(name)
