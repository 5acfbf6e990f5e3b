# Generated from test_retry_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Failing: when a message is tried again, and when it is given up."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import ConfigurationError, Message, QueueStats, RetryPolicy

from .colour import MARKS
from .rig import NAME, Rig, drain, errors, take

pytestmark = MARKS

WAITS = [2.0, 8.0, 32.0, 128.0, 300.0, 300.0, 300.0, 300.0, 300.0]
"""The defaults, in seconds, before jitter."""


def fail_times(rig: Rig, jobs: Any, times: int) -> None:
    """Let the message at the head fail so often."""
    for _ in range(times):
        (take(jobs)).fail(delay=0)


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_a_failed_message_waits_longer_each_time_within_the_jitter(
    chance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.random", lambda: chance)
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    for attempt, full in enumerate(WAITS, 1):
        message = take(jobs)
        assert attempt == message.attempt
        message.fail()
        assert QueueStats(0, 1, 0) == rig.counts()
        wait = full * (1 - 0.25 * chance)
        rig.clock.advance(wait * 0.99)
        assert jobs.get() is None, f"came before {wait} s"
        rig.clock.advance(wait * 0.02)
    assert 10 == (take(jobs)).attempt


def test_the_jitter_is_drawn_for_each_failure() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(40))
    for _ in range(40):
        (take(jobs)).fail()
    back = []
    for _ in range(10):
        rig.clock.advance(0.2)
        back.append(len(jobs.get_many(1000)))
    assert [0] * 7 == back[:7]
    assert 40 == sum(back)
    assert 2 <= sum(count > 0 for count in back)


def test_fail_without_delay_goes_counted_to_the_tail() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(["a", "b"])
    (take(jobs)).fail(delay=0)
    found = jobs.get_many(2)
    assert [("b", 1), ("a", 2)] == [(m.body, m.attempt) for m in found]


def test_fail_with_a_delay_waits_so_long() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    (take(jobs)).fail(delay=10)
    rig.clock.advance(9.9)
    assert jobs.get() is None
    rig.clock.advance(0.2)
    assert 2 == (take(jobs)).attempt


@pytest.mark.parametrize("delay", [-1, float("nan"), True, "1"])
def test_a_delay_that_is_no_time_is_refused_and_the_message_stays(delay: Any) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    message = take(jobs)
    with pytest.raises(ConfigurationError, match="delay"):
        message.fail(delay=delay)
    assert not message.settled
    message.ack()


def test_id_body_and_time_stay_the_same_over_attempts() -> None:
    rig = Rig()
    jobs = rig.jobs()
    message_id = jobs.put({"to": "ada"})
    seen: list[Message[Any]] = []
    for _ in range(4):
        seen.append(take(jobs))
        seen[-1].fail(delay=0)
    assert [1, 2, 3, 4] == [message.attempt for message in seen]
    assert {message_id} == {message.id for message in seen}
    assert 1 == len({message.enqueued_at for message in seen})
    assert [{"to": "ada"}] * 4 == [message.body for message in seen]
    assert 4 == len({message.receipt for message in seen})


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_the_last_attempt_that_fails_is_a_dead_letter(limit: int) -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=limit)
    message_id = jobs.put("x")
    fail_times(rig, jobs, limit - 1)
    message = take(jobs)
    message.fail(delay=0, reason="downstream is away")
    assert QueueStats(0, 0, 0) == rig.counts()
    (letter,) = jobs.dead.letters()
    assert (message_id, b'"x"') == (letter.id, letter.body)
    assert ("downstream is away", limit, NAME) == (letter.reason, letter.attempts, letter.queue)
    assert message.enqueued_at == letter.enqueued_at
    assert letter.died_at is not None
    assert letter.enqueued_at is not None
    assert letter.enqueued_at <= letter.died_at


def test_ten_attempts_are_the_default() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    fail_times(rig, jobs, 9)
    assert 0 == jobs.dead.size()
    fail_times(rig, jobs, 1)
    assert [("attempt 10 failed", 10)] == [(x.reason, x.attempts) for x in jobs.dead.letters()]


def test_without_a_limit_a_message_is_never_given_up() -> None:
    rig = Rig()
    jobs = rig.jobs(retry=RetryPolicy(max_attempts=None))
    jobs.put("x")
    fail_times(rig, jobs, 100)
    assert 101 == (take(jobs)).attempt


def test_a_crash_counts_and_goes_back_to_the_head() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(["a", "b"])
    take(jobs)
    rig.clock.advance(61)
    again = take(jobs)
    assert ("a", 2) == (again.body, again.attempt)


@pytest.mark.parametrize("limit", [1, 3])
def test_what_crashes_its_consumer_too_often_is_dead_at_the_next_claim(
    limit: int, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=limit)
    message_id = jobs.put("poison")
    jobs.put("good", delay=61 * limit)
    for attempt in range(1, limit + 1):
        message = take(jobs)
        assert (message_id, attempt) == (message.id, message.attempt)
        rig.clock.advance(61)
    assert "good" == (take(jobs)).body
    (letter,) = jobs.dead.letters()
    assert (message_id, b'"poison"') == (letter.id, letter.body)
    assert limit == letter.attempts
    assert f"{limit} attempts ended in a failure or a crash" == letter.reason
    assert [message_id in line for line in errors(caplog)] == [True]


def test_crashes_and_failures_count_together() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=2)
    jobs.put("x")
    take(jobs)
    rig.clock.advance(61)
    (take(jobs)).fail(delay=0)
    assert [2] == [letter.attempts for letter in jobs.dead.letters()]


def test_the_policy_belongs_to_the_consumer_not_to_the_store() -> None:
    rig = Rig()
    patient, strict = rig.jobs(max_attempts=100), rig.jobs(max_attempts=2)
    patient.put("x")
    fail_times(rig, patient, 1)
    fail_times(rig, strict, 1)
    assert 1 == strict.dead.size()


def test_fail_of_several_messages_treats_each_by_its_attempts() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=2)
    jobs.put_many(["old", "young"])
    fail_times(rig, jobs, 1)
    young = take(jobs)
    old = take(jobs)
    assert ("old", 2) == (old.body, old.attempt)
    jobs.fail(young, old, delay=0, reason="both")
    assert ["young"] == drain(jobs)
    assert [(b'"old"', "both")] == [(x.body, x.reason) for x in jobs.dead.letters()]


def test_fail_of_several_messages_keeps_the_order_given() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(list("abc"))
    a, b, c = jobs.get_many(3)
    jobs.fail(c, a, b, delay=0)
    assert ["c", "a", "b"] == drain(jobs)


def test_a_released_message_is_not_counted_however_often() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=1)
    jobs.put("x")
    for _ in range(20):
        (take(jobs)).release()
    assert 1 == (take(jobs)).attempt


def test_a_reason_that_is_no_proper_unicode_or_endless_is_kept_all_the_same() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=1)
    jobs.put("x")
    (take(jobs)).fail(reason="no file \udcff" + "é" * 10_000)
    (letter,) = jobs.dead.letters()
    assert letter.reason.startswith("no file \udcffé")
    assert 500 == len(letter.reason)
