"""The stores that the state machine runs on."""

from __future__ import annotations

import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import redis
from conformance.harnesses import RedisHarness

from queuekit.backends._memory_store import Store
from queuekit.backends.memory import MemoryTransport
from queuekit.testing import FakeClock, MovableClock
from queuekit.transport import NO_OPTIONS, PushOptions


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


LONGER = 100
"""How many of the server's seconds are one of the machine's."""


class Longer:
    """
    A transport whose seconds are longer, so that nothing ends while a step is slow.

    The model is asked a moment before the server. What the machine lets end half a second before or
    after a step would end in between, if the process stood still for so long.
    """

    def __init__(self, transport: Any) -> None:
        self.transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def push(
        self, queue: str, bodies: Any, *, options: PushOptions = NO_OPTIONS, **how: Any
    ) -> Any:
        dedup = options.dedup and options.dedup._replace(window=options.dedup.window * LONGER)
        options = replace(options, delay=options.delay * LONGER, dedup=dedup)
        return self.transport.push(queue, bodies, options=options, **how)

    def claim(self, queue: str, *, lease: float, limit: int) -> Any:
        return self.transport.claim(queue, lease=lease * LONGER, limit=limit)

    def extend(self, queue: str, receipts: Any, *, lease: float) -> Any:
        return self.transport.extend(queue, receipts, lease=lease * LONGER)

    def release(self, queue: str, receipts: Any, *, counted: bool, delay: float = 0.0) -> Any:
        return self.transport.release(queue, receipts, counted=counted, delay=delay * LONGER)

    def mark(self, queue: str, key: str, value: str, *, window: float) -> Any:
        return self.transport.mark(queue, key, value, window=window * LONGER)


class RedisSubject(_Clocked):
    def __init__(self, url: str, client: redis.Redis) -> None:
        super().__init__()
        # as the server's: what a step takes counts for both
        self.clock = MovableClock(lambda: time.monotonic() / LONGER)
        self.harness = RedisHarness(url, client, f"t{uuid.uuid4().hex[:12]}")

    def new(self) -> Any:
        return Longer(self.harness.new())

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        self.harness.pass_time(seconds * LONGER)

    def tick(self) -> None:
        time.sleep(0.001)  # two deadlines of the server are never the same

    def close(self) -> None:
        self.harness.close()
