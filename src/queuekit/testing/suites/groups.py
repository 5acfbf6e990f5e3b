# Generated from groups_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Groups: of its messages one is in flight, and their order is kept."""

from __future__ import annotations

import pytest

from ...transport import PushOptions, QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all
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


class GroupSuite(Suite):
    """Who waits, who follows, and what lets a group go on; the group of most tests is ``g``."""

    @pytest.fixture
    def groups(self, transport: Transport) -> Transport:
        """Return the transport if it keeps groups."""
        needs(transport.features.groups, "groups")
        return transport

    def test_one_of_a_group_is_in_flight(self, groups: Transport) -> None:
        push(groups, "abc")
        assert QueueStats(3, 0, 0) == groups.stats(QUEUE)
        assert [b"a"] == inner(claim_all(groups))
        assert [] == claim_all(groups)
        assert QueueStats(2, 0, 1) == groups.stats(QUEUE)

    def test_every_transport_keeps_to_a_group(self, harness: Harness) -> None:
        one, two = harness.make(), harness.make()
        needs(one.features.groups, "groups")
        push(one, "a")
        (held,) = two.claim(QUEUE, lease=LEASE)
        push(two, "b")
        assert [] == claim_all(one)
        assert [] == one.ack(QUEUE, [held.receipt])
        assert [b"b"] == inner(claim_all(two))

    def test_an_ack_lets_the_next_follow(self, groups: Transport) -> None:
        push(groups, "ab")
        push(groups, "c")
        for want in (b"a", b"b", b"c"):
            found = claim_all(groups)
            assert [want] == inner(found)
            assert [] == groups.ack(QUEUE, receipts(found))
        assert QueueStats(0, 0, 0) == groups.stats(QUEUE)
        push(groups, "d")
        assert [b"d"] == inner(claim_all(groups))

    def test_an_ack_goes_with_a_claim_of_the_next(self, groups: Transport) -> None:
        push(groups, "abc")
        held = receipts(claim_all(groups))
        for want in (b"b", b"c"):
            lost, found = groups.ack_and_claim(QUEUE, held, lease=LEASE, limit=9)
            assert [] == lost
            assert [want] == inner(found)
            held = receipts(found)

    def test_a_reject_lets_the_next_follow(self, groups: Transport) -> None:
        push(groups, "ab")
        for want in (b"a", b"b"):
            (one,) = claim_all(groups)
            assert [want] == inner([one])
            assert [] == groups.move(QUEUE, [(one.receipt, b"letter " + want)], to=OTHER)
        assert [b"letter a", b"letter b"] == inner(claim_all(groups, OTHER))

    def test_others_go_on(self, groups: Transport) -> None:
        push(groups, "ab")
        push(groups, "x", group="h")
        groups.push(QUEUE, [b"plain 0", b"plain 1"])
        push(groups, "y", group="h")
        assert [b"a", b"x", b"plain 0", b"plain 1"] == inner(claim_all(groups))
        assert QueueStats(2, 0, 4) == groups.stats(QUEUE)

    def test_a_batch_never_holds_two_of_one_group(self, groups: Transport) -> None:
        frames = [placed(f"{n}{g}".encode(), group=g) for n in range(4) for g in "ghi"]
        groups.push(QUEUE, frames, options=PLACED)
        for n in range(4):
            assert QueueStats(12 - 3 * n, 0, 0) == groups.stats(QUEUE)
            found = claim_all(groups)
            assert [f"{n}{g}".encode() for g in "ghi"] == inner(found)
            assert [] == groups.ack(QUEUE, receipts(found))

    def test_an_ack_of_some_lets_their_groups_go_on(self, groups: Transport) -> None:
        frames = [placed(f"{n}{g}".encode(), group=g) for n in range(2) for g in "ghi"]
        groups.push(QUEUE, frames, options=PLACED)
        held = receipts(claim_all(groups))
        assert [] == groups.ack(QUEUE, [held[2], held[0]])
        assert [b"1g", b"1i"] == sorted(inner(claim_all(groups)))
        assert QueueStats(1, 0, 3) == groups.stats(QUEUE)

    def test_who_follows_stands_at_the_tail(self, groups: Transport) -> None:
        push(groups, "abc")
        held = receipts(groups.claim(QUEUE, lease=LEASE))
        groups.push(QUEUE, [b"plain"])
        assert [] == groups.ack(QUEUE, held)
        found = claim_all(groups)
        assert [b"plain", b"b"] == inner(found)

    def test_a_failed_message_stays_the_first_of_its_group(self, groups: Transport) -> None:
        push(groups, "ab")
        held = receipts(claim_all(groups))
        groups.push(QUEUE, [b"plain"])
        assert [] == groups.release(QUEUE, held, counted=True)
        assert QueueStats(3, 0, 0) == groups.stats(QUEUE)
        found = claim_all(groups)
        assert [b"plain", b"a"] == inner(found)
        assert [1, 2] == attempts(found)

    @pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
    def test_a_group_waits_for_the_next_try_of_its_first(
        self, groups: Transport, harness: Harness, counted: bool
    ) -> None:
        needs(counted or groups.features.uncounted_release, "uncounted_release")
        push(groups, "ab")
        held = receipts(claim_all(groups))
        assert [] == groups.release(QUEUE, held, counted=counted, delay=LEASE)
        push(groups, "c")
        assert QueueStats(2, 1, 0) == groups.stats(QUEUE)
        assert [] == claim_all(groups)
        harness.pass_time(BEYOND)
        for want in (b"a", b"b", b"c"):
            found = claim_all(groups)
            assert [want] == inner(found)
            assert [1 + counted * (want == b"a")] == attempts(found)
            assert [] == groups.ack(QUEUE, receipts(found))

    def test_an_expired_message_stays_the_first_of_its_group(
        self, groups: Transport, harness: Harness
    ) -> None:
        needs(groups.features.exact_lease, "exact_lease")
        push(groups, "ab")
        held = receipts(claim_all(groups))
        harness.pass_time(BEYOND)
        assert 1 == groups.recover(QUEUE)
        assert QueueStats(2, 0, 0) == groups.stats(QUEUE)
        found = claim_all(groups)
        assert [b"a"] == inner(found)
        assert [2] == attempts(found)
        assert held == groups.ack(QUEUE, held)
        assert [] == claim_all(groups), "a stale receipt let the next follow"
        assert [] == groups.ack(QUEUE, receipts(found))
        assert [b"b"] == inner(claim_all(groups))

    def test_a_released_message_stays_the_first_of_its_group(self, groups: Transport) -> None:
        needs(groups.features.uncounted_release, "uncounted_release")
        push(groups, "ab")
        held = receipts(claim_all(groups))
        groups.push(QUEUE, [b"plain"])
        assert [] == groups.release(QUEUE, held, counted=False)
        found = claim_all(groups)
        assert [b"a", b"plain"] == inner(found)
        assert [1, 1] == attempts(found)

    def test_a_delayed_message_joins_its_group_when_it_is_due(
        self, groups: Transport, harness: Harness
    ) -> None:
        groups.push(QUEUE, [placed(b"late", group="g")], options=LATE)
        push(groups, "a")
        found = claim_all(groups)
        assert [b"a"] == inner(found), "it blocked its group before it was due"
        assert [] == groups.ack(QUEUE, receipts(found))
        push(groups, "b")
        found = groups.claim(QUEUE, lease=3 * LEASE)
        assert [b"b"] == inner(found)
        harness.pass_time(BEYOND)
        assert [] == claim_all(groups)
        assert QueueStats(1, 0, 1) == groups.stats(QUEUE)
        push(groups, "c")
        for want in (b"late", b"c"):
            assert [] == groups.ack(QUEUE, receipts(found))
            found = claim_all(groups)
            assert [want] == inner(found)

    def test_a_due_message_whose_group_is_free_goes_first(
        self, groups: Transport, harness: Harness
    ) -> None:
        late = [placed(b"late 0", group="g"), placed(b"late 1", group="g")]
        groups.push(QUEUE, late, options=LATE)
        harness.pass_time(BEYOND)
        assert 2 == groups.recover(QUEUE)
        push(groups, "a")
        for want in (b"late 0", b"late 1", b"a"):
            found = claim_all(groups)
            assert [want] == inner(found)
            assert [] == groups.ack(QUEUE, receipts(found))

    def test_who_is_due_waits_behind_the_next_try_of_the_first(
        self, groups: Transport, harness: Harness
    ) -> None:
        push(groups, "a")
        held = receipts(claim_all(groups))
        late = PushOptions(delay=1.0, placed=True)
        groups.push(QUEUE, [placed(b"late", group="g")], options=late)
        assert [] == groups.release(QUEUE, held, counted=True, delay=LEASE)
        harness.pass_time(2.0)
        assert [] == claim_all(groups)
        assert QueueStats(1, 1, 0) == groups.stats(QUEUE)
        harness.pass_time(BEYOND)
        found = claim_all(groups)
        assert [b"a"] == inner(found)
        assert [] == groups.ack(QUEUE, receipts(found))
        assert [b"late"] == inner(claim_all(groups))

    def test_a_group_with_the_same_token_again_stores_nothing_twice(
        self, groups: Transport
    ) -> None:
        needs(groups.features.idempotent_push, "idempotent_push")
        frames = [placed(b"a", group="g"), placed(b"b", group="g")]
        for _ in range(2):
            groups.push(QUEUE, frames, options=PLACED, token=ONCE)
        assert QueueStats(2, 0, 0) == groups.stats(QUEUE)


def push(
    transport: Transport, names: str, *, group: str = "g", level: int = 0, queue: str = QUEUE
) -> None:
    """Push a message of the group for each letter."""
    frames = [placed(name.encode(), level=level, group=group) for name in names]
    transport.push(queue, frames, options=PLACED)
