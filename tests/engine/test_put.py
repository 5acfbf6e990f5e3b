# Generated from test_put_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Putting: ids, batches, order, and that an error stores nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from queuekit import (
    BodyTooLarge,
    ConfigurationError,
    EncodeError,
    MemoryTransport,
    Queue,
    QueueStats,
    ReliableQueue,
    TransportUnavailable,
    Unsupported,
)
from queuekit.transport import Features

from .colour import MARKS
from .rig import BOTH, Rig, drain, take

pytestmark = MARKS


def test_put_returns_a_uuid7_that_tells_when_it_was_made() -> None:
    jobs = Rig().jobs()
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    message_id = jobs.put("x")
    message = take(jobs)
    assert 32 == len(message_id)
    assert 7 == uuid.UUID(message_id).version
    assert uuid.RFC_4122 == uuid.UUID(message_id).variant
    assert message_id == message.id
    assert message.enqueued_at is not None
    assert before <= message.enqueued_at <= datetime.now(UTC)


def test_ids_of_a_batch_are_distinct_and_ascend() -> None:
    ids = Rig().jobs().put_many(range(500))
    assert sorted(set(ids)) == ids


def test_put_many_returns_the_ids_in_the_order_of_the_bodies() -> None:
    jobs = Rig().jobs()
    ids = jobs.put_many(["a", "b", "c"])
    found = jobs.get_many(3)
    assert list(zip(ids, "abc", strict=True)) == [(m.id, m.body) for m in found]


@BOTH
def test_put_many_takes_a_generator(kind: str) -> None:
    rig = Rig()

    def bodies() -> Iterator[int]:
        yield from range(3)

    rig.build(kind).put_many(bodies())
    assert [0, 1, 2] == rig.queue().get_many(10)


def test_the_fifo_put_takes_several_bodies_in_one_call() -> None:
    rig = Rig()
    rig.queue().put(4, "my message", 7)
    assert ["push"] == rig.flaky.calls
    assert [4, "my message", 7] == rig.queue().get_many(10)


@BOTH
def test_put_many_is_one_trip(kind: str) -> None:
    rig = Rig()
    rig.build(kind).put_many(range(100))
    assert ["push"] == rig.flaky.calls


@BOTH
def test_putting_nothing_does_nothing(kind: str) -> None:
    rig = Rig()
    assert not rig.build(kind).put_many([])
    assert [] == rig.flaky.calls


def test_the_fifo_put_of_nothing_does_nothing() -> None:
    rig = Rig()
    rig.queue().put()
    assert [] == rig.flaky.calls


def test_putting_nothing_on_a_reliable_queue_returns_no_ids() -> None:
    assert [] == Rig().jobs().put_many([])


@BOTH
def test_an_encode_error_in_the_middle_stores_nothing(kind: str) -> None:
    rig = Rig()
    with pytest.raises(EncodeError):
        rig.build(kind).put_many([1, object(), 3])
    assert [] == rig.flaky.calls
    assert QueueStats(0, 0, 0) == rig.counts()


@BOTH
def test_an_error_of_the_iterable_propagates_and_stores_nothing(kind: str) -> None:
    rig = Rig()

    def bodies() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        rig.build(kind).put_many(bodies())
    assert [] == rig.flaky.calls


@BOTH
def test_one_body_over_the_limit_stores_none(kind: str) -> None:
    store = MemoryTransport(max_body=100)
    engine = Queue if kind == "queue" else ReliableQueue
    queue = engine("jobs", store)
    with pytest.raises(BodyTooLarge, match="limit of 100"):
        queue.put_many(["a", "b" * 200, "c"])
    assert 0 == queue.size()


@BOTH
def test_a_put_is_not_repeated(kind: str) -> None:
    rig = Rig()
    rig.flaky.fail_next("push")
    with pytest.raises(TransportUnavailable):
        rig.build(kind).put_many(["x"])
    assert ["push"] == rig.flaky.calls
    assert [] == rig.raw()


def test_a_fifo_body_is_stored_as_the_serializer_made_it() -> None:
    rig = Rig()
    rig.queue().put({"to": "ada", "n": [1, None]})
    assert [b'{"to":"ada","n":[1,null]}'] == rig.raw()


def test_a_delayed_message_is_ready_when_the_stores_clock_says_so() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("later", delay=10)
    assert QueueStats(0, 1, 0) == jobs.stats()
    rig.clock.advance(9.9)
    assert jobs.get() is None
    rig.clock.advance(0.2)
    assert "later" == (take(jobs)).body


def test_a_delayed_batch_keeps_its_order() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(20), delay=1)
    rig.clock.advance(2)
    assert list(range(20)) == drain(jobs)


@pytest.mark.parametrize("delay", [-1, float("nan"), float("inf"), True, "5"])
def test_a_delay_that_is_no_time_is_refused(delay: float) -> None:
    rig = Rig()
    with pytest.raises(ConfigurationError, match="delay"):
        rig.jobs().put("x", delay=delay)
    assert QueueStats(0, 0, 0) == rig.counts()


def test_a_delay_beyond_what_the_transport_can_is_refused() -> None:
    rig = Rig()
    rig.store._features = Features(max_delay=60.0)
    jobs = rig.jobs()
    jobs.put("fits", delay=60)
    with pytest.raises(Unsupported, match="delay of at most 60 s"):
        jobs.put("too long", delay=61)
    assert QueueStats(0, 1, 0) == rig.counts()


@pytest.mark.parametrize("after", [False, True], ids=["lost on its way", "its reply lost"])
def test_a_put_of_unknown_outcome_is_repeated_by_its_id(after: bool) -> None:
    rig = Rig()
    jobs = rig.jobs()
    rig.flaky.fail_next("push", after=after)
    with pytest.raises(TransportUnavailable) as caught:
        jobs.put("x")
    (message_id,) = caught.value.ids
    assert message_id == jobs.put("x", id=message_id)
    assert QueueStats(1, 0, 0) == rig.counts()
    assert message_id == (take(jobs)).id


def test_a_batch_of_unknown_outcome_is_repeated_by_its_ids() -> None:
    rig = Rig()
    jobs = rig.jobs()
    rig.flaky.fail_next("push", times=2, after=True)
    with pytest.raises(TransportUnavailable) as caught:
        jobs.put_many(list("abc"))
    ids = caught.value.ids
    with pytest.raises(TransportUnavailable) as again:
        jobs.put_many(list("abc"), ids=ids)
    assert ids == again.value.ids
    assert list(ids) == jobs.put_many(list("abc"), ids=ids)
    found = jobs.get_many(9)
    assert list(zip(ids, "abc", strict=True)) == [(m.id, m.body) for m in found]


def test_a_get_names_no_ids() -> None:
    rig = Rig()
    rig.flaky.fail_next("claim")
    with pytest.raises(TransportUnavailable) as caught:
        rig.jobs().get()
    assert () == caught.value.ids


@pytest.mark.parametrize("ids", [["0" * 31], ["g" * 32], [7], "0" * 32, [], ["0" * 32] * 2])
def test_ids_that_are_none_are_refused(ids: Any) -> None:
    rig = Rig()
    with pytest.raises(ConfigurationError):
        rig.jobs().put_many(["x"] * (2 if len(ids) == 2 else 1), ids=ids)
    assert [] == rig.flaky.calls


def test_what_a_store_cannot_wait_for_is_refused() -> None:
    rig = Rig()
    with pytest.raises(Unsupported, match="can wait for nothing, not for 'disk'"):
        rig.jobs().put("x", durable="disk")
    assert QueueStats(0, 0, 0) == rig.counts()
