# Generated from rides_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Acks that go with a claim."""

from __future__ import annotations

import pytest

from ...errors import ConfigurationError, TransportClosed
from ...transport import QueueStats, Receipt, Transport
from ..harness import Harness
from .base import Suite, claim_all, filled
from .samples import BEYOND, LEASE, QUEUE, bodies, needs, numbered, receipts


class RideSuite(Suite):
    """Ack and claim in one call."""

    def test_a_claim_takes_acks_along(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(4))
        held = transport.claim(QUEUE, lease=LEASE, limit=2)
        lost, found = transport.ack_and_claim(QUEUE, receipts(held), lease=LEASE, limit=9)
        assert ([], [b"2", b"3"]) == (lost, bodies(found))
        assert QueueStats(0, 0, 2) == transport.stats(QUEUE)
        assert receipts(held) == transport.ack(QUEUE, receipts(held))

    def test_the_acks_are_done_where_nothing_is_ready(self, transport: Transport) -> None:
        held = filled(transport, b"a", b"b")
        assert ([], []) == transport.ack_and_claim(QUEUE, receipts(held), lease=LEASE, timeout=0.01)
        assert QueueStats(0, 0, 0) == transport.stats(QUEUE)

    def test_acks_that_are_not_held_are_named_and_the_claim_is_made(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        (late,) = filled(transport, b"late")
        harness.pass_time(BEYOND)
        (again,) = claim_all(transport)
        transport.push(QUEUE, [b"next"])
        asked = [late.receipt, again.receipt, Receipt("nonsense")]
        lost, found = transport.ack_and_claim(QUEUE, asked, lease=LEASE)
        assert ([late.receipt, Receipt("nonsense")], [b"next"]) == (lost, bodies(found))
        assert QueueStats(0, 0, 1) == transport.stats(QUEUE)

    def test_part_of_a_claim_may_go_along(self, transport: Transport) -> None:
        held = filled(transport, *numbered(3))
        lost, found = transport.ack_and_claim(QUEUE, [held[1].receipt], lease=LEASE)
        assert ([], []) == (lost, found)
        assert QueueStats(0, 0, 2) == transport.stats(QUEUE)
        assert [] == transport.ack(QUEUE, [held[0].receipt, held[2].receipt])

    def test_without_acks_it_is_a_claim(self, transport: Transport) -> None:
        transport.push(QUEUE, [b"a"])
        lost, found = transport.ack_and_claim(QUEUE, [], lease=LEASE)
        assert ([], [b"a"]) == (lost, bodies(found))

    def test_bad_arguments_ack_nothing(self, transport: Transport) -> None:
        held = filled(transport, b"a")
        with pytest.raises(ConfigurationError):
            transport.ack_and_claim(QUEUE, receipts(held), lease=0.0)
        with pytest.raises(ConfigurationError):
            transport.ack_and_claim(QUEUE, receipts(held), lease=LEASE, timeout=-1.0)
        with pytest.raises(ConfigurationError):
            transport.ack_and_claim(QUEUE, receipts(held), lease=LEASE, limit=0)
        assert [] == transport.ack(QUEUE, receipts(held))

    def test_after_close_it_is_refused(self, harness: Harness) -> None:
        transport = harness.make()
        transport.close()
        with pytest.raises(TransportClosed):
            transport.ack_and_claim(QUEUE, [], lease=LEASE)
