"""Loops that end while consumers work, at any turn: nothing stays claimed, no task is destroyed."""

from __future__ import annotations

import asyncio
import gc
from contextlib import nullcontext, suppress

import pytest

from queuekit import AsyncMemoryTransport, AsyncReliableQueue

from .test_cancelled_anywhere import COUNT, Scene, turns

HOWS = pytest.mark.parametrize("how", ["worker", "batches", "decorated", "loop", "by_hand"])
CANCELLED = pytest.mark.parametrize("cancelled", [None, 0, 1, 2, 4, 7, 10])


@HOWS
@CANCELLED
@pytest.mark.parametrize("closes", [True, False])
def test_a_loop_that_ends_leaves_nothing_claimed(
    how: str, cancelled: int | None, closes: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Or was *cancelled* so many turns before: then the end of ``asyncio.run`` is once more."""

    async def main(scene: Scene, at: int) -> bool:
        await scene.jobs.put_many(range(COUNT))
        task = asyncio.ensure_future(work(scene))
        await turns(at)
        if cancelled is not None:
            task.cancel()
            await turns(cancelled)
        return len(scene.done) == COUNT and not (await scene.jobs.transport.stats("jobs")).claimed

    async def work(scene: Scene) -> None:
        async with scene.jobs if closes else nullcontext():
            await getattr(scene, how)()

    for at in range(3000):
        scene = Scene()
        with suppress(asyncio.CancelledError):
            is_late = asyncio.run(main(scene, at))
        scene.reopen()
        try:
            asyncio.run(scene.account())
        except AssertionError as exc:
            exc.add_note(f"ended at turn {at}")
            raise
        if is_late:
            break
    else:
        raise AssertionError("it was never done")
    gc.collect()
    assert not [one for one in caplog.records if one.name == "asyncio"]


def test_a_coroutine_that_is_thrown_away_gives_back_what_needs_no_turn_of_its_loop() -> None:
    store = AsyncMemoryTransport()

    async def work() -> None:
        async with AsyncReliableQueue[int]("jobs", store) as jobs:
            await jobs.put_many(range(3))
            async with jobs.consume(prefetch=3) as messages:
                message = await anext(messages)
                await message.ack()
                await asyncio.sleep(0)

    thrown_away = work()
    asyncio.run(store.stats("jobs"))  # a loop has been, and is not any more
    thrown_away.send(None)
    thrown_away.close()
    assert (2, 0, 0) == asyncio.run(store.stats("jobs"))
