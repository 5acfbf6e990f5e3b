# Generated from rig_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A store whose clock is in the test's hand and that fails on request, and queues on it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

import queuekit._keeping  # noqa: F401 - loaded later it would miss ``stop_time``
from queuekit import (
    MemoryTransport,
    Message,
    Queue,
    QueueStats,
    ReliableQueue,
)
from queuekit._acompat import sleep
from queuekit.testing import FakeClock, FlakyTransport

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


class Rig:
    """One store; the queues of both engines that it makes have the same name."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryTransport(clock=self.clock)
        self.flaky = FlakyTransport(self.store)

    def queue(self, **options: Any) -> Queue[Any]:
        return Queue(NAME, self.flaky, **options)

    def jobs(self, **options: Any) -> ReliableQueue[Any]:
        return ReliableQueue(NAME, self.flaky, **options)

    def build(self, kind: str, **options: Any) -> Queue[Any] | ReliableQueue[Any]:
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
            def asked(*arguments: Any, **options: Any) -> Any:
                waits.append(options.get("timeout", 0.0))
                return call(*arguments, **options)

            return asked

        for method in ("pop", "claim", "ack_and_claim"):
            setattr(self.flaky, method, noting(getattr(self.flaky, method)))
        return waits

    def note_renewals(self) -> list[int]:
        """Return a list that gets how many receipts were extended, after each extension."""
        sizes: list[int] = []
        extend = self.flaky.extend

        def noted(queue: str, receipts: Any, *, lease: float) -> Any:
            lost = extend(queue, receipts, lease=lease)
            sizes.append(len(receipts))
            return lost

        self.flaky.extend = noted
        return sizes

    def cut_waits(self, seconds: float) -> None:
        """Let the store wait no longer than so at a time."""
        self.store._features = self.store.features._replace(max_wait=seconds)

    def push(self, *bodies: bytes, queue: str = NAME) -> None:
        """Store bytes as a program without this library would."""
        self.store.push(queue, bodies)

    def raw(self, queue: str = NAME) -> list[bytes]:
        """Return the bytes of what is ready."""
        return self.store.peek(queue, limit=1000)

    def counts(self, queue: str = NAME) -> QueueStats:
        return self.store.stats(queue)


def until(is_so: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until it is so: another thread (task) has to come there, however slow it is."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"still not so after {seconds} s"
        sleep(0.002)


def renewed(sizes: list[int]) -> None:
    """Wait until the heartbeat has renewed at the present time; see ``note_renewals``."""
    seen = len(sizes)
    until(lambda: len(sizes) >= seen + 2)  # the first one may have begun before


def take(jobs: ReliableQueue[Any]) -> Message[Any]:
    """Return the message that must be there."""
    message = jobs.get()
    assert message is not None
    return message


def drain(jobs: ReliableQueue[Any]) -> list[Any]:
    """Ack everything that is ready and return the bodies."""
    messages = jobs.get_many(1000)
    jobs.ack(*messages)
    return [message.body for message in messages]


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the library has logged as an error."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "queuekit" and record.levelno >= logging.ERROR
    ]
