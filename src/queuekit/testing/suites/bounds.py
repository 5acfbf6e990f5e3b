# Generated from bounds_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Bounds: a push that is only stored if the queue has room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ...errors import ConfigurationError, QueueFull
from ...transport import NO_OPTIONS, Dedup, PushOptions, QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all
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


class BoundSuite(Suite):
    """``PushOptions.max_length``."""

    @pytest.fixture
    def bounds(self, transport: Transport) -> Transport:
        """Return the transport if it keeps bounds."""
        needs(transport.features.bounds, "bounds")
        return transport

    def test_a_push_beyond_the_bound_is_refused(self, bounds: Transport) -> None:
        for body in numbered(3):
            assert None is bounds.push(QUEUE, [body], options=THREE)
        refused(bounds, [b"3"], THREE)
        assert numbered(3) == bounds.peek(QUEUE, limit=9)

    def test_the_error_has_the_bound(self, bounds: Transport) -> None:
        with pytest.raises(QueueFull) as caught:
            bounds.push(QUEUE, numbered(4), options=THREE)
        assert 3 == caught.value.max_length
        assert QUEUE in str(caught.value)

    def test_a_batch_is_stored_whole_or_not_at_all(self, bounds: Transport) -> None:
        refused(bounds, numbered(4), THREE)
        assert QueueStats(0, 0, 0) == bounds.stats(QUEUE)
        bounds.push(QUEUE, numbered(2), options=THREE)
        refused(bounds, [b"a", b"b"], THREE)
        bounds.push(QUEUE, [b"2"], options=THREE)
        assert numbered(3) == inner(claim_all(bounds))

    def test_every_transport_keeps_to_a_bound(self, harness: Harness) -> None:
        one, two = harness.make(), harness.make()
        needs(one.features.bounds, "bounds")
        one.push(QUEUE, numbered(2), options=THREE)
        two.push(QUEUE, [b"2"], options=THREE)
        refused(one, [b"3"], THREE)
        refused(two, [b"3"], THREE)

    def test_a_push_that_names_no_bound_has_none(self, bounds: Transport) -> None:
        bounds.push(QUEUE, numbered(3), options=THREE)
        bounds.push(QUEUE, [b"3"])
        bounds.push(QUEUE, [b"4"], options=PushOptions(max_length=5))
        refused(bounds, [b"5"], THREE)
        assert numbered(5) == inner(claim_all(bounds))

    def test_a_bound_belongs_to_its_queue(self, bounds: Transport) -> None:
        bounds.push(OTHER, numbered(3))
        assert None is bounds.push(QUEUE, numbered(3), options=THREE)

    def test_claimed_messages_do_not_count(self, bounds: Transport) -> None:
        bounds.push(QUEUE, numbered(3), options=THREE)
        held = receipts(bounds.claim(QUEUE, lease=LEASE, limit=2))
        bounds.push(QUEUE, [b"3", b"4"], options=THREE)
        refused(bounds, [b"5"], THREE)
        assert [] == bounds.ack(QUEUE, held)
        refused(bounds, [b"5"], THREE)
        bounds.pop(QUEUE)
        bounds.push(QUEUE, [b"5"], options=THREE)

    def test_delayed_messages_count(self, bounds: Transport) -> None:
        late = PushOptions(delay=LEASE, max_length=3)
        bounds.push(QUEUE, framed(b"a", b"b"), options=late)
        refused(bounds, framed(b"c", b"d"), late)
        bounds.push(QUEUE, [b"c"], options=THREE)
        refused(bounds, framed(b"d"), late)
        refused(bounds, [b"d"], THREE)
        assert QueueStats(1, 2, 0) == bounds.stats(QUEUE)

    def test_what_waits_in_a_group_counts(self, bounds: Transport) -> None:
        needs(bounds.features.groups, "groups")
        three = PushOptions(placed=True, max_length=3)
        group = [placed(name, group="g") for name in (b"a", b"b", b"c", b"d")]
        refused(bounds, group, three)
        bounds.push(QUEUE, group[:3], options=three)
        refused(bounds, group[3:], three)
        (held,) = claim_all(bounds)
        bounds.push(QUEUE, group[3:], options=three)
        assert [] == bounds.ack(QUEUE, [held.receipt])
        refused(bounds, [b"plain"], THREE)

    def test_every_level_counts(self, bounds: Transport) -> None:
        needs(bounds.features.priorities, "priorities")
        frames = [placed(b"%d" % level, level=level) for level in (3, 0, -3)]
        bounds.push(QUEUE, frames, options=PLACED)
        refused(bounds, [b"plain"], THREE)
        three = PushOptions(placed=True, max_length=3)
        refused(bounds, [placed(b"high", level=3)], three)

    @pytest.mark.parametrize("way", ["fail", "release", "retry"])
    def test_returned_messages_may_exceed_it(self, bounds: Transport, way: str) -> None:
        needs(bounds.features.uncounted_release, "uncounted_release")
        bounds.push(QUEUE, numbered(3), options=THREE)
        held = receipts(claim_all(bounds))
        bounds.push(QUEUE, numbered(3), options=THREE)
        delay = LEASE if way == "retry" else 0.0
        assert [] == bounds.release(QUEUE, held, counted=way != "release", delay=delay)
        stats = bounds.stats(QUEUE)
        assert 6 == stats.ready + stats.delayed
        refused(bounds, [b"3"], PushOptions(max_length=6))

    def test_moved_messages_may_exceed_it(self, bounds: Transport) -> None:
        bounds.push(QUEUE, numbered(3), options=THREE)
        bounds.push(OTHER, [b"letter"])
        (held,) = claim_all(bounds, OTHER)
        assert [] == bounds.move(OTHER, [(held.receipt, b"back")], to=QUEUE)
        assert QueueStats(4, 0, 0) == bounds.stats(QUEUE)

    def test_purge_makes_room(self, bounds: Transport) -> None:
        bounds.push(QUEUE, numbered(3), options=THREE)
        bounds.purge(QUEUE)
        assert None is bounds.push(QUEUE, numbered(3), options=THREE)

    def test_a_repeat_of_what_is_stored_is_done_though_the_queue_is_full(
        self, bounds: Transport
    ) -> None:
        needs(bounds.features.idempotent_push, "idempotent_push")
        for _ in range(3):
            assert None is bounds.push(QUEUE, numbered(3), options=THREE, token=ONCE)
        assert numbered(3) == bounds.peek(QUEUE, limit=9)

    def test_a_refused_push_can_be_repeated_when_there_is_room(self, bounds: Transport) -> None:
        bounds.push(QUEUE, numbered(3), options=THREE)
        for _ in range(2):
            refused(bounds, [b"3"], THREE, token=ONCE)
        bounds.pop(QUEUE)
        assert None is bounds.push(QUEUE, [b"3"], options=THREE, token=ONCE)
        assert [b"1", b"2", b"3"] == bounds.peek(QUEUE, limit=9)

    def test_a_known_key_is_known_though_the_queue_is_full(self, bounds: Transport) -> None:
        needs(bounds.features.dedup, "dedup")
        keyed = PushOptions(max_length=1, dedup=Dedup("k", LEASE))
        assert None is bounds.push(QUEUE, [b"a"], options=keyed, token="one")
        assert "one" == bounds.push(QUEUE, [b"b"], options=keyed, token="two")
        assert None is bounds.push(QUEUE, [b"a"], options=keyed, token="one")
        assert [b"a"] == bounds.peek(QUEUE, limit=9)

    def test_a_refused_push_leaves_no_key(self, bounds: Transport) -> None:
        needs(bounds.features.dedup, "dedup")
        bounds.push(QUEUE, numbered(1))
        keyed = PushOptions(max_length=1, dedup=Dedup("k", LEASE))
        refused(bounds, [b"a"], keyed, token="one")
        bounds.pop(QUEUE)
        assert None is bounds.push(QUEUE, [b"b"], options=keyed, token="two")
        assert [b"b"] == bounds.peek(QUEUE, limit=9)

    def test_a_large_batch_fits_exactly(self, bounds: Transport) -> None:
        bounds.push(QUEUE, numbered(2499), options=PushOptions(max_length=2499))
        refused(bounds, numbered(2500), PushOptions(max_length=4998))
        assert QueueStats(2499, 0, 0) == bounds.stats(QUEUE)
        bounds.push(QUEUE, numbered(2500), options=PushOptions(max_length=4999))
        assert QueueStats(4999, 0, 0) == bounds.stats(QUEUE)

    @pytest.mark.parametrize("bound", [one for one in BAD_COUNTS if one is not None], ids=ascii)
    def test_a_bound_that_cannot_be_is_refused(self, bounds: Transport, bound: Any) -> None:
        with pytest.raises(ConfigurationError):
            bounds.push(QUEUE, [b"a"], options=PushOptions(max_length=bound))
        assert QueueStats(0, 0, 0) == bounds.stats(QUEUE)


def refused(
    transport: Transport,
    bodies: Sequence[bytes],
    options: PushOptions = NO_OPTIONS,
    token: str | None = None,
) -> None:
    """Push and see it refused."""
    with pytest.raises(QueueFull):
        transport.push(QUEUE, bodies, options=options, token=token)
