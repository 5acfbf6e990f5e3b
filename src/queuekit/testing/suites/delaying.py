# Generated from delaying_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""``Delaying``: delayed messages move with their due times."""

from __future__ import annotations

import os
from typing import Protocol

import pytest

from ..._envelope import Place, wrap
from ...abilities import Delaying
from ...transport import PushOptions, QueueStats, Receipt, Transport
from ..harness import Harness
from .base import Suite, claim_all
from .samples import BEYOND, LEASE, OTHER, QUEUE, WITHIN, attempts, bodies, framed

LATER = PushOptions(delay=LEASE)


class DelayingTransport(Transport, Delaying, Protocol):
    """A transport with the ability."""


class DelayingSuite(Suite):
    """What ``Delaying`` promises beside ``Transport``."""

    @pytest.fixture
    def store(self, transport: Transport) -> DelayingTransport:
        """Return the transport by its ability."""
        assert isinstance(transport, Delaying)
        return transport

    def test_a_look_shows_the_next_due_first_and_changes_nothing(
        self, store: DelayingTransport
    ) -> None:
        assert [] == store.peek_delayed(QUEUE)
        third, first, second = framed(b"3", b"1", b"2")
        for body, delay in ((third, 300.0), (first, 100.0), (second, 200.0)):
            store.push(QUEUE, [body], options=PushOptions(delay=delay))
        found = store.peek_delayed(QUEUE, limit=2)
        assert [first, second] == [one.body for one, _ in found]
        assert [100, 200] == [pytest.approx(left, abs=20) for _, left in found]
        assert [1, 1] == attempts([one for one, _ in found])
        assert QueueStats(0, 3, 0) == store.stats(QUEUE)

    def test_a_look_counts_attempts_and_keeps_the_key(self, store: DelayingTransport) -> None:
        store.push(QUEUE, framed(b"a"))
        (held,) = claim_all(store)
        store.release(QUEUE, [held.receipt], counted=True, delay=LEASE)
        ((one, _),) = store.peek_delayed(QUEUE, limit=9)
        assert (2, held.key) == (one.attempt, one.key)

    def test_what_moves_is_due_when_it_was(
        self, store: DelayingTransport, harness: Harness
    ) -> None:
        old, new = framed(b"0", b"1", b"2"), framed(b"new 0", b"new 1", b"new 2")
        store.push(QUEUE, old, options=LATER)
        found = store.peek_delayed(QUEUE, limit=9)
        letters = [(one.receipt, body) for (one, _), body in zip(found, new, strict=True)]
        assert [] == store.move_delayed(QUEUE, letters, to=OTHER)
        assert QueueStats(0, 0, 0) == store.stats(QUEUE)
        harness.pass_time(WITHIN)
        assert [] == claim_all(store, OTHER)
        harness.pass_time(BEYOND - WITHIN)
        there = claim_all(store, OTHER)
        assert new == bodies(there)
        assert [1, 1, 1] == attempts(there)

    def test_what_is_due_but_not_ready_yet_moves_too(
        self, store: DelayingTransport, harness: Harness
    ) -> None:
        (body,) = framed(b"late")
        store.push(QUEUE, [body], options=LATER)
        harness.pass_time(BEYOND)
        ((one, left),) = store.peek_delayed(QUEUE)
        assert 0 == left
        assert [] == store.move_delayed(QUEUE, [(one.receipt, body)], to=OTHER)
        assert [body] == bodies(claim_all(store, OTHER))

    def test_only_what_is_named_moves(self, store: DelayingTransport) -> None:
        one, two = framed(b"1", b"2")
        store.push(QUEUE, [one, two], options=LATER)
        found = store.peek_delayed(QUEUE, limit=2)
        assert [] == store.move_delayed(QUEUE, [(found[1][0].receipt, two)], to=OTHER)
        assert [one] == [each.body for each, _ in store.peek_delayed(QUEUE, limit=9)]
        assert [two] == [each.body for each, _ in store.peek_delayed(OTHER, limit=9)]

    def test_what_became_ready_since_the_look_stays(
        self, store: DelayingTransport, harness: Harness
    ) -> None:
        late = framed(b"late")
        store.push(QUEUE, late, options=LATER)
        ((one, _),) = store.peek_delayed(QUEUE)
        harness.pass_time(BEYOND)
        assert 1 == store.recover(QUEUE)
        letters = [(one.receipt, one.body)]
        assert [one.receipt] == store.move_delayed(QUEUE, letters, to=OTHER)
        assert QueueStats(0, 0, 0) == store.stats(OTHER)
        assert late == store.pop(QUEUE)

    def test_what_failed_again_since_the_look_stays(
        self, store: DelayingTransport, harness: Harness
    ) -> None:
        store.push(QUEUE, framed(b"late"), options=LATER)
        ((one, _),) = store.peek_delayed(QUEUE)
        harness.pass_time(BEYOND)
        (held,) = claim_all(store)
        store.release(QUEUE, [held.receipt], counted=True, delay=LEASE)
        letters = [(one.receipt, one.body)]
        assert [one.receipt] == store.move_delayed(QUEUE, letters, to=OTHER)
        assert QueueStats(0, 1, 0) == store.stats(QUEUE)

    def test_a_message_moves_once(self, store: DelayingTransport) -> None:
        (body,) = framed(b"late")
        store.push(QUEUE, [body], options=LATER)
        ((one, _),) = store.peek_delayed(QUEUE)
        twice = [(one.receipt, body), (one.receipt, body)]
        assert [one.receipt] == store.move_delayed(QUEUE, twice, to=OTHER)
        assert [one.receipt] == store.move_delayed(QUEUE, twice[:1], to=OTHER)
        assert QueueStats(0, 1, 0) == store.stats(OTHER)

    def test_what_came_in_two_ways_has_different_receipts(self, store: DelayingTransport) -> None:
        store.push(QUEUE, framed(b"1", b"2"), options=LATER)
        letters = [(one.receipt, one.body) for one, _ in store.peek_delayed(QUEUE, limit=9)]
        store.move_delayed(QUEUE, letters, to=OTHER)
        store.push(OTHER, framed(b"3", b"4"), options=LATER)
        found = [one for one, _ in store.peek_delayed(OTHER, limit=9)]
        assert 4 == len({one.receipt for one in found})
        for one in found:
            assert [] == store.move_delayed(OTHER, [(one.receipt, one.body)], to=QUEUE)
        moved = store.peek_delayed(QUEUE, limit=9)
        assert sorted(one.body for one in found) == sorted(one.body for one, _ in moved)

    def test_it_may_move_within_its_queue(self, store: DelayingTransport, harness: Harness) -> None:
        old, new, rest = framed(b"old", b"new", b"rest")
        store.push(QUEUE, [old, rest], options=LATER)
        ((one, _),) = store.peek_delayed(QUEUE)
        assert [] == store.move_delayed(QUEUE, [(one.receipt, new)], to=QUEUE)
        assert QueueStats(0, 2, 0) == store.stats(QUEUE)
        harness.pass_time(BEYOND)
        assert sorted([new, rest]) == sorted(bodies(claim_all(store)))

    @pytest.mark.parametrize("text", ["", "x", "1.5", "1:2:3", "nan:0:x", "1e999:-1:", "delayed.x"])
    def test_nonsense_is_not_delayed(self, store: DelayingTransport, text: str) -> None:
        store.push(QUEUE, framed(b"a"), options=LATER)
        nonsense = Receipt(text)
        letters = [(nonsense, framed(b"b")[0])]
        assert [nonsense] == store.move_delayed(QUEUE, letters, to=OTHER)
        assert [nonsense] == store.move_delayed("nobody", letters, to=OTHER)
        assert QueueStats(0, 1, 0) == store.stats(QUEUE)

    def test_a_large_number_moves_in_order(
        self, store: DelayingTransport, harness: Harness
    ) -> None:
        many = framed(*(b"%d" % n for n in range(1500)))
        store.push(QUEUE, many, options=LATER)
        found = store.peek_delayed(QUEUE, limit=2000)
        assert many == [one.body for one, _ in found]
        letters = [(one.receipt, one.body) for one, _ in found]
        assert [] == store.move_delayed(QUEUE, letters, to=OTHER)
        harness.pass_time(BEYOND)
        assert 1500 == store.recover(OTHER, limit=9999)
        assert many == store.pop(OTHER, limit=9999)

    @pytest.mark.parametrize("place", [Place(0, "g"), Place(1), Place(-1), Place(3, "g"), Place(2)])
    def test_messages_with_a_place_are_left_out(
        self, store: DelayingTransport, place: Place
    ) -> None:
        alone = [wrap(os.urandom(16), b"alone", {"colour": "blue"})]
        placed = wrap(os.urandom(16), b"placed", {"colour": "blue"}, place)
        store.push(QUEUE, [placed], options=LATER)
        store.push(QUEUE, alone, options=LATER)
        assert alone == [one.body for one, _ in store.peek_delayed(QUEUE)]
