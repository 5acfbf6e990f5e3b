"""
The conformance suite: everything that the contract promises, one test per promise.

A transport proves itself with a subclass that defines the fixture ``harness``::

    from queuekit.testing.suites import TransportSuite

    class TestMine(TransportSuite):
        @pytest.fixture
        def harness(self, tmp_path):
            with MyHarness(tmp_path) as harness:  # see queuekit.testing.Harness
                yield harness

The asyncio twin, ``AsyncTransportSuite``, takes the mark of your pytest plugin (such as
``@pytest.mark.asyncio``) on the subclass. What ``features`` does not declare is skipped, and says
so. The parts (``FifoSuite``, ...) can be used one by one while a transport grows.
"""

from __future__ import annotations

import pytest

_PARTS = (
    "base",
    "fifo",
    "names",
    "claims",
    "expiry",
    "lost",
    "give_back",
    "timed",
    "waits",
    "refusals",
    "rides",
)
pytest.register_assert_rewrite(
    *(f"{__name__}.{part}{colour}" for part in _PARTS for colour in ("", "_async"))
)

from .claims import ClaimSuite  # noqa: E402 - the line above comes first, or it has no effect
from .claims_async import AsyncClaimSuite  # noqa: E402
from .expiry import ExpirySuite  # noqa: E402
from .expiry_async import AsyncExpirySuite  # noqa: E402
from .fifo import FifoSuite  # noqa: E402
from .fifo_async import AsyncFifoSuite  # noqa: E402
from .give_back import GiveBackSuite  # noqa: E402
from .give_back_async import AsyncGiveBackSuite  # noqa: E402
from .lost import LostLeaseSuite  # noqa: E402
from .lost_async import AsyncLostLeaseSuite  # noqa: E402
from .names import NameSuite  # noqa: E402
from .names_async import AsyncNameSuite  # noqa: E402
from .refusals import RefusalSuite  # noqa: E402
from .refusals_async import AsyncRefusalSuite  # noqa: E402
from .rides import RideSuite  # noqa: E402
from .rides_async import AsyncRideSuite  # noqa: E402
from .timed import TimedSuite  # noqa: E402
from .timed_async import AsyncTimedSuite  # noqa: E402
from .waits import WaitSuite  # noqa: E402
from .waits_async import AsyncWaitSuite  # noqa: E402

__all__ = [
    "AsyncClaimSuite",
    "AsyncExpirySuite",
    "AsyncFifoSuite",
    "AsyncGiveBackSuite",
    "AsyncLostLeaseSuite",
    "AsyncNameSuite",
    "AsyncRefusalSuite",
    "AsyncRideSuite",
    "AsyncTimedSuite",
    "AsyncTransportSuite",
    "AsyncWaitSuite",
    "ClaimSuite",
    "ExpirySuite",
    "FifoSuite",
    "GiveBackSuite",
    "LostLeaseSuite",
    "NameSuite",
    "RefusalSuite",
    "RideSuite",
    "TimedSuite",
    "TransportSuite",
    "WaitSuite",
]


class TransportSuite(
    FifoSuite,
    NameSuite,
    ClaimSuite,
    ExpirySuite,
    LostLeaseSuite,
    GiveBackSuite,
    TimedSuite,
    WaitSuite,
    RefusalSuite,
    RideSuite,
):
    """All of the suite, for a sync transport."""


class AsyncTransportSuite(
    AsyncFifoSuite,
    AsyncNameSuite,
    AsyncClaimSuite,
    AsyncExpirySuite,
    AsyncLostLeaseSuite,
    AsyncGiveBackSuite,
    AsyncTimedSuite,
    AsyncWaitSuite,
    AsyncRefusalSuite,
    AsyncRideSuite,
):
    """All of the suite, for a transport for asyncio."""
