# Generated from test_serving_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""``Worker``: several at a time, limits, stops, and what its report says."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import ConfigurationError, QueueStats, ReliableQueue, RunReport, Worker
from queuekit._acompat import sleep

from .colour import MARKS, Background
from .rig import Rig, until

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


def summed(report: RunReport) -> int:
    """Return how many messages a report accounts for."""
    return report.done + report.failed + report.dead + report.released + report.lost


def test_each_message_is_handled_once_by_several_at_a_time() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(60))
    found: list[int] = []
    at_work: list[int] = []
    sizes: list[int] = []

    def handle(message: Any) -> None:
        at_work.append(message.body)
        sizes.append(len(at_work))
        until(lambda: 6 in sizes)
        sleep(0.01)
        at_work.remove(message.body)
        found.append(message.body)

    report = Worker(jobs, handle, concurrency=6, prefetch=4, timeout=0).run()
    assert list(range(60)) == sorted(found)
    assert 6 == max(sizes)
    assert RunReport("idle", 60, 60, 0, 0, 0, 0, 0) == report
    assert EMPTY == rig.counts()


def test_a_slow_handler_does_not_sit_on_what_others_could_do() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(["slow", *range(9)])
    found: list[Any] = []

    def handle(message: Any) -> None:
        if message.body == "slow":
            until(lambda: len(found) == 9)
        found.append(message.body)

    Worker(jobs, handle, concurrency=2, prefetch=10, timeout=0).run()
    assert [*range(9), "slow"] == found


def test_one_claims_for_all_that_wait() -> None:
    rig = Rig()
    rig.cut_waits(100)
    jobs = rig.jobs()

    def handle(message: Any) -> None:
        sleep(0.05)

    worker = Worker(jobs, handle, concurrency=8, max_messages=8)
    running = Background(worker.run)
    until(lambda: rig.store.store.lines.length("jobs"))  # one waits at the store
    intake = worker._intake
    assert intake is not None
    until(lambda: all(slot.wanting for slot in intake.slots))  # and the others behind it
    assert 1 == rig.flaky.calls.count("claim")
    jobs.put_many(range(8))
    assert 8 == (running.join()).done
    assert rig.flaky.calls.count("claim") <= 2  # one more than the one that was under way


def test_a_report_tells_what_became_of_each() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=2)
    jobs.put_many(["done", "fails", "rejected", "released", "acked"])

    def handle(message: Any) -> None:
        if message.body == "fails":
            raise ValueError("no")
        if message.body == "rejected":
            message.reject("no")
        if message.body == "released" and message.id not in seen:
            seen.add(message.id)
            message.release()
        if message.body == "acked":
            message.ack()

    seen: set[str] = set()
    report = Worker(jobs, handle, timeout=0).run()
    assert RunReport("idle", 6, 3, 1, 1, 1, 0, 0) == report
    rig.clock.advance(60)
    report = Worker(jobs, handle, timeout=0).run()
    assert RunReport("idle", 1, 0, 0, 1, 0, 0, 0) == report


def test_it_ends_after_so_many_messages_and_takes_no_more() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(20))

    def handle(message: Any) -> None:
        sleep(0.01)

    worker = Worker(jobs, handle, concurrency=3, prefetch=5, max_messages=7)
    report = worker.run()
    assert ("messages", 7, 7) == (report.reason, report.got, report.done)
    assert QueueStats(13, 0, 0) == rig.counts()


def test_it_ends_after_so_long_and_finishes_what_it_works_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs()
    jobs.put_many(range(2))

    def handle(message: Any) -> None:
        sleep(0.2)
        assert worker._reason is None
        rig.clock.advance(0.2)
        until(lambda: worker._reason == "seconds")
        sleep(0.05)

    worker = Worker(jobs, handle, max_seconds=0.1)
    report = worker.run()
    assert ("seconds", 1, 1) == (report.reason, report.got, report.done)
    assert QueueStats(1, 0, 0) == rig.counts()


def test_a_stop_finishes_what_is_worked_on_and_gives_back_what_was_claimed_ahead() -> None:
    rig = Rig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    jobs.put_many(range(10))
    started: list[int] = []
    finished: list[int] = []
    over: list[bool] = []

    def handle(message: Any) -> None:
        started.append(message.body)
        until(lambda: over)
        finished.append(message.body)

    worker = Worker(jobs, handle, concurrency=2, prefetch=3)
    running = Background(worker.run)
    until(lambda: len(started) == 2)
    worker.stop()
    sleep(0.1)
    over.append(True)
    report = running.join()
    assert ("stopped", 2, 2) == (report.reason, report.got, report.done)
    assert 0 == report.cut_short
    assert [0, 1] == sorted(finished)
    assert list(range(2, 10)) == [one.body for one in jobs.get_many(100)]


