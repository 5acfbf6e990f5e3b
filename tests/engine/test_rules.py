# Generated from test_rules_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Failures with their exception: rules by its class, and what the dead letter keeps of it."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import DeadLetter, Message, ReliableQueue, RetryPolicy

from .colour import MARKS
from .rig import Rig, take

pytestmark = MARKS

RULES = RetryPolicy(
    max_attempts=2,
    base=8,
    jitter=0,
    rules={ValueError: None, ConnectionError: RetryPolicy(max_attempts=4, base=1, jitter=0)},
)


class LostError(ConnectionError):
    """Of a module, so with its name."""


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def only_letter(rig: Rig) -> DeadLetter:
    (letter,) = rig.jobs().dead.letters()
    return letter


def work_and_raise(jobs: ReliableQueue[Any], error: Exception) -> None:
    with take(jobs):
        raise error


def test_an_exception_whose_rule_is_none_is_dead_at_once() -> None:
    rig = Rig()
    jobs = rig.jobs(retry=RULES)
    jobs.put("x")
    with pytest.raises(UnicodeError):
        work_and_raise(jobs, UnicodeError("bad"))
    letter = only_letter(rig)
    assert ("UnicodeError: bad", "UnicodeError", 1, "") == (
        letter.reason,
        letter.error,
        letter.attempts,
        letter.traceback,
    )


def test_the_rule_says_how_long_to_wait_and_how_often() -> None:
    rig = Rig()
    jobs = rig.jobs(retry=RULES)
    jobs.put("x")
    for seconds in (1.0, 4.0, 16.0):
        (take(jobs)).fail(error=LostError("gone"))
        rig.clock.advance(seconds - 0.1)
        assert jobs.get() is None
        rig.clock.advance(0.2)
    (take(jobs)).fail(error=LostError("gone"))
    letter = only_letter(rig)
    assert (f"{__name__}.LostError", 4) == (letter.error, letter.attempts)
    assert "LostError: gone" == letter.reason


def test_without_a_rule_the_policy_itself_counts() -> None:
    rig = Rig()
    jobs = rig.jobs(retry=RULES)
    jobs.put("x")
    (take(jobs)).fail(delay=0, error=KeyError("k"))
    (take(jobs)).fail(error=KeyError("k"), reason="why")
    assert ("why", "KeyError") == ((letter := only_letter(rig)).reason, letter.error)


def test_a_batch_fails_with_one_error() -> None:
    rig = Rig()
    jobs = rig.jobs(retry=RULES)
    jobs.put_many(range(3))
    jobs.fail(*jobs.get_many(3), error=ValueError("all"))
    assert ["ValueError: all"] * 3 == [each.reason for each in jobs.dead.letters()]


def test_a_worker_passes_the_exception_on() -> None:
    rig = Rig()
    jobs = rig.jobs(retry=RULES)
    jobs.put("x")

    @jobs.worker(timeout=0)
    def handle(message: Message[Any]) -> None:
        raise ValueError(message.body)

    handle()
    assert ("ValueError", "ValueError: x") == (
        (letter := only_letter(rig)).error,
        letter.reason,
    )


def test_crashes_are_tolerated_as_often_as_the_most_patient_rule_says() -> None:
    rig = Rig()
    jobs = rig.jobs(retry=RULES)
    jobs.put("x")
    for attempt in (1, 2, 3, 4):
        assert attempt == (take(jobs)).attempt
        rig.clock.advance(61)
    assert jobs.get() is None
    assert 4 == (only_letter(rig)).attempts


def test_a_traceback_is_kept_if_asked_and_cut_at_its_beginning() -> None:
    rig = Rig()
    jobs = rig.jobs(keep_traceback=True, max_attempts=1)
    jobs.put("x")
    with pytest.raises(KeyError):
        work_and_raise(jobs, KeyError("y" * 20_000 + "the end"))
    text = (only_letter(rig)).traceback
    assert 8000 == len(text)
    assert text.startswith("…")
    assert "the end" in text[-20:]
    jobs.dead.clear()
    jobs.put("x")
    with pytest.raises(KeyError):
        work_and_raise(jobs, KeyError("short"))
    text = (only_letter(rig)).traceback
    assert text.startswith("Traceback (most recent call last)")
    assert "in work_and_raise" in text


def test_an_error_that_cannot_be_written_hides_nothing() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=1, keep_traceback=True)
    jobs.put("x")
    with pytest.raises(MuteError):
        work_and_raise(jobs, MuteError())
    assert "MuteError" == (only_letter(rig)).reason


def test_what_cannot_be_decoded_says_so_by_its_class() -> None:
    rig = Rig()
    rig.push(b"{")
    assert rig.jobs().get() is None
    assert "queuekit.errors.DecodeError" == (only_letter(rig)).error
