# unasync: source
"""Getting: at once, with a timeout, for ever; and that an empty queue is not a body."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import ConfigurationError, TransportUnavailable

from .colour_async import MARKS, Background
from .rig_async import BOTH, AsyncRig, take, until

pytestmark = MARKS

FALSY: list[Any] = [None, 0, 0.0, False, "", [], {}]


@BOTH
async def test_get_of_an_empty_queue_returns_none_at_once(kind: str) -> None:
    rig = AsyncRig()
    waits = rig.note_waits()
    queue = rig.build(kind)
    assert await queue.get() is None
    assert await queue.get(block=False) is None
    assert [] == await queue.get_many(5)
    assert [0.0] * 3 == waits


@BOTH
async def test_get_with_a_timeout_waits_so_long_and_no_longer(kind: str) -> None:
    rig = AsyncRig()
    waits = rig.note_waits()
    start = time.monotonic()
    assert await rig.build(kind).get(timeout=0.1) is None
    assert 0.09 <= time.monotonic() - start < 20
    assert 0.0 < max(waits) <= 0.1


@BOTH
async def test_a_timeout_outlasts_the_longest_wait_of_the_transport(kind: str) -> None:
    rig = AsyncRig()
    rig.cut_waits(0.05)
    waits = rig.note_waits()
    start = time.monotonic()
    assert await rig.build(kind).get(timeout=0.2) is None
    assert 0.19 <= time.monotonic() - start < 20
    assert 0.0 < max(waits) <= 0.05


@BOTH
async def test_get_many_with_a_timeout_waits_so_long(kind: str) -> None:
    rig = AsyncRig()
    waits = rig.note_waits()
    start = time.monotonic()
    assert [] == await rig.build(kind).get_many(5, timeout=0.1)
    assert 0.09 <= time.monotonic() - start < 20
    assert 0.0 < max(waits) <= 0.1


@BOTH
@pytest.mark.parametrize("wait", [{"timeout": 60}, {"block": True}, {"block": True, "timeout": 60}])
async def test_a_waiting_get_returns_what_is_put_meanwhile(kind: str, wait: Any) -> None:
    rig = AsyncRig()
    rig.cut_waits(0.02)  # so that it loops
    waits = rig.note_waits()

    async def get() -> Any:
        return await rig.build(kind).get(**wait)

    waiting = Background(get)
    await until(lambda: len(waits) > 3)
    await rig.queue().put("x")
    found = await waiting.join()
    assert "x" == (found if kind == "queue" else found.body)


@BOTH
@pytest.mark.parametrize("timeout", [0, 1])
async def test_block_false_with_a_timeout_is_refused(kind: str, timeout: float) -> None:
    with pytest.raises(ConfigurationError, match="block=False"):
        await AsyncRig().build(kind).get(block=False, timeout=timeout)


@BOTH
@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), "1", True])
async def test_a_timeout_that_is_no_time_is_refused(kind: str, timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        await AsyncRig().build(kind).get(timeout=timeout)


@BOTH
@pytest.mark.parametrize("limit", [0, -1, True, 1.5, None])
async def test_a_limit_that_is_no_count_is_refused(kind: str, limit: Any) -> None:
    queue = AsyncRig().build(kind)
    with pytest.raises(ConfigurationError, match="limit"):
        await queue.get_many(limit)
    with pytest.raises(ConfigurationError, match="limit"):
        await queue.peek(limit)


@BOTH
async def test_get_takes_the_oldest_first(kind: str) -> None:
    queue = AsyncRig().build(kind)
    await queue.put_many(["a", "b"])
    await queue.put_many(["c"])
    found = [await queue.get() for _ in range(3)]
    assert ["a", "b", "c"] == [x if kind == "queue" else x.body for x in found]


@BOTH
async def test_get_many_takes_at_most_its_limit(kind: str) -> None:
    queue = AsyncRig().build(kind)
    await queue.put_many(range(5))
    sizes = [len(await queue.get_many(3)) for _ in range(3)]
    assert [3, 2, 0] == sizes


async def test_a_claim_takes_at_most_a_thousand_messages() -> None:
    jobs = AsyncRig().jobs()
    await jobs.put_many(range(1001))
    assert 1000 == len(await jobs.get_many(5000))


async def test_default_is_returned_only_when_nothing_came() -> None:
    queue = AsyncRig().queue()
    empty = object()
    await queue.put(None)
    assert await queue.get(default=empty) is None
    assert empty is await queue.get(default=empty)
    assert empty is await queue.get(timeout=0.01, default=empty)


@pytest.mark.parametrize("body", FALSY)
async def test_a_falsy_body_is_a_body(body: Any) -> None:
    rig = AsyncRig()
    queue, jobs = rig.queue(), rig.jobs()
    await queue.put(body, body)
    assert body == await queue.get(default="empty")
    assert [body] == await queue.get_many(5)
    await queue.put(body)
    async for item in queue.consume(timeout=0):
        assert body == item
    assert 0 == await queue.size()
    await jobs.put(body)
    assert body == (await take(jobs)).body


async def test_a_waiting_get_with_block_true_returns_a_none_that_was_put() -> None:
    rig = AsyncRig()
    await rig.queue().put(None)
    assert await rig.queue().get(block=True) is None
    assert 0 == await rig.queue().size()


async def test_an_empty_message_is_a_true_value() -> None:
    jobs = AsyncRig().jobs()
    await jobs.put(None)
    assert await jobs.get()


@BOTH
async def test_both_engines_read_what_the_other_put(kind: str) -> None:
    rig = AsyncRig()
    await rig.jobs().put({"n": 1})
    await rig.queue().put({"n": 2})
    found = await rig.build(kind).get_many(2)
    assert [{"n": 1}, {"n": 2}] == [x if kind == "queue" else x.body for x in found]


@BOTH
async def test_an_unreachable_store_is_an_error_and_the_next_get_goes_on(kind: str) -> None:
    rig = AsyncRig()
    queue = rig.build(kind)
    await queue.put_many(["x"])
    rig.flaky.fail_next("pop" if kind == "queue" else "claim")
    with pytest.raises(TransportUnavailable):
        await queue.get()
    assert await queue.get() is not None
