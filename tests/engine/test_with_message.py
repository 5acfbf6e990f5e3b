# Generated from test_with_message_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A message as a context manager: acked, failed or released by how its block ends."""

from __future__ import annotations

import pytest

from queuekit import LeaseLost, QueueStats, TransportUnavailable

from .colour import INTERRUPT, MARKS
from .rig import Rig, take

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


def test_success_acks() -> None:
    rig = Rig()
    rig.jobs().put("x")
    with take(rig.jobs()) as message:
        assert "x" == message.body
    assert EMPTY == rig.counts()


def test_an_error_fails_the_message_and_propagates() -> None:
    rig = Rig()
    rig.jobs().put("x")
    error = KeyError("boom")
    with pytest.raises(KeyError) as caught:
        message = take(rig.jobs())
        with message:
            raise error
    assert error is caught.value
    assert QueueStats(0, 1, 0) == rig.counts()


def test_the_error_is_the_reason_of_the_dead_letter() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=1)
    jobs.put("x")
    with pytest.raises(ValueError, match="boom"):
        message = take(jobs)
        with message:
            raise ValueError("boom")
    assert "ValueError: boom" == (jobs.dead.letters())[0].reason


def test_an_interruption_releases_uncounted_to_the_head_and_propagates() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=1)
    jobs.put_many(["x", "y"])
    for _ in range(3):
        with pytest.raises(INTERRUPT):
            message = take(jobs)
            with message:
                raise INTERRUPT
        assert message.settled
    again = take(jobs)
    assert ("x", 1) == (again.body, again.attempt)


def test_what_the_block_settled_stays_so() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(["acked", "failed", "released"])
    with take(jobs) as message:
        message.ack()
    with take(jobs) as message:
        message.fail(delay=0)
    with take(jobs) as message:
        message.release()
    assert ["released", "failed"] == jobs.peek(5)


def test_an_error_after_settling_propagates_and_changes_nothing() -> None:
    rig = Rig()
    rig.jobs().put("x")
    with pytest.raises(RuntimeError, match="late"):
        message = take(rig.jobs())
        with message:
            message.ack()
            raise RuntimeError("late")
    assert EMPTY == rig.counts()


def test_what_another_call_of_the_queue_settled_stays_so() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    with take(jobs) as message:
        jobs.ack(message)
    assert EMPTY == rig.counts()


def test_success_with_a_lost_lease_is_lease_lost() -> None:
    rig = Rig()
    rig.jobs().put("x")
    with pytest.raises(LeaseLost) as caught:
        message = take(rig.jobs())
        with message:
            rig.clock.advance(61)
            take(rig.jobs())
    assert (message.id,) == caught.value.ids


def test_an_error_with_a_lost_lease_propagates_all_the_same() -> None:
    rig = Rig()
    rig.jobs().put("x")
    with pytest.raises(ValueError, match="boom") as caught:
        message = take(rig.jobs())
        with message:
            rig.clock.advance(61)
            take(rig.jobs())
            raise ValueError("boom")
    assert any("fail: 1 of 1" in note for note in caught.value.__notes__)


def test_an_error_with_the_store_away_propagates_all_the_same() -> None:
    rig = Rig()
    rig.jobs().put("x")
    rig.flaky.fail_next("release", error=TransportUnavailable("gone"))
    with pytest.raises(ValueError, match="boom") as caught:
        message = take(rig.jobs())
        with message:
            raise ValueError("boom")
    assert any("gone" in note for note in caught.value.__notes__)


def test_an_interruption_with_a_lost_lease_propagates_all_the_same() -> None:
    rig = Rig()
    rig.jobs().put("x")
    with pytest.raises(INTERRUPT):
        message = take(rig.jobs())
        with message:
            rig.clock.advance(61)
            take(rig.jobs())
            raise INTERRUPT
