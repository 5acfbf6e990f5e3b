# unasync: source
"""What a worker does with an item by how its handler ends."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import DecodeError, LeaseLost, QueueStats, TransportUnavailable

from .colour_async import INTERRUPT, MARKS
from .rig_async import AsyncRig, errors, take

pytestmark = MARKS

ERRORS = [
    ValueError("boom"),
    DecodeError("mine", b""),
    StopAsyncIteration(),
    TransportUnavailable("x"),
]


@pytest.mark.parametrize("error", ERRORS)
async def test_an_error_ends_a_fifo_worker_and_its_body_is_lost(error: Exception) -> None:
    rig = AsyncRig()
    await rig.queue().put(1, 2)

    @rig.queue().worker(timeout=0)
    async def work(item: Any) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await work()
    assert error is caught.value
    assert [b"2"] == await rig.raw()
    assert 0 == await rig.jobs().dead.size()


async def test_a_reliable_worker_acks_fails_logs_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    ids = await jobs.put_many(["a", "bad", "c"])
    found: list[Any] = []

    @jobs.worker(timeout=0)
    async def work(message: Any) -> None:
        found.append(message.body)
        if message.body == "bad":
            raise ValueError("boom")

    await work()
    assert ["a", "bad", "c"] == found
    assert QueueStats(0, 1, 0) == await rig.counts()
    assert [ids[1] in line for line in errors(caplog)] == [True]
    assert "ValueError: boom" in caplog.text
    rig.clock.advance(2.1)
    again = await take(jobs)
    assert (ids[1], 2) == (again.id, again.attempt)


@pytest.mark.parametrize("error", ERRORS)
async def test_no_error_of_a_handler_ends_a_reliable_worker(error: Exception) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(3))
    found: list[Any] = []

    @jobs.worker(timeout=0)
    async def work(message: Any) -> None:
        found.append(message.body)
        raise error

    await work()
    assert [0, 1, 2] == found
    assert QueueStats(0, 3, 0) == await rig.counts()


async def test_the_last_failure_is_a_dead_letter_with_the_error_as_reason() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=1)
    await jobs.put("x")

    @jobs.worker(timeout=0)
    async def work(message: Any) -> None:
        raise ValueError("boom")

    await work()
    assert ["ValueError: boom"] == [letter.reason for letter in await jobs.dead.letters()]


async def test_a_handler_may_settle_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(["ack", "reject", "fail", "ack-then-error"])

    @jobs.worker(timeout=0)
    async def work(message: Any) -> None:
        if message.body == "reject":
            await message.reject("no")
        elif message.body == "fail":
            await message.fail(delay=100)
        else:
            await message.ack()
        if message.body == "ack-then-error":
            raise ValueError("late")

    await work()
    assert QueueStats(0, 1, 0) == await rig.counts()
    assert ["no"] == [letter.reason for letter in await jobs.dead.letters()]
    assert 1 == len(errors(caplog))


async def test_an_interruption_releases_uncounted_and_propagates() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=1)
    await jobs.put_many(range(5))

    @jobs.worker(timeout=0, prefetch=4)
    async def work(message: Any) -> None:
        raise INTERRUPT

    for _ in range(3):
        with pytest.raises(INTERRUPT):
            await work()
        assert QueueStats(5, 0, 0) == await rig.counts()
    found = await jobs.get_many(5)
    assert [(n, 1) for n in range(5)] == sorted((m.body, m.attempt) for m in found)


async def test_an_interruption_propagates_when_the_lease_is_lost() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(["x", "y"])

    @jobs.worker(timeout=0)
    async def work(message: Any) -> None:
        rig.clock.advance(61)
        await take(jobs)
        raise INTERRUPT

    with pytest.raises(INTERRUPT):
        await work()


async def test_an_interruption_propagates_when_the_store_is_away() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(["x", "y"])
    rig.flaky.fail_next("release")

    @jobs.worker(timeout=0, prefetch=2)
    async def work(message: Any) -> None:
        raise INTERRUPT

    with pytest.raises(INTERRUPT):
        await work()
    assert 0 == rig.flaky.pending


async def test_an_interruption_of_a_fifo_handler_propagates() -> None:
    rig = AsyncRig()
    await rig.queue().put(1, 2)

    @rig.queue().worker(timeout=0)
    async def work(item: Any) -> None:
        raise INTERRUPT

    with pytest.raises(INTERRUPT):
        await work()
    assert [b"2"] == await rig.raw()


async def test_a_lease_lost_in_the_handler_is_logged_and_the_loop_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(["slow", "next"])
    found: list[Any] = []

    @jobs.worker(timeout=0, confirm=True)
    async def work(message: Any) -> None:
        found.append(message.body)
        if message.body == "slow":
            rig.clock.advance(61)
            await take(jobs)

    await work()
    assert ["slow", "next"] == found
    assert LeaseLost.__name__ in caplog.text


async def test_a_store_away_at_the_ack_is_logged_and_the_message_comes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    rig.flaky.fail_next("ack")

    @jobs.worker(timeout=0, confirm=True)
    async def work(message: Any) -> None:
        """Do nothing."""

    await work()
    assert 1 == len(errors(caplog))
    rig.clock.advance(61)
    assert 2 == (await take(jobs)).attempt
