# unasync: source
"""``AsyncWorker``: several at a time, limits, stops, and what its report says."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import AsyncReliableQueue, AsyncWorker, ConfigurationError, QueueStats, RunReport
from queuekit._acompat import asleep

from .colour_async import MARKS, Background
from .rig_async import AsyncRig, until

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


def summed(report: RunReport) -> int:
    """Return how many messages a report accounts for."""
    return report.done + report.failed + report.dead + report.released + report.lost


async def test_each_message_is_handled_once_by_several_at_a_time() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(60))
    found: list[int] = []
    at_work: list[int] = []
    sizes: list[int] = []

    async def handle(message: Any) -> None:
        at_work.append(message.body)
        sizes.append(len(at_work))
        await until(lambda: 6 in sizes)
        await asleep(0.01)
        at_work.remove(message.body)
        found.append(message.body)

    report = await AsyncWorker(jobs, handle, concurrency=6, prefetch=4, timeout=0).run()
    assert list(range(60)) == sorted(found)
    assert 6 == max(sizes)
    assert RunReport("idle", 60, 60, 0, 0, 0, 0, 0) == report
    assert EMPTY == await rig.counts()


async def test_a_slow_handler_does_not_sit_on_what_others_could_do() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(["slow", *range(9)])
    found: list[Any] = []

    async def handle(message: Any) -> None:
        if message.body == "slow":
            await until(lambda: len(found) == 9)
        found.append(message.body)

    await AsyncWorker(jobs, handle, concurrency=2, prefetch=10, timeout=0).run()
    assert [*range(9), "slow"] == found


async def test_one_claims_for_all_that_wait() -> None:
    rig = AsyncRig()
    rig.cut_waits(100)
    jobs = rig.jobs()

    async def handle(message: Any) -> None:
        await asleep(0.05)

    worker = AsyncWorker(jobs, handle, concurrency=8, max_messages=8)
    running = Background(worker.run)
    await until(lambda: rig.store.store.lines.length("jobs"))  # one waits at the store
    intake = worker._intake
    assert intake is not None
    await until(lambda: all(slot.wanting for slot in intake.slots))  # and the others behind it
    assert 1 == rig.flaky.calls.count("claim")
    await jobs.put_many(range(8))
    assert 8 == (await running.join()).done
    assert rig.flaky.calls.count("claim") <= 2  # one more than the one that was under way


async def test_a_report_tells_what_became_of_each() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=2)
    await jobs.put_many(["done", "fails", "rejected", "released", "acked"])

    async def handle(message: Any) -> None:
        if message.body == "fails":
            raise ValueError("no")
        if message.body == "rejected":
            await message.reject("no")
        if message.body == "released" and message.id not in seen:
            seen.add(message.id)
            await message.release()
        if message.body == "acked":
            await message.ack()

    seen: set[str] = set()
    report = await AsyncWorker(jobs, handle, timeout=0).run()
    assert RunReport("idle", 6, 3, 1, 1, 1, 0, 0) == report
    rig.clock.advance(60)
    report = await AsyncWorker(jobs, handle, timeout=0).run()
    assert RunReport("idle", 1, 0, 0, 1, 0, 0, 0) == report


async def test_it_ends_after_so_many_messages_and_takes_no_more() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(20))

    async def handle(message: Any) -> None:
        await asleep(0.01)

    worker = AsyncWorker(jobs, handle, concurrency=3, prefetch=5, max_messages=7)
    report = await worker.run()
    assert ("messages", 7, 7) == (report.reason, report.got, report.done)
    assert QueueStats(13, 0, 0) == await rig.counts()


async def test_it_ends_after_so_long_and_finishes_what_it_works_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs()
    await jobs.put_many(range(2))

    async def handle(message: Any) -> None:
        await asleep(0.2)
        assert worker._reason is None
        rig.clock.advance(0.2)
        await until(lambda: worker._reason == "seconds")
        await asleep(0.05)

    worker = AsyncWorker(jobs, handle, max_seconds=0.1)
    report = await worker.run()
    assert ("seconds", 1, 1) == (report.reason, report.got, report.done)
    assert QueueStats(1, 0, 0) == await rig.counts()


async def test_a_stop_finishes_what_is_worked_on_and_gives_back_what_was_claimed_ahead() -> None:
    rig = AsyncRig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    await jobs.put_many(range(10))
    started: list[int] = []
    finished: list[int] = []
    over: list[bool] = []

    async def handle(message: Any) -> None:
        started.append(message.body)
        await until(lambda: over)
        finished.append(message.body)

    worker = AsyncWorker(jobs, handle, concurrency=2, prefetch=3)
    running = Background(worker.run)
    await until(lambda: len(started) == 2)
    worker.stop()
    await asleep(0.1)
    over.append(True)
    report = await running.join()
    assert ("stopped", 2, 2) == (report.reason, report.got, report.done)
    assert 0 == report.cut_short
    assert [0, 1] == sorted(finished)
    assert list(range(2, 10)) == [one.body for one in await jobs.get_many(100)]


async def test_at_the_deadline_what_is_not_done_goes_back_uncounted() -> None:
    rig = AsyncRig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    await jobs.put_many(range(4))
    kept: list[Any] = []

    async def handle(message: Any) -> None:
        kept.append(message)
        while message.held:  # at each moment one of the two is about to go on
            await asleep(0.002)

    worker = AsyncWorker(jobs, handle, concurrency=2, shutdown_timeout=0.2)
    running = Background(worker.run)
    await until(lambda: len(kept) == 2)
    worker.stop()
    report = await running.join()
    assert (2, 0, 2) == (report.got, report.done, report.released)
    found = [(one.body, one.attempt) for one in await jobs.get_many(100)]
    assert [(0, 1), (1, 1), (2, 1), (3, 1)] == found
    assert not any(message.held for message in kept)


async def test_a_stop_at_once_gives_back_at_once() -> None:
    rig = AsyncRig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    await jobs.put("x")
    started: list[Any] = []
    over: list[bool] = []

    async def handle(message: Any) -> None:
        started.append(message)
        await until(lambda: over, 100)

    worker = AsyncWorker(jobs, handle, shutdown_timeout=90)
    running = Background(worker.run)
    await until(lambda: started)
    worker.stop()
    worker.stop(now=True)
    report = await running.join()
    over.append(True)
    assert (1, 1) == (report.released, report.cut_short)
    assert QueueStats(1, 0, 0) == await rig.counts()


async def test_what_comes_while_it_stops_goes_back() -> None:
    rig = AsyncRig()
    rig.cut_waits(0.3)
    waits = rig.note_waits()
    jobs = rig.jobs()

    async def handle(message: Any) -> None:
        raise AssertionError("it is stopped")

    worker = AsyncWorker(jobs, handle)
    running = Background(worker.run)
    await until(lambda: waits)
    worker.stop()
    await jobs.put("x")
    assert 0 == (await running.join()).got
    assert QueueStats(1, 0, 0) == await rig.counts()


async def test_stopped_before_it_runs_it_ends_at_once_and_can_run_again() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")

    async def handle(message: Any) -> None: ...

    worker = AsyncWorker(jobs, handle, timeout=0)
    worker.stop()
    begun = time.monotonic()
    assert RunReport("stopped", 0, 0, 0, 0, 0, 0, 0) == await worker.run()
    assert time.monotonic() - begun < 20
    assert 1 == (await worker.run()).done


async def test_it_does_not_run_twice_at_a_time() -> None:
    rig = AsyncRig()
    rig.cut_waits(0.1)

    async def handle(message: Any) -> None: ...

    worker = AsyncWorker(rig.jobs(), handle)
    running = Background(worker.run)
    await until(lambda: worker._crew)
    with pytest.raises(ConfigurationError, match="runs already"):
        await worker.run()
    worker.stop()
    assert "stopped" == (await running.join()).reason


async def test_it_waits_out_a_store_that_is_out_of_reach() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(3))
    rig.flaky.fail_next("claim", times=2)

    async def handle(message: Any) -> None: ...

    worker = AsyncWorker(jobs, handle, concurrency=2, max_messages=3)
    assert 3 == (await worker.run()).done


async def test_an_error_that_cannot_pass_ends_it_after_what_it_works_on() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    finished: list[Any] = []

    async def handle(message: Any) -> None:
        rig.flaky.fail_next("claim", error=ZeroDivisionError("broken"))
        await asleep(0.2)
        finished.append(message.body)

    with pytest.raises(ZeroDivisionError):
        await AsyncWorker(jobs, handle, concurrency=2, prefetch=1).run()
    assert ["x"] == finished
    assert EMPTY == await rig.counts()


async def test_with_a_timeout_of_zero_it_stays_while_handlers_may_put_more() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("first")
    at_work: list[Any] = []

    async def handle(message: Any) -> None:
        if message.body == "first":
            await asleep(0.3)
            await jobs.put_many(["second"] * 3)
        else:
            at_work.append(message)
            await until(lambda: len(at_work) == 3)  # all are still there

    report = await AsyncWorker(jobs, handle, concurrency=3, timeout=0).run()
    assert (4, 3) == (report.done, len(at_work))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"prefetch": 0}, "prefetch"),
        ({"timeout": -1}, "timeout"),
        ({"max_messages": 0}, "max_messages"),
        ({"max_seconds": 0}, "max_seconds"),
        ({"shutdown_timeout": -1}, "shutdown_timeout"),
        ({"order": "random"}, "order"),
        ({"order": {"other": 1}}, "'other'"),
        ({"order": {"jobs": 0}}, "weight"),
        ({"order": {"jobs": "1"}}, "weight"),
        ({"hooks": print}, "Hooks"),
        ({"batch": 5}, "Batch"),
        ({"max_time": 0}, "max_time"),
        ({"max_time": 5, "prefetch": 2}, "prefetch"),
    ],
)
async def test_bad_options_are_refused_when_it_is_built(options: Any, words: str) -> None:
    async def handle(message: Any) -> None: ...

    with pytest.raises(ConfigurationError, match=words):
        AsyncWorker(AsyncRig().jobs(), handle, **options)


async def test_queues_and_handlers_of_a_wrong_kind_are_refused() -> None:
    async def handle(message: Any) -> None: ...

    rig = AsyncRig()
    queues: list[Any] = [[], rig.queue(), [rig.jobs(), rig.queue()], "jobs", None]
    for queue in queues:
        with pytest.raises(ConfigurationError):
            AsyncWorker(queue, handle)
    jobs: AsyncReliableQueue[Any] = rig.jobs()
    nothing: Any = None
    with pytest.raises(ConfigurationError, match="handler"):
        AsyncWorker(jobs, nothing)
