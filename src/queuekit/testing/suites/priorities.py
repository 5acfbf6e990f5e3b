# Generated from priorities_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Priorities: levels in the frames, honoured among what is ready."""

from __future__ import annotations

import pytest

from ...transport import PushOptions, QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all
from .samples import (
    BEYOND,
    LEASE,
    ONCE,
    OTHER,
    PLACED,
    QUEUE,
    attempts,
    inner,
    needs,
    placed,
    receipts,
)

LEVELS = [-3, -2, -1, 0, 1, 2, 3]


class PrioritySuite(Suite):
    """The highest level first, first in first out within it."""

    @pytest.fixture
    def levels(self, transport: Transport) -> Transport:
        """Return the transport if it keeps levels."""
        needs(transport.features.priorities, "priorities")
        return transport

    def mixed(self, transport: Transport) -> None:
        """Push two messages of the levels 1, 0 and -1 each, named ``h``, ``m`` and ``l``."""
        names = [b"m0", b"l0", b"h0", b"l1", b"h1", b"m1"]
        level = {b"h": 1, b"m": 0, b"l": -1}
        frames = [placed(name, level=level[name[:1]]) for name in names]
        transport.push(QUEUE, frames, options=PLACED)

    def test_the_highest_level_is_claimed_first(self, levels: Transport) -> None:
        order = [0, -3, 3, 1, -1, 2, 0, 3, -2, -3, 1]
        names = [b"%d" % n for n in range(len(order))]
        frames = [placed(name, level=one) for name, one in zip(names, order, strict=True)]
        levels.push(QUEUE, frames, options=PLACED)
        assert QueueStats(11, 0, 0) == levels.stats(QUEUE)
        want = sorted(range(11), key=lambda n: -order[n])
        found = claim_all(levels)
        assert [names[n] for n in want] == inner(found)
        assert [frames[n] for n in want] == [one.body for one in found]
        assert QueueStats(0, 0, 11) == levels.stats(QUEUE)

    def test_what_comes_later_is_first_if_its_level_is_higher(self, harness: Harness) -> None:
        transport, other = harness.make(), harness.make()
        needs(transport.features.priorities, "priorities")
        for level in LEVELS:
            transport.push(QUEUE, [placed(b"%d" % level, level=level)], options=PLACED)
            (one,) = other.claim(QUEUE, lease=LEASE)
            assert [b"%d" % level] == inner([one])
            assert [] == other.release(QUEUE, [one.receipt], counted=True)
        for level in reversed(LEVELS):
            assert [b"%d" % level] == inner(other.claim(QUEUE, lease=LEASE))

    def test_a_plain_message_is_of_the_usual_level(self, levels: Transport) -> None:
        levels.push(QUEUE, [b"plain 0"])
        levels.push(QUEUE, [placed(b"low", level=-1)], options=PLACED)
        levels.push(QUEUE, [placed(b"0", level=0)], options=PLACED)
        levels.push(QUEUE, [placed(b"high", level=1)], options=PLACED)
        levels.push(QUEUE, [b"plain 1"])
        want = [b"high", b"plain 0", b"0", b"plain 1", b"low"]
        assert want == inner(claim_all(levels))

    def test_peek_shows_the_order_of_the_claims(self, levels: Transport) -> None:
        self.mixed(levels)
        want = [b"h0", b"h1", b"m0", b"m1", b"l0", b"l1"]
        assert want == inner(levels.peek(QUEUE, limit=9))
        assert want[:3] == inner(levels.peek(QUEUE, limit=3))
        assert QueueStats(6, 0, 0) == levels.stats(QUEUE)
        assert want[:5] == inner(levels.claim(QUEUE, lease=LEASE, limit=5))
        assert want[5:] == inner(levels.peek(QUEUE, limit=9))

    def test_pop_takes_the_highest_level(self, levels: Transport) -> None:
        self.mixed(levels)
        assert [b"h0"] == inner(levels.pop(QUEUE))
        assert [b"h1", b"m0"] == inner(levels.pop(QUEUE, limit=2))
        assert [b"m1", b"l0", b"l1"] == inner(levels.pop(QUEUE, limit=9))

    def test_an_ack_goes_with_a_claim_of_the_highest_level(self, levels: Transport) -> None:
        self.mixed(levels)
        held = receipts(levels.claim(QUEUE, lease=LEASE))
        for want in (b"h1", b"m0", b"m1", b"l0", b"l1"):
            lost, found = levels.ack_and_claim(QUEUE, held, lease=LEASE)
            assert [] == lost
            assert [want] == inner(found)
            held = receipts(found)

    def test_what_is_given_back_uncounted_stands_at_the_head_of_its_level(
        self, levels: Transport
    ) -> None:
        needs(levels.features.uncounted_release, "uncounted_release")
        self.mixed(levels)
        held = receipts(levels.claim(QUEUE, lease=LEASE, limit=5))
        levels.push(QUEUE, [placed(b"h2", level=1)], options=PLACED)
        assert [] == levels.release(QUEUE, held[::-2], counted=False)
        found = claim_all(levels)
        assert [b"h0", b"h2", b"m0", b"l0", b"l1"] == inner(found)
        assert [1] * 5 == attempts(found)

    def test_a_failed_message_stands_at_the_tail_of_its_level(self, levels: Transport) -> None:
        self.mixed(levels)
        held = receipts(levels.claim(QUEUE, lease=LEASE, limit=3))
        levels.push(QUEUE, [placed(b"h2", level=1)], options=PLACED)
        assert [] == levels.release(QUEUE, held, counted=True)
        want = [b"h2", b"h0", b"h1", b"m1", b"m0", b"l0", b"l1"]
        assert want == inner(levels.peek(QUEUE, limit=9))
        assert [1, 2, 2, 1, 2, 1, 1] == attempts(claim_all(levels))

    def test_an_expired_claim_stands_at_the_head_of_its_levels(
        self, levels: Transport, harness: Harness
    ) -> None:
        needs(levels.features.exact_lease, "exact_lease")
        self.mixed(levels)
        levels.claim(QUEUE, lease=LEASE, limit=5)
        levels.push(QUEUE, [placed(b"h2", level=1)], options=PLACED)
        levels.push(QUEUE, [placed(b"m2"), b"m3"], options=PLACED)
        harness.pass_time(BEYOND)
        found = claim_all(levels)
        want = [b"h0", b"h1", b"h2", b"m0", b"m1", b"m2", b"m3", b"l0", b"l1"]
        assert want == inner(found)
        assert [2, 2, 1, 2, 2, 1, 1, 2, 1] == attempts(found)

    def test_a_due_message_stands_at_the_tail_of_its_level(
        self, levels: Transport, harness: Harness
    ) -> None:
        late = [placed(b"late l", level=-1), placed(b"late h", level=1), placed(b"late m")]
        levels.push(QUEUE, late, options=PushOptions(delay=LEASE, placed=True))
        assert QueueStats(0, 3, 0) == levels.stats(QUEUE)
        self.mixed(levels)
        harness.pass_time(BEYOND)
        want = [b"h0", b"h1", b"late h", b"m0", b"m1", b"late m", b"l0", b"l1", b"late l"]
        assert want == inner(claim_all(levels))

    @pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
    def test_what_failed_with_a_delay_comes_back_to_the_tail_of_its_level(
        self, levels: Transport, harness: Harness, counted: bool
    ) -> None:
        needs(counted or levels.features.uncounted_release, "uncounted_release")
        self.mixed(levels)
        held = receipts(levels.claim(QUEUE, lease=LEASE, limit=1))
        assert [] == levels.release(QUEUE, held, counted=counted, delay=LEASE)
        harness.pass_time(BEYOND)
        found = claim_all(levels)
        assert [b"h1", b"h0", b"m0", b"m1", b"l0", b"l1"] == inner(found)
        assert [1, 1 + counted, 1, 1, 1, 1] == attempts(found)

    def test_a_moved_message_stands_by_its_new_frame(self, levels: Transport) -> None:
        self.mixed(levels)
        levels.push(OTHER, [b"letter 0", b"letter 1"])
        held = receipts(claim_all(levels, OTHER))
        new = [placed(b"h2", level=1), placed(b"l2", level=-1)]
        assert [] == levels.move(OTHER, list(zip(held, new, strict=True)), to=QUEUE)
        want = [b"h0", b"h1", b"h2", b"m0", b"m1", b"l0", b"l1", b"l2"]
        found = claim_all(levels)
        assert want == inner(found)
        assert [] == levels.move(QUEUE, [(found[0].receipt, b"plain")], to=OTHER)
        assert [b"plain"] == inner(claim_all(levels, OTHER))

    def test_purge_empties_every_level(self, levels: Transport) -> None:
        self.mixed(levels)
        levels.claim(QUEUE, lease=LEASE)
        assert 5 == levels.purge(QUEUE)
        assert QueueStats(0, 0, 1) == levels.stats(QUEUE)
        assert [] == claim_all(levels)

    def test_levels_with_the_same_token_again_store_nothing_twice(self, levels: Transport) -> None:
        needs(levels.features.idempotent_push, "idempotent_push")
        frames = [placed(b"h", level=2), placed(b"l", level=-2)]
        for _ in range(2):
            levels.push(QUEUE, frames, options=PLACED, token=ONCE)
        assert [b"h", b"l"] == inner(claim_all(levels))

    def test_many_messages_of_all_levels_come_in_order(self, levels: Transport) -> None:
        count = 1400
        frames = [placed(b"%d" % n, level=LEVELS[n % 7]) for n in range(count)]
        levels.push(QUEUE, frames, options=PLACED)
        want = sorted(range(count), key=lambda n: -LEVELS[n % 7])
        found = levels.claim(QUEUE, lease=LEASE, limit=1000)
        found += levels.claim(QUEUE, lease=LEASE, limit=1000)
        assert [b"%d" % n for n in want] == inner(found)
        assert [] == levels.ack(QUEUE, receipts(found))
        assert QueueStats(0, 0, 0) == levels.stats(QUEUE)
