"""The stores that the state machine runs on."""

from __future__ import annotations

import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import redis
from conformance.harnesses import RedisHarness

from queuekit.backends._memory_store import Store
from queuekit.backends.memory import MemoryTransport
from queuekit.testing import FakeClock, MovableClock


class _Clocked:
    def __init__(self) -> None:
        self.clock: FakeClock = FakeClock(1000.0)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def tick(self) -> None:
        self.clock.advance(0.01)

    def close(self) -> None:
        pass


class MemorySubject(_Clocked):
    def __init__(self, store: type[Store] = Store) -> None:
        super().__init__()
        self.store = store(self.clock)

    def new(self) -> MemoryTransport:
        transport = MemoryTransport(clock=self.clock)
        transport.store = self.store
        return transport


class SQLiteSubject(_Clocked):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(prefix="queuekit-test-")

    def new(self) -> Any:
        from queuekit.backends.sqlite import SQLiteTransport

        return SQLiteTransport(Path(self.directory.name) / "queue.db", clock=self.clock)

    def close(self) -> None:
        self.directory.cleanup()


class RedisSubject(_Clocked):
    def __init__(self, url: str, client: redis.Redis) -> None:
        super().__init__()
        self.clock = MovableClock()  # as the server's: what a step takes counts for both
        self.harness = RedisHarness(url, client, f"t{uuid.uuid4().hex[:12]}")

    def new(self) -> Any:
        return self.harness.new()

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        self.harness.pass_time(seconds)

    def tick(self) -> None:
        time.sleep(0.002)  # two deadlines of the server are never the same

    def close(self) -> None:
        self.harness.close()
