# Generated from test_outage_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A store that goes away: loops wait for it, single calls say so."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from queuekit import TransportError, TransportUnavailable

from .colour import MARKS
from .rig import BOTH, Rig
from .test_consume import bodies_of

pytestmark = MARKS


def taking(kind: str) -> str:
    """Return the method of the store that a loop of this engine calls."""
    return "pop" if kind == "queue" else "claim"


@BOTH
def test_a_loop_goes_on_when_the_store_is_back(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.queue().put(1, 2)
    rig.flaky.fail_next(taking(kind), times=3)
    with caplog.at_level(logging.WARNING, "queuekit"):
        assert [1, 2] == bodies_of(kind, rig.build(kind).consume(timeout=0.9))
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

    @queue.worker(timeout=0.9)
    def work(item: Any) -> None:
        worked.append(item if kind == "queue" else item.body)
        if len(worked) == 1:
            rig.flaky.fail_next(taking(kind), times=2)

    work()
    assert [1, 2] == worked


@BOTH
def test_a_loop_raises_when_its_time_is_over(kind: str) -> None:
    rig = Rig()
    rig.flaky.fail_next(taking(kind), times=100)
    start = time.monotonic()
    with pytest.raises(TransportUnavailable):
        rig.build(kind).consume(timeout=0.3).__next__()
    assert 0.25 < time.monotonic() - start < 2


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
