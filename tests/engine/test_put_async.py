# unasync: source
"""Putting: ids, batches, order, and that an error stores nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from queuekit import (
    AsyncMemoryTransport,
    AsyncQueue,
    AsyncReliableQueue,
    BodyTooLarge,
    ConfigurationError,
    EncodeError,
    QueueStats,
    TransportUnavailable,
    Unsupported,
)
from queuekit.transport import Features

from .colour_async import MARKS
from .rig_async import BOTH, AsyncRig, drain, take

pytestmark = MARKS


async def test_put_returns_a_uuid7_that_tells_when_it_was_made() -> None:
    jobs = AsyncRig().jobs()
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    message_id = await jobs.put("x")
    message = await take(jobs)
    assert 32 == len(message_id)
    assert 7 == uuid.UUID(message_id).version
    assert uuid.RFC_4122 == uuid.UUID(message_id).variant
    assert message_id == message.id
    assert message.enqueued_at is not None
    assert before <= message.enqueued_at <= datetime.now(UTC)


async def test_ids_of_a_batch_are_distinct_and_ascend() -> None:
    ids = await AsyncRig().jobs().put_many(range(500))
    assert sorted(set(ids)) == ids


async def test_put_many_returns_the_ids_in_the_order_of_the_bodies() -> None:
    jobs = AsyncRig().jobs()
    ids = await jobs.put_many(["a", "b", "c"])
    found = await jobs.get_many(3)
    assert list(zip(ids, "abc", strict=True)) == [(m.id, m.body) for m in found]


@BOTH
async def test_put_many_takes_a_generator(kind: str) -> None:
    rig = AsyncRig()

    def bodies() -> Iterator[int]:
        yield from range(3)

    await rig.build(kind).put_many(bodies())
    assert [0, 1, 2] == await rig.queue().get_many(10)


async def test_the_fifo_put_takes_several_bodies_in_one_call() -> None:
    rig = AsyncRig()
    await rig.queue().put(4, "my message", 7)
    assert ["push"] == rig.flaky.calls
    assert [4, "my message", 7] == await rig.queue().get_many(10)


@BOTH
async def test_put_many_is_one_trip(kind: str) -> None:
    rig = AsyncRig()
    await rig.build(kind).put_many(range(100))
    assert ["push"] == rig.flaky.calls


@BOTH
async def test_putting_nothing_does_nothing(kind: str) -> None:
    rig = AsyncRig()
    assert not await rig.build(kind).put_many([])
    assert [] == rig.flaky.calls


async def test_the_fifo_put_of_nothing_does_nothing() -> None:
    rig = AsyncRig()
    await rig.queue().put()
    assert [] == rig.flaky.calls


async def test_putting_nothing_on_a_reliable_queue_returns_no_ids() -> None:
    assert [] == await AsyncRig().jobs().put_many([])


@BOTH
async def test_an_encode_error_in_the_middle_stores_nothing(kind: str) -> None:
    rig = AsyncRig()
    with pytest.raises(EncodeError):
        await rig.build(kind).put_many([1, object(), 3])
    assert [] == rig.flaky.calls
    assert QueueStats(0, 0, 0) == await rig.counts()


@BOTH
async def test_an_error_of_the_iterable_propagates_and_stores_nothing(kind: str) -> None:
    rig = AsyncRig()

    def bodies() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        await rig.build(kind).put_many(bodies())
    assert [] == rig.flaky.calls


@BOTH
async def test_one_body_over_the_limit_stores_none(kind: str) -> None:
    store = AsyncMemoryTransport(max_body=100)
    engine = AsyncQueue if kind == "queue" else AsyncReliableQueue
    queue = engine("jobs", store)
    with pytest.raises(BodyTooLarge, match="limit of 100"):
        await queue.put_many(["a", "b" * 200, "c"])
    assert 0 == await queue.size()


@BOTH
async def test_a_put_is_not_repeated(kind: str) -> None:
    rig = AsyncRig()
    rig.flaky.fail_next("push")
    with pytest.raises(TransportUnavailable):
        await rig.build(kind).put_many(["x"])
    assert ["push"] == rig.flaky.calls
    assert [] == await rig.raw()


async def test_a_fifo_body_is_stored_as_the_serializer_made_it() -> None:
    rig = AsyncRig()
    await rig.queue().put({"to": "ada", "n": [1, None]})
    assert [b'{"to":"ada","n":[1,null]}'] == await rig.raw()


async def test_a_delayed_message_is_ready_when_the_stores_clock_says_so() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("later", delay=10)
    assert QueueStats(0, 1, 0) == await jobs.stats()
    rig.clock.advance(9.9)
    assert await jobs.get() is None
    rig.clock.advance(0.2)
    assert "later" == (await take(jobs)).body


async def test_a_delayed_batch_keeps_its_order() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(20), delay=1)
    rig.clock.advance(2)
    assert list(range(20)) == await drain(jobs)


@pytest.mark.parametrize("delay", [-1, float("nan"), float("inf"), True, "5"])
async def test_a_delay_that_is_no_time_is_refused(delay: float) -> None:
    rig = AsyncRig()
    with pytest.raises(ConfigurationError, match="delay"):
        await rig.jobs().put("x", delay=delay)
    assert QueueStats(0, 0, 0) == await rig.counts()


async def test_a_delay_beyond_what_the_transport_can_is_refused() -> None:
    rig = AsyncRig()
    rig.store._features = Features(max_delay=60.0)
    jobs = rig.jobs()
    await jobs.put("fits", delay=60)
    with pytest.raises(Unsupported, match="delay of at most 60 s"):
        await jobs.put("too long", delay=61)
    assert QueueStats(0, 1, 0) == await rig.counts()


@pytest.mark.parametrize("after", [False, True], ids=["lost on its way", "its reply lost"])
async def test_a_put_of_unknown_outcome_is_repeated_by_its_id(after: bool) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    rig.flaky.fail_next("push", after=after)
    with pytest.raises(TransportUnavailable) as caught:
        await jobs.put("x")
    (message_id,) = caught.value.ids
    assert message_id == await jobs.put("x", id=message_id)
    assert QueueStats(1, 0, 0) == await rig.counts()
    assert message_id == (await take(jobs)).id


async def test_a_batch_of_unknown_outcome_is_repeated_by_its_ids() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    rig.flaky.fail_next("push", times=2, after=True)
    with pytest.raises(TransportUnavailable) as caught:
        await jobs.put_many(list("abc"))
    ids = caught.value.ids
    with pytest.raises(TransportUnavailable) as again:
        await jobs.put_many(list("abc"), ids=ids)
    assert ids == again.value.ids
    assert list(ids) == await jobs.put_many(list("abc"), ids=ids)
    found = await jobs.get_many(9)
    assert list(zip(ids, "abc", strict=True)) == [(m.id, m.body) for m in found]


async def test_a_get_names_no_ids() -> None:
    rig = AsyncRig()
    rig.flaky.fail_next("claim")
    with pytest.raises(TransportUnavailable) as caught:
        await rig.jobs().get()
    assert () == caught.value.ids


@pytest.mark.parametrize("ids", [["0" * 31], ["g" * 32], [7], "0" * 32, [], ["0" * 32] * 2])
async def test_ids_that_are_none_are_refused(ids: Any) -> None:
    rig = AsyncRig()
    with pytest.raises(ConfigurationError):
        await rig.jobs().put_many(["x"] * (2 if len(ids) == 2 else 1), ids=ids)
    assert [] == rig.flaky.calls


async def test_what_a_store_cannot_wait_for_is_refused() -> None:
    rig = AsyncRig()
    with pytest.raises(Unsupported, match="can wait for nothing, not for 'disk'"):
        await rig.jobs().put("x", durable="disk")
    assert QueueStats(0, 0, 0) == await rig.counts()
