# Generated from timed_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Delays and recovery: what becomes ready later, and who makes it so."""

from __future__ import annotations

import pytest

from ...errors import Unsupported
from ...transport import PushOptions, QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all, filled
from .samples import (
    BEYOND,
    LEASE,
    ONCE,
    QUEUE,
    WITHIN,
    attempts,
    bodies,
    framed,
    needs,
    numbered,
    receipts,
)

LATER = PushOptions(delay=LEASE)


class TimedSuite(Suite):
    """``PushOptions.delay``, the delay of a release, ``recover``."""

    @pytest.fixture
    def delays(self, transport: Transport) -> Transport:
        """Return the transport if it can delay for so long."""
        longest = transport.features.max_delay
        needs(longest is None or longest >= 3 * LEASE, f"delays of {3 * LEASE:g} s")
        return transport

    def test_a_delayed_message_is_nobodys_until_it_is_due(
        self, delays: Transport, harness: Harness
    ) -> None:
        (late,) = framed(b"late")
        delays.push(QUEUE, [late], options=LATER)
        assert QueueStats(0, 1, 0) == delays.stats(QUEUE)
        harness.pass_time(WITHIN)
        assert [] == delays.pop(QUEUE)
        assert [] == delays.peek(QUEUE)
        assert [] == claim_all(delays)
        harness.pass_time(BEYOND - WITHIN)
        found = claim_all(delays)
        assert [late] == bodies(found)
        assert [1] == attempts(found)
        assert QueueStats(0, 0, 1) == delays.stats(QUEUE)

    def test_a_delay_of_nothing_is_no_delay(self, transport: Transport) -> None:
        transport.push(QUEUE, [b"a", b"a"], options=PushOptions(delay=0.0))
        assert [b"a", b"a"] == transport.pop(QUEUE, limit=9)

    def test_pop_looks_at_ready_messages_only(self, delays: Transport, harness: Harness) -> None:
        late = framed(b"late")
        delays.push(QUEUE, late, options=LATER)
        harness.pass_time(BEYOND)
        assert [] == delays.pop(QUEUE)
        assert QueueStats(0, 1, 0) == delays.stats(QUEUE)
        assert 1 == delays.recover(QUEUE)
        assert late == delays.pop(QUEUE)

    def test_a_due_message_goes_to_the_tail(self, delays: Transport, harness: Harness) -> None:
        late = framed(b"late")
        delays.push(QUEUE, late, options=LATER)
        delays.push(QUEUE, numbered(2))
        harness.pass_time(BEYOND)
        delays.push(QUEUE, [b"2"])
        assert [*numbered(3), *late] == bodies(claim_all(delays))

    def test_a_batch_with_one_delay_keeps_its_order(
        self, delays: Transport, harness: Harness
    ) -> None:
        late = framed(*numbered(30))
        delays.push(QUEUE, late, options=LATER)
        harness.pass_time(BEYOND)
        assert late == bodies(claim_all(delays))

    def test_due_messages_stand_by_the_time_they_were_due(
        self, delays: Transport, harness: Harness
    ) -> None:
        third, first, second = framed(b"3", b"1", b"2")
        for body, delay in ((third, 30.0), (first, 10.0), (second, 20.0)):
            delays.push(QUEUE, [body], options=PushOptions(delay=delay))
        harness.pass_time(BEYOND)
        assert [first, second, third] == bodies(claim_all(delays))

    def test_only_due_messages_become_ready(self, delays: Transport, harness: Harness) -> None:
        soon, late = framed(b"soon", b"late")
        delays.push(QUEUE, [late], options=PushOptions(delay=3 * LEASE))
        delays.push(QUEUE, [soon], options=LATER)
        harness.pass_time(BEYOND)
        assert [soon] == bodies(claim_all(delays))
        assert QueueStats(0, 1, 1) == delays.stats(QUEUE)

    def test_expired_claims_stand_before_due_messages(
        self, delays: Transport, harness: Harness
    ) -> None:
        delays.push(QUEUE, numbered(2))
        delays.claim(QUEUE, lease=LEASE)
        late = framed(b"late")
        delays.push(QUEUE, late, options=PushOptions(delay=1.0))
        harness.pass_time(BEYOND)
        assert [b"0", b"1", *late] == bodies(claim_all(delays))

    def test_a_large_delayed_batch_comes_in_order(
        self, delays: Transport, harness: Harness
    ) -> None:
        late = framed(*numbered(2500))
        delays.push(QUEUE, late, options=LATER)
        assert QueueStats(0, 2500, 0) == delays.stats(QUEUE)
        harness.pass_time(BEYOND)
        assert 2500 == delays.recover(QUEUE, limit=9999)
        assert late == delays.pop(QUEUE, limit=9999)

    def test_delayed_and_with_a_token_again_stores_nothing_twice(self, delays: Transport) -> None:
        needs(delays.features.idempotent_push, "idempotent_push")
        late = framed(b"late")
        for _ in range(2):
            delays.push(QUEUE, late, options=LATER, token=ONCE)
        assert QueueStats(0, 1, 0) == delays.stats(QUEUE)

    def test_purge_removes_delayed_messages(self, delays: Transport, harness: Harness) -> None:
        delays.push(QUEUE, framed(b"a", b"b"), options=LATER)
        delays.push(QUEUE, [b"c"])
        assert 3 == delays.purge(QUEUE)
        harness.pass_time(BEYOND)
        assert [] == claim_all(delays)

    @pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
    def test_a_release_with_a_delay_becomes_ready_later(
        self, delays: Transport, harness: Harness, counted: bool
    ) -> None:
        needs(counted or delays.features.uncounted_release, "uncounted_release")
        held = filled(delays, *numbered(3))
        gone = receipts(held)[:2]
        assert [] == delays.release(QUEUE, gone, counted=counted, delay=LEASE)
        assert QueueStats(0, 2, 1) == delays.stats(QUEUE)
        assert [] == delays.ack(QUEUE, [held[2].receipt])
        harness.pass_time(WITHIN)
        assert [] == claim_all(delays)
        harness.pass_time(BEYOND - WITHIN)
        delays.push(QUEUE, [b"3"])
        found = claim_all(delays)
        assert [b"3", b"0", b"1"] == bodies(found)
        assert [1, 1 + counted, 1 + counted] == attempts(found)

    def test_equal_bodies_are_delayed_apart(self, delays: Transport, harness: Harness) -> None:
        held = filled(delays, b"same", b"same", b"same")
        delays.release(QUEUE, receipts(held), counted=True, delay=LEASE)
        assert QueueStats(0, 3, 0) == delays.stats(QUEUE)
        harness.pass_time(BEYOND)
        found = claim_all(delays)
        assert [b"same"] * 3 == bodies(found)
        assert [one.key for one in held] == [one.key for one in found]

    def test_recover_of_nothing_is_nothing(self, transport: Transport) -> None:
        assert 0 == transport.recover(QUEUE)
        transport.push(QUEUE, numbered(2))
        transport.claim(QUEUE, lease=LEASE)
        assert 0 == transport.recover(QUEUE)

    def test_recover_counts_claims_and_due_messages(
        self, delays: Transport, harness: Harness
    ) -> None:
        delays.push(QUEUE, numbered(5))
        delays.claim(QUEUE, lease=LEASE, limit=3)
        delays.claim(QUEUE, lease=LEASE, limit=2)
        delays.push(QUEUE, framed(b"a", b"b"), options=LATER)
        harness.pass_time(BEYOND)
        assert 4 == delays.recover(QUEUE)
        assert QueueStats(7, 0, 0) == delays.stats(QUEUE)
        assert 0 == delays.recover(QUEUE)

    def test_recover_stops_at_its_limit_claims_first(
        self, delays: Transport, harness: Harness
    ) -> None:
        delays.push(QUEUE, numbered(3))
        for extra in range(3):
            delays.claim(QUEUE, lease=LEASE - 10 + extra)
        delays.push(QUEUE, framed(b"a", b"b"), options=LATER)
        harness.pass_time(BEYOND)
        assert 2 == delays.recover(QUEUE, limit=2)
        assert QueueStats(2, 2, 1) == delays.stats(QUEUE)
        assert [b"0", b"1"] == delays.peek(QUEUE, limit=9)
        assert 2 == delays.recover(QUEUE, limit=2)
        assert QueueStats(4, 1, 0) == delays.stats(QUEUE)
        assert 1 == delays.recover(QUEUE, limit=2)

    def test_recover_takes_more_claims_than_one_step_holds(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, numbered(25))
        for _ in range(25):
            transport.claim(QUEUE, lease=LEASE)
        harness.pass_time(BEYOND)
        assert 25 == transport.recover(QUEUE)
        assert QueueStats(25, 0, 0) == transport.stats(QUEUE)

    def test_everybody_may_recover_at_once(self, harness: Harness) -> None:
        one, two = harness.make(), harness.make()
        needs(one.features.exact_lease, "exact_lease")
        filled(one, b"a")
        harness.pass_time(BEYOND)
        assert 1 == one.recover(QUEUE) + two.recover(QUEUE)
        assert [2] == attempts(claim_all(two))

    def test_a_delay_beyond_the_declared_one_is_refused(self, transport: Transport) -> None:
        longest = transport.features.max_delay
        if longest is None:
            pytest.skip("the transport declares no limit of delays")
        options = PushOptions(delay=longest + 1)
        with pytest.raises(Unsupported):
            transport.push(QUEUE, framed(b"a"), options=options)
        held = receipts(filled(transport, b"b"))
        with pytest.raises(Unsupported):
            transport.release(QUEUE, held, counted=True, delay=longest + 1)
        assert QueueStats(0, 0, 1) == transport.stats(QUEUE)

    def test_a_lease_beyond_the_declared_one_is_refused(self, transport: Transport) -> None:
        longest = transport.features.max_lease
        if longest is None:
            pytest.skip("the transport declares no limit of leases")
        transport.push(QUEUE, [b"a"])
        with pytest.raises(Unsupported):
            transport.claim(QUEUE, lease=longest + 1)
        assert QueueStats(1, 0, 0) == transport.stats(QUEUE)
