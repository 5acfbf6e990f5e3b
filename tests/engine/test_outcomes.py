# Generated from test_outcomes_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""What a worker does with an item by how its handler ends."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import DecodeError, LeaseLost, QueueStats, TransportUnavailable

from .colour import INTERRUPT, MARKS
from .rig import Rig, errors, take

pytestmark = MARKS

ERRORS = [
    ValueError("boom"),
    DecodeError("mine", b""),
    StopIteration(),
    TransportUnavailable("x"),
]


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_ends_a_fifo_worker_and_its_body_is_lost(error: Exception) -> None:
    rig = Rig()
    rig.queue().put(1, 2)

    @rig.queue().worker(timeout=0)
    def work(item: Any) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        work()
    assert error is caught.value
    assert [b"2"] == rig.raw()
    assert 0 == rig.jobs().dead.size()


def test_a_reliable_worker_acks_fails_logs_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    jobs = rig.jobs()
    ids = jobs.put_many(["a", "bad", "c"])
    found: list[Any] = []

    @jobs.worker(timeout=0)
    def work(message: Any) -> None:
        found.append(message.body)
        if message.body == "bad":
            raise ValueError("boom")

    work()
    assert ["a", "bad", "c"] == found
    assert QueueStats(0, 1, 0) == rig.counts()
    assert [ids[1] in line for line in errors(caplog)] == [True]
    assert "ValueError: boom" in caplog.text
    rig.clock.advance(2.1)
    again = take(jobs)
    assert (ids[1], 2) == (again.id, again.attempt)


@pytest.mark.parametrize("error", ERRORS)
def test_no_error_of_a_handler_ends_a_reliable_worker(error: Exception) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(3))
    found: list[Any] = []

    @jobs.worker(timeout=0)
    def work(message: Any) -> None:
        found.append(message.body)
        raise error

    work()
    assert [0, 1, 2] == found
    assert QueueStats(0, 3, 0) == rig.counts()


def test_the_last_failure_is_a_dead_letter_with_the_error_as_reason() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=1)
    jobs.put("x")

    @jobs.worker(timeout=0)
    def work(message: Any) -> None:
        raise ValueError("boom")

    work()
    assert ["ValueError: boom"] == [letter.reason for letter in jobs.dead.letters()]


def test_a_handler_may_settle_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(["ack", "reject", "fail", "ack-then-error"])

    @jobs.worker(timeout=0)
    def work(message: Any) -> None:
        if message.body == "reject":
            message.reject("no")
        elif message.body == "fail":
            message.fail(delay=100)
        else:
            message.ack()
        if message.body == "ack-then-error":
            raise ValueError("late")

    work()
    assert QueueStats(0, 1, 0) == rig.counts()
    assert ["no"] == [letter.reason for letter in jobs.dead.letters()]
    assert 1 == len(errors(caplog))


def test_an_interruption_releases_uncounted_and_propagates() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=1)
    jobs.put_many(range(5))

    @jobs.worker(timeout=0, prefetch=4)
    def work(message: Any) -> None:
        raise INTERRUPT

    for _ in range(3):
        with pytest.raises(INTERRUPT):
            work()
        assert QueueStats(5, 0, 0) == rig.counts()
    found = jobs.get_many(5)
    assert [(n, 1) for n in range(5)] == sorted((m.body, m.attempt) for m in found)


def test_an_interruption_propagates_when_the_lease_is_lost() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(["x", "y"])

    @jobs.worker(timeout=0)
    def work(message: Any) -> None:
        rig.clock.advance(61)
        take(jobs)
        raise INTERRUPT

    with pytest.raises(INTERRUPT):
        work()


def test_an_interruption_propagates_when_the_store_is_away() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(["x", "y"])
    rig.flaky.fail_next("release")

    @jobs.worker(timeout=0, prefetch=2)
    def work(message: Any) -> None:
        raise INTERRUPT

    with pytest.raises(INTERRUPT):
        work()
    assert 0 == rig.flaky.pending


def test_an_interruption_of_a_fifo_handler_propagates() -> None:
    rig = Rig()
    rig.queue().put(1, 2)

    @rig.queue().worker(timeout=0)
    def work(item: Any) -> None:
        raise INTERRUPT

    with pytest.raises(INTERRUPT):
        work()
    assert [b"2"] == rig.raw()


def test_a_lease_lost_in_the_handler_is_logged_and_the_loop_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(["slow", "next"])
    found: list[Any] = []

    @jobs.worker(timeout=0, confirm=True)
    def work(message: Any) -> None:
        found.append(message.body)
        if message.body == "slow":
            rig.clock.advance(61)
            take(jobs)

    work()
    assert ["slow", "next"] == found
    assert LeaseLost.__name__ in caplog.text


def test_a_store_away_at_the_ack_is_logged_and_the_message_comes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    rig.flaky.fail_next("ack")

    @jobs.worker(timeout=0, confirm=True)
    def work(message: Any) -> None:
        """Do nothing."""

    work()
    assert 1 == len(errors(caplog))
    rig.clock.advance(61)
    assert 2 == (take(jobs)).attempt
