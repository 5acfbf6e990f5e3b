# unasync: source
"""The lease of a worker's message is renewed while its handler runs."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import QueueStats
from queuekit._acompat import asleep

from .colour_async import MARKS
from .rig_async import AsyncRig

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


async def test_the_lease_is_renewed_while_a_handler_outlives_it() -> None:
    rig = AsyncRig()
    rig.use_real_time()
    jobs = rig.jobs(lease=0.3)
    await jobs.put_many(["slow", "behind"])
    found: list[Any] = []

    @jobs.worker(timeout=0, prefetch=2)
    async def work(message: Any) -> None:
        if message.body == "slow":
            for _ in range(8):
                await asleep(0.1)
                assert await jobs.get() is None
        found.append((message.body, message.attempt))

    await work()
    assert [("slow", 1), ("behind", 1)] == found
    assert EMPTY == await rig.counts()


async def test_prefetched_messages_are_renewed_when_the_handler_acked_early() -> None:
    rig = AsyncRig()
    rig.use_real_time()
    jobs = rig.jobs(lease=0.3)
    await jobs.put_many(["early", "behind"])
    found: list[Any] = []

    @jobs.worker(timeout=0, prefetch=2)
    async def work(message: Any) -> None:
        if message.body == "early":
            await message.ack()
            await asleep(0.5)
            assert await jobs.get() is None
        found.append((message.body, message.attempt))

    await work()
    assert [("early", 1), ("behind", 1)] == found


async def test_an_error_of_a_renewal_is_logged_and_the_handler_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = AsyncRig()
    jobs = rig.jobs(lease=0.15)
    await jobs.put("x")
    rig.flaky.fail_next("extend")

    @jobs.worker(timeout=0)
    async def work(message: Any) -> None:
        await asleep(0.2)

    await work()
    assert 2 <= rig.flaky.calls.count("extend")
    assert "could not be renewed" in caplog.text
    assert EMPTY == await rig.counts()
