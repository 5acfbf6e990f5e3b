# unasync: source
"""Acks within a loop: they travel with its next claim, and what becomes of them else."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import LeaseLost, TransportUnavailable, _riding_async
from queuekit._acompat import asleep

from .colour_async import INTERRUPT, MARKS, Background
from .rig_async import AsyncRig, take, until

pytestmark = MARKS


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let acks not be sent by themselves within these tests, unless the lease is short."""
    monkeypatch.setattr(_riding_async, "_LONGEST", 60.0)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if "were not held" in one.getMessage()]


@pytest.mark.parametrize(("prefetch", "claims"), [(1, 5), (2, 3), (10, 2)])
async def test_acks_cost_no_call_of_their_own(prefetch: int, claims: int) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(4))
    rig.flaky.calls.clear()
    async for message in jobs.consume(timeout=0, prefetch=prefetch):
        await message.ack()
    assert ["claim"] * claims == rig.flaky.calls
    assert (0, 0, 0) == await rig.counts()


async def test_an_ack_counts_from_the_next_step_on() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(2))
    async with jobs.consume(timeout=0) as messages:
        await (await messages.__anext__()).ack()
        assert (1, 0, 1) == await rig.counts()
        await messages.__anext__()
        assert (0, 0, 1) == await rig.counts()


async def test_a_confirmed_ack_counts_at_once() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    async with jobs.consume(timeout=0, confirm=True) as messages:
        await (await messages.__anext__()).ack()
        assert (0, 0, 0) == await rig.counts()


async def test_the_end_of_a_loop_sends_them() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(2))
    async with jobs.consume() as messages:
        await (await messages.__anext__()).ack()
    assert (1, 0, 0) == await rig.counts()


async def test_the_end_of_a_queue_sends_them() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    messages = jobs.consume()
    message = await messages.__anext__()
    await message.ack()
    await jobs.aclose()
    assert (0, 0, 0) == await rig.counts()


async def test_they_go_with_any_claim_of_the_queue() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(2))
    await (await jobs.consume().__anext__()).ack()
    rig.flaky.calls.clear()
    await take(jobs)
    assert (0, 0, 1) == await rig.counts()
    assert ["claim"] == rig.flaky.calls


async def test_they_are_sent_by_themselves_while_the_consumer_is_busy() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(lease=0.4)
    await jobs.put("x")
    async with jobs.consume() as messages:
        await (await messages.__anext__()).ack()
        end = time.monotonic() + 30
        while (await rig.counts()).claimed:
            assert time.monotonic() < end
            await asleep(0.02)


async def test_an_ack_late_in_the_lease_is_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = AsyncRig()
    rig.stop_time(monkeypatch)
    jobs = rig.jobs(lease=60)
    await jobs.put("x")
    async with jobs.consume() as messages:
        message = await messages.__anext__()
        rig.clock.advance(31)
        await message.ack()
        assert (0, 0, 0) == await rig.counts()


@pytest.mark.parametrize("verb", ["ack", "fail", "release", "extend", "reject"])
async def test_what_was_acked_cannot_be_settled_again(verb: str) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    async with jobs.consume() as messages:
        message = await messages.__anext__()
        await message.ack()
        arguments = ("why",) if verb == "reject" else ()
        with pytest.raises(LeaseLost):
            await getattr(message, verb)(*arguments)
    assert (0, 0, 0) == await rig.counts()


async def test_a_receipt_that_is_on_its_way_cannot_be_settled_again() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    async with jobs.consume() as messages:
        message = await messages.__anext__()
        await message.ack()
        with pytest.raises(LeaseLost):
            await jobs.ack(message.receipt)


async def test_a_lease_that_ran_out_on_the_way_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = AsyncRig()
    jobs, others = rig.jobs(), rig.jobs()
    await jobs.put("x")
    async with jobs.consume(timeout=0) as messages:
        message = await messages.__anext__()
        await message.ack()
        rig.clock.advance(61)
        again = await take(others)
        async for _ in messages:
            raise AssertionError
    assert message.id in warnings(caplog)[0]
    await others.ack(again)


@pytest.mark.parametrize("after", [False, True])
async def test_acks_survive_a_claim_that_fails(
    after: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rig = AsyncRig()
    rig.cut_waits(0.1)
    jobs = rig.jobs()
    await jobs.put("x")
    async with jobs.consume(timeout=60) as messages:
        await (await messages.__anext__()).ack()
        rig.flaky.fail_next("claim", after=after)
        coming = Background(messages.__anext__)
        await until(lambda: rig.flaky.calls.count("claim") > 2)  # it tries again
        await jobs.put("y")
        message = await coming.join()
        assert ("y", (0, 0, 1)) == (message.body, await rig.counts())
        await message.ack()
    assert (0, 0, 0) == await rig.counts()
    assert not warnings(caplog)


async def test_acks_survive_an_interrupted_claim(caplog: pytest.LogCaptureFixture) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    messages = jobs.consume(timeout=0)
    await (await messages.__anext__()).ack()
    rig.flaky.fail_next("claim", error=INTERRUPT(), after=True)
    with pytest.raises(INTERRUPT):
        await messages.__anext__()
    await messages.aclose()
    assert (0, 0, 0) == await rig.counts()
    assert not warnings(caplog)


async def test_a_store_out_of_reach_keeps_them_waiting() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    await (await jobs.consume().__anext__()).ack()
    rig.flaky.fail_next("ack", error=TransportUnavailable("away"))
    assert await jobs.riding.flush()
    assert (0, 0, 1) == await rig.counts()
    assert await jobs.riding.flush()
    assert (0, 0, 0) == await rig.counts()
    assert not await jobs.riding.flush()


async def test_a_message_that_came_again_is_acked_at_once_and_finds_nothing_on_its_way() -> None:
    """It may have killed its consumer: so its neighbours lose an ack at most once, and it none."""
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(["first", "second"])
    await jobs.fail(*await jobs.get_many(2), delay=0)
    await jobs.put_many(["third"])
    seen: list[Any] = []
    async for message in jobs.consume(timeout=0, prefetch=9):
        before = (await rig.counts()).claimed
        await message.ack()
        seen.append((message.body, message.attempt, before, (await rig.counts()).claimed))
    assert [("first", 2, 3, 2), ("second", 2, 2, 1), ("third", 1, 1, 1)] == seen
