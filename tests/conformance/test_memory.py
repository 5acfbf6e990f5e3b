"""
The memory transport, both colours.

With a clock that can be moved its waiters look again by themselves, so waiting is tested on the
real clock as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from queuekit.backends.memory import AsyncMemoryTransport, MemoryTransport
from queuekit.testing.suites import (
    AsyncTransportSuite,
    AsyncWaitSuite,
    AsyncWakeSuite,
    TransportSuite,
    WaitSuite,
    WakeSuite,
)
from queuekit.testing.suites.samples import QUEUE, numbered
from queuekit.testing.suites.waits import AT_ONCE, WAKES, taker
from queuekit.testing.suites.waits_async import begun, take_one

from .harnesses import AsyncMemoryHarness, MemoryHarness


class TestMemory(TransportSuite):
    @pytest.fixture
    def harness(self) -> Iterator[MemoryHarness]:
        with MemoryHarness().closing() as harness:
            yield harness


@pytest.mark.asyncio
class TestAsyncMemory(AsyncTransportSuite):
    @pytest_asyncio.fixture
    async def harness(self) -> AsyncIterator[AsyncMemoryHarness]:
        async with AsyncMemoryHarness().closing() as harness:
            yield harness


class TestMemoryOnTheRealClock(WaitSuite, WakeSuite):
    @pytest.fixture
    def harness(self) -> Iterator[MemoryHarness]:
        harness = MemoryHarness()
        harness.clock = time.monotonic
        with harness.closing():
            yield harness


@pytest.mark.asyncio
class TestAsyncMemoryOnTheRealClock(AsyncWaitSuite, AsyncWakeSuite):
    @pytest_asyncio.fixture
    async def harness(self) -> AsyncIterator[AsyncMemoryHarness]:
        harness = AsyncMemoryHarness()
        harness.clock = time.monotonic
        async with harness.closing():
            yield harness


@pytest.mark.asyncio
async def test_both_colours_share_a_store_and_wake_each_other() -> None:
    sync = MemoryTransport()
    mine = AsyncMemoryTransport(shared_with=sync)
    took = 0.0
    for body in numbered(WAKES):
        task = await begun(take_one(mine, "pop"))
        start = time.monotonic()
        sync.push(QUEUE, [body])
        woken, found = await task
        assert [body] == found
        took += woken - start
    assert took < AT_ONCE
    took = 0.0
    for body in numbered(WAKES):
        thread = await begun(asyncio.to_thread(taker(sync, "pop")))
        start = time.monotonic()
        await mine.push(QUEUE, [body])
        woken, found = await thread
        assert [body] == found
        took += woken - start
    assert took < AT_ONCE
