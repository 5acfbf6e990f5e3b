# unasync: source
"""Mistakes of the caller: refused with the way out, before anything is done."""

from __future__ import annotations

from typing import Any, cast

import pytest

from queuekit import ConfigurationError, RetryPolicy, Unsupported

from .colour_async import MARKS
from .rig_async import BOTH, AsyncRig

pytestmark = MARKS


async def test_what_is_no_message_is_refused_and_nothing_is_settled() -> None:
    rig = AsyncRig()
    jobs: Any = rig.jobs()
    await jobs.put("a")
    message = await jobs.get()
    for verb in (jobs.ack, jobs.release, jobs.extend, jobs.fail, jobs.reject):
        for nonsense in (None, 5, b"x"):
            with pytest.raises(ConfigurationError, match="get\\(\\) returns None"):
                await verb(message, nonsense)
    assert not message.settled
    assert 1 == (await rig.counts()).claimed
    await message.ack()


async def test_fail_and_reject_take_messages_only() -> None:
    jobs: Any = AsyncRig().jobs()
    await jobs.put("a")
    message = await jobs.get()
    for verb in (jobs.fail, jobs.reject):
        with pytest.raises(ConfigurationError, match="only ack, release and extend"):
            await verb(message.receipt)
    await jobs.ack(message.receipt)


async def test_a_message_of_another_queue_is_refused() -> None:
    rig = AsyncRig()
    jobs, other = rig.jobs(), rig.jobs().dead
    await jobs.put("a")
    message = await jobs.get(block=True)
    with pytest.raises(ConfigurationError, match="'jobs' cannot be settled on 'jobs!dead'"):
        await other.ack(cast(Any, message))
    assert not message.settled


async def test_a_message_named_twice_is_settled_once() -> None:
    jobs = AsyncRig().jobs()
    await jobs.put_many([1, 2])
    first, second = await jobs.get_many(2)
    await jobs.ack(first, first, second)
    assert (0, 0, 0) == await jobs.stats()


@BOTH
@pytest.mark.parametrize("bodies", ["abc", b"abc", {"to": "ada"}, 5])
async def test_put_many_refuses_a_single_body(kind: str, bodies: Any) -> None:
    rig = AsyncRig()
    with pytest.raises(ConfigurationError, match="use put"):
        await rig.build(kind).put_many(bodies)
    assert (0, 0, 0) == await rig.counts()


async def test_a_policy_that_is_none_is_refused_when_the_queue_is_built() -> None:
    with pytest.raises(ConfigurationError, match=r"RetryPolicy\(max_attempts=3\)"):
        AsyncRig().jobs(retry=3)
    AsyncRig().jobs(retry=RetryPolicy())


@BOTH
async def test_a_store_that_cannot_wait_is_not_asked_to(kind: str) -> None:
    rig = AsyncRig()
    rig.cut_waits(0.0)
    queue: Any = rig.build(kind)
    await queue.put(1)
    for wait in ({"timeout": 1}, {"block": True}):
        with pytest.raises(Unsupported, match="timeout=0"):
            await queue.get(**wait)
    with pytest.raises(Unsupported, match="timeout=0"):
        queue.consume()
    assert await queue.get() is not None


@BOTH
async def test_a_handler_that_yields_is_refused(kind: str) -> None:
    async def handle(item: Any) -> Any:
        yield item

    with pytest.raises(ConfigurationError, match="yields"):
        AsyncRig().build(kind).worker(cast(Any, handle))
