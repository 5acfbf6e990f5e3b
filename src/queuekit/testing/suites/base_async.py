# unasync: source
"""What the parts of the suite share."""

from __future__ import annotations

import pytest

from ...transport import AsyncTransport, Delivery
from ..harness_async import AsyncHarness
from .samples import LEASE, QUEUE


class AsyncSuite:
    """A part of the suite; subclasses define the fixture ``harness``."""

    @pytest.fixture
    def harness(self) -> AsyncHarness:
        """Return the store under test and the hand on its clock."""
        raise NotImplementedError("a subclass of the suite defines the fixture `harness`")

    @pytest.fixture
    def transport(self, harness: AsyncHarness) -> AsyncTransport:
        """Return the transport that most tests need only one of."""
        return harness.make()


async def claim_all(transport: AsyncTransport, queue: str = QUEUE) -> list[Delivery]:
    """Claim what is ready, due or expired, up to 100 messages, without waiting."""
    return await transport.claim(queue, lease=LEASE, limit=100)


async def filled(transport: AsyncTransport, *bodies: bytes, queue: str = QUEUE) -> list[Delivery]:
    """Push *bodies* and claim everything at once."""
    await transport.push(queue, bodies)
    return await claim_all(transport, queue)
