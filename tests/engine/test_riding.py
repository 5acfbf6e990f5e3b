# Generated from test_riding_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Acks within a loop: they travel with its next claim, and what becomes of them else."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import LeaseLost, TransportUnavailable, _riding
from queuekit._acompat import sleep

from .colour import INTERRUPT, MARKS, Background
from .rig import Rig, take, until

pytestmark = MARKS


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let acks not be sent by themselves within these tests, unless the lease is short."""
    monkeypatch.setattr(_riding, "_LONGEST", 60.0)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if "were not held" in one.getMessage()]


@pytest.mark.parametrize(("prefetch", "claims"), [(1, 5), (2, 3), (10, 2)])
def test_acks_cost_no_call_of_their_own(prefetch: int, claims: int) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(4))
    rig.flaky.calls.clear()
    for message in jobs.consume(timeout=0, prefetch=prefetch):
        message.ack()
    assert ["claim"] * claims == rig.flaky.calls
    assert (0, 0, 0) == rig.counts()


def test_an_ack_counts_from_the_next_step_on() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(2))
    with jobs.consume(timeout=0) as messages:
        (messages.__next__()).ack()
        assert (1, 0, 1) == rig.counts()
        messages.__next__()
        assert (0, 0, 1) == rig.counts()


def test_a_confirmed_ack_counts_at_once() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    with jobs.consume(timeout=0, confirm=True) as messages:
        (messages.__next__()).ack()
        assert (0, 0, 0) == rig.counts()


def test_the_end_of_a_loop_sends_them() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(2))
    with jobs.consume() as messages:
        (messages.__next__()).ack()
    assert (1, 0, 0) == rig.counts()


def test_the_end_of_a_queue_sends_them() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    messages = jobs.consume()
    message = messages.__next__()
    message.ack()
    jobs.close()
    assert (0, 0, 0) == rig.counts()


def test_they_go_with_any_claim_of_the_queue() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(2))
    (jobs.consume().__next__()).ack()
    rig.flaky.calls.clear()
    take(jobs)
    assert (0, 0, 1) == rig.counts()
    assert ["claim"] == rig.flaky.calls


def test_they_are_sent_by_themselves_while_the_consumer_is_busy() -> None:
    rig = Rig()
    jobs = rig.jobs(lease=0.4)
    jobs.put("x")
    with jobs.consume() as messages:
        (messages.__next__()).ack()
        end = time.monotonic() + 30
        while (rig.counts()).claimed:
            assert time.monotonic() < end
            sleep(0.02)


def test_an_ack_late_in_the_lease_is_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=60)
    jobs.put("x")
    with jobs.consume() as messages:
        message = messages.__next__()
        rig.clock.advance(31)
        message.ack()
        assert (0, 0, 0) == rig.counts()


@pytest.mark.parametrize("verb", ["ack", "fail", "release", "extend", "reject"])
def test_what_was_acked_cannot_be_settled_again(verb: str) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    with jobs.consume() as messages:
        message = messages.__next__()
        message.ack()
        arguments = ("why",) if verb == "reject" else ()
        with pytest.raises(LeaseLost):
            getattr(message, verb)(*arguments)
    assert (0, 0, 0) == rig.counts()


def test_a_receipt_that_is_on_its_way_cannot_be_settled_again() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    with jobs.consume() as messages:
        message = messages.__next__()
        message.ack()
        with pytest.raises(LeaseLost):
            jobs.ack(message.receipt)


def test_a_lease_that_ran_out_on_the_way_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    jobs, others = rig.jobs(), rig.jobs()
    jobs.put("x")
    with jobs.consume(timeout=0) as messages:
        message = messages.__next__()
        message.ack()
        rig.clock.advance(61)
        again = take(others)
        for _ in messages:
            raise AssertionError
    assert message.id in warnings(caplog)[0]
    others.ack(again)


@pytest.mark.parametrize("after", [False, True])
def test_acks_survive_a_claim_that_fails(after: bool, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    jobs.put("x")
    with jobs.consume(timeout=60) as messages:
        (messages.__next__()).ack()
        rig.flaky.fail_next("claim", after=after)
        coming = Background(messages.__next__)
        until(lambda: rig.flaky.calls.count("claim") > 2)  # it tries again
        jobs.put("y")
        message = coming.join()
        assert ("y", (0, 0, 1)) == (message.body, rig.counts())
        message.ack()
    assert (0, 0, 0) == rig.counts()
    assert not warnings(caplog)


def test_acks_survive_an_interrupted_claim(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    messages = jobs.consume(timeout=0)
    (messages.__next__()).ack()
    rig.flaky.fail_next("claim", error=INTERRUPT(), after=True)
    with pytest.raises(INTERRUPT):
        messages.__next__()
    messages.close()
    assert (0, 0, 0) == rig.counts()
    assert not warnings(caplog)


def test_a_store_out_of_reach_keeps_them_waiting() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    (jobs.consume().__next__()).ack()
    rig.flaky.fail_next("ack", error=TransportUnavailable("away"))
    assert jobs.riding.flush()
    assert (0, 0, 1) == rig.counts()
    assert jobs.riding.flush()
    assert (0, 0, 0) == rig.counts()
    assert not jobs.riding.flush()


def test_a_message_that_came_again_is_acked_at_once_and_finds_nothing_on_its_way() -> None:
    """It may have killed its consumer: so its neighbours lose an ack at most once, and it none."""
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(["first", "second"])
    jobs.fail(*jobs.get_many(2), delay=0)
    jobs.put_many(["third"])
    seen: list[Any] = []
    for message in jobs.consume(timeout=0, prefetch=9):
        before = (rig.counts()).claimed
        message.ack()
        seen.append((message.body, message.attempt, before, (rig.counts()).claimed))
    assert [("first", 2, 3, 2), ("second", 2, 2, 1), ("third", 1, 1, 1)] == seen
