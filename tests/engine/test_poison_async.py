# unasync: source
"""A message that kills its consumers: it dies after its attempts, and takes nobody with it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from queuekit import _riding_async

from .colour_async import MARKS
from .rig_async import AsyncRig

pytestmark = MARKS

LEASE = 60.0


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no ack be sent by itself before the consumer that has it dies."""
    monkeypatch.setattr(_riding_async, "_LONGEST", 60.0)


async def run_until_empty(
    rig: AsyncRig, killers: set[Any], *, prefetch: int, max_attempts: int, confirm: bool
) -> Counter[Any]:
    """Consume, dying over each killer, and return how often each body was handed out."""
    handed: Counter[Any] = Counter()
    while sum(await rig.counts()):
        jobs = rig.jobs(lease=LEASE, max_attempts=max_attempts)
        async for message in jobs.consume(timeout=0, prefetch=prefetch, confirm=confirm):
            handed[message.body] += 1
            if message.body in killers:
                break  # and never closed: as a process dies, with all that it had claimed
            await message.ack()
        jobs.riding.take([])  # with the acks that had not been sent
        rig.clock.advance(LEASE)
        assert handed.total() < 1000
    return handed


async def dead(rig: AsyncRig) -> list[bytes]:
    return [letter.body for letter in await rig.jobs().dead.letters()]


@pytest.mark.parametrize("prefetch", [1, 10])
@pytest.mark.parametrize("max_attempts", [1, 2, 3])
async def test_a_killer_dies_after_exactly_its_attempts(prefetch: int, max_attempts: int) -> None:
    rig = AsyncRig()
    await rig.queue().put_many(range(12))
    handed = await run_until_empty(
        rig, {4}, prefetch=prefetch, max_attempts=max_attempts, confirm=True
    )
    assert {n: max_attempts if n == 4 else 1 for n in range(12)} == handed
    assert [b"4"] == await dead(rig)


@pytest.mark.parametrize("confirm", [True, False])
@pytest.mark.parametrize("max_attempts", [1, 2, 3])
async def test_no_neighbour_of_killers_is_counted_to_death(
    max_attempts: int, confirm: bool
) -> None:
    rig = AsyncRig()
    await rig.queue().put_many(range(40))
    killers = {2, 3, 11, 12, 13, 39}
    handed = await run_until_empty(
        rig, killers, prefetch=10, max_attempts=max_attempts, confirm=confirm
    )
    assert set(range(40)) == set(handed)
    # an ack that was still on its way dies with the process, of a first delivery only
    most = 1 if confirm or max_attempts == 1 else 2
    assert most == max(handed[n] for n in range(40) if n not in killers)
    assert all(1 <= handed[n] <= max_attempts for n in killers)
    assert killers == {int(body) for body in await dead(rig)}


async def test_a_message_on_its_last_attempt_is_taken_alone_and_in_order() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=2)
    await jobs.put_many(range(6))
    for message in await jobs.get_many(3):
        await (message.fail(delay=0) if message.body < 2 else message.ack())
    rig.flaky.calls.clear()
    async with jobs.consume(timeout=0, prefetch=4, confirm=True) as messages:
        for _ in range(3):
            await (await messages.__anext__()).ack()
        assert (2, 0, 0) == await rig.counts()
        alone = await messages.__anext__()
        assert (0, 2) == (alone.body, alone.attempt)
        assert (1, 0, 1) == await rig.counts(), "the one behind it was left to others"
        await alone.ack()
        last = await messages.__anext__()
        assert (1, 2) == (last.body, last.attempt)
        await last.ack()
    claims = [call for call in rig.flaky.calls if call in {"claim", "release"}]
    assert ["claim", "release", "claim", "claim"] == claims
