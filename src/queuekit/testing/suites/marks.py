# Generated from marks_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Marks: keys that are remembered for a time."""

from __future__ import annotations

from typing import Any

import pytest

from ...abilities import Marking
from ...errors import ConfigurationError, TransportClosed
from ...transport import Dedup, PushOptions, QueueStats, Transport
from ..harness import Harness
from .base import Suite
from .samples import BAD_NAMES, BAD_SECONDS, BEYOND, LEASE, ODD_NAMES, OTHER, QUEUE, WITHIN

KEYED = PushOptions(dedup=Dedup("k", LEASE))


class MarkSuite(Suite):
    """``mark``, ``marked`` and ``unmark``."""

    @pytest.fixture
    def marks(self, transport: Transport) -> Marking:
        """Return the transport if it remembers keys."""
        if not isinstance(transport, Marking):
            pytest.skip("the transport remembers no keys")
        return transport

    def test_who_keeps_dedup_keys_remembers_keys(self, transport: Transport) -> None:
        assert isinstance(transport, Marking) or not transport.features.dedup

    def test_the_first_one_marks(self, marks: Marking) -> None:
        assert None is marks.marked(QUEUE, "k")
        assert None is marks.mark(QUEUE, "k", "one", window=LEASE)
        assert "one" == marks.mark(QUEUE, "k", "two", window=LEASE)
        assert "one" == marks.mark(QUEUE, "k", "one", window=LEASE)
        assert "one" == marks.marked(QUEUE, "k")
        assert None is marks.marked(QUEUE, "other")

    def test_every_transport_sees_it(self, harness: Harness) -> None:
        one, two = harness.make(), harness.make()
        if not isinstance(one, Marking) or not isinstance(two, Marking):
            pytest.skip("the transport remembers no keys")
        one.mark(QUEUE, "k", "one", window=LEASE)
        assert "one" == two.mark(QUEUE, "k", "two", window=LEASE)
        assert two.unmark(QUEUE, "k")
        assert None is one.marked(QUEUE, "k")

    def test_a_mark_ends_with_its_window(self, marks: Marking, harness: Harness) -> None:
        marks.mark(QUEUE, "k", "one", window=LEASE)
        harness.pass_time(WITHIN)
        assert "one" == marks.mark(QUEUE, "k", "two", window=LEASE)
        harness.pass_time(BEYOND - WITHIN)  # from the first mark, not from the second
        assert None is marks.marked(QUEUE, "k")
        assert not marks.unmark(QUEUE, "k")
        assert None is marks.mark(QUEUE, "k", "three", window=LEASE)
        assert "three" == marks.marked(QUEUE, "k")

    def test_each_mark_has_its_own_window(self, marks: Marking, harness: Harness) -> None:
        marks.mark(QUEUE, "long", "one", window=3 * LEASE)
        marks.mark(QUEUE, "short", "one", window=LEASE)
        harness.pass_time(BEYOND)
        assert None is marks.marked(QUEUE, "short")
        assert "one" == marks.marked(QUEUE, "long")

    def test_what_is_unmarked_is_new(self, marks: Marking) -> None:
        assert not marks.unmark(QUEUE, "k")
        marks.mark(QUEUE, "k", "one", window=LEASE)
        assert marks.unmark(QUEUE, "k")
        assert not marks.unmark(QUEUE, "k")
        assert None is marks.mark(QUEUE, "k", "two", window=LEASE)
        assert "two" == marks.marked(QUEUE, "k")

    def test_a_mark_belongs_to_its_queue(self, marks: Marking) -> None:
        marks.mark(QUEUE, "k", "one", window=LEASE)
        assert None is marks.marked(OTHER, "k")
        assert None is marks.mark(OTHER, "k", "two", window=LEASE)
        assert not marks.unmark("third", "k")

    def test_keys_and_values_are_any_text(self, marks: Marking) -> None:
        for n, key in enumerate(ODD_NAMES):
            assert None is marks.mark(QUEUE, key, f"{n}", window=LEASE)
        for n, key in enumerate(ODD_NAMES):
            assert f"{n}" == marks.marked(QUEUE, key)
        for value in ("", "ä 🐇", "a\0b", "x" * 2000):
            assert marks.unmark(QUEUE, "a")
            assert None is marks.mark(QUEUE, "a", value, window=LEASE)
            assert value == marks.marked(QUEUE, "a")

    def test_a_mark_is_no_message(self, marks: Marking, transport: Transport) -> None:
        marks.mark(QUEUE, "k", "one", window=LEASE)
        assert QueueStats(0, 0, 0) == transport.stats(QUEUE)
        assert [] == transport.pop(QUEUE)
        assert 0 == transport.purge(QUEUE)
        assert "one" == marks.marked(QUEUE, "k")

    def test_a_dedup_key_is_a_mark(self, marks: Marking, transport: Transport) -> None:
        if not transport.features.dedup:
            pytest.skip("the transport does not declare dedup")
        transport.push(QUEUE, [b"a"], options=KEYED, token="one")
        assert "one" == marks.marked(QUEUE, "k")
        assert "one" == marks.mark(QUEUE, "k", "two", window=LEASE)
        assert marks.unmark(QUEUE, "k")
        assert None is transport.push(QUEUE, [b"b"], options=KEYED, token="three")
        assert [b"a", b"b"] == transport.peek(QUEUE, limit=9)

    def test_a_mark_is_a_dedup_key(self, marks: Marking, transport: Transport) -> None:
        if not transport.features.dedup:
            pytest.skip("the transport does not declare dedup")
        marks.mark(QUEUE, "k", "mine", window=LEASE)
        assert "mine" == transport.push(QUEUE, [b"a"], options=KEYED, token="one")
        assert QueueStats(0, 0, 0) == transport.stats(QUEUE)

    @pytest.mark.parametrize("window", [0, 0.0, *BAD_SECONDS], ids=ascii)
    def test_a_window_of_a_mark_that_cannot_be_is_refused(
        self, marks: Marking, window: Any
    ) -> None:
        with pytest.raises(ConfigurationError):
            marks.mark(QUEUE, "k", "one", window=window)
        assert None is marks.marked(QUEUE, "k")

    @pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
    def test_names_of_marks_that_cannot_be_are_refused(self, marks: Marking, name: Any) -> None:
        for queue, key in ((QUEUE, name), (name, "k")):
            with pytest.raises(ConfigurationError):
                marks.mark(queue, key, "one", window=LEASE)
            with pytest.raises(ConfigurationError):
                marks.marked(queue, key)
            with pytest.raises(ConfigurationError):
                marks.unmark(queue, key)

    def test_after_close_nothing_is_marked(self, marks: Marking, transport: Transport) -> None:
        transport.close()
        with pytest.raises(TransportClosed):
            marks.mark(QUEUE, "k", "one", window=LEASE)
        with pytest.raises(TransportClosed):
            marks.marked(QUEUE, "k")
        with pytest.raises(TransportClosed):
            marks.unmark(QUEUE, "k")
