# Generated from base_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""What the parts of the suite share."""

from __future__ import annotations

import pytest

from ...transport import Delivery, Transport
from ..harness import Harness
from .samples import LEASE, QUEUE


class Suite:
    """A part of the suite; subclasses define the fixture ``harness``."""

    @pytest.fixture
    def harness(self) -> Harness:
        """Return the store under test and the hand on its clock."""
        raise NotImplementedError("a subclass of the suite defines the fixture `harness`")

    @pytest.fixture
    def transport(self, harness: Harness) -> Transport:
        """Return the transport that most tests need only one of."""
        return harness.make()


def claim_all(transport: Transport, queue: str = QUEUE) -> list[Delivery]:
    """Claim what is ready, due or expired, up to 100 messages, without waiting."""
    return transport.claim(queue, lease=LEASE, limit=100)


def filled(transport: Transport, *bodies: bytes, queue: str = QUEUE) -> list[Delivery]:
    """Push *bodies* and claim everything at once."""
    transport.push(queue, bodies)
    return claim_all(transport, queue)
