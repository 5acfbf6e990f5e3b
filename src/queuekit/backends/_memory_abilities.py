"""What the memory transports offer beyond the contract, and what their waits go by."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from .. import _later
from .._checks import check_count, check_limits, check_name, check_queues, check_seconds
from .._lanes import Lanes
from .._receipt import token_of
from ..abilities import Limits
from ..transport import Delivery, Receipt
from ._memory_operations import MemoryOperations
from ._waiters import Sleeper

_MOVED_CLOCK_TICK: Final = 0.01
"""With a clock that somebody moves, waiters look again so often (real seconds)."""


class MemoryAbilities(MemoryOperations):
    """What both colours share of ``abilities``, and of waiting."""

    def _mark(self, queue: str, key: str, value: str, window: float) -> str | None:
        check_name(key)
        check_seconds("window", window, positive=True)
        store = self._store

        def step(lane: Lanes) -> str | None:
            now = store.clock()
            first = lane.marks.get(key, now)
            if first is None:
                lane.marks.set(key, value, now=now, window=window)
            return first

        return self._run(queue, step, make=True)

    def _marked(self, queue: str, key: str) -> str | None:
        check_name(key)
        return self._run(queue, lambda lane: lane.marks.get(key, self._store.clock()))

    def _unmark(self, queue: str, key: str) -> bool:
        check_name(key)
        return self._run(queue, lambda lane: lane.marks.drop(key, self._store.clock()))

    def _limit(self, queue: str, limits: Limits) -> None:
        """Note the limits of a queue, so that acks and waits for several queues heed them."""
        check_limits(limits)

        def step(lane: Lanes) -> None:
            lane.turns.limits = limits
            if limits.in_flight is not None:
                lane.plain = False  # an ack gives somebody a turn

        self._run(queue, step, make=True)

    def _claim_turns(
        self, queue: str, receipt: Receipt, lease: float, limit: int, found: list[Delivery]
    ) -> bool:
        """Add what is claimed within the limits, and tell whether it was something."""
        store = self._store

        def step(lane: Lanes) -> None:
            now = store.clock()
            made_ready = lane.make_ready(now)
            free = int(min(limit, lane.turns.free(now=now, held=len(lane.held))))
            if free:
                found.extend(lane.hide(token_of(receipt), now + lease, free))
                lane.turns.take(now=now, count=len(found))
            store.lines.wake(queue, made_ready)

        self._run(queue, step)
        return bool(found)

    def _peek_delayed(self, queue: str, limit: int) -> list[tuple[Delivery, float]]:
        check_count("limit", limit)
        clock = self._store.clock
        return self._run(queue, lambda lane: _later.peek_delayed(lane, now=clock(), limit=limit))

    def _move_delayed(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], to: str
    ) -> list[Receipt]:
        store = self._store
        check_name(to)

        def step(lane: Lanes) -> list[Receipt]:
            lost = _later.move_delayed(lane, letters, store.lane(to))
            store.lines.wake(to, len(letters) - len(lost))  # what is due next may be another now
            return lost

        return self._run(queue, step)

    def _something_in(self, queues: Sequence[str]) -> bool:
        """Tell whether a claim of one of *queues* would bring something."""
        clock = self._store.clock

        def step(lane: Lanes) -> bool:
            now = clock()
            free = lane.claimable and lane.turns.free(now=now, held=len(lane.held))
            return bool(free) or lane.is_due(now)

        return any(self._run(queue, step) for queue in queues)

    def _enter(self, queues: Sequence[str], waiter: Sleeper) -> None:
        for queue in queues:
            self._store.lines.enter(queue, waiter)

    def _leave(self, queues: Sequence[str], waiter: Sleeper) -> None:
        """Step out of all lines; who had been woken wakes the next, since it takes nothing."""
        for queue in queues:
            self._store.lines.leave(queue, waiter, satisfied=False)

    def _wait_for(self, queues: Sequence[str], timeout: float) -> tuple[list[str], float]:
        """Return whom to wait for, and how long."""
        names = check_queues(queues)
        return names, min(check_seconds("timeout", timeout), self._features.max_wait)

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

    def _shortest(self, queues: Sequence[str], left: float) -> float:
        """Return how long a waiter for several queues may sleep."""
        return min([self._slice(queue, left, claiming=True) for queue in queues])
