# Generated from refusals_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Arguments that can never work are refused before anything happens."""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import ConfigurationError, Unsupported
from ...transport import PushOptions, QueueStats, Receipt, Transport
from .base import Suite
from .samples import BAD_COUNTS, BAD_SECONDS, LEASE, QUEUE, receipts


class RefusalSuite(Suite):
    """Seconds and counts; one message is ready and one is held in each test."""

    @pytest.fixture
    def state(self) -> QueueStats:
        """Return what must not change."""
        return QueueStats(1, 0, 1)

    def held(self, transport: Transport) -> list[Receipt]:
        """Store two messages and claim the first."""
        transport.push(QUEUE, [b"held", b"ready"])
        return receipts(transport.claim(QUEUE, lease=LEASE))

    @pytest.mark.parametrize("delay", BAD_SECONDS, ids=ascii)
    def test_a_delay_that_cannot_be_is_refused(
        self, transport: Transport, state: QueueStats, delay: Any
    ) -> None:
        held = self.held(transport)
        with pytest.raises(ConfigurationError):
            transport.push(QUEUE, [b"new"], options=PushOptions(delay=delay))
        for counted in (True, False):
            with pytest.raises(ConfigurationError):
                transport.release(QUEUE, held, counted=counted, delay=delay)
        assert state == transport.stats(QUEUE)
        assert [] == transport.ack(QUEUE, held)

    @pytest.mark.parametrize("durable", ["disk", "replicas", "paper", True])
    def test_what_a_push_cannot_wait_for_is_refused(
        self, transport: Transport, state: QueueStats, durable: Any
    ) -> None:
        """Before anything is stored."""
        self.held(transport)
        if durable in transport.features.waits_for:
            return
        known = durable in ("disk", "replicas")
        with pytest.raises(Unsupported if known else ConfigurationError):
            transport.push(QUEUE, [b"new"], options=PushOptions(durable=durable))
        assert state == transport.stats(QUEUE)

    @pytest.mark.parametrize("lease", [0, 0.0, *BAD_SECONDS], ids=ascii)
    def test_a_lease_that_cannot_be_is_refused(
        self, transport: Transport, state: QueueStats, lease: Any
    ) -> None:
        held = self.held(transport)
        with pytest.raises(ConfigurationError):
            transport.claim(QUEUE, lease=lease)
        with pytest.raises(ConfigurationError):
            transport.extend(QUEUE, held, lease=lease)
        assert state == transport.stats(QUEUE)
        assert [] == transport.ack(QUEUE, held)

    @pytest.mark.parametrize("timeout", BAD_SECONDS, ids=ascii)
    def test_a_timeout_that_cannot_be_is_refused(
        self, transport: Transport, state: QueueStats, timeout: Any
    ) -> None:
        self.held(transport)
        with pytest.raises(ConfigurationError):
            transport.claim(QUEUE, lease=LEASE, timeout=timeout)
        with pytest.raises(ConfigurationError):
            transport.pop(QUEUE, timeout=timeout)
        with pytest.raises(ConfigurationError):
            transport.pop("empty", timeout=timeout)
        assert state == transport.stats(QUEUE)

    @pytest.mark.parametrize("limit", BAD_COUNTS, ids=ascii)
    def test_a_limit_that_cannot_be_is_refused(
        self, transport: Transport, state: QueueStats, limit: Any
    ) -> None:
        self.held(transport)
        with pytest.raises(ConfigurationError):
            transport.claim(QUEUE, lease=LEASE, limit=limit)
        with pytest.raises(ConfigurationError):
            transport.pop(QUEUE, limit=limit)
        with pytest.raises(ConfigurationError):
            transport.peek(QUEUE, limit=limit)
        with pytest.raises(ConfigurationError):
            transport.recover(QUEUE, limit=limit)
        assert state == transport.stats(QUEUE)

    def test_whole_numbers_are_seconds_too(self, transport: Transport) -> None:
        transport.push(QUEUE, [b"a"], options=PushOptions(delay=0))
        (held,) = transport.claim(QUEUE, lease=60, timeout=0)
        assert [] == transport.extend(QUEUE, [held.receipt], lease=90)
        assert [] == transport.release(QUEUE, [held.receipt], counted=True, delay=0)
        assert [b"a"] == transport.pop(QUEUE, timeout=0)
