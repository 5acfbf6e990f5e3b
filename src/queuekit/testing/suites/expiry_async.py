# unasync: source
"""Leases that run out: what comes back, where it stands, how often it was tried, its key."""

from __future__ import annotations

import pytest

from ...transport import AsyncTransport, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all, filled
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


class AsyncExpirySuite(AsyncSuite):
    """Expiry, recovery, attempts, keys."""

    async def test_a_lease_holds_until_it_ends(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await filled(transport, b"a")
        await harness.pass_time(WITHIN)
        assert [] == await claim_all(transport)
        await harness.pass_time(BEYOND - WITHIN)
        assert [b"a"] == bodies(await claim_all(transport))

    async def test_an_expired_claim_counts_as_claimed_until_it_is_recovered(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await filled(transport, b"a", b"b")
        await harness.pass_time(BEYOND)
        assert QueueStats(0, 0, 2) == await transport.stats(QUEUE)
        assert [] == await transport.pop(QUEUE, limit=9)
        assert [] == await transport.peek(QUEUE, limit=9)
        assert 1 == await transport.recover(QUEUE)
        assert QueueStats(2, 0, 0) == await transport.stats(QUEUE)

    async def test_an_expired_claim_goes_back_to_the_head_in_order(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, numbered(6))
        await transport.claim(QUEUE, lease=LEASE, limit=3)
        await harness.pass_time(BEYOND)
        assert numbered(6) == bodies(await claim_all(transport))

    async def test_claims_recovered_in_one_step_stand_oldest_first(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, numbered(7))
        await transport.claim(QUEUE, lease=LEASE - 10, limit=2)
        await transport.claim(QUEUE, lease=LEASE, limit=2)
        await harness.pass_time(BEYOND)
        assert 2 == await transport.recover(QUEUE)
        assert numbered(7) == await transport.peek(QUEUE, limit=9)

    async def test_oldest_means_the_earliest_deadline(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, numbered(5))
        await transport.claim(QUEUE, lease=LEASE, limit=2)
        await transport.claim(QUEUE, lease=LEASE - 10, limit=2)
        await harness.pass_time(BEYOND)
        assert [b"2", b"3", b"0", b"1", b"4"] == bodies(await claim_all(transport))

    async def test_only_expired_claims_come_back(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, numbered(2))
        await transport.claim(QUEUE, lease=LEASE)
        await transport.claim(QUEUE, lease=LEASE * 2)
        await harness.pass_time(BEYOND)
        assert [b"0"] == bodies(await claim_all(transport))

    async def test_any_number_of_expired_claims_comes_back(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, numbered(35))
        for _ in range(35):
            await transport.claim(QUEUE, lease=LEASE)
        await harness.pass_time(BEYOND)
        found = await claim_all(transport)
        assert sorted(numbered(35)) == sorted(bodies(found))
        assert [2] * 35 == attempts(found)

    async def test_what_was_settled_does_not_come_back(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        needs(transport.features.exact_lease, "exact_lease")
        held = await filled(transport, *numbered(5))
        assert [] == await transport.ack(QUEUE, [held[1].receipt, held[4].receipt])
        assert QueueStats(0, 0, 3) == await transport.stats(QUEUE)
        await harness.pass_time(BEYOND)
        found = await claim_all(transport)
        assert [b"0", b"2", b"3"] == bodies(found)
        assert [2, 2, 2] == attempts(found)

    async def test_expiry_counts_an_attempt(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, [b"a"])
        for attempt in range(1, 5):
            assert [attempt] == attempts(await claim_all(transport))
            await harness.pass_time(BEYOND)

    @pytest.mark.parametrize("limit", [1, 9])
    async def test_attempts_go_on_from_those_in_a_frame(
        self, transport: AsyncTransport, limit: int
    ) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        (frame,) = framed(b"a")
        await transport.push(QUEUE, [frame[:3] + b"\x04" + frame[4:]])
        for attempt in (5, 6, 7):
            (held,) = await transport.claim(QUEUE, lease=LEASE, limit=limit)
            assert attempt == held.attempt
            await transport.release(QUEUE, [held.receipt], counted=True)
        (held,) = await transport.claim(QUEUE, lease=LEASE, limit=limit)
        await transport.release(QUEUE, [held.receipt], counted=False)
        assert [8] == attempts(await claim_all(transport))

    async def test_a_failure_counts_an_attempt(self, transport: AsyncTransport) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        await transport.push(QUEUE, [b"a"])
        for attempt in range(1, 5):
            held = await claim_all(transport)
            assert [attempt] == attempts(held)
            assert [] == await transport.release(QUEUE, receipts(held), counted=True)

    async def test_attempts_are_counted_beyond_a_byte(self, transport: AsyncTransport) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        await transport.push(QUEUE, [b"a"])
        for _ in range(254):
            held = await claim_all(transport)
            await transport.release(QUEUE, receipts(held), counted=True)
        held = await claim_all(transport)
        assert [255] == attempts(held)
        await transport.release(QUEUE, receipts(held), counted=True)
        held = await claim_all(transport)
        assert attempts(held)[0] >= 255  # may stand still at the largest number, never wraps
        assert [b"a"] == bodies(held)

    async def test_giving_back_uncounted_counts_nothing(self, transport: AsyncTransport) -> None:
        needs(transport.features.uncounted_release, "uncounted_release")
        await transport.push(QUEUE, [b"a"])
        for _ in range(3):
            held = await claim_all(transport)
            assert [1] == attempts(held)
            assert [] == await transport.release(QUEUE, receipts(held), counted=False)

    @pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "framed"])
    async def test_a_key_names_the_message_on_every_delivery(
        self, transport: AsyncTransport, harness: AsyncHarness, wrapped: bool
    ) -> None:
        names = framed(b"same", b"same", b"same") if wrapped else [b"same"] * 3
        held = await filled(transport, *names)
        keys = {delivery.key for delivery in held}
        assert 3 == len(keys)
        await transport.release(QUEUE, receipts(held), counted=True)
        held = await claim_all(transport)
        assert keys == {delivery.key for delivery in held}, "after a failure"
        if transport.features.exact_lease:
            await harness.pass_time(BEYOND)
            held = await claim_all(transport)
            assert keys == {delivery.key for delivery in held}, "after an expiry"
        if transport.features.uncounted_release:
            await transport.release(QUEUE, receipts(held), counted=False)
            held = await claim_all(transport)
            assert keys == {delivery.key for delivery in held}, "after giving back"
        if transport.features.max_delay != 0:
            await transport.release(QUEUE, receipts(held), counted=True, delay=LEASE)
            await harness.pass_time(BEYOND)
            held = await claim_all(transport)
            assert keys == {delivery.key for delivery in held}, "after a delay"

    async def test_a_key_stays_when_its_neighbours_go(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        held = await filled(transport, *numbered(3))
        await transport.ack(QUEUE, [held[0].receipt])
        await harness.pass_time(BEYOND)
        found = await claim_all(transport)
        assert [held[1].key, held[2].key] == [delivery.key for delivery in found]
