# unasync: source
"""Groups: of its messages one is in flight, and their order is kept."""

from __future__ import annotations

import pytest

from ...transport import AsyncTransport, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all
from .samples import (
    BEYOND,
    LEASE,
    ONCE,
    OTHER,
    PLACED,
    QUEUE,
    attempts,
    inner,
    needs,
    placed,
    receipts,
)

LATE = PushOptions(delay=LEASE, placed=True)


class AsyncGroupSuite(AsyncSuite):
    """Who waits, who follows, and what lets a group go on; the group of most tests is ``g``."""

    @pytest.fixture
    def groups(self, transport: AsyncTransport) -> AsyncTransport:
        """Return the transport if it keeps groups."""
        needs(transport.features.groups, "groups")
        return transport

    async def test_one_of_a_group_is_in_flight(self, groups: AsyncTransport) -> None:
        await push(groups, "abc")
        assert QueueStats(3, 0, 0) == await groups.stats(QUEUE)
        assert [b"a"] == inner(await claim_all(groups))
        assert [] == await claim_all(groups)
        assert QueueStats(2, 0, 1) == await groups.stats(QUEUE)

    async def test_every_transport_keeps_to_a_group(self, harness: AsyncHarness) -> None:
        one, two = harness.make(), harness.make()
        needs(one.features.groups, "groups")
        await push(one, "a")
        (held,) = await two.claim(QUEUE, lease=LEASE)
        await push(two, "b")
        assert [] == await claim_all(one)
        assert [] == await one.ack(QUEUE, [held.receipt])
        assert [b"b"] == inner(await claim_all(two))

    async def test_an_ack_lets_the_next_follow(self, groups: AsyncTransport) -> None:
        await push(groups, "ab")
        await push(groups, "c")
        for want in (b"a", b"b", b"c"):
            found = await claim_all(groups)
            assert [want] == inner(found)
            assert [] == await groups.ack(QUEUE, receipts(found))
        assert QueueStats(0, 0, 0) == await groups.stats(QUEUE)
        await push(groups, "d")
        assert [b"d"] == inner(await claim_all(groups))

    async def test_an_ack_goes_with_a_claim_of_the_next(self, groups: AsyncTransport) -> None:
        await push(groups, "abc")
        held = receipts(await claim_all(groups))
        for want in (b"b", b"c"):
            lost, found = await groups.ack_and_claim(QUEUE, held, lease=LEASE, limit=9)
            assert [] == lost
            assert [want] == inner(found)
            held = receipts(found)

    async def test_a_reject_lets_the_next_follow(self, groups: AsyncTransport) -> None:
        await push(groups, "ab")
        for want in (b"a", b"b"):
            (one,) = await claim_all(groups)
            assert [want] == inner([one])
            assert [] == await groups.move(QUEUE, [(one.receipt, b"letter " + want)], to=OTHER)
        assert [b"letter a", b"letter b"] == inner(await claim_all(groups, OTHER))

    async def test_others_go_on(self, groups: AsyncTransport) -> None:
        await push(groups, "ab")
        await push(groups, "x", group="h")
        await groups.push(QUEUE, [b"plain 0", b"plain 1"])
        await push(groups, "y", group="h")
        assert [b"a", b"x", b"plain 0", b"plain 1"] == inner(await claim_all(groups))
        assert QueueStats(2, 0, 4) == await groups.stats(QUEUE)

    async def test_a_batch_never_holds_two_of_one_group(self, groups: AsyncTransport) -> None:
        frames = [placed(f"{n}{g}".encode(), group=g) for n in range(4) for g in "ghi"]
        await groups.push(QUEUE, frames, options=PLACED)
        for n in range(4):
            assert QueueStats(12 - 3 * n, 0, 0) == await groups.stats(QUEUE)
            found = await claim_all(groups)
            assert [f"{n}{g}".encode() for g in "ghi"] == inner(found)
            assert [] == await groups.ack(QUEUE, receipts(found))

    async def test_an_ack_of_some_lets_their_groups_go_on(self, groups: AsyncTransport) -> None:
        frames = [placed(f"{n}{g}".encode(), group=g) for n in range(2) for g in "ghi"]
        await groups.push(QUEUE, frames, options=PLACED)
        held = receipts(await claim_all(groups))
        assert [] == await groups.ack(QUEUE, [held[2], held[0]])
        assert [b"1g", b"1i"] == sorted(inner(await claim_all(groups)))
        assert QueueStats(1, 0, 3) == await groups.stats(QUEUE)

    async def test_who_follows_stands_at_the_tail(self, groups: AsyncTransport) -> None:
        await push(groups, "abc")
        held = receipts(await groups.claim(QUEUE, lease=LEASE))
        await groups.push(QUEUE, [b"plain"])
        assert [] == await groups.ack(QUEUE, held)
        found = await claim_all(groups)
        assert [b"plain", b"b"] == inner(found)

    async def test_a_failed_message_stays_the_first_of_its_group(
        self, groups: AsyncTransport
    ) -> None:
        await push(groups, "ab")
        held = receipts(await claim_all(groups))
        await groups.push(QUEUE, [b"plain"])
        assert [] == await groups.release(QUEUE, held, counted=True)
        assert QueueStats(3, 0, 0) == await groups.stats(QUEUE)
        found = await claim_all(groups)
        assert [b"plain", b"a"] == inner(found)
        assert [1, 2] == attempts(found)

    @pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
    async def test_a_group_waits_for_the_next_try_of_its_first(
        self, groups: AsyncTransport, harness: AsyncHarness, counted: bool
    ) -> None:
        needs(counted or groups.features.uncounted_release, "uncounted_release")
        await push(groups, "ab")
        held = receipts(await claim_all(groups))
        assert [] == await groups.release(QUEUE, held, counted=counted, delay=LEASE)
        await push(groups, "c")
        assert QueueStats(2, 1, 0) == await groups.stats(QUEUE)
        assert [] == await claim_all(groups)
        await harness.pass_time(BEYOND)
        for want in (b"a", b"b", b"c"):
            found = await claim_all(groups)
            assert [want] == inner(found)
            assert [1 + counted * (want == b"a")] == attempts(found)
            assert [] == await groups.ack(QUEUE, receipts(found))

    async def test_an_expired_message_stays_the_first_of_its_group(
        self, groups: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(groups.features.exact_lease, "exact_lease")
        await push(groups, "ab")
        held = receipts(await claim_all(groups))
        await harness.pass_time(BEYOND)
        assert 1 == await groups.recover(QUEUE)
        assert QueueStats(2, 0, 0) == await groups.stats(QUEUE)
        found = await claim_all(groups)
        assert [b"a"] == inner(found)
        assert [2] == attempts(found)
        assert held == await groups.ack(QUEUE, held)
        assert [] == await claim_all(groups), "a stale receipt let the next follow"
        assert [] == await groups.ack(QUEUE, receipts(found))
        assert [b"b"] == inner(await claim_all(groups))

    async def test_a_released_message_stays_the_first_of_its_group(
        self, groups: AsyncTransport
    ) -> None:
        needs(groups.features.uncounted_release, "uncounted_release")
        await push(groups, "ab")
        held = receipts(await claim_all(groups))
        await groups.push(QUEUE, [b"plain"])
        assert [] == await groups.release(QUEUE, held, counted=False)
        found = await claim_all(groups)
        assert [b"a", b"plain"] == inner(found)
        assert [1, 1] == attempts(found)

    async def test_a_delayed_message_joins_its_group_when_it_is_due(
        self, groups: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await groups.push(QUEUE, [placed(b"late", group="g")], options=LATE)
        await push(groups, "a")
        found = await claim_all(groups)
        assert [b"a"] == inner(found), "it blocked its group before it was due"
        assert [] == await groups.ack(QUEUE, receipts(found))
        await push(groups, "b")
        found = await groups.claim(QUEUE, lease=3 * LEASE)
        assert [b"b"] == inner(found)
        await harness.pass_time(BEYOND)
        assert [] == await claim_all(groups)
        assert QueueStats(1, 0, 1) == await groups.stats(QUEUE)
        await push(groups, "c")
        for want in (b"late", b"c"):
            assert [] == await groups.ack(QUEUE, receipts(found))
            found = await claim_all(groups)
            assert [want] == inner(found)

    async def test_a_due_message_whose_group_is_free_goes_first(
        self, groups: AsyncTransport, harness: AsyncHarness
    ) -> None:
        late = [placed(b"late 0", group="g"), placed(b"late 1", group="g")]
        await groups.push(QUEUE, late, options=LATE)
        await harness.pass_time(BEYOND)
        assert 2 == await groups.recover(QUEUE)
        await push(groups, "a")
        for want in (b"late 0", b"late 1", b"a"):
            found = await claim_all(groups)
            assert [want] == inner(found)
            assert [] == await groups.ack(QUEUE, receipts(found))

    async def test_who_is_due_waits_behind_the_next_try_of_the_first(
        self, groups: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await push(groups, "a")
        held = receipts(await claim_all(groups))
        late = PushOptions(delay=1.0, placed=True)
        await groups.push(QUEUE, [placed(b"late", group="g")], options=late)
        assert [] == await groups.release(QUEUE, held, counted=True, delay=LEASE)
        await harness.pass_time(2.0)
        assert [] == await claim_all(groups)
        assert QueueStats(1, 1, 0) == await groups.stats(QUEUE)
        await harness.pass_time(BEYOND)
        found = await claim_all(groups)
        assert [b"a"] == inner(found)
        assert [] == await groups.ack(QUEUE, receipts(found))
        assert [b"late"] == inner(await claim_all(groups))

    async def test_a_group_with_the_same_token_again_stores_nothing_twice(
        self, groups: AsyncTransport
    ) -> None:
        needs(groups.features.idempotent_push, "idempotent_push")
        frames = [placed(b"a", group="g"), placed(b"b", group="g")]
        for _ in range(2):
            await groups.push(QUEUE, frames, options=PLACED, token=ONCE)
        assert QueueStats(2, 0, 0) == await groups.stats(QUEUE)


async def push(
    transport: AsyncTransport, names: str, *, group: str = "g", level: int = 0, queue: str = QUEUE
) -> None:
    """Push a message of the group for each letter."""
    frames = [placed(name.encode(), level=level, group=group) for name in names]
    await transport.push(queue, frames, options=PLACED)
