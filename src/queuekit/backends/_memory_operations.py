"""What the memory transports of both colours do alike: the verbs of the contract on a store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from .._checks import check_bodies, check_count, check_name, check_push, check_seconds, full
from .._lanes import Lanes
from .._receipt import token_of
from .._returned import Message
from .._whole import whole
from ..errors import TransportClosed
from ..transport import (
    NO_OPTIONS,
    Delivery,
    Features,
    PushOptions,
    QueueStats,
    Receipt,
)
from ._memory_store import Store
from ._tokens import STORED

_R = TypeVar("_R")


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
