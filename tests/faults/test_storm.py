"""
Exceptions in the middle of a sync get (A2), from a signal handler or from another thread.

``list.extend(iter(get, None))`` calls ``get`` and keeps what it returns without a step of Python
between the two: what is missing afterwards was lost within ``get``.
"""

from __future__ import annotations

import ctypes
import random
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import pytest

from queuekit import Queue, ReliableQueue

from .cells import warm

pytestmark = [
    pytest.mark.redis,
    # What is raised within redis-py's connect leaves its socket to the collector, and what is
    # raised within a finalizer Python itself swallows.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LEASE = 600.0
"""Longer than a test: what an interrupted claim took must have been given back."""
PAUSE = 0.006
"""Seconds, at most, between two interruptions."""


class Interrupt(BaseException):
    """Raised into a get, as KeyboardInterrupt would be."""


class Armed:
    """Says whether an interruption may come now; each one disarms."""

    def __init__(self) -> None:
        self.now = False
        self.over = False
        self.end: Callable[[], object]
        """Lets none come any more: when it returns, the last one has been raised, or is now."""


@contextmanager
def by_signals(armed: Armed, chance: random.Random) -> Iterator[None]:
    """Raise in this thread by a timer, time and again."""

    def interrupt(*_: object) -> None:
        if armed.over:  # a timer that is set now would go off without this handler
            return
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0005, PAUSE))
        if armed.now:
            armed.now = False
            raise Interrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    armed.end = partial(signal.setitimer, signal.ITIMER_REAL, 0)
    try:
        signal.setitimer(signal.ITIMER_REAL, PAUSE)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def by_a_thread(armed: Armed, chance: random.Random) -> Iterator[None]:
    """Raise in this thread from another one, time and again."""
    target, stop = threading.get_ident(), threading.Event()
    throw = ctypes.pythonapi.PyThreadState_SetAsyncExc
    where, what = ctypes.c_ulong(target), ctypes.py_object(Interrupt)

    def interrupt() -> None:
        while not stop.wait(chance.uniform(0.0005, PAUSE)):
            if armed.now:
                armed.now = False
                throw(where, what)  # no other call before it, or it could come to one rearmed

    def end() -> None:
        stop.set()
        thread.join()

    thread = threading.Thread(target=interrupt)
    armed.end = end
    thread.start()
    try:
        yield
    finally:
        end()


def storm(
    queue: Any, url: str, count: int, chance: random.Random, ways: Callable[..., Any]
) -> tuple[list[Any], Counter[str]]:
    """Return what came, and where the interruptions hit."""
    came: list[Any] = []
    hits: Counter[str] = Counter()
    done = threading.Event()

    def put() -> None:
        with closing(Queue[int]("q", url)) as producer:
            for i in range(count):
                producer.put(i)
                time.sleep(chance.uniform(0, 0.001))
        done.set()

    producer = threading.Thread(target=put)
    producer.start()
    get = partial(queue.get, timeout=0.05)
    armed = Armed()
    with ways(armed, chance):
        over = False
        while not over:  # a call here could be interrupted, too
            try:
                while not done.is_set():
                    armed.now = True
                    came.extend(iter(get, None))
                armed.over, armed.now = True, False
                armed.end()
                time.sleep(0.001)  # one that was on its way comes now
                over = True
            except Interrupt as exc:
                hits[_where(exc)] += 1
    producer.join()
    return came, hits


def _where(exc: BaseException) -> str:
    """Return the line of ours in which an interruption hit."""
    for frame in reversed(traceback.extract_tb(exc.__traceback__)):
        if "queuekit" in frame.filename:
            return f"{frame.filename.rsplit('queuekit/', 1)[-1]}:{frame.lineno} in {frame.name}"
    return "elsewhere"


def drained(queue: Any) -> list[Any]:
    return list(iter(partial(queue.get, timeout=0.0), None))


def run(
    way: str, ways: Any, url: str, count: int, chance: random.Random, tell: Callable[[str], None]
) -> None:
    if way == "FIFO":
        queue: Any = Queue[int]("q", url)
    else:
        queue = ReliableQueue[int]("q", url, lease=LEASE)
    warm(url)  # or the first interruption may hit the reading of the scripts' files
    with closing(queue):
        came, hits = storm(queue, url, count, chance, ways)
        came += drained(queue)
        bodies = came if way == "FIFO" else [one.body for one in came]
        lost = sorted(set(range(count)) - set(bodies))
        within = sum(hits.values()) - hits["elsewhere"]
        said = f"{len(lost)} of {count} lost, {within} gets interrupted"
        print(said, *hits.most_common(), sep="\n  ", file=sys.stderr)
        tell(f"storm, sync, {way}, interrupted {ways.__name__.replace('_', ' ')}: {said}")
        assert within >= max(2, count // 500), f"{said}: too few to show anything"
        assert not lost, said
        assert len(bodies) == count, "some came twice"
        assert sorted(bodies) == bodies
        if way == "reliable":
            assert {1} == {one.attempt for one in came}
            queue.ack(*came)
        assert (0, 0, 0) == queue.stats()


WAYS = pytest.mark.parametrize("way", ["FIFO", "reliable"])
INTERRUPTIONS = pytest.mark.parametrize("interruptions", [by_signals, by_a_thread])


@WAYS
@INTERRUPTIONS
def test_interrupted_gets_lose_nothing(
    redis_url: str,
    redis_prefix: str,
    chance: random.Random,
    tell: Any,
    way: str,
    interruptions: Any,
) -> None:
    run(way, interruptions, f"{redis_url}?prefix={redis_prefix}", 200, chance, tell)


@pytest.mark.t2
@pytest.mark.timeout(300)
@WAYS
@INTERRUPTIONS
def test_ten_thousand_interrupted_gets_lose_nothing(
    redis_url: str,
    redis_prefix: str,
    chance: random.Random,
    tell: Any,
    way: str,
    interruptions: Any,
) -> None:
    run(way, interruptions, f"{redis_url}?prefix={redis_prefix}", 10_000, chance, tell)
