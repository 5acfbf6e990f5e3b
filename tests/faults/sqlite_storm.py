"""
A consumer that is interrupted at random moments: the process of ``test_sqlite_storm.py``.

    python sqlite_storm.py KIND SOURCE VERB PATH COUNT SEED

takes COUNT messages with one interruption after the other, from a signal handler (``signal``) or
from another thread (``thread``), drains the rest in peace and prints what it got, as JSON.
"""

from __future__ import annotations

import ctypes
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from queuekit import Queue, ReliableQueue
from queuekit.backends.memory import MemoryTransport
from queuekit.backends.sqlite import SQLiteTransport


class Stop(BaseException):
    pass


def by_signal(after: float, call: Callable[[], None]) -> bool:
    """Run *call* with a timer that raises in it; tell whether it did."""
    try:
        signal.setitimer(signal.ITIMER_REAL, max(after, 1e-6))
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Stop:
        return True
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Stop:  # it came at the last moment, after the call
            pass
    return False


class FromThread:
    """Raises in the main thread from another one, once for each call."""

    def __init__(self) -> None:
        self._main = threading.get_ident()
        self._armed = threading.Lock()  # what is written in Python would itself be interrupted
        self._armed.acquire()
        self._after = 0.0
        self._done = False
        sys.setswitchinterval(1e-6)
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
        while True:
            self._armed.acquire()
            end = time.perf_counter() + self._after
            while time.perf_counter() < end:
                time.sleep(0)
            raise_in(ctypes.c_ulong(self._main), ctypes.py_object(Stop))
            self._done = True

    def __call__(self, after: float, call: Callable[[], None]) -> bool:
        self._after = after
        self._done = False
        hit = False
        try:
            self._armed.release()
            call()
        except Stop:
            hit = True
        try:
            while not self._done:  # one that came too late for the call comes here
                time.sleep(0)
            for _ in range(100):
                pass
        except Stop:
            pass
        return hit


def main(kind: str, source: str, verb: str, path: str, count: str, seed: str) -> None:
    dice = random.Random(int(seed))
    transport: Any = MemoryTransport() if kind == "memory" else SQLiteTransport(path)
    bodies = [b"%06d" % n for n in range(int(count))]
    transport.push("q", bodies)
    got: list[Any] = []
    attempts: list[int] = []

    def pop() -> None:
        got.extend(transport.pop("q", limit=dice.choice((1, 1, 3)), timeout=0.01))

    fifo = Queue("q", transport, serializer="bytes")

    def get() -> None:
        got.extend(fifo.get_many(dice.choice((1, 2)), timeout=0.01))

    def claim() -> None:
        held.extend(transport.claim("q", lease=3600.0, limit=dice.choice((1, 3)), timeout=0.01))

    jobs = ReliableQueue("q", transport, serializer="bytes", lease=3600.0)

    def reliable() -> None:
        messages.extend(jobs.get_many(dice.choice((1, 2)), timeout=0.01))

    held: list[Any] = []
    messages: list[Any] = []
    call = {"pop": pop, "get": get, "claim": claim, "reliable": reliable}[verb]
    if source == "signal":
        signal.signal(signal.SIGALRM, _raise)
        interrupt: Callable[[float, Callable[[], None]], bool] = by_signal
    else:
        interrupt = FromThread()

    several = 3 if source == "signal" else 8  # it takes a while to take over

    def burst() -> None:
        for _ in range(several):
            call()

    interruptions = calls = 0
    begun = time.perf_counter()
    for _ in range(5):
        burst()
    length = (time.perf_counter() - begun) / 5
    while calls < 50 * int(count) and len(got) < int(count):
        calls += 1
        hit = interrupt(dice.uniform(0.0, length), burst)
        interruptions += hit
        length *= 1.05 if hit else 0.95  # however fast the machine is at the moment
        got += [one.body for one in held] + [one.body for one in messages]
        attempts += [one.attempt for one in held] + [one.attempt for one in messages]
        assert [] == transport.ack("q", [one.receipt for one in held + messages])
        held.clear()
        messages.clear()
    if verb == "get":  # what was kept for the next call
        while (body := fifo.get()) is not None:
            got.append(body)
    stats = transport.stats("q")
    counts = {
        "interruptions": interruptions,
        "calls": calls,
        "lost": len(set(bodies) - set(got)) - stats.ready,
        "duplicates": len(got) - len(set(got)),
        "left": [stats.ready, stats.delayed, stats.claimed],
        "attempts": sorted(set(attempts)),
    }
    print(json.dumps(counts))


def _raise(*_: object) -> None:
    raise Stop


if __name__ == "__main__":
    main(*sys.argv[1:])
