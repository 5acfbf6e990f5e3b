# Generated from test_outage_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A store that goes away: loops wait for it, single calls say so."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from queuekit import QueueFull, TransportError, TransportUnavailable

from .colour import MARKS
from .rig import BOTH, Rig

pytestmark = MARKS


def taking(kind: str) -> str:
    """Return the method of the store that a loop of this engine calls."""
    return "pop" if kind == "queue" else "claim"


@BOTH
def test_a_loop_goes_on_when_the_store_is_back(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.queue().put(1, 2)
    rig.flaky.fail_next(taking(kind), times=3)
    caplog.set_level(logging.WARNING, "queuekit")
    with rig.build(kind).consume(timeout=30) as source:
        found = [source.__next__(), source.__next__()]
    assert [1, 2] == [item if kind == "queue" else item.body for item in found]
    said = [record.getMessage() for record in caplog.records]
    assert 2 == len(said), "one line when it went, one when it came back"
    assert "out of reach" in said[0]
    assert "answers again" in said[1]


@BOTH
def test_a_worker_goes_on_when_the_store_is_back(kind: str) -> None:
    rig = Rig()
    queue: Any = rig.build(kind)
    rig.queue().put(1, 2)
    worked: list[Any] = []

    @queue.worker(timeout=30)
    def work(item: Any) -> None:
        worked.append(item if kind == "queue" else item.body)
        if len(worked) == 1:
            rig.flaky.fail_next(taking(kind), times=2)
        else:
            work.stop()

    work()
    assert [1, 2] == worked
    assert 0 == rig.flaky.pending


@pytest.mark.parametrize("method", ["extend", "move"])
def test_a_loop_outlives_an_outage_between_two_messages(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig()
    rig.stop_time(monkeypatch)
    rig.push(b"1", b"\xff", b"3")
    jobs = rig.jobs(lease=60)
    found: list[Any] = []
    with jobs.consume(timeout=30, prefetch=3) as messages:
        for _ in range(2):
            message = messages.__next__()
            message.ack()
            found.append((message.body, message.attempt))
            if len(found) == 1:
                rig.clock.advance(40)  # so that the lease is extended before the next
                rig.flaky.fail_next(method, times=2)
    assert [(1, 1), (3, 1)] == found
    assert 0 == rig.flaky.pending
    assert [b"\xff"] == [letter.body for letter in jobs.dead.letters()]
    assert (0, 0, 0) == rig.counts()


def test_what_the_store_refuses_to_bury_does_not_stop_those_behind_it() -> None:
    rig = Rig()
    rig.push(b"\xff", b"2")
    rig.flaky.fail_next("move", error=QueueFull("no room for dead letters"))
    with rig.jobs().consume(timeout=0, prefetch=2) as messages:
        with pytest.raises(QueueFull):
            messages.__next__()
        assert 2 == (messages.__next__()).body


@BOTH
def test_a_loop_raises_when_its_time_is_over(kind: str) -> None:
    rig = Rig()
    rig.flaky.fail_next(taking(kind), times=100)
    start = time.monotonic()
    with pytest.raises(TransportUnavailable):
        rig.build(kind).consume(timeout=0.3).__next__()
    assert 0.25 < time.monotonic() - start < 30  # a hundred failures would take longer


@BOTH
def test_an_error_that_no_waiting_cures_is_raised_at_once(kind: str) -> None:
    rig = Rig()
    rig.flaky.fail_next(taking(kind), error=TransportError("wrong password"))
    with pytest.raises(TransportError, match="wrong password"):
        rig.build(kind).consume().__next__()


@BOTH
def test_a_single_call_says_at_once_that_the_store_is_gone(kind: str) -> None:
    rig = Rig()
    rig.flaky.fail_next(taking(kind))
    with pytest.raises(TransportUnavailable):
        rig.build(kind).get(timeout=5)
