"""Queues and workers shared by tasks; what a cancelled task does not lose."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from queuekit import AsyncQueue, AsyncReliableQueue, AsyncWorker, TransportClosed

pytestmark = pytest.mark.asyncio

ENGINES = pytest.mark.parametrize("engine", [AsyncQueue, AsyncReliableQueue])


def body(item: Any) -> Any:
    return getattr(item, "body", item)


@ENGINES
async def test_tasks_that_share_a_queue_get_each_message_once(engine: Any) -> None:
    queue = engine("jobs", "memory:")
    queue.transport._features = queue.transport.features._replace(max_wait=0.05)
    found: list[Any] = []
    sources = [queue.consume(timeout=30) for _ in range(3)]

    async def consume(source: Any) -> None:
        async for item in source:
            found.append(body(item))
            if len(found) == 100:
                for each in sources:
                    each.stop()
            await asyncio.sleep(0)

    async def produce() -> None:
        for n in range(100):
            await queue.put(n)
            await asyncio.sleep(0)

    await asyncio.gather(*map(consume, sources), produce())
    assert list(range(100)) == sorted(found)
    assert (0, 0) == (await queue.stats())[:2]


@ENGINES
async def test_a_cancelled_wait_loses_nothing(engine: Any) -> None:
    queue = engine("jobs", "memory:")
    for n in range(50):
        waiting = asyncio.ensure_future(queue.get(block=True))
        await asyncio.sleep(0)
        put = asyncio.ensure_future(queue.put(n))
        await asyncio.sleep(0)
        waiting.cancel()
        await put
        done = (await asyncio.gather(waiting, return_exceptions=True))[0]
        if isinstance(done, asyncio.CancelledError):
            done = await queue.get()
        assert n == body(done)
    assert 0 == await queue.size()


async def test_a_cancelled_worker_releases_uncounted_and_is_cancelled() -> None:
    jobs = AsyncReliableQueue[int]("jobs", "memory:", max_attempts=1)
    await jobs.put_many(range(3))
    begun = asyncio.Event()

    @jobs.worker(prefetch=3)
    async def work(message: Any) -> None:
        begun.set()
        await asyncio.sleep(60)

    for _ in range(2):
        begun.clear()
        task = asyncio.ensure_future(work())
        await asyncio.wait_for(begun.wait(), 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert 3 == await jobs.size()
    assert {1} == {message.attempt for message in await jobs.get_many(3)}


@ENGINES
async def test_a_cancelled_waiting_worker_is_cancelled(engine: Any) -> None:
    @engine("jobs", "memory:").worker
    async def work(item: Any) -> None: ...

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def test_a_reliable_worker_leaves_no_task_behind() -> None:
    jobs = AsyncReliableQueue[int]("jobs", "memory:")
    await jobs.put(1)

    @jobs.worker(timeout=0)
    async def work(message: Any) -> None: ...

    await work()
    assert {asyncio.current_task()} == asyncio.all_tasks()


@ENGINES
async def test_closing_a_queue_ends_a_wait_of_another_task_with_an_error(engine: Any) -> None:
    queue = engine("jobs", "memory:")
    waiting = asyncio.ensure_future(queue.get(block=True))
    await asyncio.sleep(0.01)
    await queue.aclose()
    with pytest.raises(TransportClosed):
        await asyncio.wait_for(waiting, 30)


async def test_the_signal_that_interrupts_a_handler_ends_the_run_with_a_report() -> None:
    jobs = AsyncReliableQueue[str]("jobs", "memory:")
    await jobs.put("x")

    async def blocks(message: Any) -> None:
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
        raise AssertionError("it was interrupted")

    report = await AsyncWorker(jobs, blocks).run()
    assert ("signal", 1, 1) == (report.reason, report.got, report.released)
    assert (1, 0, 0) == await jobs.stats()
