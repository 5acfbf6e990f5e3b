# unasync: source
"""Groups that are moved, emptied, and mixed with levels."""

from __future__ import annotations

import pytest

from ...transport import AsyncTransport, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all
from .groups_async import push
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


class AsyncGroupMoveSuite(AsyncSuite):
    """What else happens to messages that have a group."""

    @pytest.fixture
    def groups(self, transport: AsyncTransport) -> AsyncTransport:
        """Return the transport if it keeps groups."""
        needs(transport.features.groups, "groups")
        return transport

    @pytest.fixture
    def both(self, groups: AsyncTransport) -> AsyncTransport:
        """Return the transport if it keeps groups and levels."""
        needs(groups.features.priorities, "priorities")
        return groups

    async def test_what_is_sent_back_joins_its_group(self, groups: AsyncTransport) -> None:
        await push(groups, "ab")
        held = receipts(await claim_all(groups))
        await groups.push(OTHER, [b"letter x", b"letter y"])
        letters = receipts(await claim_all(groups, OTHER))
        new = [placed(b"x", group="g"), placed(b"y", group="h")]
        assert [] == await groups.move(OTHER, list(zip(letters, new, strict=True)), to=QUEUE)
        assert [b"y"] == inner(await claim_all(groups))
        assert QueueStats(2, 0, 2) == await groups.stats(QUEUE)
        for want in (b"b", b"x"):
            assert [] == await groups.ack(QUEUE, held)
            found = await claim_all(groups)
            assert [want] == inner(found)
            held = receipts(found)

    async def test_several_of_one_group_are_sent_back_in_their_order(
        self, groups: AsyncTransport
    ) -> None:
        await groups.push(OTHER, [b"0", b"1", b"2"])
        held = receipts(await claim_all(groups, OTHER))
        new = [placed(name, group="g") for name in (b"a", b"b", b"c")]
        assert [] == await groups.move(OTHER, list(zip(held, new, strict=True)), to=QUEUE)
        for want in (b"a", b"b", b"c"):
            found = await claim_all(groups)
            assert [want] == inner(found)
            assert [] == await groups.ack(QUEUE, receipts(found))

    async def test_a_message_that_is_moved_within_its_queue_goes_behind_its_group(
        self, groups: AsyncTransport
    ) -> None:
        await push(groups, "ab")
        (held,) = await claim_all(groups)
        new = placed(b"a again", group="g")
        assert [] == await groups.move(QUEUE, [(held.receipt, new)], to=QUEUE)
        for want in (b"b", b"a again"):
            found = await claim_all(groups)
            assert [want] == inner(found)
            assert [] == await groups.ack(QUEUE, receipts(found))

    async def test_a_group_belongs_to_its_queue(self, groups: AsyncTransport) -> None:
        await push(groups, "a")
        await push(groups, "b", queue=OTHER)
        assert [b"a"] == inner(await claim_all(groups))
        assert [b"b"] == inner(await claim_all(groups, OTHER))

    async def test_names_of_groups_are_any_text(self, groups: AsyncTransport) -> None:
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
        await groups.push(QUEUE, frames, options=PLACED)
        for part in (range(14), range(14, 28)):
            found = await claim_all(groups)
            assert [b"%d" % n for n in part] == inner(found)
            assert [] == await groups.ack(QUEUE, receipts(found))

    async def test_peek_shows_what_can_be_claimed(self, groups: AsyncTransport) -> None:
        await push(groups, "ab")
        await push(groups, "x", group="h")
        assert [b"a", b"x"] == inner(await groups.peek(QUEUE, limit=9))
        held = receipts(await groups.claim(QUEUE, lease=LEASE))
        assert [b"x"] == inner(await groups.peek(QUEUE, limit=9))
        await groups.ack(QUEUE, held)
        assert [b"x", b"b"] == inner(await groups.peek(QUEUE, limit=9))

    async def test_pop_takes_a_group_in_its_order(self, groups: AsyncTransport) -> None:
        await push(groups, "abc")
        await push(groups, "xyz", group="h")
        found: list[bytes] = []
        while new := await groups.pop(QUEUE, limit=2):
            found += inner(new)
        assert [b"a", b"b", b"c"] == [one for one in found if one in b"abc"]
        assert [b"x", b"y", b"z"] == [one for one in found if one in b"xyz"]
        assert QueueStats(0, 0, 0) == await groups.stats(QUEUE)
        await push(groups, "d")
        assert [b"d"] == inner(await claim_all(groups))

    async def test_purge_empties_groups(self, groups: AsyncTransport) -> None:
        await push(groups, "abc")
        await push(groups, "xy", group="h")
        (held,) = await groups.claim(QUEUE, lease=LEASE)
        assert 4 == await groups.purge(QUEUE)
        assert QueueStats(0, 0, 1) == await groups.stats(QUEUE)
        await push(groups, "d")
        await push(groups, "z", group="h")
        assert [b"z"] == inner(await claim_all(groups))
        assert [] == await groups.ack(QUEUE, [held.receipt])
        assert [b"d"] == inner(await claim_all(groups))

    async def test_purge_frees_a_group_that_waits_for_the_next_try(
        self, groups: AsyncTransport
    ) -> None:
        await push(groups, "ab")
        held = receipts(await claim_all(groups))
        assert [] == await groups.release(QUEUE, held, counted=True, delay=LEASE)
        assert 2 == await groups.purge(QUEUE)
        await push(groups, "c")
        assert [b"c"] == inner(await claim_all(groups))

    async def test_levels_order_what_is_ready_not_what_waits_in_a_group(
        self, both: AsyncTransport
    ) -> None:
        await push(both, "a", level=-1)
        await push(both, "b", level=3)
        await push(both, "x", group="h", level=2)
        await both.push(QUEUE, [b"plain"])
        found = await claim_all(both)
        assert [b"x", b"plain", b"a"] == inner(found)
        assert [] == await both.ack(QUEUE, receipts(found))
        await push(both, "y", group="h", level=2)
        await push(both, "c", level=3)
        found = await claim_all(both)
        assert [b"b", b"y"] == inner(found)
        assert [] == await both.ack(QUEUE, receipts(found))
        assert [b"c"] == inner(await claim_all(both))

    async def test_a_retry_keeps_its_level_and_its_group(
        self, both: AsyncTransport, harness: AsyncHarness
    ) -> None:
        await push(both, "ab", level=2)
        held = receipts(await claim_all(both))
        assert [] == await both.release(QUEUE, held, counted=True, delay=LEASE)
        await push(both, "x", group="h", level=1)
        late = PushOptions(delay=LEASE - 1.0, placed=True)
        await both.push(QUEUE, [placed(b"late", level=3, group="g")], options=late)
        await harness.pass_time(BEYOND)
        found = await claim_all(both)
        assert [b"a", b"x"] == inner(found)
        assert [] == await both.ack(QUEUE, receipts(found))
        found = await claim_all(both)
        assert [b"b"] == inner(found)
        assert [] == await both.ack(QUEUE, receipts(found))
        assert [b"late"] == inner(await claim_all(both))

    async def test_long_groups_keep_their_order(self, groups: AsyncTransport) -> None:
        frames = [placed(b"%d" % n, group="ghi"[n % 3]) for n in range(150)]
        await groups.push(QUEUE, frames, options=PLACED)
        order: list[bytes] = []
        for turn in range(400):
            found = await groups.claim(QUEUE, lease=LEASE, limit=2)
            if not found:
                break
            if turn % 3:
                order += inner(found)
                assert [] == await groups.ack(QUEUE, receipts(found))
            else:
                assert [] == await groups.release(QUEUE, receipts(found), counted=True)
        assert sorted(order, key=int) == sorted(inner(frames), key=int)
        for group in range(3):
            mine = [int(one) for one in order if int(one) % 3 == group]
            assert sorted(mine) == mine
