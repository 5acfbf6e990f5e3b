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
    task = asyncio.ensure_future(mine.pop("q", timeout=1.0))
    await asyncio.sleep(0.05)
    sync.push("q", [b"to the task"])
    assert [b"to the task"] == await asyncio.wait_for(task, 0.5)
    thread = asyncio.get_running_loop().run_in_executor(None, lambda: sync.pop("q", timeout=1.0))
    await asyncio.sleep(0.05)
    await mine.push("q", [b"to the thread"])
    assert [b"to the thread"] == await asyncio.wait_for(thread, 0.5)
