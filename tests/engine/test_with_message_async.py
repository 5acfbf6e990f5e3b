# unasync: source
"""A message as a context manager: acked, failed or released by how its block ends."""

from __future__ import annotations

import pytest

from queuekit import LeaseLost, QueueStats, TransportUnavailable

from .colour_async import INTERRUPT, MARKS
from .rig_async import AsyncRig, take

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


async def test_success_acks() -> None:
    rig = AsyncRig()
    await rig.jobs().put("x")
    async with await take(rig.jobs()) as message:
        assert "x" == message.body
    assert EMPTY == await rig.counts()


async def test_an_error_fails_the_message_and_propagates() -> None:
    rig = AsyncRig()
    await rig.jobs().put("x")
    error = KeyError("boom")
    with pytest.raises(KeyError) as caught:
        message = await take(rig.jobs())
        async with message:
            raise error
    assert error is caught.value
    assert QueueStats(0, 1, 0) == await rig.counts()


async def test_the_error_is_the_reason_of_the_dead_letter() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=1)
    await jobs.put("x")
    with pytest.raises(ValueError, match="boom"):
        message = await take(jobs)
        async with message:
            raise ValueError("boom")
    assert "ValueError: boom" == (await jobs.dead.letters())[0].reason


async def test_an_interruption_releases_uncounted_to_the_head_and_propagates() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=1)
    await jobs.put_many(["x", "y"])
    for _ in range(3):
        with pytest.raises(INTERRUPT):
            message = await take(jobs)
            async with message:
                raise INTERRUPT
        assert message.settled
    again = await take(jobs)
    assert ("x", 1) == (again.body, again.attempt)


async def test_what_the_block_settled_stays_so() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(["acked", "failed", "released"])
    async with await take(jobs) as message:
        await message.ack()
    async with await take(jobs) as message:
        await message.fail(delay=0)
    async with await take(jobs) as message:
        await message.release()
    assert ["released", "failed"] == await jobs.peek(5)


async def test_an_error_after_settling_propagates_and_changes_nothing() -> None:
    rig = AsyncRig()
    await rig.jobs().put("x")
    with pytest.raises(RuntimeError, match="late"):
        message = await take(rig.jobs())
        async with message:
            await message.ack()
            raise RuntimeError("late")
    assert EMPTY == await rig.counts()


async def test_what_another_call_of_the_queue_settled_stays_so() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    async with await take(jobs) as message:
        await jobs.ack(message)
    assert EMPTY == await rig.counts()


async def test_success_with_a_lost_lease_is_lease_lost() -> None:
    rig = AsyncRig()
    await rig.jobs().put("x")
    with pytest.raises(LeaseLost) as caught:
        message = await take(rig.jobs())
        async with message:
            rig.clock.advance(61)
            await take(rig.jobs())
    assert (message.id,) == caught.value.ids


async def test_an_error_with_a_lost_lease_propagates_all_the_same() -> None:
    rig = AsyncRig()
    await rig.jobs().put("x")
    with pytest.raises(ValueError, match="boom") as caught:
        message = await take(rig.jobs())
        async with message:
            rig.clock.advance(61)
            await take(rig.jobs())
            raise ValueError("boom")
    assert any("fail: 1 of 1" in note for note in caught.value.__notes__)


async def test_an_error_with_the_store_away_propagates_all_the_same() -> None:
    rig = AsyncRig()
    await rig.jobs().put("x")
    rig.flaky.fail_next("release", error=TransportUnavailable("gone"))
    with pytest.raises(ValueError, match="boom") as caught:
        message = await take(rig.jobs())
        async with message:
            raise ValueError("boom")
    assert any("gone" in note for note in caught.value.__notes__)


async def test_an_interruption_with_a_lost_lease_propagates_all_the_same() -> None:
    rig = AsyncRig()
    await rig.jobs().put("x")
    with pytest.raises(INTERRUPT):
        message = await take(rig.jobs())
        async with message:
            rig.clock.advance(61)
            await take(rig.jobs())
            raise INTERRUPT
