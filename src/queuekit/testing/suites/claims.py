# Generated from claims_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Claims: who holds what."""

from __future__ import annotations

import pytest

from ...errors import TransportClosed
from ...transport import MAX_CLAIM, Delivery, PushOptions, QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all, filled
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


class ClaimSuite(Suite):
    """Claim, ack, purge, large batches, close."""

    def test_claim_takes_the_oldest_first(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(5))
        assert [b"0"] == bodies(transport.claim(QUEUE, lease=LEASE))
        assert [b"1", b"2"] == bodies(transport.claim(QUEUE, lease=LEASE, limit=2))
        assert [b"3", b"4"] == bodies(transport.claim(QUEUE, lease=LEASE, limit=9))
        assert [] == transport.claim(QUEUE, lease=LEASE)

    def test_claim_hides_from_every_other_consumer(self, harness: Harness) -> None:
        one, two = harness.make(), harness.make()
        one.push(QUEUE, [b"a"])
        one.claim(QUEUE, lease=LEASE)
        for transport in (one, two):
            assert [] == transport.claim(QUEUE, lease=LEASE)
            assert [] == transport.pop(QUEUE)
            assert [] == transport.peek(QUEUE)
            assert QueueStats(0, 0, 1) == transport.stats(QUEUE)

    def test_a_delivery_says_everything(self, transport: Transport) -> None:
        transport.push(QUEUE, [b"a"])
        (delivery,) = transport.claim(QUEUE, lease=LEASE)
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
    def test_a_claimed_body_stays_as_it_went(
        self, transport: Transport, harness: Harness, body: bytes
    ) -> None:
        (first,) = filled(transport, body)
        assert body == first.body
        transport.release(QUEUE, [first.receipt], counted=True)
        assert [body] == transport.peek(QUEUE)
        (second,) = claim_all(transport)
        assert (body, tried(transport, 2)) == (second.body, second.attempt)
        if transport.features.exact_lease:
            harness.pass_time(BEYOND)
            transport.recover(QUEUE)
        else:
            transport.release(QUEUE, [second.receipt], counted=True)
        assert [body] == transport.pop(QUEUE)

    def test_acked_messages_are_gone(self, transport: Transport, harness: Harness) -> None:
        held = filled(transport, *numbered(3))
        assert [] == transport.ack(QUEUE, receipts(held))
        assert QueueStats(0, 0, 0) == transport.stats(QUEUE)
        harness.pass_time(BEYOND)
        assert [] == claim_all(transport)

    def test_another_transport_may_settle(self, harness: Harness) -> None:
        held = filled(harness.make(), b"a")
        other = harness.make()
        assert [] == other.ack(QUEUE, receipts(held))
        assert QueueStats(0, 0, 0) == other.stats(QUEUE)

    def test_calls_with_no_receipts_do_nothing(self, transport: Transport) -> None:
        filled(transport, b"a")
        assert [] == transport.ack(QUEUE, [])
        assert [] == transport.release(QUEUE, [], counted=True)
        assert [] == transport.release(QUEUE, [], counted=False)
        assert [] == transport.extend(QUEUE, [], lease=LEASE)
        assert [] == transport.move(QUEUE, [], to="to")
        assert QueueStats(0, 0, 1) == transport.stats(QUEUE)

    def test_purge_leaves_what_is_claimed_with_its_owner(
        self, transport: Transport, harness: Harness
    ) -> None:
        transport.push(QUEUE, numbered(5))
        held = transport.claim(QUEUE, lease=LEASE, limit=2)
        assert 3 == transport.purge(QUEUE)
        assert QueueStats(0, 0, 2) == transport.stats(QUEUE)
        assert [] == transport.ack(QUEUE, [held[0].receipt])
        if transport.features.exact_lease:
            harness.pass_time(BEYOND)
        else:
            transport.release(QUEUE, [held[1].receipt], counted=True)
        assert [b"1"] == bodies(claim_all(transport))

    def test_receipts_are_minted_anew_by_every_claim(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        needs(transport.features.fenced, "fenced")
        held = filled(transport, *numbered(3))
        seen = receipts(held)
        transport.release(QUEUE, receipts(held), counted=True)
        seen += receipts(claim_all(transport))
        harness.pass_time(BEYOND)
        seen += receipts(claim_all(transport))
        assert 9 == len(set(seen))

    def test_at_most_a_thousand_at_a_time(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(MAX_CLAIM + 500))
        first = transport.claim(QUEUE, lease=LEASE, limit=MAX_CLAIM + 400)
        assert numbered(MAX_CLAIM) == bodies(first)
        assert QueueStats(500, 0, MAX_CLAIM) == transport.stats(QUEUE)

    def test_a_large_batch_is_claimed_and_settled_in_order(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(2500))
        held: list[Delivery] = []
        while more := transport.claim(QUEUE, lease=LEASE, limit=700):
            held += more
        assert numbered(2500) == bodies(held)
        assert 2500 == len({delivery.key for delivery in held})
        assert [] == transport.extend(QUEUE, receipts(held), lease=LEASE)
        assert [] == transport.release(QUEUE, receipts(held[:1200]), counted=True)
        assert QueueStats(1200, 0, 1300) == transport.stats(QUEUE)
        letters = [(delivery.receipt, delivery.body) for delivery in held[1200:2400]]
        assert [] == transport.move(QUEUE, letters, to="to")
        assert numbered(2400)[1200:] == transport.peek("to", limit=9999)
        assert [] == transport.ack(QUEUE, receipts(held[2400:]))
        assert QueueStats(1200, 0, 0) == transport.stats(QUEUE)
        assert numbered(1200) == transport.pop(QUEUE, limit=9999)

    def test_a_large_claim_expires_as_a_whole(self, transport: Transport, harness: Harness) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, numbered(MAX_CLAIM))
        transport.claim(QUEUE, lease=LEASE, limit=MAX_CLAIM)
        harness.pass_time(BEYOND)
        assert 1 == transport.recover(QUEUE)
        assert numbered(MAX_CLAIM) == transport.pop(QUEUE, limit=MAX_CLAIM)

    def test_a_closed_transport_refuses_claims(self, harness: Harness) -> None:
        transport = harness.make()
        held = filled(transport, b"a")
        transport.close()
        with pytest.raises(TransportClosed):
            transport.push(QUEUE, [b"b"], options=PushOptions(), token=ONCE)
        with pytest.raises(TransportClosed):
            transport.claim(QUEUE, lease=LEASE)
        with pytest.raises(TransportClosed):
            transport.claim(QUEUE, lease=LEASE, timeout=0.2)
        with pytest.raises(TransportClosed):
            transport.ack(QUEUE, receipts(held))
        with pytest.raises(TransportClosed):
            transport.release(QUEUE, receipts(held), counted=True)
        with pytest.raises(TransportClosed):
            transport.move(QUEUE, [(held[0].receipt, b"b")], to="to")
        with pytest.raises(TransportClosed):
            transport.extend(QUEUE, receipts(held), lease=LEASE)
        with pytest.raises(TransportClosed):
            transport.recover(QUEUE)
        assert QueueStats(0, 0, 1) == harness.make().stats(QUEUE)
