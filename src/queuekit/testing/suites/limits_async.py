# unasync: source
"""Limits: how fast all consumers of a queue together take its messages."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from ...abilities import AsyncLimiting, Limits
from ...errors import ConfigurationError, TransportClosed
from ...transport import AsyncTransport, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite
from .samples import (
    BAD_COUNTS,
    BAD_NAMES,
    BAD_SECONDS,
    BEYOND,
    LEASE,
    OTHER,
    PLACED,
    QUEUE,
    WITHIN,
    attempts,
    bodies,
    framed,
    inner,
    needs,
    numbered,
    placed,
    receipts,
)

LONG = 100 * LEASE
"""A lease that does not end in these tests."""
ONE = Limits(rate=1, per=LEASE)
SLACK = 20.0
"""Seconds that a busy machine may add."""


class AsyncLimitSuite(AsyncSuite):
    """``claim_within``; by ``LEASE`` seconds a message, if nothing else is said."""

    @pytest.fixture
    def limited(self, transport: AsyncTransport) -> AsyncLimiting:
        """Return the transport if it keeps limits."""
        if not isinstance(transport, AsyncLimiting):
            pytest.skip("the transport keeps no limits")
        return transport

    async def test_without_a_limit_it_is_a_claim(
        self, limited: AsyncLimiting, transport: AsyncTransport
    ) -> None:
        await transport.push(QUEUE, numbered(5))
        found = await limited.claim_within(QUEUE, limits=Limits(), lease=LONG, limit=3)
        assert numbered(3) == bodies(found)
        assert [1, 1, 1] == attempts(found)
        assert [] == await transport.ack(QUEUE, receipts(found))
        found = await limited.claim_within(QUEUE, limits=Limits(), lease=LONG)
        assert [b"3"] == bodies(found)
        assert QueueStats(1, 0, 1) == await transport.stats(QUEUE)

    async def test_messages_are_spaced_evenly(
        self, limited: AsyncLimiting, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await transport.push(QUEUE, numbered(9))
        limits = Limits(rate=2, per=2 * LEASE)
        for n in range(3):
            found = await limited.claim_within(QUEUE, limits=limits, lease=LONG, limit=9)
            assert [b"%d" % n] == bodies(found)
            assert [] == await limited.claim_within(QUEUE, limits=limits, lease=LONG, limit=9)
            await harness.pass_time(WITHIN)
            assert [] == await limited.claim_within(QUEUE, limits=limits, lease=LONG, limit=9)
            await harness.pass_time(BEYOND - WITHIN)

    async def test_all_transports_share_it(self, harness: AsyncHarness) -> None:
        one, two = harness.make(), harness.make()
        if not isinstance(one, AsyncLimiting) or not isinstance(two, AsyncLimiting):
            pytest.skip("the transport keeps no limits")
        await one.push(QUEUE, numbered(3))
        assert [b"0"] == bodies(await one.claim_within(QUEUE, limits=ONE, lease=LONG))
        assert [] == await two.claim_within(QUEUE, limits=ONE, lease=LONG)
        await harness.pass_time(BEYOND)
        assert [b"1"] == bodies(await two.claim_within(QUEUE, limits=ONE, lease=LONG))
        assert [] == await one.claim_within(QUEUE, limits=ONE, lease=LONG)

    async def test_a_burst_is_taken_at_once_after_a_pause(
        self, limited: AsyncLimiting, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await transport.push(QUEUE, numbered(20))
        limits = Limits(rate=1, per=LEASE, burst=3)
        found = await limited.claim_within(QUEUE, limits=limits, lease=LONG, limit=2)
        found += await limited.claim_within(QUEUE, limits=limits, lease=LONG, limit=2)
        assert numbered(3) == bodies(found)
        assert [] == await limited.claim_within(QUEUE, limits=limits, lease=LONG, limit=9)
        await harness.pass_time(BEYOND)
        found = await limited.claim_within(QUEUE, limits=limits, lease=LONG, limit=9)
        assert [b"3"] == bodies(found)
        await harness.pass_time(10 * LEASE)  # however long: no more than the burst
        found = await limited.claim_within(QUEUE, limits=limits, lease=LONG, limit=9)
        assert [b"4", b"5", b"6"] == bodies(found)

    async def test_who_finds_nothing_takes_no_turn(
        self, limited: AsyncLimiting, transport: AsyncTransport
    ) -> None:
        for _ in range(3):
            assert [] == await limited.claim_within(QUEUE, limits=ONE, lease=LONG)
        await transport.push(QUEUE, [b"a"])
        assert [b"a"] == bodies(await limited.claim_within(QUEUE, limits=ONE, lease=LONG))

    async def test_only_what_is_claimed_takes_turns(
        self, limited: AsyncLimiting, transport: AsyncTransport
    ) -> None:
        limits = Limits(rate=1, per=LEASE, burst=3)
        await transport.push(QUEUE, [b"a"])
        found = await limited.claim_within(QUEUE, limits=limits, lease=LONG, limit=3)
        assert [b"a"] == bodies(found)
        await transport.push(QUEUE, numbered(9))
        found = await limited.claim_within(QUEUE, limits=limits, lease=LONG, limit=9)
        assert numbered(2) == bodies(found)

    async def test_what_is_released_keeps_its_turn(
        self, limited: AsyncLimiting, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.uncounted_release, "uncounted_release")
        await transport.push(QUEUE, [b"a"])
        held = receipts(await limited.claim_within(QUEUE, limits=ONE, lease=LONG))
        assert [] == await transport.release(QUEUE, held, counted=False)
        assert [] == await limited.claim_within(QUEUE, limits=ONE, lease=LONG)
        await harness.pass_time(BEYOND)
        found = await limited.claim_within(QUEUE, limits=ONE, lease=LONG)
        assert [b"a"] == bodies(found)
        assert [1] == attempts(found)

    async def test_a_limit_belongs_to_its_queue(
        self, limited: AsyncLimiting, transport: AsyncTransport
    ) -> None:
        for queue in (QUEUE, OTHER):
            await transport.push(queue, numbered(2))
        for queue in (QUEUE, OTHER):
            assert [b"0"] == bodies(await limited.claim_within(queue, limits=ONE, lease=LONG))

    async def test_no_more_than_so_many_are_in_flight(
        self, limited: AsyncLimiting, transport: AsyncTransport
    ) -> None:
        await transport.push(QUEUE, numbered(5))
        two = Limits(in_flight=2)
        held = receipts(await limited.claim_within(QUEUE, limits=two, lease=LONG, limit=9))
        assert 1 == len(held), "such a call claims one message at most"
        held += receipts(await limited.claim_within(QUEUE, limits=two, lease=LONG))
        assert [] == await limited.claim_within(QUEUE, limits=two, lease=LONG)
        assert [] == await transport.ack(QUEUE, held[:1])
        assert [b"2"] == bodies(await limited.claim_within(QUEUE, limits=two, lease=LONG))
        assert [] == await limited.claim_within(QUEUE, limits=two, lease=LONG)
        assert [] == await transport.release(QUEUE, held[1:], counted=True)
        assert [b"3"] == bodies(await limited.claim_within(QUEUE, limits=two, lease=LONG))
        assert QueueStats(2, 0, 2) == await transport.stats(QUEUE)

    async def test_an_expired_claim_is_not_in_flight(
        self, limited: AsyncLimiting, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, [b"a"])
        one = Limits(in_flight=1)
        await limited.claim_within(QUEUE, limits=one, lease=LEASE)
        assert [] == await limited.claim_within(QUEUE, limits=one, lease=LEASE)
        await harness.pass_time(BEYOND)
        found = await limited.claim_within(QUEUE, limits=one, lease=LEASE)
        assert [b"a"] == bodies(found)
        assert [2] == attempts(found)

    async def test_other_claims_are_in_flight_too(
        self, limited: AsyncLimiting, transport: AsyncTransport
    ) -> None:
        await transport.push(QUEUE, numbered(2))
        (held,) = await transport.claim(QUEUE, lease=LONG)
        one = Limits(in_flight=1)
        assert [] == await limited.claim_within(QUEUE, limits=one, lease=LONG)
        assert [] == await transport.ack(QUEUE, [held.receipt])
        assert [b"1"] == bodies(await limited.claim_within(QUEUE, limits=one, lease=LONG))

    async def test_both_limits_hold(
        self, limited: AsyncLimiting, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await transport.push(QUEUE, numbered(9))
        both = Limits(rate=1, per=LEASE, burst=5, in_flight=2)
        held = receipts(await limited.claim_within(QUEUE, limits=both, lease=LONG))
        held += receipts(await limited.claim_within(QUEUE, limits=both, lease=LONG))
        assert [] == await limited.claim_within(QUEUE, limits=both, lease=LONG)
        for _ in range(3):
            assert [] == await transport.ack(QUEUE, held[:1])
            held = held[1:] + receipts(await limited.claim_within(QUEUE, limits=both, lease=LONG))
            assert 2 == len(held)
        assert [] == await transport.ack(QUEUE, held)
        assert [] == await limited.claim_within(QUEUE, limits=both, lease=LONG), "the 6th turn"
        await harness.pass_time(BEYOND)
        assert [b"5"] == bodies(await limited.claim_within(QUEUE, limits=both, lease=LONG))

    async def test_what_is_due_is_made_ready_before(
        self, limited: AsyncLimiting, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.max_delay is None, "delays of any length")
        late = framed(b"late")
        await transport.push(QUEUE, late, options=PushOptions(delay=LEASE))
        await harness.pass_time(BEYOND)
        assert late == bodies(await limited.claim_within(QUEUE, limits=ONE, lease=LONG))

    async def test_the_highest_level_has_the_turn(
        self, limited: AsyncLimiting, transport: AsyncTransport
    ) -> None:
        needs(transport.features.priorities, "priorities")
        frames = [placed(b"low", level=-1), placed(b"high", level=1)]
        await transport.push(QUEUE, frames, options=PLACED)
        assert [b"high"] == inner(await limited.claim_within(QUEUE, limits=ONE, lease=LONG))

    async def test_a_call_waits_for_its_turn(
        self, limited: AsyncLimiting, transport: AsyncTransport
    ) -> None:
        await transport.push(QUEUE, numbered(3))
        limits = Limits(rate=1, per=0.3)
        start = time.monotonic()  # the next turn comes so long after the first, not after now
        assert [b"0"] == bodies(await limited.claim_within(QUEUE, limits=limits, lease=LONG))
        found = await limited.claim_within(QUEUE, limits=limits, lease=LONG, timeout=1.0)
        while not found and time.monotonic() - start < SLACK:  # the machine stood still
            found = await limited.claim_within(QUEUE, limits=limits, lease=LONG, timeout=1.0)
        assert [b"1"] == bodies(found)
        assert 0.28 <= time.monotonic() - start < 0.3 + SLACK

    async def test_a_call_waits_no_longer_than_its_timeout(
        self, limited: AsyncLimiting, transport: AsyncTransport
    ) -> None:
        await transport.push(QUEUE, numbered(2))
        await limited.claim_within(QUEUE, limits=ONE, lease=LONG)
        start = time.monotonic()
        found = await limited.claim_within(QUEUE, limits=ONE, lease=LONG, timeout=0.2)
        assert [] == found
        assert 0.18 <= time.monotonic() - start < 0.2 + SLACK

    @pytest.mark.parametrize(
        "rate", [0, *(one for one in BAD_SECONDS if one is not None)], ids=ascii
    )
    async def test_a_rate_that_cannot_be_is_refused(
        self, limited: AsyncLimiting, rate: Any
    ) -> None:
        await refused(limited, Limits(rate=rate))

    @pytest.mark.parametrize("per", [0, *BAD_SECONDS], ids=ascii)
    async def test_a_time_that_cannot_be_is_refused(self, limited: AsyncLimiting, per: Any) -> None:
        await refused(limited, Limits(rate=1, per=per))

    @pytest.mark.parametrize("count", BAD_COUNTS, ids=ascii)
    async def test_counts_that_cannot_be_are_refused(
        self, limited: AsyncLimiting, count: Any
    ) -> None:
        await refused(limited, Limits(rate=1, burst=count))
        if count is not None:
            await refused(limited, Limits(in_flight=count))

    @pytest.mark.parametrize("queue", BAD_NAMES, ids=ascii)
    async def test_a_name_that_cannot_be_is_refused(
        self, limited: AsyncLimiting, queue: Any
    ) -> None:
        with pytest.raises(ConfigurationError):
            await limited.claim_within(queue, limits=ONE, lease=LONG)

    async def test_arguments_of_a_claim_are_checked(self, limited: AsyncLimiting) -> None:
        for wrong in ({"lease": 0}, {"lease": math.nan}, {"limit": 0}, {"timeout": -1}):
            arguments: dict[str, Any] = {"lease": LONG, **wrong}
            with pytest.raises(ConfigurationError):
                await limited.claim_within(QUEUE, limits=ONE, **arguments)

    async def test_after_close_nothing_is_claimed(
        self, limited: AsyncLimiting, transport: AsyncTransport
    ) -> None:
        await transport.push(QUEUE, [b"a"])
        await transport.aclose()
        with pytest.raises(TransportClosed):
            await limited.claim_within(QUEUE, limits=ONE, lease=LONG)


async def refused(limited: AsyncLimiting, limits: Limits) -> None:
    """Claim and see the limits refused."""
    with pytest.raises(ConfigurationError):
        await limited.claim_within(QUEUE, limits=limits, lease=LONG)
