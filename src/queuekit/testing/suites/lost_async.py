# unasync: source
"""A receipt is good once, and for one claim: what is stale is reported and never obeyed."""

from __future__ import annotations

import pytest

from ...transport import AsyncTransport, QueueStats, Receipt
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all, filled
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


async def settle(
    transport: AsyncTransport, verb: str, gone: list[Receipt], queue: str = QUEUE
) -> list[Receipt]:
    """Use *verb* on the receipts."""
    if verb == "ack":
        return await transport.ack(queue, gone)
    if verb == "fail":
        return await transport.release(queue, gone, counted=True)
    if verb == "give back":
        return await transport.release(queue, gone, counted=False)
    if verb == "move":
        return await transport.move(queue, [(receipt, b"moved") for receipt in gone], to="to")
    return await transport.extend(queue, gone, lease=LEASE)


class AsyncLostLeaseSuite(AsyncSuite):
    """Stale, foreign and nonsensical receipts."""

    @pytest.fixture(params=VERBS)
    def verb(self, request: pytest.FixtureRequest, transport: AsyncTransport) -> str:
        """Return one of the five ways to use a receipt."""
        verb = str(request.param)
        if verb == "give back" and not transport.features.uncounted_release:
            pytest.skip("the transport does not declare uncounted_release")
        return verb

    async def test_a_stale_receipt_is_reported_and_changes_nothing(
        self, transport: AsyncTransport, harness: AsyncHarness, verb: str
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        needs(transport.features.fenced, "fenced")
        stale = receipts(await filled(transport, b"a", b"b"))
        await harness.pass_time(BEYOND)
        held = await claim_all(transport)
        assert sorted(stale) == sorted(await settle(transport, verb, stale))
        assert QueueStats(0, 0, 2) == await transport.stats(QUEUE)
        assert QueueStats(0, 0, 0) == await transport.stats("to")
        assert [] == await transport.ack(QUEUE, receipts(held))

    async def test_a_recovered_receipt_is_reported_and_changes_nothing(
        self, transport: AsyncTransport, harness: AsyncHarness, verb: str
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        needs(transport.features.fenced, "fenced")
        stale = receipts(await filled(transport, b"a", b"b"))
        await harness.pass_time(BEYOND)
        await transport.recover(QUEUE)
        assert sorted(stale) == sorted(await settle(transport, verb, stale))
        assert QueueStats(2, 0, 0) == await transport.stats(QUEUE)
        assert QueueStats(0, 0, 0) == await transport.stats("to")
        assert [b"a", b"b"] == await transport.pop(QUEUE, limit=9)

    async def test_an_expired_receipt_is_good_until_somebody_recovers_it(
        self, transport: AsyncTransport, harness: AsyncHarness, verb: str
    ) -> None:
        late = receipts(await filled(transport, b"a", b"b"))
        await harness.pass_time(BEYOND)
        assert [] == await settle(transport, verb, late)

    @pytest.mark.parametrize("first", ["ack", "fail", "give back", "move"])
    async def test_a_settled_receipt_is_reported_and_changes_nothing(
        self, transport: AsyncTransport, verb: str, first: str
    ) -> None:
        gone = receipts(await filled(transport, b"a", b"b", b"c"))[:2]
        assert [] == await settle(transport, first, gone)
        if first in ("fail", "give back"):  # they wait again, and may be named by the same receipts
            needs(transport.features.fenced, "fenced")
        before = await transport.stats(QUEUE), await transport.stats("to")
        assert sorted(gone) == sorted(await settle(transport, verb, gone))
        assert before == (await transport.stats(QUEUE), await transport.stats("to"))

    async def test_a_receipt_of_a_settled_claim_is_reported(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        gone = receipts(await filled(transport, b"a", b"b"))
        await transport.ack(QUEUE, gone)
        assert sorted(gone) == sorted(await settle(transport, verb, gone))
        assert QueueStats(0, 0, 0) == await transport.stats(QUEUE)
        assert QueueStats(0, 0, 0) == await transport.stats("to")

    async def test_a_receipt_named_twice_in_one_call_is_reported_once(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        (receipt,) = receipts(await filled(transport, b"a"))
        want = [] if verb == "extend" else [receipt]
        assert want == await settle(transport, verb, [receipt, receipt])
        stats, moved = await transport.stats(QUEUE), await transport.stats("to")
        assert sum(stats) + sum(moved) == (0 if verb == "ack" else 1)

    async def test_a_batch_names_only_what_was_lost(
        self, transport: AsyncTransport, harness: AsyncHarness, verb: str
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        needs(transport.features.fenced, "fenced")
        await transport.push(QUEUE, numbered(4))
        old = await transport.claim(QUEUE, lease=LEASE, limit=2)
        held = await transport.claim(QUEUE, lease=3 * LEASE, limit=2)
        await harness.pass_time(BEYOND)
        await transport.recover(QUEUE)
        mixed = receipts([old[0], held[0], old[1], held[1]])
        assert sorted(receipts(old)) == sorted(await settle(transport, verb, mixed))
        if verb != "extend":
            assert 0 == (await transport.stats(QUEUE)).claimed

    async def test_a_batch_of_one_claim_names_only_what_was_settled(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        held = receipts(await filled(transport, *numbered(4)))
        await transport.ack(QUEUE, [held[2], held[0]])
        assert sorted([held[0], held[2]]) == sorted(await settle(transport, verb, held))

    async def test_nonsense_is_reported_and_changes_nothing(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        (receipt,) = receipts(await filled(transport, b"a"))
        await transport.push(QUEUE, [b"b"])
        made_up = nonsense(receipt)
        for text in made_up:
            assert [text] == await settle(transport, verb, [text]), text
        assert sorted(made_up) == sorted(await settle(transport, verb, made_up))
        assert QueueStats(1, 0, 1) == await transport.stats(QUEUE)
        assert QueueStats(0, 0, 0) == await transport.stats("to")
        assert [] == await transport.ack(QUEUE, [receipt])

    async def test_nonsense_on_an_unused_queue_is_reported(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        assert [Receipt("x.0")] == await settle(transport, verb, [Receipt("x.0")], OTHER)
        assert QueueStats(0, 0, 0) == await transport.stats(OTHER)

    async def test_a_receipt_of_another_queue_is_reported_and_changes_nothing(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        mine = receipts(await filled(transport, b"a", queue=OTHER))
        await filled(transport, b"b")
        assert mine == await settle(transport, verb, mine)
        assert QueueStats(0, 0, 1) == await transport.stats(QUEUE)
        assert QueueStats(0, 0, 1) == await transport.stats(OTHER)
        assert [] == await transport.ack(OTHER, mine)

    async def test_an_ack_between_expiry_and_recovery_counts(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        held = receipts(await filled(transport, b"a", b"b"))
        await harness.pass_time(BEYOND)
        assert [] == await transport.ack(QUEUE, [held[0]])
        assert [b"b"] == bodies(await claim_all(transport))
        assert [held[1]] == await transport.ack(QUEUE, [held[1]])

    async def test_extend_keeps_what_is_held(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        held = receipts(await filled(transport, b"a"))
        for _ in range(3):
            await harness.pass_time(WITHIN)
            assert [] == await transport.extend(QUEUE, held, lease=LEASE)
        assert [] == await claim_all(transport)
        await harness.pass_time(BEYOND)
        assert [b"a"] == bodies(await claim_all(transport))

    async def test_extend_never_shortens(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        held = receipts(await filled(transport, b"a"))
        assert [] == await transport.extend(QUEUE, held, lease=1)
        await harness.pass_time(WITHIN)
        assert [] == await claim_all(transport)
        await harness.pass_time(BEYOND - WITHIN)
        assert [b"a"] == bodies(await claim_all(transport))

    async def test_extend_is_for_the_whole_claim(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        held = receipts(await filled(transport, *numbered(3)))
        await harness.pass_time(WITHIN)
        assert [] == await transport.extend(QUEUE, [held[1]], lease=LEASE)
        await harness.pass_time(WITHIN)
        assert [] == await claim_all(transport)
        assert [] == await transport.ack(QUEUE, held)

    async def test_extend_is_not_for_other_claims(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        await transport.push(QUEUE, numbered(2))
        kept = await transport.claim(QUEUE, lease=LEASE)
        await transport.claim(QUEUE, lease=LEASE)
        await harness.pass_time(WITHIN)
        await transport.extend(QUEUE, receipts(kept), lease=LEASE)
        await harness.pass_time(WITHIN)
        assert [b"1"] == bodies(await claim_all(transport))

    async def test_extend_revives_an_expired_claim_that_nobody_recovered(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        held = receipts(await filled(transport, b"a"))
        await harness.pass_time(BEYOND)
        assert [] == await transport.extend(QUEUE, held, lease=LEASE)
        assert [] == await claim_all(transport)
        assert [] == await transport.ack(QUEUE, held)
