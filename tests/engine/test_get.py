# Generated from test_get_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Getting: at once, with a timeout, for ever; and that an empty queue is not a body."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import ConfigurationError, TransportUnavailable

from .colour import MARKS, Background
from .rig import BOTH, Rig, take, until

pytestmark = MARKS

FALSY: list[Any] = [None, 0, 0.0, False, "", [], {}]


@BOTH
def test_get_of_an_empty_queue_returns_none_at_once(kind: str) -> None:
    rig = Rig()
    waits = rig.note_waits()
    queue = rig.build(kind)
    assert queue.get() is None
    assert queue.get(block=False) is None
    assert [] == queue.get_many(5)
    assert [0.0] * 3 == waits


@BOTH
def test_get_with_a_timeout_waits_so_long_and_no_longer(kind: str) -> None:
    rig = Rig()
    waits = rig.note_waits()
    start = time.monotonic()
    assert rig.build(kind).get(timeout=0.1) is None
    assert 0.09 <= time.monotonic() - start < 20
    assert 0.0 < max(waits) <= 0.1


@BOTH
def test_a_timeout_outlasts_the_longest_wait_of_the_transport(kind: str) -> None:
    rig = Rig()
    rig.cut_waits(0.05)
    waits = rig.note_waits()
    start = time.monotonic()
    assert rig.build(kind).get(timeout=0.2) is None
    assert 0.19 <= time.monotonic() - start < 20
    assert 0.0 < max(waits) <= 0.05


@BOTH
def test_get_many_with_a_timeout_waits_so_long(kind: str) -> None:
    rig = Rig()
    waits = rig.note_waits()
    start = time.monotonic()
    assert [] == rig.build(kind).get_many(5, timeout=0.1)
    assert 0.09 <= time.monotonic() - start < 20
    assert 0.0 < max(waits) <= 0.1


@BOTH
@pytest.mark.parametrize("wait", [{"timeout": 60}, {"block": True}, {"block": True, "timeout": 60}])
def test_a_waiting_get_returns_what_is_put_meanwhile(kind: str, wait: Any) -> None:
    rig = Rig()
    rig.cut_waits(0.02)  # so that it loops
    waits = rig.note_waits()

    def get() -> Any:
        return rig.build(kind).get(**wait)

    waiting = Background(get)
    until(lambda: len(waits) > 3)
    rig.queue().put("x")
    found = waiting.join()
    assert "x" == (found if kind == "queue" else found.body)


@BOTH
@pytest.mark.parametrize("timeout", [0, 1])
def test_block_false_with_a_timeout_is_refused(kind: str, timeout: float) -> None:
    with pytest.raises(ConfigurationError, match="block=False"):
        Rig().build(kind).get(block=False, timeout=timeout)


@BOTH
@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), "1", True])
def test_a_timeout_that_is_no_time_is_refused(kind: str, timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        Rig().build(kind).get(timeout=timeout)


@BOTH
@pytest.mark.parametrize("limit", [0, -1, True, 1.5, None])
def test_a_limit_that_is_no_count_is_refused(kind: str, limit: Any) -> None:
    queue = Rig().build(kind)
    with pytest.raises(ConfigurationError, match="limit"):
        queue.get_many(limit)
    with pytest.raises(ConfigurationError, match="limit"):
        queue.peek(limit)


@BOTH
def test_get_takes_the_oldest_first(kind: str) -> None:
    queue = Rig().build(kind)
    queue.put_many(["a", "b"])
    queue.put_many(["c"])
    found = [queue.get() for _ in range(3)]
    assert ["a", "b", "c"] == [x if kind == "queue" else x.body for x in found]


@BOTH
def test_get_many_takes_at_most_its_limit(kind: str) -> None:
    queue = Rig().build(kind)
    queue.put_many(range(5))
    sizes = [len(queue.get_many(3)) for _ in range(3)]
    assert [3, 2, 0] == sizes


def test_a_claim_takes_at_most_a_thousand_messages() -> None:
    jobs = Rig().jobs()
    jobs.put_many(range(1001))
    assert 1000 == len(jobs.get_many(5000))


def test_default_is_returned_only_when_nothing_came() -> None:
    queue = Rig().queue()
    empty = object()
    queue.put(None)
    assert queue.get(default=empty) is None
    assert empty is queue.get(default=empty)
    assert empty is queue.get(timeout=0.01, default=empty)


@pytest.mark.parametrize("body", FALSY)
def test_a_falsy_body_is_a_body(body: Any) -> None:
    rig = Rig()
    queue, jobs = rig.queue(), rig.jobs()
    queue.put(body, body)
    assert body == queue.get(default="empty")
    assert [body] == queue.get_many(5)
    queue.put(body)
    for item in queue.consume(timeout=0):
        assert body == item
    assert 0 == queue.size()
    jobs.put(body)
    assert body == (take(jobs)).body


def test_a_waiting_get_with_block_true_returns_a_none_that_was_put() -> None:
    rig = Rig()
    rig.queue().put(None)
    assert rig.queue().get(block=True) is None
    assert 0 == rig.queue().size()


def test_an_empty_message_is_a_true_value() -> None:
    jobs = Rig().jobs()
    jobs.put(None)
    assert jobs.get()


@BOTH
def test_both_engines_read_what_the_other_put(kind: str) -> None:
    rig = Rig()
    rig.jobs().put({"n": 1})
    rig.queue().put({"n": 2})
    found = rig.build(kind).get_many(2)
    assert [{"n": 1}, {"n": 2}] == [x if kind == "queue" else x.body for x in found]


@BOTH
def test_an_unreachable_store_is_an_error_and_the_next_get_goes_on(kind: str) -> None:
    rig = Rig()
    queue = rig.build(kind)
    queue.put_many(["x"])
    rig.flaky.fail_next("pop" if kind == "queue" else "claim")
    with pytest.raises(TransportUnavailable):
        queue.get()
    assert queue.get() is not None
