# unasync: source
"""The lease of a worker's message is renewed while its handler runs."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import QueueStats

from .colour_async import MARKS
from .rig_async import AsyncRig, renewed, until

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


async def test_the_lease_is_renewed_while_a_handler_outlives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    sizes = rig.note_renewals()
    jobs = rig.jobs(lease=0.1)
    await jobs.put_many(["slow", "behind"])
    found: list[Any] = []

    @jobs.worker(timeout=0, prefetch=2)
    async def work(message: Any) -> None:
        if message.body == "slow":
            for _ in range(4):
                rig.clock.advance(0.09)
                assert await jobs.get() is None
                await renewed(sizes)
        found.append((message.body, message.attempt))

    await work()
    assert [("slow", 1), ("behind", 1)] == found
    assert EMPTY == await rig.counts()


async def test_prefetched_messages_are_renewed_when_the_handler_acked_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    sizes = rig.note_renewals()
    jobs = rig.jobs(lease=0.1)
    await jobs.put_many(["early", "behind"])
    found: list[Any] = []

    @jobs.worker(timeout=0, prefetch=2)
    async def work(message: Any) -> None:
        if message.body == "early":
            await message.ack()
            for _ in range(4):
                rig.clock.advance(0.09)
                assert await jobs.get() is None
                await renewed(sizes)
        found.append((message.body, message.attempt))

    await work()
    assert [("early", 1), ("behind", 1)] == found


async def test_an_error_of_a_renewal_is_logged_and_the_handler_goes_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    sizes = rig.note_renewals()
    jobs = rig.jobs(lease=0.1)
    await jobs.put("x")
    rig.flaky.fail_next("extend")

    @jobs.worker(timeout=0)
    async def work(message: Any) -> None:
        await until(lambda: sizes)  # the second one comes through

    await work()
    assert 2 <= rig.flaky.calls.count("extend")
    assert "could not be renewed" in caplog.text
    assert EMPTY == await rig.counts()
