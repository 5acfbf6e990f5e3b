# Generated from lost_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A receipt is good once, and for one claim: what is stale is reported and never obeyed."""

from __future__ import annotations

import pytest

from ...transport import QueueStats, Receipt, Transport
from ..harness import Harness
from .base import Suite, claim_all, filled
from .samples import (
    BEYOND,
    LEASE,
    OTHER,
    QUEUE,
    WITHIN,
    bodies,
    needs,
    nonsense,
    numbered,
    receipts,
)

VERBS = ["ack", "fail", "give back", "move", "extend"]


def settle(
    transport: Transport, verb: str, gone: list[Receipt], queue: str = QUEUE
) -> list[Receipt]:
    """Use *verb* on the receipts."""
    if verb == "ack":
        return transport.ack(queue, gone)
    if verb == "fail":
        return transport.release(queue, gone, counted=True)
    if verb == "give back":
        return transport.release(queue, gone, counted=False)
    if verb == "move":
        return transport.move(queue, [(receipt, b"moved") for receipt in gone], to="to")
    return transport.extend(queue, gone, lease=LEASE)


class LostLeaseSuite(Suite):
    """Stale, foreign and nonsensical receipts."""

    @pytest.fixture(params=VERBS)
    def verb(self, request: pytest.FixtureRequest, transport: Transport) -> str:
        """Return one of the five ways to use a receipt."""
        verb = str(request.param)
        if verb == "give back" and not transport.features.uncounted_release:
            pytest.skip("the transport does not declare uncounted_release")
        return verb

    def test_a_stale_receipt_is_reported_and_changes_nothing(
        self, transport: Transport, harness: Harness, verb: str
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        needs(transport.features.fenced, "fenced")
        stale = receipts(filled(transport, b"a", b"b"))
        harness.pass_time(BEYOND)
        held = claim_all(transport)
        assert sorted(stale) == sorted(settle(transport, verb, stale))
        assert QueueStats(0, 0, 2) == transport.stats(QUEUE)
        assert QueueStats(0, 0, 0) == transport.stats("to")
        assert [] == transport.ack(QUEUE, receipts(held))

    def test_a_recovered_receipt_is_reported_and_changes_nothing(
        self, transport: Transport, harness: Harness, verb: str
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        needs(transport.features.fenced, "fenced")
        stale = receipts(filled(transport, b"a", b"b"))
        harness.pass_time(BEYOND)
        transport.recover(QUEUE)
        assert sorted(stale) == sorted(settle(transport, verb, stale))
        assert QueueStats(2, 0, 0) == transport.stats(QUEUE)
        assert QueueStats(0, 0, 0) == transport.stats("to")
        assert [b"a", b"b"] == transport.pop(QUEUE, limit=9)

    def test_an_expired_receipt_is_good_until_somebody_recovers_it(
        self, transport: Transport, harness: Harness, verb: str
    ) -> None:
        late = receipts(filled(transport, b"a", b"b"))
        harness.pass_time(BEYOND)
        assert [] == settle(transport, verb, late)

    @pytest.mark.parametrize("first", ["ack", "fail", "give back", "move"])
    def test_a_settled_receipt_is_reported_and_changes_nothing(
        self, transport: Transport, verb: str, first: str
    ) -> None:
        gone = receipts(filled(transport, b"a", b"b", b"c"))[:2]
        assert [] == settle(transport, first, gone)
        if first in ("fail", "give back"):  # they wait again, and may be named by the same receipts
            needs(transport.features.fenced, "fenced")
        before = transport.stats(QUEUE), transport.stats("to")
        assert sorted(gone) == sorted(settle(transport, verb, gone))
        assert before == (transport.stats(QUEUE), transport.stats("to"))

    def test_a_receipt_of_a_settled_claim_is_reported(
        self, transport: Transport, verb: str
    ) -> None:
        gone = receipts(filled(transport, b"a", b"b"))
        transport.ack(QUEUE, gone)
        assert sorted(gone) == sorted(settle(transport, verb, gone))
        assert QueueStats(0, 0, 0) == transport.stats(QUEUE)
        assert QueueStats(0, 0, 0) == transport.stats("to")

    def test_a_receipt_named_twice_in_one_call_is_reported_once(
        self, transport: Transport, verb: str
    ) -> None:
        (receipt,) = receipts(filled(transport, b"a"))
        want = [] if verb == "extend" else [receipt]
        assert want == settle(transport, verb, [receipt, receipt])
        stats, moved = transport.stats(QUEUE), transport.stats("to")
        assert sum(stats) + sum(moved) == (0 if verb == "ack" else 1)

    def test_a_batch_names_only_what_was_lost(
        self, transport: Transport, harness: Harness, verb: str
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        needs(transport.features.fenced, "fenced")
        transport.push(QUEUE, numbered(4))
        old = transport.claim(QUEUE, lease=LEASE, limit=2)
        held = transport.claim(QUEUE, lease=3 * LEASE, limit=2)
        harness.pass_time(BEYOND)
        transport.recover(QUEUE)
        mixed = receipts([old[0], held[0], old[1], held[1]])
        assert sorted(receipts(old)) == sorted(settle(transport, verb, mixed))
        if verb != "extend":
            assert 0 == (transport.stats(QUEUE)).claimed

    def test_a_batch_of_one_claim_names_only_what_was_settled(
        self, transport: Transport, verb: str
    ) -> None:
        held = receipts(filled(transport, *numbered(4)))
        transport.ack(QUEUE, [held[2], held[0]])
        assert sorted([held[0], held[2]]) == sorted(settle(transport, verb, held))

    def test_nonsense_is_reported_and_changes_nothing(
        self, transport: Transport, verb: str
    ) -> None:
        (receipt,) = receipts(filled(transport, b"a"))
        transport.push(QUEUE, [b"b"])
        made_up = nonsense(receipt)
        for text in made_up:
            assert [text] == settle(transport, verb, [text]), text
        assert sorted(made_up) == sorted(settle(transport, verb, made_up))
        assert QueueStats(1, 0, 1) == transport.stats(QUEUE)
        assert QueueStats(0, 0, 0) == transport.stats("to")
        assert [] == transport.ack(QUEUE, [receipt])

    def test_nonsense_on_an_unused_queue_is_reported(self, transport: Transport, verb: str) -> None:
        assert [Receipt("x.0")] == settle(transport, verb, [Receipt("x.0")], OTHER)
        assert QueueStats(0, 0, 0) == transport.stats(OTHER)

    def test_a_receipt_of_another_queue_is_reported_and_changes_nothing(
        self, transport: Transport, verb: str
    ) -> None:
        mine = receipts(filled(transport, b"a", queue=OTHER))
        filled(transport, b"b")
        assert mine == settle(transport, verb, mine)
        assert QueueStats(0, 0, 1) == transport.stats(QUEUE)
        assert QueueStats(0, 0, 1) == transport.stats(OTHER)
        assert [] == transport.ack(OTHER, mine)

    def test_an_ack_between_expiry_and_recovery_counts(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        held = receipts(filled(transport, b"a", b"b"))
        harness.pass_time(BEYOND)
        assert [] == transport.ack(QUEUE, [held[0]])
        assert [b"b"] == bodies(claim_all(transport))
        assert [held[1]] == transport.ack(QUEUE, [held[1]])

    def test_extend_keeps_what_is_held(self, transport: Transport, harness: Harness) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        held = receipts(filled(transport, b"a"))
        for _ in range(3):
            harness.pass_time(WITHIN)
            assert [] == transport.extend(QUEUE, held, lease=LEASE)
        assert [] == claim_all(transport)
        harness.pass_time(BEYOND)
        assert [b"a"] == bodies(claim_all(transport))

    def test_extend_never_shortens(self, transport: Transport, harness: Harness) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        held = receipts(filled(transport, b"a"))
        assert [] == transport.extend(QUEUE, held, lease=1)
        harness.pass_time(WITHIN)
        assert [] == claim_all(transport)
        harness.pass_time(BEYOND - WITHIN)
        assert [b"a"] == bodies(claim_all(transport))

    def test_extend_is_for_the_whole_claim(self, transport: Transport, harness: Harness) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        held = receipts(filled(transport, *numbered(3)))
        harness.pass_time(WITHIN)
        assert [] == transport.extend(QUEUE, [held[1]], lease=LEASE)
        harness.pass_time(WITHIN)
        assert [] == claim_all(transport)
        assert [] == transport.ack(QUEUE, held)

    def test_extend_is_not_for_other_claims(self, transport: Transport, harness: Harness) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, numbered(2))
        kept = transport.claim(QUEUE, lease=LEASE)
        transport.claim(QUEUE, lease=LEASE)
        harness.pass_time(WITHIN)
        transport.extend(QUEUE, receipts(kept), lease=LEASE)
        harness.pass_time(WITHIN)
        assert [b"1"] == bodies(claim_all(transport))

    def test_extend_revives_an_expired_claim_that_nobody_recovered(
        self, transport: Transport, harness: Harness
    ) -> None:
        held = receipts(filled(transport, b"a"))
        harness.pass_time(BEYOND)
        assert [] == transport.extend(QUEUE, held, lease=LEASE)
        assert [] == claim_all(transport)
        assert [] == transport.ack(QUEUE, held)
