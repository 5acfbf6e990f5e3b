# unasync: source
"""Puts that are gathered: what is sent when, and what a failure leaves."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import (
    AsyncReliableQueue,
    BodyTooLarge,
    ConfigurationError,
    EncodeError,
    QueueFull,
    TransportUnavailable,
)
from queuekit._acompat import asleep

from .colour_async import INTERRUPT, MARKS, Background
from .rig_async import AsyncRig, drain, until

pytestmark = MARKS

LONG = 60.0


async def stored(rig: AsyncRig) -> None:
    """Wait until the store has something."""
    end = time.monotonic() + 30
    while not (await rig.counts()).ready:
        assert time.monotonic() < end
        await asleep(0.005)


async def test_messages_go_together_and_keep_their_order() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    async with jobs.buffer(size=10, linger=LONG) as buffer:
        ids = [await buffer.put(n) for n in range(25)]
        assert (20, 5) == ((await rig.counts()).ready, len(buffer))
        assert tuple(ids[20:]) == buffer.ids
    assert ["push"] * 3 == rig.flaky.calls
    messages = await jobs.get_many(99)
    assert list(zip(ids, range(25), strict=True)) == [(one.id, one.body) for one in messages]


async def test_what_lingers_is_sent() -> None:
    rig = AsyncRig()
    async with rig.jobs().buffer(size=10, linger=0.02) as buffer:
        await buffer.put(1)
        await stored(rig)
        await until(lambda: not len(buffer))  # a moment later


async def test_flush_stores_at_once_and_nothing_costs_nothing() -> None:
    rig = AsyncRig()
    buffer = rig.jobs().buffer(size=10, linger=LONG)
    await buffer.flush()
    assert [] == rig.flaky.calls
    await buffer.put(1)
    await buffer.flush()
    assert 1 == (await rig.counts()).ready
    await buffer.aclose()
    await buffer.aclose()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("interrupted", [False, True])
async def test_a_failed_send_is_repeated_and_stores_once(after: bool, interrupted: bool) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    buffer = jobs.buffer(size=3, linger=LONG)
    error = INTERRUPT() if interrupted else TransportUnavailable("away")
    ids = [await buffer.put(n) for n in range(2)]
    rig.flaky.fail_next("push", error=error, after=after)
    with pytest.raises(type(error)) as caught:
        await buffer.put(2)
    if isinstance(caught.value, TransportUnavailable):
        assert buffer.ids == caught.value.ids
    assert (3, ids) == (len(buffer), list(buffer.ids[:2]))
    await buffer.put(3)
    await buffer.aclose()
    assert [0, 1, 2, 3] == await drain(jobs)


async def test_a_full_store_leaves_all_in_the_buffer() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    buffer = jobs.buffer(size=2, linger=LONG)
    await buffer.put(0)
    rig.flaky.fail_next("push", error=QueueFull("full"))
    with pytest.raises(QueueFull):
        await buffer.put(1)
    assert 2 == len(buffer)
    await buffer.flush()
    assert [0, 1] == await drain(jobs)


async def test_what_cannot_be_put_is_refused_by_itself() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    rig.store._features = rig.store.features._replace(max_body=100)
    async with jobs.buffer(size=9, linger=LONG) as buffer:
        await buffer.put(0)
        with pytest.raises(EncodeError):
            await buffer.put({1, 2})
        with pytest.raises(BodyTooLarge):
            await buffer.put("x" * 100)
        await buffer.put(1)
    assert [0, 1] == await drain(jobs)


async def test_a_store_that_is_away_is_logged_and_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        f"{AsyncReliableQueue.buffer.__module__.replace('putting', 'buffer')}._PAUSE", 0.0
    )
    rig = AsyncRig()
    jobs = rig.jobs()
    rig.flaky.fail_next("push", times=2)
    buffer = jobs.buffer(size=9, linger=0.01)
    await buffer.put(0)
    await stored(rig)
    assert 2 == caplog.text.count("1 buffered messages wait")
    await buffer.aclose()


async def test_producers_share_a_buffer() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    buffer = jobs.buffer(size=7, linger=0.001)

    async def produce(first: int) -> None:
        for n in range(first, first + 100):
            await buffer.put(n)
            if n % 10 == 0:
                await asleep(0.001)

    producers = [Background(lambda first=100 * i: produce(first)) for i in range(4)]
    for producer in producers:
        await producer.join()
    await buffer.aclose()
    bodies: list[Any] = await drain(jobs)
    assert list(range(400)) == sorted(bodies)
    for i in range(4):
        mine = [body for body in bodies if body // 100 == i]
        assert sorted(mine) == mine


@pytest.mark.parametrize("options", [{"size": 0}, {"linger": -1.0}, {"size": 1.5}])
async def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        AsyncRig().jobs().buffer(**options)
