# Generated from give_back_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Giving back, failing and moving: where the messages stand afterwards."""

from __future__ import annotations

import pytest

from ...transport import QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all, filled
from .samples import (
    BEYOND,
    LEASE,
    QUEUE,
    attempts,
    bodies,
    framed,
    needs,
    numbered,
    receipts,
    tried,
)

TO = "to"


class GiveBackSuite(Suite):
    """``release`` and ``move``."""

    def test_a_failed_message_goes_to_the_tail(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(4))
        held = transport.claim(QUEUE, lease=LEASE, limit=2)
        assert [] == transport.release(QUEUE, receipts(held), counted=True)
        assert [b"2", b"3", b"0", b"1"] == transport.peek(QUEUE, limit=9)

    def test_failed_messages_stand_in_the_order_given(self, transport: Transport) -> None:
        held = receipts(filled(transport, *numbered(4)))
        transport.release(QUEUE, [held[2], held[0], held[3]], counted=True)
        assert [b"2", b"0", b"3"] == transport.pop(QUEUE, limit=9)

    def test_what_is_given_back_uncounted_goes_to_the_head(self, transport: Transport) -> None:
        needs(transport.features.uncounted_release, "uncounted_release")
        transport.push(QUEUE, numbered(5))
        held = transport.claim(QUEUE, lease=LEASE, limit=3)
        assert [] == transport.release(QUEUE, receipts(held), counted=False)
        assert numbered(5) == transport.peek(QUEUE, limit=9)

    def test_what_is_given_back_uncounted_stands_in_its_old_order(
        self, transport: Transport
    ) -> None:
        needs(transport.features.uncounted_release, "uncounted_release")
        transport.push(QUEUE, numbered(6))
        held = receipts(transport.claim(QUEUE, lease=LEASE, limit=4))
        shuffled = [held[3], held[0], held[2]]
        assert [] == transport.release(QUEUE, shuffled, counted=False)
        assert [b"0", b"2", b"3", b"4", b"5"] == transport.peek(QUEUE, limit=9)
        assert [] == transport.release(QUEUE, [held[1]], counted=False)
        assert b"1" == (transport.peek(QUEUE))[0]

    def test_two_claims_given_back_in_one_call_stand_in_their_old_order(
        self, transport: Transport
    ) -> None:
        needs(transport.features.uncounted_release, "uncounted_release")
        transport.push(QUEUE, numbered(7))
        one = receipts(transport.claim(QUEUE, lease=LEASE, limit=3))
        two = receipts(transport.claim(QUEUE, lease=LEASE, limit=3))
        mixed = [one[2], two[1], one[0], two[2], two[0], one[1]]
        assert [] == transport.release(QUEUE, mixed, counted=False)
        assert numbered(7) == transport.peek(QUEUE, limit=9)

    def test_giving_back_keeps_the_attempts_of_before(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        needs(transport.features.exact_lease, "exact_lease")
        needs(transport.features.uncounted_release, "uncounted_release")
        held = filled(transport, b"a", framed(b"b")[0])
        transport.release(QUEUE, receipts(held), counted=True)
        held = claim_all(transport)
        transport.release(QUEUE, receipts(held), counted=False)
        held = claim_all(transport)
        assert [2, 2] == attempts(held)
        harness.pass_time(BEYOND)
        assert [3, 3] == attempts(claim_all(transport))

    def test_part_of_a_claim_is_given_back_and_the_rest_expires(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        needs(transport.features.exact_lease, "exact_lease")
        held = receipts(filled(transport, *numbered(4)))
        assert [] == transport.release(QUEUE, [held[1]], counted=True)
        assert [] == transport.ack(QUEUE, [held[3]])
        assert QueueStats(1, 0, 2) == transport.stats(QUEUE)
        harness.pass_time(BEYOND)
        found = claim_all(transport)
        assert [b"0", b"2", b"1"] == bodies(found)
        assert [2, 2, 2] == attempts(found)

    def test_a_failed_message_is_handed_out_again_at_once(self, harness: Harness) -> None:
        one, two = harness.make(), harness.make()
        held = filled(one, b"a")
        one.release(QUEUE, receipts(held), counted=True)
        assert [tried(two, 2)] == attempts(claim_all(two))

    def test_a_body_keeps_its_form_however_it_came_back(self, transport: Transport) -> None:
        (wrapped,) = framed(b"a")
        held = filled(transport, b"bare", wrapped)
        for _ in range(3):
            transport.release(QUEUE, receipts(held), counted=True)
            held = claim_all(transport)
        assert b"bare" == held[0].body
        assert b"a" == held[1].body[-1:]
        assert wrapped[4:20] == held[1].body[4:20], "the id within the frame"

    def test_move_stores_the_new_and_forgets_the_old(
        self, transport: Transport, harness: Harness
    ) -> None:
        held = receipts(filled(transport, *numbered(3)))
        assert [] == transport.move(QUEUE, [(held[1], b"letter")], to=TO)
        assert QueueStats(0, 0, 2) == transport.stats(QUEUE)
        assert [b"letter"] == transport.peek(TO, limit=9)
        if transport.features.exact_lease:
            harness.pass_time(BEYOND)
        else:
            transport.release(QUEUE, [held[0], held[2]], counted=True)
        assert [b"0", b"2"] == bodies(claim_all(transport))

    def test_moved_messages_stand_at_the_tail_in_the_order_given(
        self, transport: Transport
    ) -> None:
        transport.push(TO, [b"first"])
        held = receipts(filled(transport, *numbered(4)))
        letters = [(held[n], b"letter %d" % n) for n in (2, 0, 3)]
        assert [] == transport.move(QUEUE, letters, to=TO)
        want = [b"first", b"letter 2", b"letter 0", b"letter 3"]
        assert want == transport.pop(TO, limit=9)

    @pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "framed"])
    def test_a_moved_message_starts_without_attempts(
        self, transport: Transport, wrapped: bool
    ) -> None:
        body = framed(b"a")[0] if wrapped else b"a"
        held = filled(transport, body)
        transport.release(QUEUE, receipts(held), counted=True)
        held = claim_all(transport)
        assert [tried(transport, 2)] == attempts(held)
        new = framed(b"b")[0] if wrapped else b"b"
        assert [] == transport.move(QUEUE, [(held[0].receipt, new)], to=TO)
        (moved,) = claim_all(transport, TO)
        assert (new, 1) == (moved.body, moved.attempt)

    def test_move_to_the_same_queue_is_fine(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(3))
        (held,) = transport.claim(QUEUE, lease=LEASE)
        assert [] == transport.move(QUEUE, [(held.receipt, b"again")], to=QUEUE)
        assert [b"1", b"2", b"again"] == transport.pop(QUEUE, limit=9)
        assert QueueStats(0, 0, 0) == transport.stats(QUEUE)

    def test_move_stores_nothing_for_what_was_lost(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, numbered(2))
        old = transport.claim(QUEUE, lease=LEASE)
        held = transport.claim(QUEUE, lease=3 * LEASE)
        harness.pass_time(BEYOND)
        transport.recover(QUEUE)
        letters = [(old[0].receipt, b"lost"), (held[0].receipt, b"held")]
        assert receipts(old) == transport.move(QUEUE, letters, to=TO)
        assert [b"held"] == transport.pop(TO, limit=9)
        assert [b"0"] == transport.pop(QUEUE, limit=9)

    def test_a_letter_may_exceed_the_limit_by_its_headers(self, harness: Harness) -> None:
        transport = harness.make(max_body=100)
        (held,) = receipts(filled(transport, b"x" * 100))
        assert [] == transport.move(QUEUE, [(held, b"h" * 400 + b"x" * 100)], to=TO)
        assert [b"h" * 400 + b"x" * 100] == bodies(claim_all(transport, TO))

    def test_a_body_at_the_limit_can_be_failed_and_claimed_again(self, harness: Harness) -> None:
        transport = harness.make(max_body=100)
        for attempt in range(1, 4):
            if attempt == 1:
                transport.push(QUEUE, [b"x" * 100])
            (held,) = claim_all(transport)
            assert (b"x" * 100, tried(transport, attempt)) == (held.body, held.attempt)
            assert [] == transport.release(QUEUE, [held.receipt], counted=True)
