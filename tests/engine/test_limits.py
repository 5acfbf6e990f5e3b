# Generated from test_limits_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Limits that all consumers of a queue share."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import (
    ConfigurationError,
    Limits,
    Message,
    ReliableQueue,
    Unsupported,
)

from .colour import MARKS
from .rig import NAME, Rig, take

pytestmark = MARKS


def limited(rig: Rig, **limits: Any) -> ReliableQueue[Any]:
    return ReliableQueue(NAME, rig.store, limits=Limits(**limits))


def test_no_more_are_in_flight_than_the_limit() -> None:
    rig = Rig()
    jobs, other = limited(rig, in_flight=2), limited(rig, in_flight=2)
    jobs.put_many(range(4))
    held = [take(jobs), take(other)]
    assert jobs.get() is None
    held[0].ack()
    held[1].release()
    assert [1, 2] == [(take(other)).body, (take(jobs)).body]
    assert other.get() is None


def test_no_more_are_taken_than_the_rate() -> None:
    rig = Rig()
    jobs = limited(rig, rate=2, per=10.0)
    jobs.put_many(range(9))
    taken = 0
    for _ in range(30):
        taken += len(jobs.get_many(5))
        rig.clock.advance(1)
    assert 6 == taken


def test_no_ack_in_the_pocket_of_a_loop_keeps_a_turn() -> None:
    rig = Rig()
    jobs = limited(rig, in_flight=1)
    jobs.put_many(range(3))
    seen: list[Any] = []
    with jobs.consume(timeout=0) as messages:
        for message in messages:
            message.ack()
            seen.append(message.body)
            assert 0 == (rig.counts()).claimed
    assert [0, 1, 2] == seen


def test_a_worker_works_within_the_limits() -> None:
    rig = Rig()
    jobs = limited(rig, in_flight=1, rate=1, per=60.0)
    jobs.put_many(range(3))
    seen: list[Any] = []

    @jobs.worker(timeout=0, prefetch=5)
    def handle(message: Message[Any]) -> None:
        seen.append(message.body)

    handle()
    assert [0] == seen
    rig.clock.advance(61)
    handle()
    assert [0, 1] == seen


def test_closing_gives_back_what_was_claimed_within_limits() -> None:
    rig = Rig()
    jobs = limited(rig, in_flight=1)
    jobs.put("x")
    messages = jobs.consume(timeout=0)
    messages.__next__()
    messages.close()
    jobs.close()
    assert (0, 0, 1) == rig.counts()


@pytest.mark.parametrize(
    "limits", [Limits(rate=0), Limits(in_flight=0), Limits(rate=1, per=0), 5, {"rate": 1}]
)
def test_limits_that_are_none_are_refused_when_the_queue_is_built(limits: Any) -> None:
    with pytest.raises(ConfigurationError):
        ReliableQueue(NAME, Rig().store, limits=limits)


def test_a_transport_that_cannot_limit_is_refused_when_the_queue_is_built() -> None:
    with pytest.raises(Unsupported, match="sqlite:"):
        Rig().jobs(limits=Limits(rate=1))
