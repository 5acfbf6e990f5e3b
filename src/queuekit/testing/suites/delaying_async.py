# unasync: source
"""``Delaying``: delayed messages move with their due times."""

from __future__ import annotations

import os
from typing import Protocol

import pytest

from ..._envelope import Place, wrap
from ...abilities import AsyncDelaying
from ...transport import AsyncTransport, PushOptions, QueueStats, Receipt
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all
from .samples import BEYOND, LEASE, OTHER, QUEUE, WITHIN, attempts, bodies, framed

LATER = PushOptions(delay=LEASE)


class AsyncDelayingTransport(AsyncTransport, AsyncDelaying, Protocol):
    """A transport with the ability."""


class AsyncDelayingSuite(AsyncSuite):
    """What ``AsyncDelaying`` promises beside ``AsyncTransport``."""

    @pytest.fixture
    def store(self, transport: AsyncTransport) -> AsyncDelayingTransport:
        """Return the transport by its ability."""
        assert isinstance(transport, AsyncDelaying)
        return transport

    async def test_a_look_shows_the_next_due_first_and_changes_nothing(
        self, store: AsyncDelayingTransport
    ) -> None:
        assert [] == await store.peek_delayed(QUEUE)
        third, first, second = framed(b"3", b"1", b"2")
        for body, delay in ((third, 300.0), (first, 100.0), (second, 200.0)):
            await store.push(QUEUE, [body], options=PushOptions(delay=delay))
        found = await store.peek_delayed(QUEUE, limit=2)
        assert [first, second] == [one.body for one, _ in found]
        assert [100, 200] == [pytest.approx(left, abs=20) for _, left in found]
        assert [1, 1] == attempts([one for one, _ in found])
        assert QueueStats(0, 3, 0) == await store.stats(QUEUE)

    async def test_a_look_counts_attempts_and_keeps_the_key(
        self, store: AsyncDelayingTransport
    ) -> None:
        await store.push(QUEUE, framed(b"a"))
        (held,) = await claim_all(store)
        await store.release(QUEUE, [held.receipt], counted=True, delay=LEASE)
        ((one, _),) = await store.peek_delayed(QUEUE, limit=9)
        assert (2, held.key) == (one.attempt, one.key)

    async def test_what_moves_is_due_when_it_was(
        self, store: AsyncDelayingTransport, harness: AsyncHarness
    ) -> None:
        old, new = framed(b"0", b"1", b"2"), framed(b"new 0", b"new 1", b"new 2")
        await store.push(QUEUE, old, options=LATER)
        found = await store.peek_delayed(QUEUE, limit=9)
        letters = [(one.receipt, body) for (one, _), body in zip(found, new, strict=True)]
        assert [] == await store.move_delayed(QUEUE, letters, to=OTHER)
        assert QueueStats(0, 0, 0) == await store.stats(QUEUE)
        await harness.pass_time(WITHIN)
        assert [] == await claim_all(store, OTHER)
        await harness.pass_time(BEYOND - WITHIN)
        there = await claim_all(store, OTHER)
        assert new == bodies(there)
        assert [1, 1, 1] == attempts(there)

    async def test_what_is_due_but_not_ready_yet_moves_too(
        self, store: AsyncDelayingTransport, harness: AsyncHarness
    ) -> None:
        (body,) = framed(b"late")
        await store.push(QUEUE, [body], options=LATER)
        await harness.pass_time(BEYOND)
        ((one, left),) = await store.peek_delayed(QUEUE)
        assert 0 == left
        assert [] == await store.move_delayed(QUEUE, [(one.receipt, body)], to=OTHER)
        assert [body] == bodies(await claim_all(store, OTHER))

    async def test_only_what_is_named_moves(self, store: AsyncDelayingTransport) -> None:
        one, two = framed(b"1", b"2")
        await store.push(QUEUE, [one, two], options=LATER)
        found = await store.peek_delayed(QUEUE, limit=2)
        assert [] == await store.move_delayed(QUEUE, [(found[1][0].receipt, two)], to=OTHER)
        assert [one] == [each.body for each, _ in await store.peek_delayed(QUEUE, limit=9)]
        assert [two] == [each.body for each, _ in await store.peek_delayed(OTHER, limit=9)]

    async def test_what_became_ready_since_the_look_stays(
        self, store: AsyncDelayingTransport, harness: AsyncHarness
    ) -> None:
        late = framed(b"late")
        await store.push(QUEUE, late, options=LATER)
        ((one, _),) = await store.peek_delayed(QUEUE)
        await harness.pass_time(BEYOND)
        assert 1 == await store.recover(QUEUE)
        letters = [(one.receipt, one.body)]
        assert [one.receipt] == await store.move_delayed(QUEUE, letters, to=OTHER)
        assert QueueStats(0, 0, 0) == await store.stats(OTHER)
        assert late == await store.pop(QUEUE)

    async def test_what_failed_again_since_the_look_stays(
        self, store: AsyncDelayingTransport, harness: AsyncHarness
    ) -> None:
        await store.push(QUEUE, framed(b"late"), options=LATER)
        ((one, _),) = await store.peek_delayed(QUEUE)
        await harness.pass_time(BEYOND)
        (held,) = await claim_all(store)
        await store.release(QUEUE, [held.receipt], counted=True, delay=LEASE)
        letters = [(one.receipt, one.body)]
        assert [one.receipt] == await store.move_delayed(QUEUE, letters, to=OTHER)
        assert QueueStats(0, 1, 0) == await store.stats(QUEUE)

    async def test_a_message_moves_once(self, store: AsyncDelayingTransport) -> None:
        (body,) = framed(b"late")
        await store.push(QUEUE, [body], options=LATER)
        ((one, _),) = await store.peek_delayed(QUEUE)
        twice = [(one.receipt, body), (one.receipt, body)]
        assert [one.receipt] == await store.move_delayed(QUEUE, twice, to=OTHER)
        assert [one.receipt] == await store.move_delayed(QUEUE, twice[:1], to=OTHER)
        assert QueueStats(0, 1, 0) == await store.stats(OTHER)

    async def test_what_came_in_two_ways_has_different_receipts(
        self, store: AsyncDelayingTransport
    ) -> None:
        await store.push(QUEUE, framed(b"1", b"2"), options=LATER)
        letters = [(one.receipt, one.body) for one, _ in await store.peek_delayed(QUEUE, limit=9)]
        await store.move_delayed(QUEUE, letters, to=OTHER)
        await store.push(OTHER, framed(b"3", b"4"), options=LATER)
        found = [one for one, _ in await store.peek_delayed(OTHER, limit=9)]
        assert 4 == len({one.receipt for one in found})
        for one in found:
            assert [] == await store.move_delayed(OTHER, [(one.receipt, one.body)], to=QUEUE)
        moved = await store.peek_delayed(QUEUE, limit=9)
        assert sorted(one.body for one in found) == sorted(one.body for one, _ in moved)

    async def test_it_may_move_within_its_queue(
        self, store: AsyncDelayingTransport, harness: AsyncHarness
    ) -> None:
        old, new, rest = framed(b"old", b"new", b"rest")
        await store.push(QUEUE, [old, rest], options=LATER)
        ((one, _),) = await store.peek_delayed(QUEUE)
        assert [] == await store.move_delayed(QUEUE, [(one.receipt, new)], to=QUEUE)
        assert QueueStats(0, 2, 0) == await store.stats(QUEUE)
        await harness.pass_time(BEYOND)
        assert sorted([new, rest]) == sorted(bodies(await claim_all(store)))

    @pytest.mark.parametrize("text", ["", "x", "1.5", "1:2:3", "nan:0:x", "1e999:-1:", "delayed.x"])
    async def test_nonsense_is_not_delayed(self, store: AsyncDelayingTransport, text: str) -> None:
        await store.push(QUEUE, framed(b"a"), options=LATER)
        nonsense = Receipt(text)
        letters = [(nonsense, framed(b"b")[0])]
        assert [nonsense] == await store.move_delayed(QUEUE, letters, to=OTHER)
        assert [nonsense] == await store.move_delayed("nobody", letters, to=OTHER)
        assert QueueStats(0, 1, 0) == await store.stats(QUEUE)

    async def test_a_large_number_moves_in_order(
        self, store: AsyncDelayingTransport, harness: AsyncHarness
    ) -> None:
        many = framed(*(b"%d" % n for n in range(1500)))
        await store.push(QUEUE, many, options=LATER)
        found = await store.peek_delayed(QUEUE, limit=2000)
        assert many == [one.body for one, _ in found]
        letters = [(one.receipt, one.body) for one, _ in found]
        assert [] == await store.move_delayed(QUEUE, letters, to=OTHER)
        await harness.pass_time(BEYOND)
        assert 1500 == await store.recover(OTHER, limit=9999)
        assert many == await store.pop(OTHER, limit=9999)

    @pytest.mark.parametrize("place", [Place(0, "g"), Place(1), Place(-1), Place(3, "g"), Place(2)])
    async def test_messages_with_a_place_are_left_out(
        self, store: AsyncDelayingTransport, place: Place
    ) -> None:
        alone = [wrap(os.urandom(16), b"alone", {"colour": "blue"})]
        placed = wrap(os.urandom(16), b"placed", {"colour": "blue"}, place)
        await store.push(QUEUE, [placed], options=LATER)
        await store.push(QUEUE, alone, options=LATER)
        assert alone == [one.body for one, _ in await store.peek_delayed(QUEUE)]
