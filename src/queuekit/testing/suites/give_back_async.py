# unasync: source
"""Giving back, failing and moving: where the messages stand afterwards."""

from __future__ import annotations

import pytest

from ...transport import AsyncTransport, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all, filled
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


class AsyncGiveBackSuite(AsyncSuite):
    """``release`` and ``move``."""

    async def test_a_failed_message_goes_to_the_tail(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, numbered(4))
        held = await transport.claim(QUEUE, lease=LEASE, limit=2)
        assert [] == await transport.release(QUEUE, receipts(held), counted=True)
        assert [b"2", b"3", b"0", b"1"] == await transport.peek(QUEUE, limit=9)

    async def test_failed_messages_stand_in_the_order_given(
        self, transport: AsyncTransport
    ) -> None:
        held = receipts(await filled(transport, *numbered(4)))
        await transport.release(QUEUE, [held[2], held[0], held[3]], counted=True)
        assert [b"2", b"0", b"3"] == await transport.pop(QUEUE, limit=9)

    async def test_what_is_given_back_uncounted_goes_to_the_head(
        self, transport: AsyncTransport
    ) -> None:
        needs(transport.features.uncounted_release, "uncounted_release")
        await transport.push(QUEUE, numbered(5))
        held = await transport.claim(QUEUE, lease=LEASE, limit=3)
        assert [] == await transport.release(QUEUE, receipts(held), counted=False)
        assert numbered(5) == await transport.peek(QUEUE, limit=9)

    async def test_what_is_given_back_uncounted_stands_in_its_old_order(
        self, transport: AsyncTransport
    ) -> None:
        needs(transport.features.uncounted_release, "uncounted_release")
        await transport.push(QUEUE, numbered(6))
        held = receipts(await transport.claim(QUEUE, lease=LEASE, limit=4))
        shuffled = [held[3], held[0], held[2]]
        assert [] == await transport.release(QUEUE, shuffled, counted=False)
        assert [b"0", b"2", b"3", b"4", b"5"] == await transport.peek(QUEUE, limit=9)
        assert [] == await transport.release(QUEUE, [held[1]], counted=False)
        assert b"1" == (await transport.peek(QUEUE))[0]

    async def test_two_claims_given_back_in_one_call_stand_in_their_old_order(
        self, transport: AsyncTransport
    ) -> None:
        needs(transport.features.uncounted_release, "uncounted_release")
        await transport.push(QUEUE, numbered(7))
        one = receipts(await transport.claim(QUEUE, lease=LEASE, limit=3))
        two = receipts(await transport.claim(QUEUE, lease=LEASE, limit=3))
        mixed = [one[2], two[1], one[0], two[2], two[0], one[1]]
        assert [] == await transport.release(QUEUE, mixed, counted=False)
        assert numbered(7) == await transport.peek(QUEUE, limit=9)

    async def test_giving_back_keeps_the_attempts_of_before(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        needs(transport.features.exact_lease, "exact_lease")
        needs(transport.features.uncounted_release, "uncounted_release")
        held = await filled(transport, b"a", framed(b"b")[0])
        await transport.release(QUEUE, receipts(held), counted=True)
        held = await claim_all(transport)
        await transport.release(QUEUE, receipts(held), counted=False)
        held = await claim_all(transport)
        assert [2, 2] == attempts(held)
        await harness.pass_time(BEYOND)
        assert [3, 3] == attempts(await claim_all(transport))

    async def test_part_of_a_claim_is_given_back_and_the_rest_expires(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.counts_attempts, "counts_attempts")
        needs(transport.features.exact_lease, "exact_lease")
        held = receipts(await filled(transport, *numbered(4)))
        assert [] == await transport.release(QUEUE, [held[1]], counted=True)
        assert [] == await transport.ack(QUEUE, [held[3]])
        assert QueueStats(1, 0, 2) == await transport.stats(QUEUE)
        await harness.pass_time(BEYOND)
        found = await claim_all(transport)
        assert [b"0", b"2", b"1"] == bodies(found)
        assert [2, 2, 2] == attempts(found)

    async def test_a_failed_message_is_handed_out_again_at_once(
        self, harness: AsyncHarness
    ) -> None:
        one, two = harness.make(), harness.make()
        held = await filled(one, b"a")
        await one.release(QUEUE, receipts(held), counted=True)
        assert [tried(two, 2)] == attempts(await claim_all(two))

    async def test_a_body_keeps_its_form_however_it_came_back(
        self, transport: AsyncTransport
    ) -> None:
        (wrapped,) = framed(b"a")
        held = await filled(transport, b"bare", wrapped)
        for _ in range(3):
            await transport.release(QUEUE, receipts(held), counted=True)
            held = await claim_all(transport)
        assert b"bare" == held[0].body
        assert b"a" == held[1].body[-1:]
        assert wrapped[4:20] == held[1].body[4:20], "the id within the frame"

    async def test_move_stores_the_new_and_forgets_the_old(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        held = receipts(await filled(transport, *numbered(3)))
        assert [] == await transport.move(QUEUE, [(held[1], b"letter")], to=TO)
        assert QueueStats(0, 0, 2) == await transport.stats(QUEUE)
        assert [b"letter"] == await transport.peek(TO, limit=9)
        if transport.features.exact_lease:
            await harness.pass_time(BEYOND)
        else:
            await transport.release(QUEUE, [held[0], held[2]], counted=True)
        assert [b"0", b"2"] == bodies(await claim_all(transport))

    async def test_moved_messages_stand_at_the_tail_in_the_order_given(
        self, transport: AsyncTransport
    ) -> None:
        await transport.push(TO, [b"first"])
        held = receipts(await filled(transport, *numbered(4)))
        letters = [(held[n], b"letter %d" % n) for n in (2, 0, 3)]
        assert [] == await transport.move(QUEUE, letters, to=TO)
        want = [b"first", b"letter 2", b"letter 0", b"letter 3"]
        assert want == await transport.pop(TO, limit=9)

    @pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "framed"])
    async def test_a_moved_message_starts_without_attempts(
        self, transport: AsyncTransport, wrapped: bool
    ) -> None:
        body = framed(b"a")[0] if wrapped else b"a"
        held = await filled(transport, body)
        await transport.release(QUEUE, receipts(held), counted=True)
        held = await claim_all(transport)
        assert [tried(transport, 2)] == attempts(held)
        new = framed(b"b")[0] if wrapped else b"b"
        assert [] == await transport.move(QUEUE, [(held[0].receipt, new)], to=TO)
        (moved,) = await claim_all(transport, TO)
        assert (new, 1) == (moved.body, moved.attempt)

    async def test_move_to_the_same_queue_is_fine(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, numbered(3))
        (held,) = await transport.claim(QUEUE, lease=LEASE)
        assert [] == await transport.move(QUEUE, [(held.receipt, b"again")], to=QUEUE)
        assert [b"1", b"2", b"again"] == await transport.pop(QUEUE, limit=9)
        assert QueueStats(0, 0, 0) == await transport.stats(QUEUE)

    async def test_move_stores_nothing_for_what_was_lost(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, numbered(2))
        old = await transport.claim(QUEUE, lease=LEASE)
        held = await transport.claim(QUEUE, lease=3 * LEASE)
        await harness.pass_time(BEYOND)
        await transport.recover(QUEUE)
        letters = [(old[0].receipt, b"lost"), (held[0].receipt, b"held")]
        assert receipts(old) == await transport.move(QUEUE, letters, to=TO)
        assert [b"held"] == await transport.pop(TO, limit=9)
        assert [b"0"] == await transport.pop(QUEUE, limit=9)

    async def test_a_letter_may_exceed_the_limit_by_its_headers(
        self, harness: AsyncHarness
    ) -> None:
        transport = harness.make(max_body=100)
        (held,) = receipts(await filled(transport, b"x" * 100))
        assert [] == await transport.move(QUEUE, [(held, b"h" * 400 + b"x" * 100)], to=TO)
        assert [b"h" * 400 + b"x" * 100] == bodies(await claim_all(transport, TO))

    async def test_a_body_at_the_limit_can_be_failed_and_claimed_again(
        self, harness: AsyncHarness
    ) -> None:
        transport = harness.make(max_body=100)
        for attempt in range(1, 4):
            if attempt == 1:
                await transport.push(QUEUE, [b"x" * 100])
            (held,) = await claim_all(transport)
            assert (b"x" * 100, tried(transport, attempt)) == (held.body, held.attempt)
            assert [] == await transport.release(QUEUE, [held.receipt], counted=True)
