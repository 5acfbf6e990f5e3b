# unasync: source
"""``message.held``, the heartbeat of a worker, and leases that are lost for all that."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import AsyncWorker, Batch, Hooks, LeaseLost, QueueStats, RetryPolicy, RunReport
from queuekit._acompat import asleep
from queuekit.testing import FakeClock

from .colour_async import MARKS, Background
from .rig_async import AsyncRig, renewed, take, until

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


class Lost(Hooks):
    """Remembers what was lost."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []

    def lease_lost(self, message: Any, seconds: float) -> None:
        self.bodies.append(message.body)


async def test_a_message_is_held_until_it_is_settled() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(4))
    for verb in ("ack", "fail", "release", "reject"):
        message = await take(jobs)
        assert message.held
        await (message.reject("no") if verb == "reject" else getattr(message, verb)())
        assert not message.held
    async for message in jobs.consume(timeout=0):
        assert message.held
        await message.ack()
        assert not message.held


async def test_a_message_is_held_until_its_lease_may_have_run_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    rig.store.store.clock = FakeClock()  # stands still: it is this process's clock that says
    jobs = rig.jobs(lease=5)
    await jobs.put("x")
    message = await take(jobs)
    rig.clock.advance(4.9)
    assert message.held
    rig.clock.advance(0.2)
    assert not message.held
    await message.extend(lease=5)
    assert message.held


async def test_a_message_that_was_lost_is_not_held() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    message = await take(jobs)
    await rig.store.release("jobs", [message.receipt], counted=False)
    assert message.held  # nobody knows yet
    with pytest.raises(LeaseLost):
        await message.extend()
    assert not message.held


async def test_a_handler_of_ten_leases_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    sizes = rig.note_renewals()
    jobs = rig.jobs(lease=0.1)
    await jobs.put_many(["slow", "other"])
    runs: list[tuple[Any, int]] = []

    async def handle(message: Any) -> None:
        runs.append((message.body, message.attempt))
        if message.body == "slow":
            for _ in range(12):
                rig.clock.advance(0.09)
                assert await jobs.get() is None
                await renewed(sizes)
            assert message.held

    worker = AsyncWorker(jobs, handle, concurrency=2, prefetch=2, max_messages=2)
    assert RunReport("messages", 2, 2, 0, 0, 0, 0, 0) == await worker.run()
    assert [("other", 1), ("slow", 1)] == sorted(runs)


async def test_one_heartbeat_renews_all_in_one_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    sizes = rig.note_renewals()
    jobs = rig.jobs(lease=0.1)
    await jobs.put_many(range(8))
    at_work: list[Any] = []
    together: list[int] = []

    async def handle(message: Any) -> None:
        at_work.append(message.body)
        await until(lambda: len(at_work) == 8)
        if message.body == 0:
            begun = len(sizes) + 1  # one may be under way
            await until(lambda: len(sizes) >= begun + 3)
            together.extend(sizes[begun : begun + 3])
        await until(lambda: together)

    report = await AsyncWorker(jobs, handle, concurrency=8, max_messages=8).run()
    assert ([8, 8, 8], 8) == (together, report.done)


async def test_a_batch_is_renewed_while_it_is_gathered_and_worked_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    sizes = rig.note_renewals()
    jobs = rig.jobs(lease=0.2)
    await jobs.put_many(range(3))
    runs: list[int] = []
    kept: list[bool] = []

    async def handle(messages: list[Any]) -> None:
        runs.append(len(messages))
        for _ in range(4):
            await renewed(sizes)
            rig.clock.advance(0.18)
        kept.extend(message.held for message in messages)

    worker = AsyncWorker(jobs, handle, batch=Batch(5, wait=0.05), timeout=0)
    running = Background(worker.run)
    await renewed(sizes)
    assert 3 == sizes[-1]
    assert [] == runs  # it waits for two more, until time goes on
    rig.clock.advance(0.05)
    report = await running.join()
    assert ([3], [True] * 3, 3) == (runs, kept, report.done)


async def test_a_lease_that_is_lost_is_told_and_nothing_is_acked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=0.1)
    await jobs.put("x")
    seen: list[tuple[int, bool]] = []
    hooks = Lost()

    async def handle(message: Any) -> None:
        if message.attempt == 1:
            await rig.store.release("jobs", [message.receipt], counted=True)
            try:
                await until(lambda: not message.held)
            finally:
                seen.append((message.attempt, message.held))
        else:
            seen.append((message.attempt, message.held))

    worker = AsyncWorker(jobs, handle, timeout=0, hooks=hooks)
    assert RunReport("idle", 2, 1, 0, 0, 0, 1, 0) == await worker.run()
    assert [(1, False), (2, True)] == seen
    assert ["x"] == hooks.bodies


async def test_what_cannot_be_renewed_must_be_presumed_lost(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=0.2)
    await jobs.put("x")
    seen: list[bool] = []

    async def handle(message: Any) -> None:
        rig.flaky.fail_next("extend", times=100_000)
        await until(lambda: "could not be renewed" in caplog.text)
        assert "may be with others" not in caplog.text
        rig.clock.advance(0.2)
        try:
            await until(lambda: "may be with others" in caplog.text)  # the heartbeat sees it, too
        finally:
            seen.append(message.held)

    await AsyncWorker(jobs, handle, max_messages=1).run()
    assert [False] == seen
    assert "could not be renewed" in caplog.text
    assert "may be with others" in caplog.text


async def test_an_upper_bound_lets_the_lease_run_out_and_the_message_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    sizes = rig.note_renewals()
    jobs = rig.jobs(lease=0.12, retry=RetryPolicy(base=0.0))
    await jobs.put("hangs")
    attempts: list[int] = []
    held: list[bool] = []

    async def handle(message: Any) -> None:
        attempts.append(message.attempt)
        if message.attempt > 1:
            return
        for _ in range(2):
            rig.clock.advance(0.1)
            await renewed(sizes)  # after 0.1 and 0.2 s
        rig.clock.advance(0.05)
        await asleep(0.2)  # now, after 0.25 s, some beats renew it no more
        held.append(message.held)
        rig.clock.advance(0.08)
        held.append(message.held)
        rig.clock.advance(0.1)  # for the store, which may have heard of it later than we sent it
        raise ValueError("it is with others")

    worker = AsyncWorker(jobs, handle, max_messages=2, max_time=0.22)
    report = await worker.run()
    assert [1, 2] == attempts
    assert (2, 1) == (report.got, report.done)
    assert [True, False] == held
    assert EMPTY == await rig.counts()


async def test_without_options_a_message_that_is_done_in_time_costs_no_extension() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(5))

    async def handle(message: Any) -> None: ...

    await AsyncWorker(jobs, handle, timeout=0).run()
    assert {"push", "claim", "ack_and_claim"} >= set(rig.flaky.calls)
