# unasync: source
"""Delays and recovery: what becomes ready later, and who makes it so."""

from __future__ import annotations

import pytest

from ...errors import Unsupported
from ...transport import AsyncTransport, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all, filled
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


class AsyncTimedSuite(AsyncSuite):
    """``PushOptions.delay``, the delay of a release, ``recover``."""

    @pytest.fixture
    def delays(self, transport: AsyncTransport) -> AsyncTransport:
        """Return the transport if it can delay for so long."""
        longest = transport.features.max_delay
        needs(longest is None or longest >= 3 * LEASE, f"delays of {3 * LEASE:g} s")
        return transport

    async def test_a_delayed_message_is_nobodys_until_it_is_due(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        (late,) = framed(b"late")
        await delays.push(QUEUE, [late], options=LATER)
        assert QueueStats(0, 1, 0) == await delays.stats(QUEUE)
        await harness.pass_time(WITHIN)
        assert [] == await delays.pop(QUEUE)
        assert [] == await delays.peek(QUEUE)
        assert [] == await claim_all(delays)
        await harness.pass_time(BEYOND - WITHIN)
        found = await claim_all(delays)
        assert [late] == bodies(found)
        assert [1] == attempts(found)
        assert QueueStats(0, 0, 1) == await delays.stats(QUEUE)

    async def test_a_delay_of_nothing_is_no_delay(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, [b"a", b"a"], options=PushOptions(delay=0.0))
        assert [b"a", b"a"] == await transport.pop(QUEUE, limit=9)

    async def test_pop_looks_at_ready_messages_only(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        late = framed(b"late")
        await delays.push(QUEUE, late, options=LATER)
        await harness.pass_time(BEYOND)
        assert [] == await delays.pop(QUEUE)
        assert QueueStats(0, 1, 0) == await delays.stats(QUEUE)
        assert 1 == await delays.recover(QUEUE)
        assert late == await delays.pop(QUEUE)

    async def test_a_due_message_goes_to_the_tail(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        late = framed(b"late")
        await delays.push(QUEUE, late, options=LATER)
        await delays.push(QUEUE, numbered(2))
        await harness.pass_time(BEYOND)
        await delays.push(QUEUE, [b"2"])
        assert [*numbered(3), *late] == bodies(await claim_all(delays))

    async def test_a_batch_with_one_delay_keeps_its_order(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        late = framed(*numbered(30))
        await delays.push(QUEUE, late, options=LATER)
        await harness.pass_time(BEYOND)
        assert late == bodies(await claim_all(delays))

    async def test_due_messages_stand_by_the_time_they_were_due(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        third, first, second = framed(b"3", b"1", b"2")
        for body, delay in ((third, 30.0), (first, 10.0), (second, 20.0)):
            await delays.push(QUEUE, [body], options=PushOptions(delay=delay))
        await harness.pass_time(BEYOND)
        assert [first, second, third] == bodies(await claim_all(delays))

    async def test_only_due_messages_become_ready(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        soon, late = framed(b"soon", b"late")
        await delays.push(QUEUE, [late], options=PushOptions(delay=3 * LEASE))
        await delays.push(QUEUE, [soon], options=LATER)
        await harness.pass_time(BEYOND)
        assert [soon] == bodies(await claim_all(delays))
        assert QueueStats(0, 1, 1) == await delays.stats(QUEUE)

    async def test_expired_claims_stand_before_due_messages(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await delays.push(QUEUE, numbered(2))
        await delays.claim(QUEUE, lease=LEASE)
        late = framed(b"late")
        await delays.push(QUEUE, late, options=PushOptions(delay=1.0))
        await harness.pass_time(BEYOND)
        assert [b"0", b"1", *late] == bodies(await claim_all(delays))

    async def test_a_large_delayed_batch_comes_in_order(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        late = framed(*numbered(2500))
        await delays.push(QUEUE, late, options=LATER)
        assert QueueStats(0, 2500, 0) == await delays.stats(QUEUE)
        await harness.pass_time(BEYOND)
        assert 2500 == await delays.recover(QUEUE, limit=9999)
        assert late == await delays.pop(QUEUE, limit=9999)

    async def test_delayed_and_with_a_token_again_stores_nothing_twice(
        self, delays: AsyncTransport
    ) -> None:
        needs(delays.features.idempotent_push, "idempotent_push")
        late = framed(b"late")
        for _ in range(2):
            await delays.push(QUEUE, late, options=LATER, token=ONCE)
        assert QueueStats(0, 1, 0) == await delays.stats(QUEUE)

    async def test_purge_removes_delayed_messages(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await delays.push(QUEUE, framed(b"a", b"b"), options=LATER)
        await delays.push(QUEUE, [b"c"])
        assert 3 == await delays.purge(QUEUE)
        await harness.pass_time(BEYOND)
        assert [] == await claim_all(delays)

    @pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
    async def test_a_release_with_a_delay_becomes_ready_later(
        self, delays: AsyncTransport, harness: AsyncHarness, counted: bool
    ) -> None:
        needs(counted or delays.features.uncounted_release, "uncounted_release")
        held = await filled(delays, *numbered(3))
        gone = receipts(held)[:2]
        assert [] == await delays.release(QUEUE, gone, counted=counted, delay=LEASE)
        assert QueueStats(0, 2, 1) == await delays.stats(QUEUE)
        assert [] == await delays.ack(QUEUE, [held[2].receipt])
        await harness.pass_time(WITHIN)
        assert [] == await claim_all(delays)
        await harness.pass_time(BEYOND - WITHIN)
        await delays.push(QUEUE, [b"3"])
        found = await claim_all(delays)
        assert [b"3", b"0", b"1"] == bodies(found)
        assert [1, 1 + counted, 1 + counted] == attempts(found)

    async def test_equal_bodies_are_delayed_apart(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        held = await filled(delays, b"same", b"same", b"same")
        await delays.release(QUEUE, receipts(held), counted=True, delay=LEASE)
        assert QueueStats(0, 3, 0) == await delays.stats(QUEUE)
        await harness.pass_time(BEYOND)
        found = await claim_all(delays)
        assert [b"same"] * 3 == bodies(found)
        assert [one.key for one in held] == [one.key for one in found]

    async def test_recover_of_nothing_is_nothing(self, transport: AsyncTransport) -> None:
        assert 0 == await transport.recover(QUEUE)
        await transport.push(QUEUE, numbered(2))
        await transport.claim(QUEUE, lease=LEASE)
        assert 0 == await transport.recover(QUEUE)

    async def test_recover_counts_claims_and_due_messages(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await delays.push(QUEUE, numbered(5))
        await delays.claim(QUEUE, lease=LEASE, limit=3)
        await delays.claim(QUEUE, lease=LEASE, limit=2)
        await delays.push(QUEUE, framed(b"a", b"b"), options=LATER)
        await harness.pass_time(BEYOND)
        assert 4 == await delays.recover(QUEUE)
        assert QueueStats(7, 0, 0) == await delays.stats(QUEUE)
        assert 0 == await delays.recover(QUEUE)

    async def test_recover_stops_at_its_limit_claims_first(
        self, delays: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await delays.push(QUEUE, numbered(3))
        for extra in range(3):
            await delays.claim(QUEUE, lease=LEASE - 10 + extra)
        await delays.push(QUEUE, framed(b"a", b"b"), options=LATER)
        await harness.pass_time(BEYOND)
        assert 2 == await delays.recover(QUEUE, limit=2)
        assert QueueStats(2, 2, 1) == await delays.stats(QUEUE)
        assert [b"0", b"1"] == await delays.peek(QUEUE, limit=9)
        assert 2 == await delays.recover(QUEUE, limit=2)
        assert QueueStats(4, 1, 0) == await delays.stats(QUEUE)
        assert 1 == await delays.recover(QUEUE, limit=2)

    async def test_recover_takes_more_claims_than_one_step_holds(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, numbered(25))
        for _ in range(25):
            await transport.claim(QUEUE, lease=LEASE)
        await harness.pass_time(BEYOND)
        assert 25 == await transport.recover(QUEUE)
        assert QueueStats(25, 0, 0) == await transport.stats(QUEUE)

    async def test_everybody_may_recover_at_once(self, harness: AsyncHarness) -> None:
        one, two = harness.make(), harness.make()
        needs(one.features.exact_lease, "exact_lease")
        await filled(one, b"a")
        await harness.pass_time(BEYOND)
        assert 1 == await one.recover(QUEUE) + await two.recover(QUEUE)
        assert [2] == attempts(await claim_all(two))

    async def test_a_delay_beyond_the_declared_one_is_refused(
        self, transport: AsyncTransport
    ) -> None:
        longest = transport.features.max_delay
        if longest is None:
            pytest.skip("the transport declares no limit of delays")
        options = PushOptions(delay=longest + 1)
        with pytest.raises(Unsupported):
            await transport.push(QUEUE, framed(b"a"), options=options)
        held = receipts(await filled(transport, b"b"))
        with pytest.raises(Unsupported):
            await transport.release(QUEUE, held, counted=True, delay=longest + 1)
        assert QueueStats(0, 0, 1) == await transport.stats(QUEUE)

    async def test_a_lease_beyond_the_declared_one_is_refused(
        self, transport: AsyncTransport
    ) -> None:
        longest = transport.features.max_lease
        if longest is None:
            pytest.skip("the transport declares no limit of leases")
        await transport.push(QUEUE, [b"a"])
        with pytest.raises(Unsupported):
            await transport.claim(QUEUE, lease=longest + 1)
        assert QueueStats(1, 0, 0) == await transport.stats(QUEUE)