def test_at_the_deadline_what_is_not_done_goes_back_uncounted() -> None:
    rig = Rig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    jobs.put_many(range(4))
    kept: list[Any] = []

    def handle(message: Any) -> None:
        kept.append(message)
        while message.held:  # at each moment one of the two is about to go on
            sleep(0.002)

    worker = Worker(jobs, handle, concurrency=2, shutdown_timeout=0.2)
    running = Background(worker.run)
    until(lambda: len(kept) == 2)
    worker.stop()
    report = running.join()
    assert (2, 0, 2) == (report.got, report.done, report.released)
    found = [(one.body, one.attempt) for one in jobs.get_many(100)]
    assert [(0, 1), (1, 1), (2, 1), (3, 1)] == found
    assert not any(message.held for message in kept)


def test_a_stop_at_once_gives_back_at_once() -> None:
    rig = Rig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    jobs.put("x")
    started: list[Any] = []
    over: list[bool] = []

    def handle(message: Any) -> None:
        started.append(message)
        until(lambda: over, 100)

    worker = Worker(jobs, handle, shutdown_timeout=90)
    running = Background(worker.run)
    until(lambda: started)
    worker.stop()
    worker.stop(now=True)
    report = running.join()
    over.append(True)
    assert (1, 1) == (report.released, report.cut_short)
    assert QueueStats(1, 0, 0) == rig.counts()


def test_what_comes_while_it_stops_goes_back() -> None:
    rig = Rig()
    rig.cut_waits(0.3)
    waits = rig.note_waits()
    jobs = rig.jobs()

    def handle(message: Any) -> None:
        raise AssertionError("it is stopped")

    worker = Worker(jobs, handle)
    running = Background(worker.run)
    until(lambda: waits)
    worker.stop()
    jobs.put("x")
    assert 0 == (running.join()).got
    assert QueueStats(1, 0, 0) == rig.counts()


def test_stopped_before_it_runs_it_ends_at_once_and_can_run_again() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")

    def handle(message: Any) -> None: ...

    worker = Worker(jobs, handle, timeout=0)
    worker.stop()
    begun = time.monotonic()
    assert RunReport("stopped", 0, 0, 0, 0, 0, 0, 0) == worker.run()
    assert time.monotonic() - begun < 20
    assert 1 == (worker.run()).done


def test_it_does_not_run_twice_at_a_time() -> None:
    rig = Rig()
    rig.cut_waits(0.1)

    def handle(message: Any) -> None: ...

    worker = Worker(rig.jobs(), handle)
    running = Background(worker.run)
    until(lambda: worker._crew)
    with pytest.raises(ConfigurationError, match="runs already"):
        worker.run()
    worker.stop()
    assert "stopped" == (running.join()).reason


def test_it_waits_out_a_store_that_is_out_of_reach() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(3))
    rig.flaky.fail_next("claim", times=2)

    def handle(message: Any) -> None: ...

    worker = Worker(jobs, handle, concurrency=2, max_messages=3)
    assert 3 == (worker.run()).done


def test_an_error_that_cannot_pass_ends_it_after_what_it_works_on() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    finished: list[Any] = []

    def handle(message: Any) -> None:
        rig.flaky.fail_next("claim", error=ZeroDivisionError("broken"))
        sleep(0.2)
        finished.append(message.body)

    with pytest.raises(ZeroDivisionError):
        Worker(jobs, handle, concurrency=2, prefetch=1).run()
    assert ["x"] == finished
    assert EMPTY == rig.counts()


def test_with_a_timeout_of_zero_it_stays_while_handlers_may_put_more() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("first")
    at_work: list[Any] = []

    def handle(message: Any) -> None:
        if message.body == "first":
            sleep(0.3)
            jobs.put_many(["second"] * 3)
        else:
            at_work.append(message)
            until(lambda: len(at_work) == 3)  # all are still there

    report = Worker(jobs, handle, concurrency=3, timeout=0).run()
    assert (4, 3) == (report.done, len(at_work))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"prefetch": 0}, "prefetch"),
        ({"timeout": -1}, "timeout"),
        ({"max_messages": 0}, "max_messages"),
        ({"max_seconds": 0}, "max_seconds"),
        ({"shutdown_timeout": -1}, "shutdown_timeout"),
        ({"order": "random"}, "order"),
        ({"order": {"other": 1}}, "'other'"),
        ({"order": {"jobs": 0}}, "weight"),
        ({"order": {"jobs": "1"}}, "weight"),
        ({"hooks": print}, "Hooks"),
        ({"batch": 5}, "Batch"),
        ({"max_time": 0}, "max_time"),
        ({"max_time": 5, "prefetch": 2}, "prefetch"),
    ],
)
def test_bad_options_are_refused_when_it_is_built(options: Any, words: str) -> None:
    def handle(message: Any) -> None: ...

    with pytest.raises(ConfigurationError, match=words):
        Worker(Rig().jobs(), handle, **options)


def test_queues_and_handlers_of_a_wrong_kind_are_refused() -> None:
    def handle(message: Any) -> None: ...

    rig = Rig()
    queues: list[Any] = [[], rig.queue(), [rig.jobs(), rig.queue()], "jobs", None]
    for queue in queues:
        with pytest.raises(ConfigurationError):
            Worker(queue, handle)
    jobs: ReliableQueue[Any] = rig.jobs()
    nothing: Any = None
    with pytest.raises(ConfigurationError, match="handler"):
        Worker(jobs, nothing)
