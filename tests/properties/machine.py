"""
The state machine: a transport and the pure model do the same, and must stay the same.

The model is fed with the token of every real claim, so that one of its receipts stands for one of
the transport's. Times are chosen so that no two deadlines tie and none falls onto the present: all
leases and delays end on half seconds, all jumps of the clock are whole seconds.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import Any, Protocol

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from queuekit._envelope import MAGIC, new_ids, wrap
from queuekit._lanes import Lanes
from queuekit._receipt import place_of, token_of
from queuekit.testing import FakeClock
from queuekit.transport import Delivery, PushOptions, Receipt

QUEUE, TO = "q", "to"
MINIMUM = {"stale": 50, "expired": 50, "due": 10, "settled": 50, "extended": 10, "moved": 5}
"""How often the interesting things happen at least in one run of the machine, all examples."""

SCALE = int(os.environ.get("QUEUEKIT_TEST_EXAMPLES", "1"))
"""Set it to 20 before a release."""

durations = st.sampled_from([10.5, 25.5])
jumps = st.sampled_from([1.0, 4.0, 4.0, 11.0, 26.0])
verbs = st.sampled_from(["ack", "fail", "back", "move", "extend"])
picks = st.lists(st.one_of(st.integers(0, 5), st.integers(0, 40)), min_size=1, max_size=5)


class Subject(Protocol):
    """A store under test."""

    clock: FakeClock
    """What the model takes for the present."""

    def new(self) -> Any:
        """Return a new transport on this store."""

    def pass_time(self, seconds: float) -> None:
        """Move the store's clock and ``clock``."""

    def tick(self) -> None:
        """Let a moment pass, so that nothing ties."""

    def close(self) -> None:
        """Forget the store."""


