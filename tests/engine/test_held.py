# Generated from test_held_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""``message.held``, the heartbeat of a worker, and leases that are lost for all that."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import Batch, Hooks, LeaseLost, QueueStats, RetryPolicy, RunReport, Worker
from queuekit._acompat import sleep

from .colour import MARKS
from .rig import Rig, take

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


class Lost(Hooks):
    """Remembers what was lost."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []

    def lease_lost(self, message: Any, seconds: float) -> None:
        self.bodies.append(message.body)


def test_a_message_is_held_until_it_is_settled() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(4))
    for verb in ("ack", "fail", "release", "reject"):
        message = take(jobs)
        assert message.held
        (message.reject("no") if verb == "reject" else getattr(message, verb)())
        assert not message.held
    for message in jobs.consume(timeout=0):
        assert message.held
        message.ack()
        assert not message.held


def test_a_message_is_held_until_its_lease_may_have_run_out() -> None:
    jobs = Rig().jobs(lease=0.3)
    jobs.put("x")
    message = take(jobs)
    assert message.held
    sleep(0.31)
    assert not message.held  # though the store's clock stands still: it is this process's that says
    message.extend(lease=5)
    assert message.held


def test_a_message_that_was_lost_is_not_held() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    message = take(jobs)
    rig.store.release("jobs", [message.receipt], counted=False)
    assert message.held  # nobody knows yet
    with pytest.raises(LeaseLost):
        message.extend()
    assert not message.held


def test_a_handler_of_ten_leases_runs_once() -> None:
    rig = Rig()
    rig.use_real_time()
    jobs = rig.jobs(lease=0.6)
    jobs.put_many(["slow", "other"])
    runs: list[tuple[Any, int]] = []

    def handle(message: Any) -> None:
        runs.append((message.body, message.attempt))
        if message.body == "slow":
            sleep(6)
            assert message.held

    worker = Worker(jobs, handle, concurrency=2, prefetch=2, timeout=0)
    assert RunReport("idle", 2, 2, 0, 0, 0, 0, 0) == worker.run()
    assert [("other", 1), ("slow", 1)] == sorted(runs)


def test_one_heartbeat_renews_all_in_one_trip() -> None:
    rig = Rig()
    jobs = rig.jobs(lease=0.9)
    jobs.put_many(range(8))

    def handle(message: Any) -> None:
        sleep(0.75)

    Worker(jobs, handle, concurrency=8, timeout=0).run()
    assert 1 <= rig.flaky.calls.count("extend") <= 4  # at 0.3 and 0.6 s, on a fast machine


def test_a_batch_is_renewed_while_it_is_gathered_and_worked_on() -> None:
    rig = Rig()
    rig.use_real_time()
    jobs = rig.jobs(lease=0.4)
    jobs.put_many(range(3))
    runs: list[int] = []

    def handle(messages: list[Any]) -> None:
        runs.append(len(messages))
        sleep(1.5)
        assert all(message.held for message in messages)

    report = Worker(jobs, handle, batch=Batch(5, wait=0.1), timeout=0).run()
    assert ([3], 3) == (runs, report.done)


def test_a_lease_that_is_lost_is_told_and_nothing_is_acked() -> None:
    rig = Rig()
    rig.use_real_time()
    jobs = rig.jobs(lease=0.3)
    jobs.put("x")
    seen: list[tuple[int, bool]] = []
    hooks = Lost()

    def handle(message: Any) -> None:
        if message.attempt == 1:
            rig.store.release("jobs", [message.receipt], counted=True, delay=0.2)
            try:
                for _ in range(30):
                    sleep(0.02)
                    if not message.held:
                        break
            finally:
                seen.append((message.attempt, message.held))
        else:
            seen.append((message.attempt, message.held))

    worker = Worker(jobs, handle, timeout=0.5, hooks=hooks)
    assert RunReport("idle", 2, 1, 0, 0, 0, 1, 0) == worker.run()
    assert [(1, False), (2, True)] == seen
    assert ["x"] == hooks.bodies


def test_what_cannot_be_renewed_must_be_presumed_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    jobs = rig.jobs(lease=0.3)
    jobs.put("x")
    rig.flaky.fail_next("extend", times=1000)
    seen: list[bool] = []

    def handle(message: Any) -> None:
        try:
            for _ in range(20):
                sleep(0.05)
                if not message.held:
                    sleep(0.5)  # the heartbeat sees it, too
                    break
        finally:
            seen.append(message.held)

    Worker(jobs, handle, max_messages=1).run()
    assert [False] == seen
    assert "could not be renewed" in caplog.text
    assert "may be with others" in caplog.text


def test_an_upper_bound_lets_the_lease_run_out_and_the_message_comes_again() -> None:
    rig = Rig()
    rig.use_real_time()
    jobs = rig.jobs(lease=0.3, retry=RetryPolicy(base=0.0))
    jobs.put("hangs")
    attempts: list[int] = []
    lived: list[float] = []

    def handle(message: Any) -> None:
        attempts.append(message.attempt)
        begun = time.monotonic()
        while message.attempt == 1 and time.monotonic() - begun < 10:
            sleep(0.02)
            if not message.held:
                raise ValueError("it is with others")
            lived[:] = [time.monotonic() - begun]

    worker = Worker(jobs, handle, max_messages=2, max_time=0.6)
    report = worker.run()
    assert [1, 2] == attempts
    assert (2, 1) == (report.got, report.done)
    assert 0.4 < lived[0] < 5  # it was renewed, and then no more
    assert EMPTY == rig.counts()


def test_without_options_a_message_that_is_done_in_time_costs_no_extension() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(5))

    def handle(message: Any) -> None: ...

    Worker(jobs, handle, timeout=0).run()
    assert {"push", "claim", "ack_and_claim"} >= set(rig.flaky.calls)
