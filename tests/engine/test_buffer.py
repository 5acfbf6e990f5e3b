# Generated from test_buffer_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Puts that are gathered: what is sent when, and what a failure leaves."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import (
    BodyTooLarge,
    ConfigurationError,
    EncodeError,
    QueueFull,
    ReliableQueue,
    TransportUnavailable,
)
from queuekit._acompat import sleep

from .colour import INTERRUPT, MARKS, Background
from .rig import Rig, drain, until

pytestmark = MARKS

LONG = 60.0


def stored(rig: Rig) -> None:
    """Wait until the store has something."""
    end = time.monotonic() + 30
    while not (rig.counts()).ready:
        assert time.monotonic() < end
        sleep(0.005)


def test_messages_go_together_and_keep_their_order() -> None:
    rig = Rig()
    jobs = rig.jobs()
    with jobs.buffer(size=10, linger=LONG) as buffer:
        ids = [buffer.put(n) for n in range(25)]
        assert (20, 5) == ((rig.counts()).ready, len(buffer))
        assert tuple(ids[20:]) == buffer.ids
    assert ["push"] * 3 == rig.flaky.calls
    messages = jobs.get_many(99)
    assert list(zip(ids, range(25), strict=True)) == [(one.id, one.body) for one in messages]


def test_what_lingers_is_sent() -> None:
    rig = Rig()
    with rig.jobs().buffer(size=10, linger=0.02) as buffer:
        buffer.put(1)
        stored(rig)
        until(lambda: not len(buffer))  # a moment later


def test_flush_stores_at_once_and_nothing_costs_nothing() -> None:
    rig = Rig()
    buffer = rig.jobs().buffer(size=10, linger=LONG)
    buffer.flush()
    assert [] == rig.flaky.calls
    buffer.put(1)
    buffer.flush()
    assert 1 == (rig.counts()).ready
    buffer.close()
    buffer.close()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_failed_send_is_repeated_and_stores_once(after: bool, interrupted: bool) -> None:
    rig = Rig()
    jobs = rig.jobs()
    buffer = jobs.buffer(size=3, linger=LONG)
    error = INTERRUPT() if interrupted else TransportUnavailable("away")
    ids = [buffer.put(n) for n in range(2)]
    rig.flaky.fail_next("push", error=error, after=after)
    with pytest.raises(type(error)) as caught:
        buffer.put(2)
    if isinstance(caught.value, TransportUnavailable):
        assert buffer.ids == caught.value.ids
    assert (3, ids) == (len(buffer), list(buffer.ids[:2]))
    buffer.put(3)
    buffer.close()
    assert [0, 1, 2, 3] == drain(jobs)


def test_a_full_store_leaves_all_in_the_buffer() -> None:
    rig = Rig()
    jobs = rig.jobs()
    buffer = jobs.buffer(size=2, linger=LONG)
    buffer.put(0)
    rig.flaky.fail_next("push", error=QueueFull("full"))
    with pytest.raises(QueueFull):
        buffer.put(1)
    assert 2 == len(buffer)
    buffer.flush()
    assert [0, 1] == drain(jobs)


def test_what_cannot_be_put_is_refused_by_itself() -> None:
    rig = Rig()
    jobs = rig.jobs()
    rig.store._features = rig.store.features._replace(max_body=100)
    with jobs.buffer(size=9, linger=LONG) as buffer:
        buffer.put(0)
        with pytest.raises(EncodeError):
            buffer.put({1, 2})
        with pytest.raises(BodyTooLarge):
            buffer.put("x" * 100)
        buffer.put(1)
    assert [0, 1] == drain(jobs)


def test_a_store_that_is_away_is_logged_and_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        f"{ReliableQueue.buffer.__module__.replace('putting', 'buffer')}._PAUSE", 0.0
    )
    rig = Rig()
    jobs = rig.jobs()
    rig.flaky.fail_next("push", times=2)
    buffer = jobs.buffer(size=9, linger=0.01)
    buffer.put(0)
    stored(rig)
    assert 2 == caplog.text.count("1 buffered messages wait")
    buffer.close()


def test_producers_share_a_buffer() -> None:
    rig = Rig()
    jobs = rig.jobs()
    buffer = jobs.buffer(size=7, linger=0.001)

    def produce(first: int) -> None:
        for n in range(first, first + 100):
            buffer.put(n)
            if n % 10 == 0:
                sleep(0.001)

    producers = [Background(lambda first=100 * i: produce(first)) for i in range(4)]
    for producer in producers:
        producer.join()
    buffer.close()
    bodies: list[Any] = drain(jobs)
    assert list(range(400)) == sorted(bodies)
    for i in range(4):
        mine = [body for body in bodies if body // 100 == i]
        assert sorted(mine) == mine


@pytest.mark.parametrize("options", [{"size": 0}, {"linger": -1.0}, {"size": 1.5}])
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Rig().jobs().buffer(**options)
