"""The SQLite transport."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from queuekit.testing.suites import TransportSuite

from .harnesses import SQLiteHarness


class TestSQLite(TransportSuite):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[SQLiteHarness]:
        with SQLiteHarness(tmp_path).closing() as harness:
            yield harness
