# Generated from expiry_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Leases that run out: what comes back, where it stands, how often it was tried, its key."""

from __future__ import annotations

import pytest

from ...transport import QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all, filled
from .samples import (
    BEYOND,
    LEASE,
    QUEUE,
    WITHIN,
    attempts,
    bodies,
    framed,
    needs,
    numbered,
    receipts,
)


class ExpirySuite(Suite):
    """Expiry, recovery, attempts, keys."""

    def test_a_lease_holds_until_it_ends(self, transport: Transport, harness: Harness) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        filled(transport, b"a")
        harness.pass_time(WITHIN)
        assert [] == claim_all(transport)
        harness.pass_time(BEYOND - WITHIN)
        assert [b"a"] == bodies(claim_all(transport))

    def test_an_expired_claim_counts_as_claimed_until_it_is_recovered(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        filled(transport, b"a", b"b")
        harness.pass_time(BEYOND)
        assert QueueStats(0, 0, 2) == transport.stats(QUEUE)
        assert [] == transport.pop(QUEUE, limit=9)
        assert [] == transport.peek(QUEUE, limit=9)
        assert 1 == transport.recover(QUEUE)
        assert QueueStats(2, 0, 0) == transport.stats(QUEUE)

    def test_an_expired_claim_goes_back_to_the_head_in_order(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, numbered(6))
        transport.claim(QUEUE, lease=LEASE, limit=3)
        harness.pass_time(BEYOND)
        assert numbered(6) == bodies(claim_all(transport))

    def test_claims_recovered_in_one_step_stand_oldest_first(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, numbered(7))
        transport.claim(QUEUE, lease=LEASE - 10, limit=2)
        transport.claim(QUEUE, lease=LEASE, limit=2)
        harness.pass_time(BEYOND)
        assert 2 == transport.recover(QUEUE)
        assert numbered(7) == transport.peek(QUEUE, limit=9)

    def test_oldest_means_the_earliest_deadline(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, numbered(5))
        transport.claim(QUEUE, lease=LEASE, limit=2)
        transport.claim(QUEUE, lease=LEASE - 10, limit=2)
        harness.pass_time(BEYOND)
        assert [b"2", b"3", b"0", b"1", b"4"] == bodies(claim_all(transport))

    def test_only_expired_claims_come_back(self, transport: Transport, harness: Harness) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, numbered(2))
        transport.claim(QUEUE, lease=LEASE)
        transport.claim(QUEUE, lease=LEASE * 2)
        harness.pass_time(BEYOND)
        assert [b"0"] == bodies(claim_all(transport))

    def test_any_number_of_expired_claims_comes_back(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, numbered(35))
        for _ in range(35):
            transport.claim(QUEUE, lease=LEASE)
        harness.pass_time(BEYOND)
        found = claim_all(transport)
        assert sorted(numbered(35)) == sorted(bodies(found))
        assert [2] * 35 == attempts(found)

    def test_what_was_settled_does_not_come_back(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        needs(transport.features.exact_lease, "exact_lease")
        held = filled(transport, *numbered(5))
        assert [] == transport.ack(QUEUE, [held[1].receipt, held[4].receipt])
        assert QueueStats(0, 0, 3) == transport.stats(QUEUE)
        harness.pass_time(BEYOND)
        found = claim_all(transport)
        assert [b"0", b"2", b"3"] == bodies(found)
        assert [2, 2, 2] == attempts(found)

    def test_expiry_counts_an_attempt(self, transport: Transport, harness: Harness) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, [b"a"])
        for attempt in range(1, 5):
            assert [attempt] == attempts(claim_all(transport))
            harness.pass_time(BEYOND)

    @pytest.mark.parametrize("limit", [1, 9])
    def test_attempts_go_on_from_those_in_a_frame(self, transport: Transport, limit: int) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        (frame,) = framed(b"a")
        transport.push(QUEUE, [frame[:3] + b"\x04" + frame[4:]])
        for attempt in (5, 6, 7):
            (held,) = transport.claim(QUEUE, lease=LEASE, limit=limit)
            assert attempt == held.attempt
            transport.release(QUEUE, [held.receipt], counted=True)
        (held,) = transport.claim(QUEUE, lease=LEASE, limit=limit)
        transport.release(QUEUE, [held.receipt], counted=False)
        assert [8] == attempts(claim_all(transport))

    def test_a_failure_counts_an_attempt(self, transport: Transport) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        transport.push(QUEUE, [b"a"])
        for attempt in range(1, 5):
            held = claim_all(transport)
            assert [attempt] == attempts(held)
            assert [] == transport.release(QUEUE, receipts(held), counted=True)

    def test_attempts_are_counted_beyond_a_byte(self, transport: Transport) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        transport.push(QUEUE, [b"a"])
        for _ in range(254):
            held = claim_all(transport)
            transport.release(QUEUE, receipts(held), counted=True)
        held = claim_all(transport)
        assert [255] == attempts(held)
        transport.release(QUEUE, receipts(held), counted=True)
        held = claim_all(transport)
        assert attempts(held)[0] >= 255  # may stand still at the largest number, never wraps
        assert [b"a"] == bodies(held)

    def test_giving_back_uncounted_counts_nothing(self, transport: Transport) -> None:
        needs(transport.features.uncounted_release, "uncounted_release")
        transport.push(QUEUE, [b"a"])
        for _ in range(3):
            held = claim_all(transport)
            assert [1] == attempts(held)
            assert [] == transport.release(QUEUE, receipts(held), counted=False)

    @pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "framed"])
    def test_a_key_names_the_message_on_every_delivery(
        self, transport: Transport, harness: Harness, wrapped: bool
    ) -> None:
        names = framed(b"same", b"same", b"same") if wrapped else [b"same"] * 3
        held = filled(transport, *names)
        keys = {delivery.key for delivery in held}
        assert 3 == len(keys)
        transport.release(QUEUE, receipts(held), counted=True)
        held = claim_all(transport)
        assert keys == {delivery.key for delivery in held}, "after a failure"
        if transport.features.exact_lease:
            harness.pass_time(BEYOND)
            held = claim_all(transport)
            assert keys == {delivery.key for delivery in held}, "after an expiry"
        if transport.features.uncounted_release:
            transport.release(QUEUE, receipts(held), counted=False)
            held = claim_all(transport)
            assert keys == {delivery.key for delivery in held}, "after giving back"
        if transport.features.max_delay != 0:
            transport.release(QUEUE, receipts(held), counted=True, delay=LEASE)
            harness.pass_time(BEYOND)
            held = claim_all(transport)
            assert keys == {delivery.key for delivery in held}, "after a delay"

    def test_a_key_stays_when_its_neighbours_go(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        held = filled(transport, *numbered(3))
        transport.ack(QUEUE, [held[0].receipt])
        harness.pass_time(BEYOND)
        found = claim_all(transport)
        assert [held[1].key, held[2].key] == [delivery.key for delivery in found]
