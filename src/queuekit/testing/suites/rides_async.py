# unasync: source
"""Acks that go with a claim."""

from __future__ import annotations

import pytest

from ...errors import ConfigurationError, TransportClosed
from ...transport import AsyncTransport, QueueStats, Receipt
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all, filled
from .samples import BEYOND, LEASE, QUEUE, bodies, needs, numbered, receipts


class AsyncRideSuite(AsyncSuite):
    """Ack and claim in one call."""

    async def test_a_claim_takes_acks_along(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, numbered(4))
        held = await transport.claim(QUEUE, lease=LEASE, limit=2)
        lost, found = await transport.ack_and_claim(QUEUE, receipts(held), lease=LEASE, limit=9)
        assert ([], [b"2", b"3"]) == (lost, bodies(found))
        assert QueueStats(0, 0, 2) == await transport.stats(QUEUE)
        assert receipts(held) == await transport.ack(QUEUE, receipts(held))

    async def test_the_acks_are_done_where_nothing_is_ready(
        self, transport: AsyncTransport
    ) -> None:
        held = await filled(transport, b"a", b"b")
        assert ([], []) == await transport.ack_and_claim(
            QUEUE, receipts(held), lease=LEASE, timeout=0.01
        )
        assert QueueStats(0, 0, 0) == await transport.stats(QUEUE)

    async def test_acks_that_are_not_held_are_named_and_the_claim_is_made(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        (late,) = await filled(transport, b"late")
        await harness.pass_time(BEYOND)
        (again,) = await claim_all(transport)
        await transport.push(QUEUE, [b"next"])
        asked = [late.receipt, again.receipt, Receipt("nonsense")]
        lost, found = await transport.ack_and_claim(QUEUE, asked, lease=LEASE)
        assert ([late.receipt, Receipt("nonsense")], [b"next"]) == (lost, bodies(found))
        assert QueueStats(0, 0, 1) == await transport.stats(QUEUE)

    async def test_part_of_a_claim_may_go_along(self, transport: AsyncTransport) -> None:
        held = await filled(transport, *numbered(3))
        lost, found = await transport.ack_and_claim(QUEUE, [held[1].receipt], lease=LEASE)
        assert ([], []) == (lost, found)
        assert QueueStats(0, 0, 2) == await transport.stats(QUEUE)
        assert [] == await transport.ack(QUEUE, [held[0].receipt, held[2].receipt])

    async def test_without_acks_it_is_a_claim(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, [b"a"])
        lost, found = await transport.ack_and_claim(QUEUE, [], lease=LEASE)
        assert ([], [b"a"]) == (lost, bodies(found))

    async def test_bad_arguments_ack_nothing(self, transport: AsyncTransport) -> None:
        held = await filled(transport, b"a")
        with pytest.raises(ConfigurationError):
            await transport.ack_and_claim(QUEUE, receipts(held), lease=0.0)
        with pytest.raises(ConfigurationError):
            await transport.ack_and_claim(QUEUE, receipts(held), lease=LEASE, timeout=-1.0)
        with pytest.raises(ConfigurationError):
            await transport.ack_and_claim(QUEUE, receipts(held), lease=LEASE, limit=0)
        assert [] == await transport.ack(QUEUE, receipts(held))

    async def test_after_close_it_is_refused(self, harness: AsyncHarness) -> None:
        transport = harness.make()
        await transport.aclose()
        with pytest.raises(TransportClosed):
            await transport.ack_and_claim(QUEUE, [], lease=LEASE)
