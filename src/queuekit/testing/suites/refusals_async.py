# unasync: source
"""Arguments that can never work are refused before anything happens."""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import ConfigurationError, Unsupported
from ...transport import AsyncTransport, PushOptions, QueueStats, Receipt
from .base_async import AsyncSuite
from .samples import BAD_COUNTS, BAD_SECONDS, LEASE, QUEUE, receipts


class AsyncRefusalSuite(AsyncSuite):
    """Seconds and counts; one message is ready and one is held in each test."""

    @pytest.fixture
    def state(self) -> QueueStats:
        """Return what must not change."""
        return QueueStats(1, 0, 1)

    async def held(self, transport: AsyncTransport) -> list[Receipt]:
        """Store two messages and claim the first."""
        await transport.push(QUEUE, [b"held", b"ready"])
        return receipts(await transport.claim(QUEUE, lease=LEASE))

    @pytest.mark.parametrize("delay", BAD_SECONDS, ids=ascii)
    async def test_a_delay_that_cannot_be_is_refused(
        self, transport: AsyncTransport, state: QueueStats, delay: Any
    ) -> None:
        held = await self.held(transport)
        with pytest.raises(ConfigurationError):
            await transport.push(QUEUE, [b"new"], options=PushOptions(delay=delay))
        for counted in (True, False):
            with pytest.raises(ConfigurationError):
                await transport.release(QUEUE, held, counted=counted, delay=delay)
        assert state == await transport.stats(QUEUE)
        assert [] == await transport.ack(QUEUE, held)

    @pytest.mark.parametrize("durable", ["disk", "replicas", "paper", True])
    async def test_what_a_push_cannot_wait_for_is_refused(
        self, transport: AsyncTransport, state: QueueStats, durable: Any
    ) -> None:
        """Before anything is stored."""
        await self.held(transport)
        if durable in transport.features.waits_for:
            return
        known = durable in ("disk", "replicas")
        with pytest.raises(Unsupported if known else ConfigurationError):
            await transport.push(QUEUE, [b"new"], options=PushOptions(durable=durable))
        assert state == await transport.stats(QUEUE)

    @pytest.mark.parametrize("lease", [0, 0.0, *BAD_SECONDS], ids=ascii)
    async def test_a_lease_that_cannot_be_is_refused(
        self, transport: AsyncTransport, state: QueueStats, lease: Any
    ) -> None:
        held = await self.held(transport)
        with pytest.raises(ConfigurationError):
            await transport.claim(QUEUE, lease=lease)
        with pytest.raises(ConfigurationError):
            await transport.extend(QUEUE, held, lease=lease)
        assert state == await transport.stats(QUEUE)
        assert [] == await transport.ack(QUEUE, held)

    @pytest.mark.parametrize("timeout", BAD_SECONDS, ids=ascii)
    async def test_a_timeout_that_cannot_be_is_refused(
        self, transport: AsyncTransport, state: QueueStats, timeout: Any
    ) -> None:
        await self.held(transport)
        with pytest.raises(ConfigurationError):
            await transport.claim(QUEUE, lease=LEASE, timeout=timeout)
        with pytest.raises(ConfigurationError):
            await transport.pop(QUEUE, timeout=timeout)
        with pytest.raises(ConfigurationError):
            await transport.pop("empty", timeout=timeout)
        assert state == await transport.stats(QUEUE)

    @pytest.mark.parametrize("limit", BAD_COUNTS, ids=ascii)
    async def test_a_limit_that_cannot_be_is_refused(
        self, transport: AsyncTransport, state: QueueStats, limit: Any
    ) -> None:
        await self.held(transport)
        with pytest.raises(ConfigurationError):
            await transport.claim(QUEUE, lease=LEASE, limit=limit)
        with pytest.raises(ConfigurationError):
            await transport.pop(QUEUE, limit=limit)
        with pytest.raises(ConfigurationError):
            await transport.peek(QUEUE, limit=limit)
        with pytest.raises(ConfigurationError):
            await transport.recover(QUEUE, limit=limit)
        assert state == await transport.stats(QUEUE)

    async def test_whole_numbers_are_seconds_too(self, transport: AsyncTransport) -> None:
        await transport.push(QUEUE, [b"a"], options=PushOptions(delay=0))
        (held,) = await transport.claim(QUEUE, lease=60, timeout=0)
        assert [] == await transport.extend(QUEUE, [held.receipt], lease=90)
        assert [] == await transport.release(QUEUE, [held.receipt], counted=True, delay=0)
        assert [b"a"] == await transport.pop(QUEUE, timeout=0)
