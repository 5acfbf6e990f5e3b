"""What a driver is: one method per operation, each of which moves *count* messages."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Awaitable, Callable

BULK = 100
"""Messages per call of the operations in bulk."""
PATIENCE = 60.0
"""Seconds after which a worker is called stuck."""


class Subject:
    """
    A way to queue bytes.

    The operations are the methods of this class and its children that ``cases.OPERATIONS`` names; a
    subject has those that it can do. Each takes the number of messages and a body. What it returns,
    if anything, is the seconds that it measured itself; else its caller's clock counts.
    """

    distributions: tuple[str, ...] = ()
    """Whose versions are printed."""

    def __init__(self, url: str, folder: str) -> None:
        raise NotImplementedError

    def fill(self, operation: str, count: int, body: bytes) -> None:
        """Put what *operation* will find."""
        raise NotImplementedError

    def clear(self) -> None:
        """Remove all messages."""

    def close(self) -> None:
        """Leave nothing behind."""

    def size(self) -> int | None:
        """Return how many messages are ready, or None where that cannot be asked."""
        return None

    # Between two processes: made of send and receive (FIFO) or rsend and rreceive (reliable), where
    # a subject has them. send(body) puts one message; receive(timeout) takes one for good, or None.

    def signal(self, kind: str, count: int, pause: float) -> None:
        """Put messages that say when they were put."""
        send = getattr(self, kind + "send")
        for _ in range(count):
            time.sleep(pause)
            send(b"%d" % time.monotonic_ns())

    def wait(self, kind: str, count: int) -> list[float]:
        """Return the seconds from the put to the hands of this consumer, of each message."""
        receive = getattr(self, kind + "receive")
        found: list[float] = []
        for _ in range(count):
            body = receive(20)
            if body is None:
                raise RuntimeError(f"{len(found)} of {count} messages came")
            found.append((time.monotonic_ns() - int(body)) / 1e9)
        return found

    def drain(self, kind: str) -> list[float]:
        """Take messages until none came for half a second; return when each was in hand."""
        receive = getattr(self, kind + "receive")
        found: list[float] = []
        while receive(0.5) is not None:
            found.append(time.monotonic())
        return found


class WorkerSubject(Subject):
    """
    A job queue: its worker calls a function of ours for each message.

    The rate is that from the first call to the last, so that a worker's start does not count.
    """

    def __init__(self) -> None:
        self._counter = itertools.count(1)
        self.target = 0
        self.first = self.last = 0.0
        self.latencies: list[float] | None = None
        self.times: list[float] | None = None
        self.reached = threading.Event()

    def tick(self, body: bytes | str = b"") -> None:
        """Be the job: count it."""
        now = time.monotonic_ns()
        calls = next(self._counter)  # one step, as a worker may have threads
        self.last = now / 1e9
        if calls == 1:
            self.first = self.last
        if self.times is not None:
            self.times.append(self.last)
        if self.latencies is not None:
            self.latencies.append((now - int(body)) / 1e9)
        if calls >= self.target:
            self.reached.set()

    def work(self, count: int | None) -> None:
        """Run the worker until *reached* is set: after *count* calls, or when none comes."""
        raise NotImplementedError

    def run(self, count: int, *, stamped: bool = False) -> None:
        """Run the worker and check that it did the work."""
        self.target, self.latencies = count, [] if stamped else None
        self._counter = itertools.count(1)
        self.reached.clear()
        self.work(count)
        if (calls := next(self._counter) - 1) != count:
            raise RuntimeError(f"{calls} calls of the job instead of {count}")

    def wait_for_calls(self) -> None:
        """Wait until the job was called often enough."""
        if not self.reached.wait(PATIENCE):
            raise RuntimeError(f"no {self.target} calls within {PATIENCE:.0f} s")

    async def wait_for_calls_async(self) -> None:
        """Do that in a loop."""
        end = time.monotonic() + PATIENCE
        while not self.reached.is_set():
            if time.monotonic() > end:
                raise RuntimeError(f"no {self.target} calls within {PATIENCE:.0f} s")
            await asyncio.sleep(0.005)

    def claim_ack(self, count: int, body: bytes) -> float:
        self.run(count)
        return (self.last - self.first) * count / (count - 1)

    def wait(self, kind: str, count: int) -> list[float]:
        self.run(count, stamped=True)
        return self.latencies or []

    def drain(self, kind: str) -> list[float]:
        times: list[float] = []
        self.times, self.latencies = times, None
        self.target = 1 << 60
        self.reached.clear()
        watch = threading.Thread(target=self._watch, args=[times])
        watch.start()
        self.work(None)
        watch.join()
        self.times = None
        return times

    def _watch(self, times: list[float]) -> None:
        """Say that it is reached when no call came for a second."""
        begin = time.monotonic()
        while time.monotonic() < (times[-1] + 1 if times else begin + 5):
            time.sleep(0.1)
        self.reached.set()


class TaskSubject(Subject):
    """An asyncio client, whose messages are shared out to 1, 16 or 64 tasks."""

    def put_tasks(self, count: int, body: bytes, tasks: int) -> None:
        raise NotImplementedError

    def get_tasks(self, count: int, body: bytes, tasks: int) -> None:
        raise NotImplementedError

    def claim_tasks(self, count: int, body: bytes, tasks: int) -> None:
        raise NotImplementedError

    def aput_1(self, count: int, body: bytes) -> None:
        self.put_tasks(count, body, 1)

    def aput_16(self, count: int, body: bytes) -> None:
        self.put_tasks(count, body, 16)

    def aput_64(self, count: int, body: bytes) -> None:
        self.put_tasks(count, body, 64)

    def aget_1(self, count: int, body: bytes) -> None:
        self.get_tasks(count, body, 1)

    def aget_64(self, count: int, body: bytes) -> None:
        self.get_tasks(count, body, 64)

    def aclaim_1(self, count: int, body: bytes) -> None:
        self.claim_tasks(count, body, 1)

    def aclaim_64(self, count: int, body: bytes) -> None:
        self.claim_tasks(count, body, 64)


async def share_out(some: Callable[[], Awaitable[None]], tasks: int) -> None:
    """Run as many tasks of one kind."""
    await asyncio.gather(*[some() for _ in range(tasks)])
