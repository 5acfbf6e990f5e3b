# unasync: source
"""A store whose clock is in the test's hand and that fails on request, and queues on it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

import queuekit._keeping_async  # noqa: F401 - loaded later it would miss ``stop_time``
from queuekit import (
    AsyncMemoryTransport,
    AsyncMessage,
    AsyncQueue,
    AsyncReliableQueue,
    QueueStats,
)
from queuekit._acompat import asleep
from queuekit.testing import AsyncFlakyTransport, FakeClock

NAME = "jobs"
BOTH = pytest.mark.parametrize("kind", ["queue", "jobs"])
"""Run a test for both engines: ``rig.build(kind)``."""


class Time:
    """The module ``time``, but its monotonic clock is in the test's hand."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def monotonic(self) -> float:
        return self._clock()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


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

    def stop_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Have the library tell the time by the store's clock, too, which only the test moves on.

        Then no lease and no timeout ends because the machine was slow. What sleeps does so really:
        heartbeats come as often as ever.
        """
        clock = Time(self.clock)
        for name, module in list(sys.modules.items()):
            if name.startswith("queuekit") and getattr(module, "time", None) is time:
                monkeypatch.setattr(module, "time", clock)

    def note_waits(self) -> list[float]:
        """Return a list that gets how long the store may wait, at each call that takes."""
        waits: list[float] = []

        def noting(call: Any) -> Any:
            async def asked(*arguments: Any, **options: Any) -> Any:
                waits.append(options.get("timeout", 0.0))
                return await call(*arguments, **options)

            return asked

        for method in ("pop", "claim", "ack_and_claim"):
            setattr(self.flaky, method, noting(getattr(self.flaky, method)))
        return waits

    def note_renewals(self) -> list[int]:
        """Return a list that gets how many receipts were extended, after each extension."""
        sizes: list[int] = []
        extend = self.flaky.extend

        async def noted(queue: str, receipts: Any, *, lease: float) -> Any:
            lost = await extend(queue, receipts, lease=lease)
            sizes.append(len(receipts))
            return lost

        self.flaky.extend = noted
        return sizes

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


async def until(is_so: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until it is so: another thread (task) has to come there, however slow it is."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"still not so after {seconds} s"
        await asleep(0.002)


async def renewed(sizes: list[int]) -> None:
    """Wait until the heartbeat has renewed at the present time; see ``note_renewals``."""
    seen = len(sizes)
    await until(lambda: len(sizes) >= seen + 2)  # the first one may have begun before


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
