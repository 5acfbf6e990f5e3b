"""
The state machine with levels, groups, keys and bounds, in any combination.

Where several receipts are settled in one call, stores may let several groups go on in an order of
their own; so these are settled one by one here.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from queuekit._envelope import NO_HEADERS, Place, new_ids, wrap
from queuekit.errors import QueueFull
from queuekit.transport import Dedup, PushOptions, Receipt

from .machine import QUEUE, TO, Machine, durations, modelled

PLACED_MINIMUM = {
    "placed": 50,
    "followed": 10,
    "behind": 50,
    "joined late": 20,
    "known key": 10,
    "new again": 10,
    "full": 20,
    "repeated": 20,
    "sent back": 10,
}
"""How often the interesting things happen at least in 600 examples of the machine, all together."""

levels = st.sampled_from([0, 0, 1, -1, 3, -3])
groups = st.sampled_from(["", "", "g", "g", "h", "ä"])
keys = st.sampled_from([None, None, "k", "l"])
bounds = st.sampled_from([None, None, 3, 6, 12])
delays = st.sampled_from([0.0, 0.0, 0.0, 10.5, 25.5])


class PlacedMachine(Machine):
    """Everything that ``Machine`` does, among messages that have places."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = 0
        self.known: set[str] = set()

    @rule(
        places=st.lists(st.tuples(levels, groups), min_size=1, max_size=4),
        key=keys,
        bound=bounds,
        delay=delays,
        window=st.just(4.5),
        again=st.booleans(),
    )
    def put(
        self,
        places: list[tuple[int, str]],
        key: str | None,
        bound: int | None,
        delay: float,
        window: float,
        again: bool,
    ) -> None:
        frames = self.frames(places[:1] if key else places)
        options = PushOptions(
            placed=True, delay=delay, max_length=bound, dedup=Dedup(key, window) if key else None
        )
        self.tokens += 1
        token = f"put {self.tokens}"
        want = self.modelled_push(frames, options, token)
        assert want == self.pushed(frames, options, token)
        if again and want is None:
            self.note("repeated", 1)
            assert None is self.pushed(frames, options, token)
        self.compare()

    @precondition(lambda self: self.issued)
    @rule(chosen=st.integers(0, 6), level=levels, group=groups)
    def send_back(self, chosen: int, level: int, group: str) -> None:
        """Move a message to the other queue or within its own, with another place."""
        (frame,) = self.frames([(level, group)])
        to, lanes = (QUEUE, self.lanes) if chosen % 2 else (TO, self.target)
        (receipt,) = self.receipts([chosen])
        want = self.lanes.move([(modelled(receipt), frame)], lanes)
        self.note("sent back", not want)
        self.reported(want, self.transport.move(QUEUE, [(receipt, frame)], to=to), 1)
        self.compare()

    @rule(limit=st.integers(1, 4), rounds=st.integers(2, 5))
    def work_off(self, limit: int, rounds: int) -> None:
        """Claim and ack, so that groups go on."""
        for _ in range(rounds):
            for one in self.claimed(limit, 25.5):
                before = self.lanes.claimable
                self.settle("ack", [one.receipt])
                self.note("followed", self.lanes.claimable - before)
            self.compare()

    @rule(names=st.lists(groups, min_size=2, max_size=4), delay=st.sampled_from([0.5, 10.5]))
    def put_behind(self, names: list[str], delay: float) -> None:
        """Put messages of groups, and later ones of the same, and let these become due."""
        for seconds in (0.0, delay):
            frames = self.frames([(0, name) for name in names])
            options = PushOptions(placed=True, delay=seconds)
            self.tokens += 1
            assert None is self.modelled_push(frames, options, f"behind {self.tokens}")
            assert None is self.pushed(frames, options, f"behind {self.tokens}")
        self.compare()
        self.pass_seconds(delay + 0.5)
        self.recover_all(100)

    @rule(limit=st.integers(1, 3))
    def recover(self, limit: int) -> None:
        self.recover_all(limit)

    def recover_all(self, limit: int) -> None:
        before = self.waiting()
        super().recover(limit)
        self.note("joined late", self.waiting() - before)

    @rule(key=st.sampled_from(["k", "l"]), window=durations, verb=st.integers(0, 1))
    def mark(self, key: str, window: float, verb: int) -> None:
        marks, now = self.lanes.marks, self.store.clock()
        if verb:
            want = marks.get(key, now)
            if want is None:
                marks.set(key, "mine", now=now, window=window)
            assert want == self.transport.mark(QUEUE, key, "mine", window=window)
        else:
            assert marks.drop(key, now) == self.transport.unmark(QUEUE, key)
        self.compare()

    @rule(place=st.tuples(levels, groups), really=st.integers(0, 2))
    def put_and_purge(self, place: tuple[int, str], really: int) -> None:
        """Purge a queue that has claims and keys."""
        self.put([place, place], None, None, 0.0, 4.5, again=False)
        self.claimed(1, 25.5)
        self.put([place], "k", None, 0.0, 10.5, again=False)
        if not really:
            assert self.lanes.purge() == self.transport.purge(QUEUE)
        self.compare()

    @rule(limit=st.just(1))
    def pop(self, limit: int) -> None:
        """A batch may hold those that follow, or not; so one by one."""
        super().pop(limit)

    def settle(self, verb: str, receipts: list[Receipt]) -> None:
        one_by_one = [[receipt] for receipt in receipts] if verb in ("ack", "move") else [receipts]
        for some in one_by_one:
            super().settle(verb, some)

    def compare(self) -> None:
        super().compare()
        now = self.store.clock()
        for key in ("k", "l"):
            assert self.lanes.marks.get(key, now) == self.transport.marked(QUEUE, key)
        self.note("behind", self.waiting())

    # how

    def waiting(self) -> int:
        return self.lanes.places.waiting if self.lanes.places is not None else 0

    def frames(self, places: list[tuple[int, str]]) -> list[bytes]:
        bare = self.bodies(len(places), framed=False)
        ids = new_ids(len(places), now_ms=1, entropy=os.urandom(10))
        parts = zip(ids, bare, places, strict=True)
        return [wrap(one, body, NO_HEADERS, Place(*place)) for one, body, place in parts]

    def modelled_push(self, frames: list[bytes], options: PushOptions, token: str) -> Any:
        lanes, now, dedup = self.lanes, self.store.clock(), options.dedup
        if dedup and (first := lanes.marks.get(dedup.key, now)) is not None:
            self.note("known key", 1)
            return first
        if options.max_length is not None and not lanes.has_room(len(frames), options.max_length):
            self.note("full", 1)
            return QueueFull
        if dedup:
            self.note("new again", dedup.key in self.known)
            self.known.add(dedup.key)
            lanes.marks.set(dedup.key, token, now=now, window=dedup.window)
        lanes.push(frames, now=now, delay=options.delay, placed=True)
        self.note("placed", len(frames))
        return None

    def pushed(self, frames: list[bytes], options: PushOptions, token: str) -> Any:
        try:
            return self.transport.push(QUEUE, frames, options=options, token=token)
        except QueueFull:
            return QueueFull
