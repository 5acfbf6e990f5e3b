# Generated from fifo_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""First in, first out: what every transport promises, claims or not."""

from __future__ import annotations

import pytest

from ...errors import BodyTooLarge, TransportClosed
from ...transport import Features, QueueStats, Transport
from ..harness import Harness
from .base import Suite
from .samples import ONCE, OTHER, QUEUE, needs, numbered

EMPTY = QueueStats(0, 0, 0)


class FifoSuite(Suite):
    """Push, pop, peek, stats, purge, close."""

    def test_features_are_plain_data(self, transport: Transport) -> None:
        assert isinstance(transport.features, Features)
        assert transport.features.max_body > 0
        assert transport.features.max_wait > 0

    def test_a_batch_keeps_its_order(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(20))
        assert numbered(20) == transport.pop(QUEUE, limit=20)

    def test_pushes_keep_their_order(self, transport: Transport) -> None:
        for body in numbered(5):
            transport.push(QUEUE, [body])
        assert numbered(5) == [(transport.pop(QUEUE))[0] for _ in range(5)]

    def test_pop_takes_one_by_default(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(3))
        assert [b"0"] == transport.pop(QUEUE)
        assert QueueStats(2, 0, 0) == transport.stats(QUEUE)

    def test_pop_takes_at_most_its_limit(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(5))
        assert [b"0", b"1", b"2"] == transport.pop(QUEUE, limit=3)
        assert [b"3", b"4"] == transport.pop(QUEUE, limit=3)
        assert [] == transport.pop(QUEUE, limit=3)

    def test_an_empty_queue_answers_with_nothing(self, transport: Transport) -> None:
        assert [] == transport.pop(QUEUE)
        assert [] == transport.peek(QUEUE)
        assert EMPTY == transport.stats(QUEUE)
        assert 0 == transport.purge(QUEUE)

    def test_a_queue_can_be_used_again_after_it_was_empty(self, transport: Transport) -> None:
        for body in numbered(3):
            transport.push(QUEUE, [body])
            assert [body] == transport.pop(QUEUE, limit=2)
        assert EMPTY == transport.stats(QUEUE)

    def test_push_of_nothing_does_nothing(self, transport: Transport) -> None:
        transport.push(QUEUE, [])
        assert EMPTY == transport.stats(QUEUE)

    def test_push_takes_any_sequence(self, transport: Transport) -> None:
        transport.push(QUEUE, (b"a", b"b"))
        assert [b"a", b"b"] == transport.pop(QUEUE, limit=2)

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(bytes(range(256)), id="every-byte"),
            pytest.param(b"\0", id="NUL"),
            pytest.param(b"\r\n$1\r\n", id="line-ends"),
            pytest.param(b"\xc1", id="first-byte-of-a-frame"),
            pytest.param(b"\xc1\x71", id="begin-of-a-frame"),
            pytest.param(b"\xc1\x71\x00\x00" + b"i" * 16, id="frame-around-nothing"),
            pytest.param(b"\xff\xfe" * 524288, id="1MB"),
        ],
    )
    def test_a_body_comes_back_as_it_went(self, transport: Transport, body: bytes) -> None:
        transport.push(QUEUE, [body, b"next"])
        assert [body, b"next"] == transport.peek(QUEUE, limit=2)
        popped = transport.pop(QUEUE, limit=2)
        assert [body, b"next"] == popped
        assert {bytes} == set(map(type, popped))

    def test_equal_bodies_are_messages_of_their_own(self, transport: Transport) -> None:
        transport.push(QUEUE, [b"same"] * 3)
        assert [b"same"] * 3 == transport.pop(QUEUE, limit=9)

    def test_a_large_batch_keeps_its_order(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(2500))
        assert QueueStats(2500, 0, 0) == transport.stats(QUEUE)
        assert numbered(2500) == transport.peek(QUEUE, limit=9999)
        assert numbered(2500) == transport.pop(QUEUE, limit=9999)
        assert EMPTY == transport.stats(QUEUE)

    def test_peek_changes_nothing(self, transport: Transport) -> None:
        needs(transport.features.peekable, "peekable")
        transport.push(QUEUE, numbered(3))
        assert [b"0"] == transport.peek(QUEUE)
        assert [b"0", b"1"] == transport.peek(QUEUE, limit=2)
        assert numbered(3) == transport.peek(QUEUE, limit=9)
        assert numbered(3) == transport.pop(QUEUE, limit=9)

    def test_purge_removes_and_counts(self, transport: Transport) -> None:
        transport.push(QUEUE, numbered(3))
        transport.push(OTHER, [b"stays"])
        assert 3 == transport.purge(QUEUE)
        assert 0 == transport.purge(QUEUE)
        assert [] == transport.pop(QUEUE)
        assert [b"stays"] == transport.pop(OTHER)

    def test_a_body_at_the_limit_is_taken(self, harness: Harness) -> None:
        transport = harness.make(max_body=100)
        assert 100 == transport.features.max_body
        transport.push(QUEUE, [b"x" * 100])
        assert [b"x" * 100] == transport.pop(QUEUE)

    def test_a_body_beyond_the_limit_stores_nothing(self, harness: Harness) -> None:
        transport = harness.make(max_body=100)
        with pytest.raises(BodyTooLarge):
            transport.push(QUEUE, [b"first", b"x" * 101, b"last"])
        assert EMPTY == transport.stats(QUEUE)

    def test_two_transports_on_one_store_see_each_other(self, harness: Harness) -> None:
        one, two = harness.make(), harness.make()
        one.push(QUEUE, [b"a"])
        two.push(QUEUE, [b"b"])
        assert QueueStats(2, 0, 0) == one.stats(QUEUE) == two.stats(QUEUE)
        assert [b"a"] == two.pop(QUEUE)
        assert [b"b"] == one.pop(QUEUE)

    def test_closing_one_transport_leaves_the_other_open(self, harness: Harness) -> None:
        one, two = harness.make(), harness.make()
        one.push(QUEUE, [b"a"])
        one.close()
        assert [b"a"] == two.pop(QUEUE)

    def test_a_second_close_does_nothing(self, transport: Transport) -> None:
        transport.push(QUEUE, [b"a"])
        transport.close()
        transport.close()

    def test_close_before_the_first_use_is_fine(self, transport: Transport) -> None:
        transport.close()
        with pytest.raises(TransportClosed):
            transport.stats(QUEUE)

    def test_features_can_be_read_after_close(self, transport: Transport) -> None:
        transport.close()
        assert transport.features.max_body > 0

    def test_a_closed_transport_refuses_fifo_calls(self, harness: Harness) -> None:
        transport = harness.make()
        transport.push(QUEUE, [b"a"])
        transport.close()
        with pytest.raises(TransportClosed):
            transport.push(QUEUE, [b"b"])
        with pytest.raises(TransportClosed):
            transport.pop(QUEUE)
        with pytest.raises(TransportClosed):
            transport.pop(QUEUE, timeout=0.2)
        with pytest.raises(TransportClosed):
            transport.peek(QUEUE)
        with pytest.raises(TransportClosed):
            transport.stats(QUEUE)
        with pytest.raises(TransportClosed):
            transport.purge(QUEUE)
        assert [b"a"] == harness.make().pop(QUEUE, limit=9)

    def test_push_with_a_token_again_stores_nothing_twice(self, transport: Transport) -> None:
        needs(transport.features.idempotent_push, "idempotent_push")
        for _ in range(3):
            transport.push(QUEUE, [b"a", b"b"], token=ONCE)
        assert [b"a", b"b"] == transport.pop(QUEUE, limit=9)
        transport.push(QUEUE, [b"a", b"b"], token=ONCE)
        assert [] == transport.pop(QUEUE, limit=9)

    def test_a_token_is_that_of_one_queue(self, transport: Transport) -> None:
        needs(transport.features.idempotent_push, "idempotent_push")
        transport.push(QUEUE, [b"a"], token=ONCE)
        transport.push(OTHER, [b"b"], token=ONCE)
        assert [b"b"] == transport.pop(OTHER)

    def test_a_push_of_nothing_spends_no_token(self, transport: Transport) -> None:
        transport.push(QUEUE, [], token=ONCE)
        transport.push(QUEUE, [b"a"], token=ONCE)
        assert [b"a"] == transport.pop(QUEUE, limit=2)

    def test_another_token_stores_again(self, transport: Transport) -> None:
        needs(transport.features.idempotent_push, "idempotent_push")
        transport.push(QUEUE, [b"a"], token=ONCE)
        transport.push(QUEUE, [b"a"], token=ONCE + "more")
        transport.push(QUEUE, [b"a"])
        assert [b"a"] * 3 == transport.pop(QUEUE, limit=9)

    def test_a_large_push_with_a_token_again_stores_nothing_twice(
        self, transport: Transport
    ) -> None:
        needs(transport.features.idempotent_push, "idempotent_push")
        for _ in range(2):
            transport.push(QUEUE, numbered(2500), token=ONCE)
        assert numbered(2500) == transport.pop(QUEUE, limit=9999)
