"""What only tasks have: handlers that hold up the event loop, and their cancellation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from queuekit import (
    AsyncMemoryTransport,
    AsyncReliableQueue,
    AsyncWorker,
    Batch,
    LeaseLost,
    MemoryTransport,
    ReliableQueue,
    RunReport,
)
from queuekit.transport import Transport

from .rig_async import AsyncRig, until

pytestmark = pytest.mark.asyncio


class Lent(MemoryTransport):
    """The same store; closing it does nothing."""

    def close(self) -> None: ...


class Reachable(AsyncMemoryTransport):
    """A transport of a store that threads can reach, too."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.blocking = Lent(clock=clock)
        super().__init__(shared_with=self.blocking)

    def for_threads(self) -> Transport:
        return self.blocking


def burn(seconds: float) -> None:
    """Keep the processor busy with Python code."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


@pytest.mark.parametrize("hold_up", [time.sleep, burn])
async def test_a_handler_that_blocks_the_loop_for_ten_leases_runs_once(
    hold_up: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    store = Reachable(rig.clock)
    jobs = AsyncReliableQueue[Any]("jobs", store, lease=0.1)
    await jobs.put_many(["slow", "other"])
    beside = ReliableQueue[Any]("jobs", store.blocking, lease=0.1)
    stolen: list[Any] = []
    runs: list[tuple[Any, int]] = []

    async def handle(message: Any) -> None:
        runs.append((message.body, message.attempt))
        if message.body == "slow":
            for _ in range(12):
                rig.clock.advance(0.09)
                stolen.extend(beside.get_many(10))
                end = time.monotonic() + 30
                while message.until < rig.clock() + 0.1 and time.monotonic() < end:
                    hold_up(0.02)
            assert message.held

    report = await AsyncWorker(jobs, handle, prefetch=2, timeout=0).run()
    assert [("slow", 1), ("other", 1)] == runs
    assert RunReport("idle", 2, 2, 0, 0, 0, 0, 0) == report
    assert [] == stolen


async def test_where_no_thread_reaches_the_store_a_blocked_loop_loses_its_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=0.1)
    await jobs.put("x")

    async def handle(message: Any) -> None:
        if message.attempt == 1:
            for _ in range(3):
                rig.clock.advance(0.04)
                time.sleep(0.1)  # noqa: ASYNC251 - as bad handlers do
            assert not message.held
            assert 1 == await rig.store.recover("jobs")

    report = await AsyncWorker(jobs, handle, timeout=0).run()
    assert (1, 1) == (report.lost, report.done)


async def hang(message: Any) -> None:
    await asyncio.sleep(30)


async def gone(rig: AsyncRig, message: Any) -> None:
    await rig.store.ack("jobs", [message.receipt])


async def test_a_handler_is_cancelled_when_its_lease_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=0.2)
    await jobs.put_many(["x", "y"])
    ends: list[str] = []

    async def handle(message: Any) -> None:
        if message.body == "x":
            await gone(rig, message)
            try:
                await hang(message)
            except asyncio.CancelledError:
                ends.append("cancelled")
                raise
        ends.append(message.body)

    begun = time.monotonic()
    report = await AsyncWorker(jobs, handle, timeout=0).run()
    assert ["cancelled", "y"] == ends
    assert RunReport("idle", 2, 1, 0, 0, 0, 1, 0) == report
    assert time.monotonic() - begun < 20  # it would hang for 30


async def test_a_handler_that_swallows_the_cancellation_leaves_the_next_one_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=0.2)
    await jobs.put_many(["x", "y", "z"])
    done: list[str] = []

    async def handle(message: Any) -> None:
        if message.body == "x":
            await gone(rig, message)
            try:
                await hang(message)
            except asyncio.CancelledError:
                pass
        await asyncio.sleep(0.05)
        done.append(message.body)
        task = asyncio.current_task()
        assert task is not None
        assert (message.body == "x") == task.cancelling()

    report = await AsyncWorker(jobs, handle, timeout=0).run()
    assert ["x", "y", "z"] == done
    assert (2, 1) == (report.done, report.lost)


async def test_of_a_batch_the_handler_is_cancelled_when_all_are_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=0.2)
    await jobs.put_many(range(4))
    calls: list[int] = []

    async def handle(messages: list[Any]) -> None:
        calls.append(len(messages))
        lost = messages if len(calls) == 3 else messages[:1]
        for message in lost:
            await gone(rig, message)
        if lost == messages:
            await hang(messages[0])
        await until(lambda: not lost[0].held)
        await asyncio.sleep(0.2)
        calls.append(0)

    report = await AsyncWorker(jobs, handle, batch=Batch(2, wait=0), timeout=0).run()
    assert [2, 0, 2] == calls
    assert (1, 3) == (report.done, report.lost)


async def test_a_cancelled_run_gives_back_what_it_has_and_ends() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(6))
    started = asyncio.Event()

    async def handle(message: Any) -> None:
        started.set()
        await hang(message)

    worker = AsyncWorker(jobs, handle, concurrency=2, prefetch=2)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(started.wait(), 30)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 20)
    assert (6, 0, 0) == await rig.counts()
    assert list(range(6)) == [one.body for one in await jobs.get_many(9)]


async def test_a_handler_that_will_not_be_cancelled_is_left_behind() -> None:
    rig = AsyncRig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    await jobs.put("x")
    refused: list[BaseException] = []
    started, over = asyncio.Event(), asyncio.Event()

    async def handle(message: Any) -> None:
        started.set()
        while not over.is_set():
            try:
                await asyncio.wait_for(over.wait(), 30)
            except asyncio.CancelledError:
                pass
        try:
            await message.ack()
        except LeaseLost as exc:
            refused.append(exc)

    worker = AsyncWorker(jobs, handle, shutdown_timeout=0)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(started.wait(), 30)
    worker.stop()
    report = await asyncio.wait_for(running, 20)
    over.set()
    assert (1, 1) == (report.released, report.unfinished)
    assert (1, 0, 0) == await rig.counts()
    await until(lambda: refused)
    assert [LeaseLost] == [type(exc) for exc in refused]
