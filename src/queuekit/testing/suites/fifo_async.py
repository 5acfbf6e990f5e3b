# unasync: source
"""First in, first out: what every transport promises, claims or not."""

from __future__ import annotations

import pytest

from ...errors import BodyTooLarge, TransportClosed
from ...transport import AsyncTransport, Features, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite
from .samples import ONCE, OTHER, QUEUE, needs, numbered

EMPTY = QueueStats(0, 0, 0)


class AsyncFifoSuite(AsyncSuite):
    """Push, pop, peek, stats, purge, close."""

    async def test_features_are_plain_data(self, transport: AsyncTransport) -> None:
        assert isinstance(transport.features, Features)
        assert transport.features.max_body > 0
        assert transport.features.max_wait > 0

    async def test_a_batch_keeps_its_order(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, numbered(20))
        assert numbered(20) == await transport.pop(QUEUE, limit=20)

    async def test_pushes_keep_their_order(self, transport: AsyncTransport) -> None:
        for body in numbered(5):
            await transport.push(QUEUE, [body])
        assert numbered(5) == [(await transport.pop(QUEUE))[0] for _ in range(5)]

    async def test_pop_takes_one_by_default(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, numbered(3))
        assert [b"0"] == await transport.pop(QUEUE)
        assert QueueStats(2, 0, 0) == await transport.stats(QUEUE)

    async def test_pop_takes_at_most_its_limit(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, numbered(5))
        assert [b"0", b"1", b"2"] == await transport.pop(QUEUE, limit=3)
        assert [b"3", b"4"] == await transport.pop(QUEUE, limit=3)
        assert [] == await transport.pop(QUEUE, limit=3)

    async def test_an_empty_queue_answers_with_nothing(self, transport: AsyncTransport) -> None:
        assert [] == await transport.pop(QUEUE)
        assert [] == await transport.peek(QUEUE)
        assert EMPTY == await transport.stats(QUEUE)
        assert 0 == await transport.purge(QUEUE)

    async def test_a_queue_can_be_used_again_after_it_was_empty(
        self, transport: AsyncTransport
    ) -> None:
        for body in numbered(3):
            await transport.push(QUEUE, [body])
            assert [body] == await transport.pop(QUEUE, limit=2)
        assert EMPTY == await transport.stats(QUEUE)

    async def test_push_of_nothing_does_nothing(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, [])
        assert EMPTY == await transport.stats(QUEUE)

    async def test_push_takes_any_sequence(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, (b"a", b"b"))
        assert [b"a", b"b"] == await transport.pop(QUEUE, limit=2)

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
    async def test_a_body_comes_back_as_it_went(
        self, transport: AsyncTransport, body: bytes
    ) -> None:
        await transport.push(QUEUE, [body, b"next"])
        assert [body, b"next"] == await transport.peek(QUEUE, limit=2)
        popped = await transport.pop(QUEUE, limit=2)
        assert [body, b"next"] == popped
        assert {bytes} == set(map(type, popped))

    async def test_equal_bodies_are_messages_of_their_own(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, [b"same"] * 3)
        assert [b"same"] * 3 == await transport.pop(QUEUE, limit=9)

    async def test_a_large_batch_keeps_its_order(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, numbered(2500))
        assert QueueStats(2500, 0, 0) == await transport.stats(QUEUE)
        assert numbered(2500) == await transport.peek(QUEUE, limit=9999)
        assert numbered(2500) == await transport.pop(QUEUE, limit=9999)
        assert EMPTY == await transport.stats(QUEUE)

    async def test_peek_changes_nothing(self, transport: AsyncTransport) -> None:
        needs(transport.features.peekable, "peekable")
        await transport.push(QUEUE, numbered(3))
        assert [b"0"] == await transport.peek(QUEUE)
        assert [b"0", b"1"] == await transport.peek(QUEUE, limit=2)
        assert numbered(3) == await transport.peek(QUEUE, limit=9)
        assert numbered(3) == await transport.pop(QUEUE, limit=9)

    async def test_purge_removes_and_counts(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, numbered(3))
        await transport.push(OTHER, [b"stays"])
        assert 3 == await transport.purge(QUEUE)
        assert 0 == await transport.purge(QUEUE)
        assert [] == await transport.pop(QUEUE)
        assert [b"stays"] == await transport.pop(OTHER)

    async def test_a_body_at_the_limit_is_taken(self, harness: AsyncHarness) -> None:
        transport = harness.make(max_body=100)
        assert 100 == transport.features.max_body
        await transport.push(QUEUE, [b"x" * 100])
        assert [b"x" * 100] == await transport.pop(QUEUE)

    async def test_a_body_beyond_the_limit_stores_nothing(self, harness: AsyncHarness) -> None:
        transport = harness.make(max_body=100)
        with pytest.raises(BodyTooLarge):
            await transport.push(QUEUE, [b"first", b"x" * 101, b"last"])
        assert EMPTY == await transport.stats(QUEUE)

    async def test_two_transports_on_one_store_see_each_other(self, harness: AsyncHarness) -> None:
        one, two = harness.make(), harness.make()
        await one.push(QUEUE, [b"a"])
        await two.push(QUEUE, [b"b"])
        assert QueueStats(2, 0, 0) == await one.stats(QUEUE) == await two.stats(QUEUE)
        assert [b"a"] == await two.pop(QUEUE)
        assert [b"b"] == await one.pop(QUEUE)

    async def test_closing_one_transport_leaves_the_other_open(self, harness: AsyncHarness) -> None:
        one, two = harness.make(), harness.make()
        await one.push(QUEUE, [b"a"])
        await one.aclose()
        assert [b"a"] == await two.pop(QUEUE)

    async def test_a_second_close_does_nothing(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, [b"a"])
        await transport.aclose()
        await transport.aclose()

    async def test_close_before_the_first_use_is_fine(self, transport: AsyncTransport) -> None:
        await transport.aclose()
        with pytest.raises(TransportClosed):
            await transport.stats(QUEUE)

    async def test_features_can_be_read_after_close(self, transport: AsyncTransport) -> None:
        await transport.aclose()
        assert transport.features.max_body > 0

    async def test_a_closed_transport_refuses_fifo_calls(self, harness: AsyncHarness) -> None:
        transport = harness.make()
        await transport.push(QUEUE, [b"a"])
        await transport.aclose()
        with pytest.raises(TransportClosed):
            await transport.push(QUEUE, [b"b"])
        with pytest.raises(TransportClosed):
            await transport.pop(QUEUE)
        with pytest.raises(TransportClosed):
            await transport.pop(QUEUE, timeout=0.2)
        with pytest.raises(TransportClosed):
            await transport.peek(QUEUE)
        with pytest.raises(TransportClosed):
            await transport.stats(QUEUE)
        with pytest.raises(TransportClosed):
            await transport.purge(QUEUE)
        assert [b"a"] == await harness.make().pop(QUEUE, limit=9)

    async def test_push_with_a_token_again_stores_nothing_twice(
        self, transport: AsyncTransport
    ) -> None:
        needs(transport.features.idempotent_push, "idempotent_push")
        for _ in range(3):
            await transport.push(QUEUE, [b"a", b"b"], token=ONCE)
        assert [b"a", b"b"] == await transport.pop(QUEUE, limit=9)
        await transport.push(QUEUE, [b"a", b"b"], token=ONCE)
        assert [] == await transport.pop(QUEUE, limit=9)

    async def test_a_token_is_that_of_one_queue(self, transport: AsyncTransport) -> None:
        needs(transport.features.idempotent_push, "idempotent_push")
        await transport.push(QUEUE, [b"a"], token=ONCE)
        await transport.push(OTHER, [b"b"], token=ONCE)
        assert [b"b"] == await transport.pop(OTHER)

    async def test_a_push_of_nothing_spends_no_token(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, [], token=ONCE)
        await transport.push(QUEUE, [b"a"], token=ONCE)
        assert [b"a"] == await transport.pop(QUEUE, limit=2)

    async def test_another_token_stores_again(self, transport: AsyncTransport) -> None:
        needs(transport.features.idempotent_push, "idempotent_push")
        await transport.push(QUEUE, [b"a"], token=ONCE)
        await transport.push(QUEUE, [b"a"], token=ONCE + "more")
        await transport.push(QUEUE, [b"a"])
        assert [b"a"] * 3 == await transport.pop(QUEUE, limit=9)

    async def test_a_large_push_with_a_token_again_stores_nothing_twice(
        self, transport: AsyncTransport
    ) -> None:
        needs(transport.features.idempotent_push, "idempotent_push")
        for _ in range(2):
            await transport.push(QUEUE, numbered(2500), token=ONCE)
        assert numbered(2500) == await transport.pop(QUEUE, limit=9999)
