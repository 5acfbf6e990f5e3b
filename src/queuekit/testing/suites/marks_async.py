# unasync: source
"""Marks: keys that are remembered for a time."""

from __future__ import annotations

from typing import Any

import pytest

from ...abilities import AsyncMarking
from ...errors import ConfigurationError, TransportClosed
from ...transport import AsyncTransport, Dedup, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite
from .samples import BAD_NAMES, BAD_SECONDS, BEYOND, LEASE, ODD_NAMES, OTHER, QUEUE, WITHIN

KEYED = PushOptions(dedup=Dedup("k", LEASE))


class AsyncMarkSuite(AsyncSuite):
    """``mark``, ``marked`` and ``unmark``."""

    @pytest.fixture
    def marks(self, transport: AsyncTransport) -> AsyncMarking:
        """Return the transport if it remembers keys."""
        if not isinstance(transport, AsyncMarking):
            pytest.skip("the transport remembers no keys")
        return transport

    async def test_who_keeps_dedup_keys_remembers_keys(self, transport: AsyncTransport) -> None:
        assert isinstance(transport, AsyncMarking) or not transport.features.dedup

    async def test_the_first_one_marks(self, marks: AsyncMarking) -> None:
        assert None is await marks.marked(QUEUE, "k")
        assert None is await marks.mark(QUEUE, "k", "one", window=LEASE)
        assert "one" == await marks.mark(QUEUE, "k", "two", window=LEASE)
        assert "one" == await marks.mark(QUEUE, "k", "one", window=LEASE)
        assert "one" == await marks.marked(QUEUE, "k")
        assert None is await marks.marked(QUEUE, "other")

    async def test_every_transport_sees_it(self, harness: AsyncHarness) -> None:
        one, two = harness.make(), harness.make()
        if not isinstance(one, AsyncMarking) or not isinstance(two, AsyncMarking):
            pytest.skip("the transport remembers no keys")
        await one.mark(QUEUE, "k", "one", window=LEASE)
        assert "one" == await two.mark(QUEUE, "k", "two", window=LEASE)
        assert await two.unmark(QUEUE, "k")
        assert None is await one.marked(QUEUE, "k")

    async def test_a_mark_ends_with_its_window(
        self, marks: AsyncMarking, harness: AsyncHarness
    ) -> None:
        await marks.mark(QUEUE, "k", "one", window=LEASE)
        await harness.pass_time(WITHIN)
        assert "one" == await marks.mark(QUEUE, "k", "two", window=LEASE)
        await harness.pass_time(BEYOND - WITHIN)  # from the first mark, not from the second
        assert None is await marks.marked(QUEUE, "k")
        assert not await marks.unmark(QUEUE, "k")
        assert None is await marks.mark(QUEUE, "k", "three", window=LEASE)
        assert "three" == await marks.marked(QUEUE, "k")

    async def test_each_mark_has_its_own_window(
        self, marks: AsyncMarking, harness: AsyncHarness
    ) -> None:
        await marks.mark(QUEUE, "long", "one", window=3 * LEASE)
        await marks.mark(QUEUE, "short", "one", window=LEASE)
        await harness.pass_time(BEYOND)
        assert None is await marks.marked(QUEUE, "short")
        assert "one" == await marks.marked(QUEUE, "long")

    async def test_what_is_unmarked_is_new(self, marks: AsyncMarking) -> None:
        assert not await marks.unmark(QUEUE, "k")
        await marks.mark(QUEUE, "k", "one", window=LEASE)
        assert await marks.unmark(QUEUE, "k")
        assert not await marks.unmark(QUEUE, "k")
        assert None is await marks.mark(QUEUE, "k", "two", window=LEASE)
        assert "two" == await marks.marked(QUEUE, "k")

    async def test_a_mark_belongs_to_its_queue(self, marks: AsyncMarking) -> None:
        await marks.mark(QUEUE, "k", "one", window=LEASE)
        assert None is await marks.marked(OTHER, "k")
        assert None is await marks.mark(OTHER, "k", "two", window=LEASE)
        assert not await marks.unmark("third", "k")

    async def test_keys_and_values_are_any_text(self, marks: AsyncMarking) -> None:
        for n, key in enumerate(ODD_NAMES):
            assert None is await marks.mark(QUEUE, key, f"{n}", window=LEASE)
        for n, key in enumerate(ODD_NAMES):
            assert f"{n}" == await marks.marked(QUEUE, key)
        for value in ("", "ä 🐇", "a\0b", "x" * 2000):
            assert await marks.unmark(QUEUE, "a")
            assert None is await marks.mark(QUEUE, "a", value, window=LEASE)
            assert value == await marks.marked(QUEUE, "a")

    async def test_a_mark_is_no_message(
        self, marks: AsyncMarking, transport: AsyncTransport
    ) -> None:
        await marks.mark(QUEUE, "k", "one", window=LEASE)
        assert QueueStats(0, 0, 0) == await transport.stats(QUEUE)
        assert [] == await transport.pop(QUEUE)
        assert 0 == await transport.purge(QUEUE)
        assert "one" == await marks.marked(QUEUE, "k")

    async def test_a_dedup_key_is_a_mark(
        self, marks: AsyncMarking, transport: AsyncTransport
    ) -> None:
        if not transport.features.dedup:
            pytest.skip("the transport does not declare dedup")
        await transport.push(QUEUE, [b"a"], options=KEYED, token="one")
        assert "one" == await marks.marked(QUEUE, "k")
        assert "one" == await marks.mark(QUEUE, "k", "two", window=LEASE)
        assert await marks.unmark(QUEUE, "k")
        assert None is await transport.push(QUEUE, [b"b"], options=KEYED, token="three")
        assert [b"a", b"b"] == await transport.peek(QUEUE, limit=9)

    async def test_a_mark_is_a_dedup_key(
        self, marks: AsyncMarking, transport: AsyncTransport
    ) -> None:
        if not transport.features.dedup:
            pytest.skip("the transport does not declare dedup")
        await marks.mark(QUEUE, "k", "mine", window=LEASE)
        assert "mine" == await transport.push(QUEUE, [b"a"], options=KEYED, token="one")
        assert QueueStats(0, 0, 0) == await transport.stats(QUEUE)

    @pytest.mark.parametrize("window", [0, 0.0, *BAD_SECONDS], ids=ascii)
    async def test_a_window_of_a_mark_that_cannot_be_is_refused(
        self, marks: AsyncMarking, window: Any
    ) -> None:
        with pytest.raises(ConfigurationError):
            await marks.mark(QUEUE, "k", "one", window=window)
        assert None is await marks.marked(QUEUE, "k")

    @pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
    async def test_names_of_marks_that_cannot_be_are_refused(
        self, marks: AsyncMarking, name: Any
    ) -> None:
        for queue, key in ((QUEUE, name), (name, "k")):
            with pytest.raises(ConfigurationError):
                await marks.mark(queue, key, "one", window=LEASE)
            with pytest.raises(ConfigurationError):
                await marks.marked(queue, key)
            with pytest.raises(ConfigurationError):
                await marks.unmark(queue, key)

    async def test_after_close_nothing_is_marked(
        self, marks: AsyncMarking, transport: AsyncTransport
    ) -> None:
        await transport.aclose()
        with pytest.raises(TransportClosed):
            await marks.mark(QUEUE, "k", "one", window=LEASE)
        with pytest.raises(TransportClosed):
            await marks.marked(QUEUE, "k")
        with pytest.raises(TransportClosed):
            await marks.unmark(QUEUE, "k")
