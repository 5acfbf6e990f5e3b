# unasync: source
"""Batch handlers: which messages come together, and what becomes of each."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import (
    AsyncReliableQueue,
    AsyncWorker,
    Batch,
    ConfigurationError,
    QueueStats,
    RunReport,
)
from queuekit._acompat import asleep

from .colour_async import MARKS, Background
from .rig_async import AsyncRig, until

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


async def test_a_batch_is_acked_in_one_trip() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(250))
    sizes: list[int] = []

    async def handle(messages: list[Any]) -> None:
        sizes.append(len(messages))

    report = await AsyncWorker(jobs, handle, batch=Batch(100, wait=0.05), timeout=0).run()
    assert [100, 100, 50] == sizes
    assert RunReport("idle", 250, 250, 0, 0, 0, 0, 0) == report
    assert 3 == rig.flaky.calls.count("ack")
    assert EMPTY == await rig.counts()


async def test_the_first_one_waits_for_others_up_to_its_time() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(lease=600)
    found: list[list[int]] = []

    async def handle(messages: list[Any]) -> None:
        found.append([message.body for message in messages])

    worker = AsyncWorker(jobs, handle, batch=Batch(3, wait=120), max_messages=5)
    running = Background(worker.run)
    for number in range(4):
        await jobs.put(number)
        await asleep(0.02)
    await until(lambda: found)
    await asleep(0.2)
    assert [[0, 1, 2]] == found  # the fourth waits for more
    await jobs.put(4)  # which makes as many as it may take
    await running.join()  # long before its time
    assert [[0, 1, 2], [3, 4]] == found


async def test_what_the_handler_settled_stays_so_and_the_rest_is_acked() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(["ok", "bad", "later", "again", "ok"])

    async def handle(messages: list[Any]) -> None:
        for message in messages:
            if message.body == "bad":
                await message.reject("no")
            elif message.body == "later":
                await message.fail(delay=50)
            elif message.body == "again":
                await message.release()

    worker = AsyncWorker(jobs, handle, batch=Batch(5, wait=0), max_messages=5)
    assert RunReport("messages", 5, 2, 1, 1, 1, 0, 0) == await worker.run()
    assert QueueStats(1, 1, 0) == await rig.counts()
    assert 1 == await jobs.dead.size()


async def test_when_it_raises_the_rest_fails_each_by_its_policy() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=2)
    await jobs.put("old")
    first = await jobs.get()
    assert first is not None
    await first.fail(delay=0)
    await jobs.put("new")
    seen: list[list[Any]] = []

    async def handle(messages: list[Any]) -> None:
        seen.append([message.body for message in messages])
        raise ValueError("none of them")

    worker = AsyncWorker(jobs, handle, batch=Batch(5, wait=0), max_messages=2)
    assert RunReport("messages", 2, 0, 1, 1, 0, 0, 0) == await worker.run()
    assert [["old"], ["new"]] == seen  # on its last attempt a message is alone
    assert QueueStats(0, 1, 0) == await rig.counts()
    (letter,) = await jobs.dead.letters()
    assert "ValueError: none of them" == letter.reason


async def test_batches_of_several_queues_are_not_mixed() -> None:
    store = AsyncRig().flaky
    queues = [AsyncReliableQueue[Any](name, store) for name in ("a", "b")]
    for queue in queues:
        await queue.put_many([queue.name] * 3)
    found: list[str] = []

    async def handle(messages: list[Any]) -> None:
        found.append("".join(message.body for message in messages))

    await AsyncWorker(queues, handle, batch=Batch(10, wait=0.05), timeout=0).run()
    assert ["aaa", "bbb"] == found


async def test_a_stop_at_the_deadline_gives_a_batch_back_in_order() -> None:
    rig = AsyncRig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    await jobs.put_many(range(6))
    started: list[Any] = []
    over: list[bool] = []

    async def handle(messages: list[Any]) -> None:
        await messages[1].ack()
        started.append(messages)
        await until(lambda: over, 100)

    worker = AsyncWorker(jobs, handle, batch=Batch(4, wait=0), shutdown_timeout=0.1)
    running = Background(worker.run)
    await until(lambda: started)
    worker.stop()
    report = await running.join()
    over.append(True)
    assert (4, 3) == (report.got, report.released)
    assert [0, 2, 3, 4, 5] == [one.body for one in await jobs.get_many(9)]


async def test_one_lost_lease_does_not_stand_in_the_way_of_the_others() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(lease=20)
    await jobs.put_many(range(3))

    async def handle(messages: list[Any]) -> None:
        await rig.store.release("jobs", [messages[1].receipt], counted=False)

    worker = AsyncWorker(jobs, handle, batch=Batch(3, wait=0), max_messages=3)
    assert RunReport("messages", 3, 2, 0, 0, 0, 1, 0) == await worker.run()
    assert QueueStats(1, 0, 0) == await rig.counts()


@pytest.mark.parametrize(
    ("size", "wait"), [(0, 1), (1001, 1), (1, -1), (1, float("nan")), ("1", 1)]
)
async def test_a_bad_batch_is_refused(size: Any, wait: Any) -> None:
    with pytest.raises(ConfigurationError):
        Batch(size, wait)


async def test_a_wait_that_eats_up_the_lease_is_refused() -> None:
    async def handle(messages: list[Any]) -> None: ...

    with pytest.raises(ConfigurationError, match="lease of at least 4 s"):
        AsyncWorker(AsyncRig().jobs(lease=3), handle, batch=Batch(5, wait=1))
