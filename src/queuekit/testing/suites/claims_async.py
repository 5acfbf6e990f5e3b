# unasync: source
"""Claims: who holds what."""

from __future__ import annotations

import pytest

from ...errors import TransportClosed
from ...transport import MAX_CLAIM, AsyncTransport, Delivery, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all, filled
from .samples import (
    BEYOND,
    LEASE,
    ONCE,
    QUEUE,
    bodies,
    needs,
    numbered,
    receipts,
    tried,
)


class AsyncClaimSuite(AsyncSuite):
    """Claim, ack, purge, large batches, close."""

    async def test_claim_takes_the_oldest_first(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, numbered(5))
        assert [b"0"] == bodies(await transport.claim(QUEUE, lease=LEASE))
        assert [b"1", b"2"] == bodies(await transport.claim(QUEUE, lease=LEASE, limit=2))
        assert [b"3", b"4"] == bodies(await transport.claim(QUEUE, lease=LEASE, limit=9))
        assert [] == await transport.claim(QUEUE, lease=LEASE)

    async def test_claim_hides_from_every_other_consumer(self, harness: AsyncHarness) -> None:
        one, two = harness.make(), harness.make()
        await one.push(QUEUE, [b"a"])
        await one.claim(QUEUE, lease=LEASE)
        for transport in (one, two):
            assert [] == await transport.claim(QUEUE, lease=LEASE)
            assert [] == await transport.pop(QUEUE)
            assert [] == await transport.peek(QUEUE)
            assert QueueStats(0, 0, 1) == await transport.stats(QUEUE)

    async def test_a_delivery_says_everything(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, [b"a"])
        (delivery,) = await transport.claim(QUEUE, lease=LEASE)
        assert isinstance(delivery, Delivery)
        assert delivery.body == b"a"
        assert delivery.attempt == 1
        assert type(delivery.body) is bytes
        assert isinstance(delivery.receipt, str)
        assert isinstance(delivery.key, str)
        assert delivery.key

    @pytest.mark.parametrize(
        "body", [b"", bytes(range(256)), b"\xc1", b"\xc1\x71", b"\0" * 2**20], ids=len
    )
    async def test_a_claimed_body_stays_as_it_went(
        self, transport: AsyncTransport, harness: AsyncHarness, body: bytes
    ) -> None:
        (first,) = await filled(transport, body)
        assert body == first.body
        await transport.release(QUEUE, [first.receipt], counted=True)
        assert [body] == await transport.peek(QUEUE)
        (second,) = await claim_all(transport)
        assert (body, tried(transport, 2)) == (second.body, second.attempt)
        if transport.features.exact_lease:
            await harness.pass_time(BEYOND)
            await transport.recover(QUEUE)
        else:
            await transport.release(QUEUE, [second.receipt], counted=True)
        assert [body] == await transport.pop(QUEUE)

    async def test_acked_messages_are_gone(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        held = await filled(transport, *numbered(3))
        assert [] == await transport.ack(QUEUE, receipts(held))
        assert QueueStats(0, 0, 0) == await transport.stats(QUEUE)
        await harness.pass_time(BEYOND)
        assert [] == await claim_all(transport)

    async def test_another_transport_may_settle(self, harness: AsyncHarness) -> None:
        held = await filled(harness.make(), b"a")
        other = harness.make()
        assert [] == await other.ack(QUEUE, receipts(held))
        assert QueueStats(0, 0, 0) == await other.stats(QUEUE)

    async def test_calls_with_no_receipts_do_nothing(self, transport: AsyncTransport) -> None:
        await filled(transport, b"a")
        assert [] == await transport.ack(QUEUE, [])
        assert [] == await transport.release(QUEUE, [], counted=True)
        assert [] == await transport.release(QUEUE, [], counted=False)
        assert [] == await transport.extend(QUEUE, [], lease=LEASE)
        assert [] == await transport.move(QUEUE, [], to="to")
        assert QueueStats(0, 0, 1) == await transport.stats(QUEUE)

    async def test_purge_leaves_what_is_claimed_with_its_owner(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await transport.push(QUEUE, numbered(5))
        held = await transport.claim(QUEUE, lease=LEASE, limit=2)
        assert 3 == await transport.purge(QUEUE)
        assert QueueStats(0, 0, 2) == await transport.stats(QUEUE)
        assert [] == await transport.ack(QUEUE, [held[0].receipt])
        if transport.features.exact_lease:
            await harness.pass_time(BEYOND)
        else:
            await transport.release(QUEUE, [held[1].receipt], counted=True)
        assert [b"1"] == bodies(await claim_all(transport))

    async def test_receipts_are_minted_anew_by_every_claim(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        needs(transport.features.fenced, "fenced")
        held = await filled(transport, *numbered(3))
        seen = receipts(held)
        await transport.release(QUEUE, receipts(held), counted=True)
        seen += receipts(await claim_all(transport))
        await harness.pass_time(BEYOND)
        seen += receipts(await claim_all(transport))
        assert 9 == len(set(seen))

    async def test_at_most_a_thousand_at_a_time(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, numbered(MAX_CLAIM + 500))
        first = await transport.claim(QUEUE, lease=LEASE, limit=MAX_CLAIM + 400)
        assert numbered(MAX_CLAIM) == bodies(first)
        assert QueueStats(500, 0, MAX_CLAIM) == await transport.stats(QUEUE)

    async def test_a_large_batch_is_claimed_and_settled_in_order(
        self, transport: AsyncTransport
    ) -> None:
        await transport.push(QUEUE, numbered(2500))
        held: list[Delivery] = []
        while more := await transport.claim(QUEUE, lease=LEASE, limit=700):
            held += more
        assert numbered(2500) == bodies(held)
        assert 2500 == len({delivery.key for delivery in held})
        assert [] == await transport.extend(QUEUE, receipts(held), lease=LEASE)
        assert [] == await transport.release(QUEUE, receipts(held[:1200]), counted=True)
        assert QueueStats(1200, 0, 1300) == await transport.stats(QUEUE)
        letters = [(delivery.receipt, delivery.body) for delivery in held[1200:2400]]
        assert [] == await transport.move(QUEUE, letters, to="to")
        assert numbered(2400)[1200:] == await transport.peek("to", limit=9999)
        assert [] == await transport.ack(QUEUE, receipts(held[2400:]))
        assert QueueStats(1200, 0, 0) == await transport.stats(QUEUE)
        assert numbered(1200) == await transport.pop(QUEUE, limit=9999)

    async def test_a_large_claim_expires_as_a_whole(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, numbered(MAX_CLAIM))
        await transport.claim(QUEUE, lease=LEASE, limit=MAX_CLAIM)
        await harness.pass_time(BEYOND)
        assert 1 == await transport.recover(QUEUE)
        assert numbered(MAX_CLAIM) == await transport.pop(QUEUE, limit=MAX_CLAIM)

    async def test_a_closed_transport_refuses_claims(self, harness: AsyncHarness) -> None:
        transport = harness.make()
        held = await filled(transport, b"a")
        await transport.aclose()
        with pytest.raises(TransportClosed):
            await transport.push(QUEUE, [b"b"], options=PushOptions(), token=ONCE)
        with pytest.raises(TransportClosed):
            await transport.claim(QUEUE, lease=LEASE)
        with pytest.raises(TransportClosed):
            await transport.claim(QUEUE, lease=LEASE, timeout=0.2)
        with pytest.raises(TransportClosed):
            await transport.ack(QUEUE, receipts(held))
        with pytest.raises(TransportClosed):
            await transport.release(QUEUE, receipts(held), counted=True)
        with pytest.raises(TransportClosed):
            await transport.move(QUEUE, [(held[0].receipt, b"b")], to="to")
        with pytest.raises(TransportClosed):
            await transport.extend(QUEUE, receipts(held), lease=LEASE)
        with pytest.raises(TransportClosed):
            await transport.recover(QUEUE)
        assert QueueStats(0, 0, 1) == await harness.make().stats(QUEUE)
