"""Queues and workers shared by threads; a real Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from queuekit import (
    AsyncReliableQueue,
    ConfigurationError,
    MemoryTransport,
    Queue,
    ReliableQueue,
    TransportClosed,
    _riding,
)
from queuekit._acompat import Later

from .colour import Background
from .rig import until

ENGINES = pytest.mark.parametrize("engine", [Queue, ReliableQueue])
COUNT = 400


def run(*calls: Callable[[], Any]) -> None:
    """Run all calls at once, each in its own thread, to their ends."""
    for thread in [Background(call) for call in calls]:
        thread.join()


@ENGINES
def test_threads_that_share_a_queue_get_each_message_once(engine: Any) -> None:
    queue = engine("jobs", "memory:")
    found: list[Any] = []
    over = threading.Event()

    def produce(start: int) -> None:
        for n in range(start, start + COUNT, 20):
            queue.put_many(range(n, n + 20))

    def consume() -> None:
        while not over.is_set() or queue.size():
            for item in queue.get_many(7, timeout=0.01):
                found.append(getattr(item, "body", item))
                if engine is ReliableQueue:
                    item.ack()

    consumers = [Background(consume) for _ in range(3)]
    run(lambda: produce(0), lambda: produce(COUNT))
    over.set()
    for consumer in consumers:
        consumer.join()
    assert list(range(2 * COUNT)) == sorted(found)
    assert (0, 0, 0) == queue.stats()


@ENGINES
def test_loops_of_one_worker_in_threads_work_each_message_once(engine: Any) -> None:
    queue = engine("jobs", "memory:")
    queue.put_many(range(COUNT))
    found: list[Any] = []

    @queue.worker(timeout=0.05)
    def work(item: Any) -> None:
        found.append(getattr(item, "body", item))

    run(work, work, work)
    assert list(range(COUNT)) == sorted(found)


def test_a_reliable_worker_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())  # other tests may have left some
    queue = ReliableQueue[int]("jobs", "memory:")
    queue.put(1)
    queue.worker(timeout=0)(print)()
    assert set() == set(threading.enumerate()) - before


_LEAVES = """
import os, sys
from queuekit import ReliableQueue, _riding

_riding._LONGEST = 60.0  # or a slow machine sends the acks while the process lives
jobs = ReliableQueue("jobs", sys.argv[1])
for message in jobs.consume():
    message.ack()
    break
os.environ.get("DIES") and os._exit(0)
"""


@pytest.mark.parametrize("dies", [False, True])
def test_the_end_of_the_process_sends_the_acks(tmp_path: Path, dies: bool) -> None:
    """Unless it is none that Python hears of."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    with ReliableQueue[int]("jobs", url) as jobs:
        jobs.put(1)
        environment = {**os.environ, **({"DIES": "1"} if dies else {})}
        script = [sys.executable, "-c", _LEAVES, url]
        subprocess.run(script, check=True, timeout=100, env=environment)
        assert (0, 0, int(dies)) == jobs.stats()


def test_the_end_of_the_loop_sends_the_acks(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"

    left = AsyncReliableQueue[int]("jobs", url)

    async def work() -> None:
        await left.put(1)
        async for message in left.consume():
            await message.ack()
            break

    asyncio.run(work())
    with ReliableQueue[int]("jobs", url) as jobs:
        assert (0, 0, 0) == jobs.stats()
    asyncio.run(left.aclose())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_leaves_the_acks_to_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_riding, "_LONGEST", 60.0)  # no ack is sent by itself meanwhile
    with ReliableQueue[int]("jobs", f"sqlite:///{tmp_path}/jobs.db") as jobs:
        jobs.put_many([1, 2])
        next(jobs.consume()).ack()
        child = os.fork()
        if not child:
            left = jobs.riding.flush()
            next(jobs.consume(confirm=False)).ack()
            os._exit(10 * left + len(jobs.riding._messages))
        assert 1 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert (0, 0, 2) == jobs.stats()
        assert jobs.riding.flush()
        assert (0, 0, 1) == jobs.stats()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let SIGINT do what it does at a terminal; a job in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@ENGINES
@pytest.mark.usefixtures("ctrl_c")
def test_a_real_ctrl_c_ends_a_waiting_worker_quietly(engine: Any) -> None:
    queue = engine("jobs", "memory:")
    queue.transport._features = queue.transport.features._replace(max_wait=60)
    sent: list[float] = []

    def interrupt() -> None:
        until(lambda: queue.transport.store.lines.length("jobs"))
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    sending = Background(interrupt)
    queue.worker(print)()
    sending.join()
    assert time.monotonic() - sent[0] < 30  # it did not wait to the end


@pytest.mark.usefixtures("ctrl_c")
def test_a_real_ctrl_c_in_a_handler_releases_uncounted_and_propagates() -> None:
    queue = ReliableQueue[str]("jobs", "memory:", max_attempts=1)
    queue.put("x")

    @queue.worker
    def work(message: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        work()
    message = queue.get()
    assert message is not None
    assert ("x", 1) == (message.body, message.attempt)


def test_closing_a_queue_ends_a_wait_of_another_thread_with_an_error() -> None:
    queue = Queue[str]("jobs", "memory:")
    store: Any = queue.transport
    waiting = Background(lambda: queue.get(block=True))
    until(lambda: store.store.lines.length("jobs"))
    queue.close()
    with pytest.raises(TransportClosed):
        waiting.join()


@ENGINES
def test_closing_one_of_two_queues_on_a_transport_ends_its_waits_only(engine: Any) -> None:
    store = MemoryTransport()
    store._features = store.features._replace(max_wait=0.05)
    closed, other = engine("jobs", store), engine("jobs", store)
    waiting = Background(lambda: closed.get(block=True))
    until(lambda: store.store.lines.length("jobs"))
    closed.close()
    with pytest.raises(TransportClosed):
        waiting.join()
    other.put("x")
    assert other.get() is not None


@pytest.mark.parametrize("engine", [Queue, ReliableQueue])
def test_work_that_is_only_promised_is_not_done(engine: type) -> None:
    """A coroutine hidden behind a plain function must not pass for a handler that has worked."""

    async def pay(item: object) -> None:
        raise AssertionError("nobody awaits this")

    queue = engine("hidden", MemoryTransport())
    queue.put(1)
    work = queue.worker(timeout=0)(lambda item: pay(item))
    if engine is Queue:
        with pytest.raises(ConfigurationError, match="returned a coroutine"):
            work()
    else:
        work()
        assert 1 == queue.stats().delayed, "failed, so it is tried again"


def test_what_comes_later_may_be_stopped_while_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two loops of one queue: one is at its end when the other has taken an ack."""
    later = Later(60.0, lambda: False)

    class Thread(threading.Thread):
        def start(self) -> None:
            later.stop()
            super().start()

    monkeypatch.setattr("queuekit._acompat.threading.Thread", Thread)
    later.start()
    later.stop()
