# unasync: source
"""A consumer that is stopped within a claim, after the store has made it: nothing dead comes."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import TransportUnavailable

from .colour_async import MARKS
from .rig_async import NAME, AsyncRig

pytestmark = MARKS

LEASE = 60.0
WAYS = pytest.mark.parametrize("way", ["get", "get_many", "consume", "worker"])


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncRig:
    """Return a store by whose clock the library goes, too: only ``stop_after`` moves it on."""
    made = AsyncRig()
    made.stop_time(monkeypatch)
    return made


def stop_after(rig: AsyncRig, method: str, seconds: float, *, taken: bool = False) -> None:
    """Hold the next answer of the store for so long; with *taken* another one claims meanwhile."""
    inner = getattr(rig.flaky, method)

    async def stopped(*arguments: Any, **options: Any) -> Any:
        setattr(rig.flaky, method, inner)
        found = await inner(*arguments, **options)
        rig.clock.advance(seconds)
        if taken:
            assert await rig.store.claim(NAME, lease=60), "it had run out"
        return found

    setattr(rig.flaky, method, stopped)


async def take_one(way: str, jobs: Any) -> tuple[Any, int] | None:
    """Take a message in this way, ack it, and return its body and attempt."""
    found: list[tuple[Any, int]] = []

    async def take(message: Any) -> None:
        found.append((message.body, message.attempt))
        await message.ack()
        work.stop()

    work = jobs.worker(timeout=0)(take)
    if way == "get":
        message = await jobs.get()
        if message is not None:
            await take(message)
    elif way == "get_many":
        for message in await jobs.get_many(1):
            await take(message)
    elif way == "consume":
        async with jobs.consume(timeout=0) as source:
            async for message in source:
                await take(message)
                break
    else:
        await work()
    return found[0] if found else None


@WAYS
async def test_stopped_for_less_than_its_lease_it_gets_the_message(way: str, rig: AsyncRig) -> None:
    await rig.queue().put(1)
    stop_after(rig, "claim", LEASE / 2)
    assert (1, 1) == await take_one(way, rig.jobs(lease=LEASE))
    assert (0, 0, 0) == await rig.counts()


@WAYS
async def test_stopped_past_its_lease_it_keeps_what_nobody_else_took(
    way: str, rig: AsyncRig
) -> None:
    await rig.queue().put(1)
    stop_after(rig, "claim", 2 * LEASE)
    assert (1, 1) == await take_one(way, rig.jobs(lease=LEASE)), "uncounted: it did not end"
    assert 1 == rig.flaky.calls.count("extend")
    assert (0, 0, 0) == await rig.counts()


@WAYS
async def test_what_another_one_took_meanwhile_is_not_handed_out(way: str, rig: AsyncRig) -> None:
    await rig.queue().put("taken", "next")
    stop_after(rig, "claim", 2 * LEASE, taken=True)
    assert ("next", 1) == await take_one(way, rig.jobs(lease=LEASE))
    assert (0, 0, 1) == await rig.counts(), "the other one's"


@WAYS
async def test_of_nothing_else_it_gets_nothing(way: str, rig: AsyncRig) -> None:
    await rig.queue().put("taken")
    stop_after(rig, "claim", 2 * LEASE, taken=True)
    assert await take_one(way, rig.jobs(lease=LEASE)) is None


async def test_stopped_again_while_it_asks_it_asks_again(rig: AsyncRig) -> None:
    await rig.queue().put("taken", "next")
    stop_after(rig, "claim", 1.2 * LEASE)
    stop_after(rig, "extend", 1.2 * LEASE, taken=True)
    assert ("next", 1) == await take_one("get", rig.jobs(lease=LEASE))


async def test_where_the_store_cannot_be_asked_it_gives_back(rig: AsyncRig) -> None:
    await rig.queue().put(1)
    stop_after(rig, "claim", 2 * LEASE)
    rig.flaky.fail_next("extend")
    with pytest.raises(TransportUnavailable):
        await rig.jobs(lease=LEASE).get()
    assert (1, 0, 0) == await rig.counts()


async def test_a_message_handed_out_at_once_costs_no_second_trip(rig: AsyncRig) -> None:
    await rig.queue().put(1)
    assert (1, 1) == await take_one("get", rig.jobs())
    assert ["claim", "ack"] == [call for call in rig.flaky.calls if call != "push"]
