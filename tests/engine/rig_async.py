# unasync: source
"""A store whose clock is in the test's hand and that fails on request, and queues on it."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from queuekit import (
    AsyncMemoryTransport,
    AsyncMessage,
    AsyncQueue,
    AsyncReliableQueue,
    QueueStats,
)
from queuekit.testing import AsyncFlakyTransport, FakeClock

NAME = "jobs"
BOTH = pytest.mark.parametrize("kind", ["queue", "jobs"])
"""Run a test for both engines: ``rig.build(kind)``."""


class AsyncRig:
    """One store; the queues of both engines that it makes have the same name."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = AsyncMemoryTransport(clock=self.clock)
        self.flaky = AsyncFlakyTransport(self.store)

    def queue(self, **options: Any) -> AsyncQueue[Any]:
        return AsyncQueue(NAME, self.flaky, **options)

    def jobs(self, **options: Any) -> AsyncReliableQueue[Any]:
        return AsyncReliableQueue(NAME, self.flaky, **options)

    def build(self, kind: str, **options: Any) -> AsyncQueue[Any] | AsyncReliableQueue[Any]:
        return self.queue(**options) if kind == "queue" else self.jobs(**options)

    def use_real_time(self) -> None:
        """Let leases and delays run out by themselves."""
        self.store.store.clock = time.monotonic

    def cut_waits(self, seconds: float) -> None:
        """Let the store wait no longer than so at a time."""
        self.store._features = self.store.features._replace(max_wait=seconds)

    async def push(self, *bodies: bytes, queue: str = NAME) -> None:
        """Store bytes as a program without this library would."""
        await self.store.push(queue, bodies)

    async def raw(self, queue: str = NAME) -> list[bytes]:
        """Return the bytes of what is ready."""
        return await self.store.peek(queue, limit=1000)

    async def counts(self, queue: str = NAME) -> QueueStats:
        return await self.store.stats(queue)


async def take(jobs: AsyncReliableQueue[Any]) -> AsyncMessage[Any]:
    """Return the message that must be there."""
    message = await jobs.get()
    assert message is not None
    return message


async def drain(jobs: AsyncReliableQueue[Any]) -> list[Any]:
    """Ack everything that is ready and return the bodies."""
    messages = await jobs.get_many(1000)
    await jobs.ack(*messages)
    return [message.body for message in messages]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the library has logged as an error."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "queuekit" and record.levelno >= logging.ERROR
    ]
