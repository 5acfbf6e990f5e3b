# unasync: source
"""Limits that all consumers of a queue share."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import (
    AsyncMessage,
    AsyncReliableQueue,
    ConfigurationError,
    Limits,
    Unsupported,
)

from .colour_async import MARKS
from .rig_async import NAME, AsyncRig, take

pytestmark = MARKS


def limited(rig: AsyncRig, **limits: Any) -> AsyncReliableQueue[Any]:
    return AsyncReliableQueue(NAME, rig.store, limits=Limits(**limits))


async def test_no_more_are_in_flight_than_the_limit() -> None:
    rig = AsyncRig()
    jobs, other = limited(rig, in_flight=2), limited(rig, in_flight=2)
    await jobs.put_many(range(4))
    held = [await take(jobs), await take(other)]
    assert await jobs.get() is None
    await held[0].ack()
    await held[1].release()
    assert [1, 2] == [(await take(other)).body, (await take(jobs)).body]
    assert await other.get() is None


async def test_no_more_are_taken_than_the_rate() -> None:
    rig = AsyncRig()
    jobs = limited(rig, rate=2, per=10.0)
    await jobs.put_many(range(9))
    taken = 0
    for _ in range(30):
        taken += len(await jobs.get_many(5))
        rig.clock.advance(1)
    assert 6 == taken


async def test_no_ack_in_the_pocket_of_a_loop_keeps_a_turn() -> None:
    rig = AsyncRig()
    jobs = limited(rig, in_flight=1)
    await jobs.put_many(range(3))
    seen: list[Any] = []
    async with jobs.consume(timeout=0) as messages:
        async for message in messages:
            await message.ack()
            seen.append(message.body)
            assert 0 == (await rig.counts()).claimed
    assert [0, 1, 2] == seen


async def test_a_worker_works_within_the_limits() -> None:
    rig = AsyncRig()
    jobs = limited(rig, in_flight=1, rate=1, per=60.0)
    await jobs.put_many(range(3))
    seen: list[Any] = []

    @jobs.worker(timeout=0, prefetch=5)
    async def handle(message: AsyncMessage[Any]) -> None:
        seen.append(message.body)

    await handle()
    assert [0] == seen
    rig.clock.advance(61)
    await handle()
    assert [0, 1] == seen


async def test_closing_gives_back_what_was_claimed_within_limits() -> None:
    rig = AsyncRig()
    jobs = limited(rig, in_flight=1)
    await jobs.put("x")
    messages = jobs.consume(timeout=0)
    await messages.__anext__()
    await messages.aclose()
    await jobs.aclose()
    assert (0, 0, 1) == await rig.counts()


@pytest.mark.parametrize(
    "limits", [Limits(rate=0), Limits(in_flight=0), Limits(rate=1, per=0), 5, {"rate": 1}]
)
async def test_limits_that_are_none_are_refused_when_the_queue_is_built(limits: Any) -> None:
    with pytest.raises(ConfigurationError):
        AsyncReliableQueue(NAME, AsyncRig().store, limits=limits)


async def test_a_transport_that_cannot_limit_is_refused_when_the_queue_is_built() -> None:
    with pytest.raises(Unsupported, match="sqlite:"):
        AsyncRig().jobs(limits=Limits(rate=1))
