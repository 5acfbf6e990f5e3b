# unasync: source
"""Bounds: a push that is only stored if the queue has room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ...errors import ConfigurationError, QueueFull
from ...transport import NO_OPTIONS, AsyncTransport, Dedup, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all
from .samples import (
    BAD_COUNTS,
    LEASE,
    ONCE,
    OTHER,
    PLACED,
    QUEUE,
    framed,
    inner,
    needs,
    numbered,
    placed,
    receipts,
)

THREE = PushOptions(max_length=3)


class AsyncBoundSuite(AsyncSuite):
    """``PushOptions.max_length``."""

    @pytest.fixture
    def bounds(self, transport: AsyncTransport) -> AsyncTransport:
        """Return the transport if it keeps bounds."""
        needs(transport.features.bounds, "bounds")
        return transport

    async def test_a_push_beyond_the_bound_is_refused(self, bounds: AsyncTransport) -> None:
        for body in numbered(3):
            assert None is await bounds.push(QUEUE, [body], options=THREE)
        await refused(bounds, [b"3"], THREE)
        assert numbered(3) == await bounds.peek(QUEUE, limit=9)

    async def test_the_error_has_the_bound(self, bounds: AsyncTransport) -> None:
        with pytest.raises(QueueFull) as caught:
            await bounds.push(QUEUE, numbered(4), options=THREE)
        assert 3 == caught.value.max_length
        assert QUEUE in str(caught.value)

    async def test_a_batch_is_stored_whole_or_not_at_all(self, bounds: AsyncTransport) -> None:
        await refused(bounds, numbered(4), THREE)
        assert QueueStats(0, 0, 0) == await bounds.stats(QUEUE)
        await bounds.push(QUEUE, numbered(2), options=THREE)
        await refused(bounds, [b"a", b"b"], THREE)
        await bounds.push(QUEUE, [b"2"], options=THREE)
        assert numbered(3) == inner(await claim_all(bounds))

    async def test_every_transport_keeps_to_a_bound(self, harness: AsyncHarness) -> None:
        one, two = harness.make(), harness.make()
        needs(one.features.bounds, "bounds")
        await one.push(QUEUE, numbered(2), options=THREE)
        await two.push(QUEUE, [b"2"], options=THREE)
        await refused(one, [b"3"], THREE)
        await refused(two, [b"3"], THREE)

    async def test_a_push_that_names_no_bound_has_none(self, bounds: AsyncTransport) -> None:
        await bounds.push(QUEUE, numbered(3), options=THREE)
        await bounds.push(QUEUE, [b"3"])
        await bounds.push(QUEUE, [b"4"], options=PushOptions(max_length=5))
        await refused(bounds, [b"5"], THREE)
        assert numbered(5) == inner(await claim_all(bounds))

    async def test_a_bound_belongs_to_its_queue(self, bounds: AsyncTransport) -> None:
        await bounds.push(OTHER, numbered(3))
        assert None is await bounds.push(QUEUE, numbered(3), options=THREE)

    async def test_claimed_messages_do_not_count(self, bounds: AsyncTransport) -> None:
        await bounds.push(QUEUE, numbered(3), options=THREE)
        held = receipts(await bounds.claim(QUEUE, lease=LEASE, limit=2))
        await bounds.push(QUEUE, [b"3", b"4"], options=THREE)
        await refused(bounds, [b"5"], THREE)
        assert [] == await bounds.ack(QUEUE, held)
        await refused(bounds, [b"5"], THREE)
        await bounds.pop(QUEUE)
        await bounds.push(QUEUE, [b"5"], options=THREE)

    async def test_delayed_messages_count(self, bounds: AsyncTransport) -> None:
        late = PushOptions(delay=LEASE, max_length=3)
        await bounds.push(QUEUE, framed(b"a", b"b"), options=late)
        await refused(bounds, framed(b"c", b"d"), late)
        await bounds.push(QUEUE, [b"c"], options=THREE)
        await refused(bounds, framed(b"d"), late)
        await refused(bounds, [b"d"], THREE)
        assert QueueStats(1, 2, 0) == await bounds.stats(QUEUE)

    async def test_what_waits_in_a_group_counts(self, bounds: AsyncTransport) -> None:
        needs(bounds.features.groups, "groups")
        three = PushOptions(placed=True, max_length=3)
        group = [placed(name, group="g") for name in (b"a", b"b", b"c", b"d")]
        await refused(bounds, group, three)
        await bounds.push(QUEUE, group[:3], options=three)
        await refused(bounds, group[3:], three)
        (held,) = await claim_all(bounds)
        await bounds.push(QUEUE, group[3:], options=three)
        assert [] == await bounds.ack(QUEUE, [held.receipt])
        await refused(bounds, [b"plain"], THREE)

    async def test_every_level_counts(self, bounds: AsyncTransport) -> None:
        needs(bounds.features.priorities, "priorities")
        frames = [placed(b"%d" % level, level=level) for level in (3, 0, -3)]
        await bounds.push(QUEUE, frames, options=PLACED)
        await refused(bounds, [b"plain"], THREE)
        three = PushOptions(placed=True, max_length=3)
        await refused(bounds, [placed(b"high", level=3)], three)

    @pytest.mark.parametrize("way", ["fail", "release", "retry"])
    async def test_returned_messages_may_exceed_it(self, bounds: AsyncTransport, way: str) -> None:
        needs(bounds.features.uncounted_release, "uncounted_release")
        await bounds.push(QUEUE, numbered(3), options=THREE)
        held = receipts(await claim_all(bounds))
        await bounds.push(QUEUE, numbered(3), options=THREE)
        delay = LEASE if way == "retry" else 0.0
        assert [] == await bounds.release(QUEUE, held, counted=way != "release", delay=delay)
        stats = await bounds.stats(QUEUE)
        assert 6 == stats.ready + stats.delayed
        await refused(bounds, [b"3"], PushOptions(max_length=6))

    async def test_moved_messages_may_exceed_it(self, bounds: AsyncTransport) -> None:
        await bounds.push(QUEUE, numbered(3), options=THREE)
        await bounds.push(OTHER, [b"letter"])
        (held,) = await claim_all(bounds, OTHER)
        assert [] == await bounds.move(OTHER, [(held.receipt, b"back")], to=QUEUE)
        assert QueueStats(4, 0, 0) == await bounds.stats(QUEUE)

    async def test_purge_makes_room(self, bounds: AsyncTransport) -> None:
        await bounds.push(QUEUE, numbered(3), options=THREE)
        await bounds.purge(QUEUE)
        assert None is await bounds.push(QUEUE, numbered(3), options=THREE)

    async def test_a_repeat_of_what_is_stored_is_done_though_the_queue_is_full(
        self, bounds: AsyncTransport
    ) -> None:
        needs(bounds.features.idempotent_push, "idempotent_push")
        for _ in range(3):
            assert None is await bounds.push(QUEUE, numbered(3), options=THREE, token=ONCE)
        assert numbered(3) == await bounds.peek(QUEUE, limit=9)

    async def test_a_refused_push_can_be_repeated_when_there_is_room(
        self, bounds: AsyncTransport
    ) -> None:
        await bounds.push(QUEUE, numbered(3), options=THREE)
        for _ in range(2):
            await refused(bounds, [b"3"], THREE, token=ONCE)
        await bounds.pop(QUEUE)
        assert None is await bounds.push(QUEUE, [b"3"], options=THREE, token=ONCE)
        assert [b"1", b"2", b"3"] == await bounds.peek(QUEUE, limit=9)

    async def test_a_known_key_is_known_though_the_queue_is_full(
        self, bounds: AsyncTransport
    ) -> None:
        needs(bounds.features.dedup, "dedup")
        keyed = PushOptions(max_length=1, dedup=Dedup("k", LEASE))
        assert None is await bounds.push(QUEUE, [b"a"], options=keyed, token="one")
        assert "one" == await bounds.push(QUEUE, [b"b"], options=keyed, token="two")
        assert None is await bounds.push(QUEUE, [b"a"], options=keyed, token="one")
        assert [b"a"] == await bounds.peek(QUEUE, limit=9)

    async def test_a_refused_push_leaves_no_key(self, bounds: AsyncTransport) -> None:
        needs(bounds.features.dedup, "dedup")
        await bounds.push(QUEUE, numbered(1))
        keyed = PushOptions(max_length=1, dedup=Dedup("k", LEASE))
        await refused(bounds, [b"a"], keyed, token="one")
        await bounds.pop(QUEUE)
        assert None is await bounds.push(QUEUE, [b"b"], options=keyed, token="two")
        assert [b"b"] == await bounds.peek(QUEUE, limit=9)

    async def test_a_large_batch_fits_exactly(self, bounds: AsyncTransport) -> None:
        await bounds.push(QUEUE, numbered(2499), options=PushOptions(max_length=2499))
        await refused(bounds, numbered(2500), PushOptions(max_length=4998))
        assert QueueStats(2499, 0, 0) == await bounds.stats(QUEUE)
        await bounds.push(QUEUE, numbered(2500), options=PushOptions(max_length=4999))
        assert QueueStats(4999, 0, 0) == await bounds.stats(QUEUE)

    @pytest.mark.parametrize("bound", [one for one in BAD_COUNTS if one is not None], ids=ascii)
    async def test_a_bound_that_cannot_be_is_refused(
        self, bounds: AsyncTransport, bound: Any
    ) -> None:
        with pytest.raises(ConfigurationError):
            await bounds.push(QUEUE, [b"a"], options=PushOptions(max_length=bound))
        assert QueueStats(0, 0, 0) == await bounds.stats(QUEUE)


async def refused(
    transport: AsyncTransport,
    bodies: Sequence[bytes],
    options: PushOptions = NO_OPTIONS,
    token: str | None = None,
) -> None:
    """Push and see it refused."""
    with pytest.raises(QueueFull):
        await transport.push(QUEUE, bodies, options=options, token=token)
