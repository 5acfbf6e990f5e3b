# unasync: source
"""Consuming: an iterator that errors do not end, and that can be told to stop."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import ConfigurationError, TransportUnavailable

from .colour_async import MARKS, Background
from .rig_async import BOTH, NAME, AsyncRig, until

pytestmark = MARKS


async def bodies_of(kind: str, source: Any) -> list[Any]:
    """Consume until the end; ack what can be acked."""
    found = []
    async for item in source:
        if kind == "jobs":
            await item.ack()
        found.append(item if kind == "queue" else item.body)
    return found


@BOTH
async def test_it_yields_in_order_and_ends_when_the_queue_is_empty(kind: str) -> None:
    rig = AsyncRig()
    queue = rig.build(kind)
    await queue.put_many(range(10))
    waits = rig.note_waits()
    assert list(range(10)) == await bodies_of(kind, queue.consume(timeout=0))
    assert {0.0} == set(waits)
    assert (0, 0, 0) == await rig.counts()


@BOTH
async def test_it_ends_when_nothing_came_for_the_timeout(kind: str) -> None:
    rig = AsyncRig()
    waits = rig.note_waits()
    start = time.monotonic()
    assert [] == await bodies_of(kind, rig.build(kind).consume(timeout=0.1))
    assert 0.09 <= time.monotonic() - start < 20
    assert 0.0 < max(waits) <= 0.1


@BOTH
async def test_the_timeout_starts_anew_with_each_item(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    rig.cut_waits(60)
    waits = rig.note_waits()
    async with rig.build(kind).consume(timeout=5) as source:
        for n in range(3):
            coming = Background(source.__anext__)
            await until(lambda n=n: len(waits) > n)
            rig.clock.advance(3)
            await rig.queue().put(n)
            item = await coming.join()
            assert n == (item if kind == "queue" else item.body)
    assert [5.0] * 3 == waits


@BOTH
async def test_a_none_does_not_end_it(kind: str) -> None:
    rig = AsyncRig()
    await rig.queue().put(None, 0, None, "")
    assert [None, 0, None, ""] == await bodies_of(kind, rig.build(kind).consume(timeout=0))


@BOTH
async def test_an_error_of_the_store_does_not_end_it(kind: str) -> None:
    rig = AsyncRig()
    await rig.queue().put(1, 2)
    source = rig.build(kind).consume(timeout=0)
    await source.__anext__()
    rig.flaky.fail_next("pop" if kind == "queue" else "claim", times=2)
    for _ in range(2):
        with pytest.raises(TransportUnavailable):
            await source.__anext__()
    assert [2] == await bodies_of(kind, source)


@BOTH
async def test_stop_from_elsewhere_ends_a_wait_within_a_second(kind: str) -> None:
    rig = AsyncRig()
    waits = rig.note_waits()
    source = rig.build(kind).consume()

    async def consume() -> Any:
        return await bodies_of(kind, source)

    consuming = Background(consume)
    await until(lambda: waits)
    source.stop()
    assert [] == await consuming.join()
    assert max(waits) <= 1.0  # it is not woken, but waits no longer than so at a time


@BOTH
async def test_a_stopped_one_yields_nothing_more(kind: str) -> None:
    rig = AsyncRig()
    await rig.queue().put(1, 2, 3)
    source = rig.build(kind).consume(timeout=0)
    await source.__anext__()
    source.stop()
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await source.__anext__()
    assert 2 == (await rig.counts()).ready


@BOTH
async def test_a_closed_one_yields_nothing_more(kind: str) -> None:
    rig = AsyncRig()
    await rig.queue().put(1, 2, 3)
    async with rig.build(kind).consume(timeout=0) as source:
        await source.__anext__()
    await source.aclose()
    assert [] == await bodies_of(kind, source)
    assert 2 == (await rig.counts()).ready


@BOTH
@pytest.mark.parametrize("timeout", [-1, float("nan"), "1"])
async def test_a_timeout_that_is_no_time_is_refused(kind: str, timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        AsyncRig().build(kind).consume(timeout=timeout)


@pytest.mark.parametrize("prefetch", [0, -1, 1.5, True, None])
async def test_a_prefetch_that_is_no_count_is_refused(prefetch: Any) -> None:
    jobs = AsyncRig().jobs()
    with pytest.raises(ConfigurationError, match="prefetch"):
        jobs.consume(prefetch=prefetch)
    with pytest.raises(ConfigurationError, match="prefetch"):
        jobs.worker(prefetch=prefetch)


async def test_one_message_is_claimed_at_a_time_by_default() -> None:
    rig = AsyncRig()
    await rig.jobs().put_many(range(5))
    async with rig.jobs().consume() as messages:
        await messages.__anext__()
        assert (4, 0, 1) == await rig.counts()


async def test_prefetch_claims_so_many_in_one_trip() -> None:
    rig = AsyncRig()
    await rig.jobs().put_many(range(10))
    rig.flaky.calls.clear()
    async with rig.jobs().consume(prefetch=8, timeout=0) as messages:
        found = [await messages.__anext__() for _ in range(8)]
        assert ["claim"] == rig.flaky.calls
        assert list(range(8)) == [message.body for message in found]
        assert (2, 0, 8) == await rig.counts()


@pytest.mark.parametrize("end", ["aclose", "stop"])
async def test_what_was_prefetched_goes_back_uncounted_and_in_order(end: str) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(6))
    messages = jobs.consume(prefetch=5)
    first = await messages.__anext__()
    if end == "stop":
        messages.stop()
        with pytest.raises(StopAsyncIteration):
            await messages.__anext__()
    else:
        await messages.aclose()
    assert (5, 0, 1) == await rig.counts()
    back = await jobs.get_many(10)
    assert [(n, 1) for n in range(1, 6)] == [(m.body, m.attempt) for m in back]
    await first.ack()


async def test_the_message_handed_out_stays_with_its_consumer_on_close() -> None:
    rig = AsyncRig()
    await rig.jobs().put("x")
    async with rig.jobs().consume() as messages:
        message = await messages.__anext__()
    await message.ack()


async def test_closing_hides_no_error_of_its_block() -> None:
    rig = AsyncRig()
    await rig.jobs().put_many(range(3))
    rig.flaky.fail_next("release")
    source = rig.jobs().consume(prefetch=3)
    with pytest.raises(KeyError):
        assert 0 == (await source.__anext__()).body
        async with source:
            raise KeyError("mine")
    assert 0 == rig.flaky.pending


async def test_an_error_while_renewing_does_not_lose_what_was_prefetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=60)
    await jobs.put_many(range(3))
    async with jobs.consume(prefetch=3, timeout=0) as messages:
        assert 0 == (await messages.__anext__()).body
        rig.clock.advance(31)
        rig.flaky.fail_next("extend")
        with pytest.raises(TransportUnavailable):
            await messages.__anext__()
        assert [1, 2] == [(await messages.__anext__()).body for _ in range(2)]


async def test_the_lease_is_renewed_before_a_message_with_less_than_half_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=60)
    await jobs.put_many(range(4))
    async with jobs.consume(prefetch=4, timeout=0) as messages:
        await messages.__anext__()
        rig.clock.advance(29)
        await messages.__anext__()
        assert 0 == rig.flaky.calls.count("extend")
        rig.clock.advance(2)
        third = await messages.__anext__()
        assert 1 == rig.flaky.calls.count("extend")
        await messages.__anext__()
        assert 1 == rig.flaky.calls.count("extend")
    rig.clock.advance(59)
    assert await jobs.get() is None
    await third.ack()


async def test_prefetched_messages_that_were_lost_are_not_handed_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=60)
    await jobs.put_many(range(3))
    async with jobs.consume(prefetch=3, timeout=0) as messages:
        assert 0 == (await messages.__anext__()).body
        rig.clock.advance(61)
        others = await rig.store.claim(NAME, lease=60, limit=3)
        assert [2, 2, 2] == [delivery.attempt for delivery in others]
        with pytest.raises(StopAsyncIteration):
            await messages.__anext__()
    assert (0, 0, 3) == await rig.counts()
