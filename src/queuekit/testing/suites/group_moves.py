# Generated from group_moves_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Groups that are moved, emptied, and mixed with levels."""

from __future__ import annotations

import pytest

from ...transport import PushOptions, QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all
from .groups import push
from .samples import (
    BEYOND,
    LEASE,
    OTHER,
    PLACED,
    QUEUE,
    inner,
    needs,
    placed,
    receipts,
)


class GroupMoveSuite(Suite):
    """What else happens to messages that have a group."""

    @pytest.fixture
    def groups(self, transport: Transport) -> Transport:
        """Return the transport if it keeps groups."""
        needs(transport.features.groups, "groups")
        return transport

    @pytest.fixture
    def both(self, groups: Transport) -> Transport:
        """Return the transport if it keeps groups and levels."""
        needs(groups.features.priorities, "priorities")
        return groups

    def test_what_is_sent_back_joins_its_group(self, groups: Transport) -> None:
        push(groups, "ab")
        held = receipts(claim_all(groups))
        groups.push(OTHER, [b"letter x", b"letter y"])
        letters = receipts(claim_all(groups, OTHER))
        new = [placed(b"x", group="g"), placed(b"y", group="h")]
        assert [] == groups.move(OTHER, list(zip(letters, new, strict=True)), to=QUEUE)
        assert [b"y"] == inner(claim_all(groups))
        assert QueueStats(2, 0, 2) == groups.stats(QUEUE)
        for want in (b"b", b"x"):
            assert [] == groups.ack(QUEUE, held)
            found = claim_all(groups)
            assert [want] == inner(found)
            held = receipts(found)

    def test_several_of_one_group_are_sent_back_in_their_order(self, groups: Transport) -> None:
        groups.push(OTHER, [b"0", b"1", b"2"])
        held = receipts(claim_all(groups, OTHER))
        new = [placed(name, group="g") for name in (b"a", b"b", b"c")]
        assert [] == groups.move(OTHER, list(zip(held, new, strict=True)), to=QUEUE)
        for want in (b"a", b"b", b"c"):
            found = claim_all(groups)
            assert [want] == inner(found)
            assert [] == groups.ack(QUEUE, receipts(found))

    def test_a_message_that_is_moved_within_its_queue_goes_behind_its_group(
        self, groups: Transport
    ) -> None:
        push(groups, "ab")
        (held,) = claim_all(groups)
        new = placed(b"a again", group="g")
        assert [] == groups.move(QUEUE, [(held.receipt, new)], to=QUEUE)
        for want in (b"b", b"a again"):
            found = claim_all(groups)
            assert [want] == inner(found)
            assert [] == groups.ack(QUEUE, receipts(found))

    def test_a_group_belongs_to_its_queue(self, groups: Transport) -> None:
        push(groups, "a")
        push(groups, "b", queue=OTHER)
        assert [b"a"] == inner(claim_all(groups))
        assert [b"b"] == inner(claim_all(groups, OTHER))

    def test_names_of_groups_are_any_text(self, groups: Transport) -> None:
        names = [
            "g",
            "G",
            "g ",
            " ",
            "\0",
            "0",
            "%",
            "{q}",
            "q",
            ":",
            "ä",
            "a\u0308",
            "🐇",
            "x" * 255,
        ]
        frames = [placed(b"%d" % n, group=one) for n, one in enumerate(names * 2)]
        groups.push(QUEUE, frames, options=PLACED)
        for part in (range(14), range(14, 28)):
            found = claim_all(groups)
            assert [b"%d" % n for n in part] == inner(found)
            assert [] == groups.ack(QUEUE, receipts(found))

    def test_peek_shows_what_can_be_claimed(self, groups: Transport) -> None:
        push(groups, "ab")
        push(groups, "x", group="h")
        assert [b"a", b"x"] == inner(groups.peek(QUEUE, limit=9))
        held = receipts(groups.claim(QUEUE, lease=LEASE))
        assert [b"x"] == inner(groups.peek(QUEUE, limit=9))
        groups.ack(QUEUE, held)
        assert [b"x", b"b"] == inner(groups.peek(QUEUE, limit=9))

    def test_pop_takes_a_group_in_its_order(self, groups: Transport) -> None:
        push(groups, "abc")
        push(groups, "xyz", group="h")
        found: list[bytes] = []
        while new := groups.pop(QUEUE, limit=2):
            found += inner(new)
        assert [b"a", b"b", b"c"] == [one for one in found if one in b"abc"]
        assert [b"x", b"y", b"z"] == [one for one in found if one in b"xyz"]
        assert QueueStats(0, 0, 0) == groups.stats(QUEUE)
        push(groups, "d")
        assert [b"d"] == inner(claim_all(groups))

    def test_purge_empties_groups(self, groups: Transport) -> None:
        push(groups, "abc")
        push(groups, "xy", group="h")
        (held,) = groups.claim(QUEUE, lease=LEASE)
        assert 4 == groups.purge(QUEUE)
        assert QueueStats(0, 0, 1) == groups.stats(QUEUE)
        push(groups, "d")
        push(groups, "z", group="h")
        assert [b"z"] == inner(claim_all(groups))
        assert [] == groups.ack(QUEUE, [held.receipt])
        assert [b"d"] == inner(claim_all(groups))

    def test_purge_frees_a_group_that_waits_for_the_next_try(self, groups: Transport) -> None:
        push(groups, "ab")
        held = receipts(claim_all(groups))
        assert [] == groups.release(QUEUE, held, counted=True, delay=LEASE)
        assert 2 == groups.purge(QUEUE)
        push(groups, "c")
        assert [b"c"] == inner(claim_all(groups))

    def test_levels_order_what_is_ready_not_what_waits_in_a_group(self, both: Transport) -> None:
        push(both, "a", level=-1)
        push(both, "b", level=3)
        push(both, "x", group="h", level=2)
        both.push(QUEUE, [b"plain"])
        found = claim_all(both)
        assert [b"x", b"plain", b"a"] == inner(found)
        assert [] == both.ack(QUEUE, receipts(found))
        push(both, "y", group="h", level=2)
        push(both, "c", level=3)
        found = claim_all(both)
        assert [b"b", b"y"] == inner(found)
        assert [] == both.ack(QUEUE, receipts(found))
        assert [b"c"] == inner(claim_all(both))

    def test_a_retry_keeps_its_level_and_its_group(self, both: Transport, harness: Harness) -> None:
        push(both, "ab", level=2)
        held = receipts(claim_all(both))
        assert [] == both.release(QUEUE, held, counted=True, delay=LEASE)
        push(both, "x", group="h", level=1)
        late = PushOptions(delay=LEASE - 1.0, placed=True)
        both.push(QUEUE, [placed(b"late", level=3, group="g")], options=late)
        harness.pass_time(BEYOND)
        found = claim_all(both)
        assert [b"a", b"x"] == inner(found)
        assert [] == both.ack(QUEUE, receipts(found))
        found = claim_all(both)
        assert [b"b"] == inner(found)
        assert [] == both.ack(QUEUE, receipts(found))
        assert [b"late"] == inner(claim_all(both))

    def test_long_groups_keep_their_order(self, groups: Transport) -> None:
        frames = [placed(b"%d" % n, group="ghi"[n % 3]) for n in range(150)]
        groups.push(QUEUE, frames, options=PLACED)
        order: list[bytes] = []
        for turn in range(400):
            found = groups.claim(QUEUE, lease=LEASE, limit=2)
            if not found:
                break
            if turn % 3:
                order += inner(found)
                assert [] == groups.ack(QUEUE, receipts(found))
            else:
                assert [] == groups.release(QUEUE, receipts(found), counted=True)
        assert sorted(order, key=int) == sorted(inner(frames), key=int)
        for group in range(3):
            mine = [int(one) for one in order if int(one) % 3 == group]
            assert sorted(mine) == mine
