# Generated from test_batches_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Batch handlers: which messages come together, and what becomes of each."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import (
    Batch,
    ConfigurationError,
    QueueStats,
    ReliableQueue,
    RunReport,
    Worker,
)
from queuekit._acompat import sleep

from .colour import MARKS, Background
from .rig import Rig, until

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


def test_a_batch_is_acked_in_one_trip() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(250))
    sizes: list[int] = []

    def handle(messages: list[Any]) -> None:
        sizes.append(len(messages))

    report = Worker(jobs, handle, batch=Batch(100, wait=0.05), timeout=0).run()
    assert [100, 100, 50] == sizes
    assert RunReport("idle", 250, 250, 0, 0, 0, 0, 0) == report
    assert 3 == rig.flaky.calls.count("ack")
    assert EMPTY == rig.counts()


def test_the_first_one_waits_for_others_up_to_its_time() -> None:
    rig = Rig()
    jobs = rig.jobs(lease=600)
    found: list[list[int]] = []

    def handle(messages: list[Any]) -> None:
        found.append([message.body for message in messages])

    worker = Worker(jobs, handle, batch=Batch(3, wait=120), max_messages=5)
    running = Background(worker.run)
    for number in range(4):
        jobs.put(number)
        sleep(0.02)
    until(lambda: found)
    sleep(0.2)
    assert [[0, 1, 2]] == found  # the fourth waits for more
    jobs.put(4)  # which makes as many as it may take
    running.join()  # long before its time
    assert [[0, 1, 2], [3, 4]] == found


def test_what_the_handler_settled_stays_so_and_the_rest_is_acked() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(["ok", "bad", "later", "again", "ok"])

    def handle(messages: list[Any]) -> None:
        for message in messages:
            if message.body == "bad":
                message.reject("no")
            elif message.body == "later":
                message.fail(delay=50)
            elif message.body == "again":
                message.release()

    worker = Worker(jobs, handle, batch=Batch(5, wait=0), max_messages=5)
    assert RunReport("messages", 5, 2, 1, 1, 1, 0, 0) == worker.run()
    assert QueueStats(1, 1, 0) == rig.counts()
    assert 1 == jobs.dead.size()


def test_when_it_raises_the_rest_fails_each_by_its_policy() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=2)
    jobs.put("old")
    first = jobs.get()
    assert first is not None
    first.fail(delay=0)
    jobs.put("new")
    seen: list[list[Any]] = []

    def handle(messages: list[Any]) -> None:
        seen.append([message.body for message in messages])
        raise ValueError("none of them")

    worker = Worker(jobs, handle, batch=Batch(5, wait=0), max_messages=2)
    assert RunReport("messages", 2, 0, 1, 1, 0, 0, 0) == worker.run()
    assert [["old"], ["new"]] == seen  # on its last attempt a message is alone
    assert QueueStats(0, 1, 0) == rig.counts()
    (letter,) = jobs.dead.letters()
    assert "ValueError: none of them" == letter.reason


def test_batches_of_several_queues_are_not_mixed() -> None:
    store = Rig().flaky
    queues = [ReliableQueue[Any](name, store) for name in ("a", "b")]
    for queue in queues:
        queue.put_many([queue.name] * 3)
    found: list[str] = []

    def handle(messages: list[Any]) -> None:
        found.append("".join(message.body for message in messages))

    Worker(queues, handle, batch=Batch(10, wait=0.05), timeout=0).run()
    assert ["aaa", "bbb"] == found


def test_a_stop_at_the_deadline_gives_a_batch_back_in_order() -> None:
    rig = Rig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    jobs.put_many(range(6))
    started: list[Any] = []
    over: list[bool] = []

    def handle(messages: list[Any]) -> None:
        messages[1].ack()
        started.append(messages)
        until(lambda: over, 100)

    worker = Worker(jobs, handle, batch=Batch(4, wait=0), shutdown_timeout=0.1)
    running = Background(worker.run)
    until(lambda: started)
    worker.stop()
    report = running.join()
    over.append(True)
    assert (4, 3) == (report.got, report.released)
    assert [0, 2, 3, 4, 5] == [one.body for one in jobs.get_many(9)]


def test_one_lost_lease_does_not_stand_in_the_way_of_the_others() -> None:
    rig = Rig()
    jobs = rig.jobs(lease=20)
    jobs.put_many(range(3))

    def handle(messages: list[Any]) -> None:
        rig.store.release("jobs", [messages[1].receipt], counted=False)

    worker = Worker(jobs, handle, batch=Batch(3, wait=0), max_messages=3)
    assert RunReport("messages", 3, 2, 0, 0, 0, 1, 0) == worker.run()
    assert QueueStats(1, 0, 0) == rig.counts()


@pytest.mark.parametrize(
    ("size", "wait"), [(0, 1), (1001, 1), (1, -1), (1, float("nan")), ("1", 1)]
)
def test_a_bad_batch_is_refused(size: Any, wait: Any) -> None:
    with pytest.raises(ConfigurationError):
        Batch(size, wait)


def test_a_wait_that_eats_up_the_lease_is_refused() -> None:
    def handle(messages: list[Any]) -> None: ...

    with pytest.raises(ConfigurationError, match="lease of at least 4 s"):
        Worker(Rig().jobs(lease=3), handle, batch=Batch(5, wait=1))
