# unasync: source
"""The memory of handlers: work that was done is not done again."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import AsyncMessage, AsyncOnce, AsyncReliableQueue, ConfigurationError, Unsupported

from .colour_async import MARKS
from .rig_async import NAME, AsyncRig, take

pytestmark = MARKS


def build(rig: AsyncRig, **options: Any) -> AsyncReliableQueue[Any]:
    return AsyncReliableQueue(NAME, rig.store, **options)


async def test_what_is_remembered_is_seen_until_its_window_ends() -> None:
    rig = AsyncRig()
    jobs = build(rig)
    once = AsyncOnce(jobs, window=100)
    message_id = await jobs.put("x")
    message = await take(jobs)
    assert not await once.seen(message)
    assert await once.remember(message)
    assert not await once.remember(message_id)
    assert await once.seen(message_id)
    assert not await AsyncOnce(AsyncReliableQueue[Any]("others", rig.store)).seen(message_id)
    rig.clock.advance(101)
    assert not await once.seen(message)


async def test_what_is_forgotten_is_done_again() -> None:
    jobs = build(AsyncRig())
    once = AsyncOnce(jobs)
    await once.remember("id")
    assert await once.forget("id")
    assert not await once.forget("id")
    assert not await once.seen("id")


async def test_a_decorated_handler_works_once_though_its_ack_was_lost() -> None:
    rig = AsyncRig()
    jobs = build(rig)
    once = AsyncOnce(jobs)
    work: list[Any] = []

    @once
    async def handle(message: AsyncMessage[Any]) -> None:
        work.append(message.body)

    assert "handle" == handle.__name__
    await jobs.put("x")
    await handle(await take(jobs))  # and dies before the ack
    rig.clock.advance(61)
    await jobs.worker(timeout=0)(handle)()
    assert ["x"] == work
    assert (0, 0, 0) == await rig.counts()


async def test_what_failed_is_not_remembered() -> None:
    rig = AsyncRig()
    jobs = build(rig)
    once = AsyncOnce(jobs)
    work: list[Any] = []

    @jobs.worker(timeout=0)
    @once
    async def handle(message: AsyncMessage[Any]) -> None:
        work.append(message.attempt)
        if message.attempt == 1:
            await message.fail(delay=0)
        elif message.attempt == 2:
            raise ValueError

    await jobs.put("x")
    await handle()
    rig.clock.advance(60)
    await handle()
    assert [1, 2, 3] == work


async def test_the_memory_meets_no_key_of_a_put() -> None:
    rig = AsyncRig()
    jobs = build(rig)
    await AsyncOnce(jobs).remember("key")
    assert await rig.store.marked(NAME, "key") is None


async def test_a_transport_that_remembers_nothing_is_refused() -> None:
    rig = AsyncRig()
    with pytest.raises(Unsupported, match=r"record message\.id"):
        AsyncOnce(rig.jobs())
    with pytest.raises(ConfigurationError, match="window"):
        AsyncOnce(build(rig), window=0)
    with pytest.raises(ConfigurationError, match=r"message\.id"):
        await AsyncOnce(build(rig)).seen(5)