class Machine(RuleBasedStateMachine):
    """Subclasses say which store; ``seen`` counts what happened over all examples."""

    seen: Counter[str]

    def subject(self) -> Subject:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.store = self.subject()
        self.transport = self.store.new()
        self.lanes, self.target = Lanes(), Lanes()
        self.issued: list[Receipt] = []
        self.keys: dict[str, str] = {}
        self.count = 0
        self.push(6, framed=False)  # so that the first claims find something

    def teardown(self) -> None:
        self.transport.close()
        self.store.close()

    # putting

    @rule(count=st.integers(1, 6), framed=st.booleans())
    def push(self, count: int, framed: bool) -> None:
        bodies = self.bodies(count, framed)
        self.transport.push(QUEUE, bodies)
        self.lanes.push(bodies)
        self.compare()

    @rule(count=st.integers(1, 3), delay=durations)
    def push_delayed(self, count: int, delay: float) -> None:
        bodies = self.bodies(count, framed=True)
        self.lanes.push(bodies, now=self.store.clock(), delay=delay)
        self.transport.push(QUEUE, bodies, options=PushOptions(delay=delay))
        self.compare()

    @rule(framed=st.booleans(), delay=st.sampled_from([0.0, 0.0, 10.5]))
    def push_twice_by_token(self, framed: bool, delay: float) -> None:
        bodies = self.bodies(2, framed=framed or bool(delay))
        self.lanes.push(bodies, now=self.store.clock(), delay=delay)
        for _ in range(2):
            options = PushOptions(delay=delay)
            self.transport.push(QUEUE, bodies, options=options, token=f"token {self.count}")
        self.compare()

    # taking

    @rule(limit=st.integers(1, 3))
    def pop(self, limit: int) -> None:
        same(self.lanes.pop(limit), self.transport.pop(QUEUE, limit=limit))
        self.compare()

    @rule(limit=st.integers(1, 5), lease=durations)
    def claim(self, limit: int, lease: float) -> None:
        self.claimed(limit, lease)
        self.compare()

    @rule(
        limit=st.integers(1, 3),
        again=st.integers(1, 3),
        verb=verbs,
    )
    def settle_after_another_has_it(self, limit: int, again: int, verb: str) -> None:
        old = self.claimed(limit, 10.5)
        self.pass_seconds(11.0)
        self.claimed(again, 25.5)
        self.settle(verb, [one.receipt for one in old])
        self.compare()

    @rule(limit=st.integers(1, 3), named=st.integers(0, 2))
    def extend_beyond_the_first_deadline(self, limit: int, named: int) -> None:
        found = self.claimed(limit, 10.5)
        self.pass_seconds(4.0)
        self.settle("extend", [one.receipt for one in found[named:]])
        self.pass_seconds(8.0)
        self.claimed(limit, 10.5)
        self.compare()

    @rule(
        limit=st.integers(1, 5),
        lease=durations,
        verbs=st.lists(verbs, min_size=1, max_size=3),
        chosen=picks,
    )
    def claim_and_settle_part(
        self, limit: int, lease: float, verbs: list[str], chosen: list[int]
    ) -> None:
        found = self.claimed(limit, lease)
        for verb, n in zip(verbs, chosen, strict=False):
            self.settle(verb, [one.receipt for one in found[n % 3 :: 2]][::-1])
        self.compare()

    @rule(limit=st.integers(1, 3))
    def recover(self, limit: int) -> None:
        before = self.lanes.stats()
        want = self.lanes.recover(now=self.store.clock(), limit=limit)
        self.note("expired", before.claimed - self.lanes.stats().claimed)
        self.note("due", before.delayed - self.lanes.stats().delayed)
        assert want == self.transport.recover(QUEUE, limit=limit)
        self.compare()

    # settling, with any receipts there ever were

    @precondition(lambda self: self.issued)
    @rule(verb=verbs, chosen=picks)
    def use_receipts(self, verb: str, chosen: list[int]) -> None:
        self.settle(verb, self.receipts(chosen))
        self.compare()

    @precondition(lambda self: self.issued)
    @rule(chosen=st.integers(0, 8), counted=st.booleans(), delay=durations)
    def release_delayed(self, chosen: int, counted: bool, delay: float) -> None:
        (receipt,) = self.receipts([chosen])  # two in one call would be due at the same time
        want = self.lanes.release(
            [modelled(receipt)], counted=counted, now=self.store.clock(), delay=delay
        )
        lost = self.transport.release(QUEUE, [receipt], counted=counted, delay=delay)
        self.reported(want, lost, 1)
        self.compare()

    # the rest

    @rule(seconds=jumps)
    def pass_time(self, seconds: float) -> None:
        self.pass_seconds(seconds)
        self.compare()

    @rule(which=st.sampled_from([QUEUE, QUEUE, TO]), really=st.integers(0, 3))
    def purge(self, which: str, really: int) -> None:
        if not really:  # too often, and nothing grows old
            lanes = self.lanes if which == QUEUE else self.target
            assert lanes.purge() == self.transport.purge(which)
        self.compare()

    @rule()
    def restart(self) -> None:
        old, self.transport = self.transport, self.store.new()
        old.close()
        self.compare()

    # how

    def bodies(self, count: int, framed: bool) -> list[bytes]:
        self.count += 1
        bare = [b"" if self.count % 7 == 0 else b"%d.%d" % (self.count, i) for i in range(count)]
        if not framed:
            return bare
        ids = new_ids(count, now_ms=time.time_ns() // 1_000_000, entropy=os.urandom(10))
        return [wrap(one, body) for one, body in zip(ids, bare, strict=True)]

    def receipts(self, chosen: list[int]) -> list[Receipt]:
        """Return issued receipts, counted from the latest."""
        return [self.issued[-1 - n % len(self.issued)] for n in chosen]

    def pass_seconds(self, seconds: float) -> None:
        self.store.pass_time(seconds)

    def claimed(self, limit: int, lease: float) -> list[Delivery]:
        before, now = self.lanes.stats(), self.store.clock()
        found: list[Delivery] = self.transport.claim(QUEUE, lease=lease, limit=limit)
        token = token_of(found[0].receipt) if found else "none"
        want = self.lanes.claim(token, now=now, lease=lease, limit=limit)
        after = self.lanes.stats()
        self.note("expired", before.claimed + len(want) - after.claimed)
        self.note("due", before.delayed - after.delayed)
        same([one.body for one in want], [one.body for one in found])
        assert [one.attempt for one in want] == [one.attempt for one in found]
        assert [one.receipt for one in want] == [modelled(one.receipt) for one in found]
        for mine, theirs in zip(want, found, strict=True):
            assert self.keys.setdefault(mine.key, theirs.key) == theirs.key, "the key changed"
        assert len(set(self.keys.values())) == len(self.keys), "two messages share a key"
        self.issued += [one.receipt for one in found]
        self.store.tick()
        return found

    def settle(self, verb: str, receipts: list[Receipt]) -> None:
        mine = [modelled(receipt) for receipt in receipts]
        if verb == "ack":
            want, lost = self.lanes.ack(mine), self.transport.ack(QUEUE, receipts)
            self.reported(want, lost, len(mine))
        elif verb == "fail":
            want = self.lanes.release(mine, counted=True)
            self.reported(want, self.transport.release(QUEUE, receipts, counted=True), len(mine))
        elif verb == "back":
            want = self.lanes.release(mine, counted=False)
            self.reported(want, self.transport.release(QUEUE, receipts, counted=False), len(mine))
        elif verb == "move":
            bodies = [b"letter %d %d" % (self.count, n) for n in range(len(mine))]
            want = []
            for receipt, body in zip(mine, bodies, strict=True):
                if lost := self.lanes.ack([receipt]):
                    want += lost
                else:
                    self.target.push([body])
                    self.note("moved", 1)
            letters = list(zip(receipts, bodies, strict=True))
            self.reported(want, self.transport.move(QUEUE, letters, to=TO), len(mine))
        else:
            for receipt in receipts:  # apart, so that two claims never end at the same time
                now = self.store.clock()
                want = self.lanes.extend([modelled(receipt)], now=now, lease=10.5)
                lost = self.transport.extend(QUEUE, [receipt], lease=10.5)
                self.note("extended", not want)
                self.reported(want, lost, 1)
                self.store.tick()

    def reported(self, want: list[Receipt], lost: list[Receipt], of: int) -> None:
        self.note("stale", len(want))
        self.note("settled", of - len(want))
        assert sorted(want) == sorted(map(modelled, lost))

    def note(self, what: str, times: int) -> None:
        if times > 0:
            self.seen[what] += times
            event(what)

    def compare(self) -> None:
        self.store.tick()
        for queue, lanes in ((QUEUE, self.lanes), (TO, self.target)):
            assert lanes.stats() == self.transport.stats(queue), queue
            same(lanes.peek(1000), self.transport.peek(queue, limit=1000))


def modelled(receipt: Receipt) -> Receipt:
    """Return the model's name for a transport's receipt."""
    return Receipt(f"{token_of(receipt)}.{place_of(receipt)}")


def same(want: list[bytes], found: list[bytes]) -> None:
    """Compare bodies; how often a framed one was tried stands in its frame."""
    assert list(map(untried, want)) == list(map(untried, found))


def untried(body: bytes) -> bytes:
    return body[:3] + b"\0" + body[4:] if body[:2] == MAGIC else body
