"""Blocking transports made async: SQLite, and one that has never heard of asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from queuekit.testing.suites import AsyncTransportSuite

from .harnesses import AsyncSQLiteHarness, ThreadedMemoryHarness


@pytest.mark.asyncio
class TestAsyncSQLite(AsyncTransportSuite):
    @pytest_asyncio.fixture
    async def harness(self, tmp_path: Path) -> AsyncIterator[AsyncSQLiteHarness]:
        async with AsyncSQLiteHarness(tmp_path).closing() as harness:
            yield harness


@pytest.mark.asyncio
class TestThreadedMemory(AsyncTransportSuite):
    @pytest_asyncio.fixture
    async def harness(self) -> AsyncIterator[ThreadedMemoryHarness]:
        async with ThreadedMemoryHarness().closing() as harness:
            yield harness
