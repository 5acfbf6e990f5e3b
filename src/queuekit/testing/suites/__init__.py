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
    "priorities",
    "groups",
    "group_moves",
    "dedup",
    "marks",
    "bounds",
    "limits",
    "wakes",
    "delaying",
)
pytest.register_assert_rewrite(  # before the imports, or it has no effect
    *(f"{__name__}.{part}{colour}" for part in _PARTS for colour in ("", "_async"))
)

from .bounds import BoundSuite
from .bounds_async import AsyncBoundSuite
from .claims import ClaimSuite
from .claims_async import AsyncClaimSuite
from .dedup import DedupSuite
from .dedup_async import AsyncDedupSuite
from .delaying import DelayingSuite
from .delaying_async import AsyncDelayingSuite
from .expiry import ExpirySuite
from .expiry_async import AsyncExpirySuite
from .fifo import FifoSuite
from .fifo_async import AsyncFifoSuite
from .give_back import GiveBackSuite
from .give_back_async import AsyncGiveBackSuite
from .group_moves import GroupMoveSuite
from .group_moves_async import AsyncGroupMoveSuite
from .groups import GroupSuite
from .groups_async import AsyncGroupSuite
from .limits import LimitSuite
from .limits_async import AsyncLimitSuite
from .lost import LostLeaseSuite
from .lost_async import AsyncLostLeaseSuite
from .marks import MarkSuite
from .marks_async import AsyncMarkSuite
from .names import NameSuite
from .names_async import AsyncNameSuite
from .priorities import PrioritySuite
from .priorities_async import AsyncPrioritySuite
from .refusals import RefusalSuite
from .refusals_async import AsyncRefusalSuite
from .rides import RideSuite
from .rides_async import AsyncRideSuite
from .timed import TimedSuite
from .timed_async import AsyncTimedSuite
from .waits import WaitSuite
from .waits_async import AsyncWaitSuite
from .wakes import WakeSuite
from .wakes_async import AsyncWakeSuite

__all__ = [
    "AsyncBoundSuite",
    "AsyncClaimSuite",
    "AsyncDedupSuite",
    "AsyncDelayingSuite",
    "AsyncExpirySuite",
    "AsyncFifoSuite",
    "AsyncGiveBackSuite",
    "AsyncGroupMoveSuite",
    "AsyncGroupSuite",
    "AsyncLimitSuite",
    "AsyncLostLeaseSuite",
    "AsyncMarkSuite",
    "AsyncNameSuite",
    "AsyncPrioritySuite",
    "AsyncRefusalSuite",
    "AsyncRideSuite",
    "AsyncTimedSuite",
    "AsyncTransportSuite",
    "AsyncWaitSuite",
    "AsyncWakeSuite",
    "BoundSuite",
    "ClaimSuite",
    "DedupSuite",
    "DelayingSuite",
    "ExpirySuite",
    "FifoSuite",
    "GiveBackSuite",
    "GroupMoveSuite",
    "GroupSuite",
    "LimitSuite",
    "LostLeaseSuite",
    "MarkSuite",
    "NameSuite",
    "PrioritySuite",
    "RefusalSuite",
    "RideSuite",
    "TimedSuite",
    "TransportSuite",
    "WaitSuite",
    "WakeSuite",
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
    PrioritySuite,
    GroupSuite,
    GroupMoveSuite,
    DedupSuite,
    MarkSuite,
    BoundSuite,
    LimitSuite,
    WakeSuite,
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
    AsyncPrioritySuite,
    AsyncGroupSuite,
    AsyncGroupMoveSuite,
    AsyncDedupSuite,
    AsyncMarkSuite,
    AsyncBoundSuite,
    AsyncLimitSuite,
    AsyncWakeSuite,
):
    """All of the suite, for a transport for asyncio."""
