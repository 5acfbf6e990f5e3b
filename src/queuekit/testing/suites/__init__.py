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
pytest.register_assert_rewrite(
    *(f"{__name__}.{part}{colour}" for part in _PARTS for colour in ("", "_async"))
)

from .bounds import BoundSuite  # noqa: E402
from .bounds_async import AsyncBoundSuite  # noqa: E402
from .claims import ClaimSuite  # noqa: E402 - the line above comes first, or it has no effect
from .claims_async import AsyncClaimSuite  # noqa: E402
from .dedup import DedupSuite  # noqa: E402
from .dedup_async import AsyncDedupSuite  # noqa: E402
from .delaying import DelayingSuite  # noqa: E402
from .delaying_async import AsyncDelayingSuite  # noqa: E402
from .expiry import ExpirySuite  # noqa: E402
from .expiry_async import AsyncExpirySuite  # noqa: E402
from .fifo import FifoSuite  # noqa: E402
from .fifo_async import AsyncFifoSuite  # noqa: E402
from .give_back import GiveBackSuite  # noqa: E402
from .give_back_async import AsyncGiveBackSuite  # noqa: E402
from .group_moves import GroupMoveSuite  # noqa: E402
from .group_moves_async import AsyncGroupMoveSuite  # noqa: E402
from .groups import GroupSuite  # noqa: E402
from .groups_async import AsyncGroupSuite  # noqa: E402
from .limits import LimitSuite  # noqa: E402
from .limits_async import AsyncLimitSuite  # noqa: E402
from .lost import LostLeaseSuite  # noqa: E402
from .lost_async import AsyncLostLeaseSuite  # noqa: E402
from .marks import MarkSuite  # noqa: E402
from .marks_async import AsyncMarkSuite  # noqa: E402
from .names import NameSuite  # noqa: E402
from .names_async import AsyncNameSuite  # noqa: E402
from .priorities import PrioritySuite  # noqa: E402
from .priorities_async import AsyncPrioritySuite  # noqa: E402
from .refusals import RefusalSuite  # noqa: E402
from .refusals_async import AsyncRefusalSuite  # noqa: E402
from .rides import RideSuite  # noqa: E402
from .rides_async import AsyncRideSuite  # noqa: E402
from .timed import TimedSuite  # noqa: E402
from .timed_async import AsyncTimedSuite  # noqa: E402
from .waits import WaitSuite  # noqa: E402
from .waits_async import AsyncWaitSuite  # noqa: E402
from .wakes import WakeSuite  # noqa: E402
from .wakes_async import AsyncWakeSuite  # noqa: E402

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
