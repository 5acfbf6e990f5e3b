# unasync: source
"""Settling a message: each verb, in one trip, and what is said when the lease was lost."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import AsyncMessage, ConfigurationError, LeaseLost, QueueStats, Receipt

from .colour_async import MARKS
from .rig_async import NAME, AsyncRig, drain, take

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


async def held(rig: AsyncRig, *bodies: Any) -> list[AsyncMessage[Any]]:
    """Put *bodies* and claim them together."""
    jobs = rig.jobs()
    await jobs.put_many(bodies)
    return await jobs.get_many(len(bodies))


async def test_a_fresh_message_says_what_it_is() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    message_id = await jobs.put([1])
    message = await take(jobs)
    assert jobs is message.queue
    assert (message_id, [1], 1, {}) == (message.id, message.body, message.attempt, message.headers)
    assert not message.settled


async def test_ack_forgets_the_message() -> None:
    rig = AsyncRig()
    (message,) = await held(rig, "x")
    await message.ack()
    assert message.settled
    assert EMPTY == await rig.counts()


async def test_ack_of_many_is_one_trip() -> None:
    rig = AsyncRig()
    messages = await held(rig, *range(10))
    rig.flaky.calls.clear()
    await rig.jobs().ack(*messages)
    assert ["ack"] == rig.flaky.calls
    assert EMPTY == await rig.counts()
    assert all(message.settled for message in messages)


async def test_ack_by_receipt_works_from_elsewhere() -> None:
    rig = AsyncRig()
    message, other = await held(rig, "x", "y")
    await rig.jobs().ack(message.receipt, other)
    assert EMPTY == await rig.counts()


@pytest.mark.parametrize("verb", ["ack", "release", "extend", "fail", "reject"])
async def test_a_verb_with_nothing_does_nothing(verb: str) -> None:
    rig = AsyncRig()
    await getattr(rig.jobs(), verb)()
    assert [] == rig.flaky.calls


@pytest.mark.parametrize("first", ["ack", "release", "fail"])
@pytest.mark.parametrize("second", ["ack", "release", "fail", "extend"])
async def test_settling_twice_is_lease_lost_with_the_id(first: str, second: str) -> None:
    rig = AsyncRig()
    (message,) = await held(rig, "x")
    await getattr(message, first)()
    with pytest.raises(LeaseLost) as caught:
        await getattr(message, second)()
    assert (message.id,) == caught.value.ids
    assert second in str(caught.value)


async def test_rejecting_twice_writes_one_dead_letter() -> None:
    rig = AsyncRig()
    (message,) = await held(rig, "x")
    await message.reject("no")
    with pytest.raises(LeaseLost):
        await message.reject("no")
    assert 1 == await rig.jobs().dead.size()


@pytest.mark.parametrize("verb", ["ack", "release", "extend", "fail", "reject"])
async def test_a_partial_loss_names_only_the_lost_and_does_the_rest(verb: str) -> None:
    rig = AsyncRig()
    messages = await held(rig, *range(4))
    await rig.jobs().ack(messages[1], messages[3])
    with pytest.raises(LeaseLost, match="2 of 4") as caught:
        await getattr(rig.jobs(), verb)(*messages)
    assert (messages[1].id, messages[3].id) == caught.value.ids
    counts = await rig.counts()
    dead = await rig.counts(NAME + "!dead")
    expected = {
        "ack": (0, 0, 0, 0),
        "release": (2, 0, 0, 0),
        "extend": (0, 0, 2, 0),
        "fail": (0, 2, 0, 0),
        "reject": (0, 0, 0, 2),
    }
    assert expected[verb] == (*counts, dead.ready)


async def test_a_lost_receipt_is_named_by_itself() -> None:
    rig = AsyncRig()
    for nonsense in ("", "x", "x.0", "é.\n"):
        with pytest.raises(LeaseLost) as caught:
            await rig.jobs().ack(Receipt(nonsense))
        assert (nonsense,) == caught.value.ids


async def test_an_old_receipt_is_reported_and_never_obeyed() -> None:
    rig = AsyncRig()
    (late,) = await held(rig, "x")
    rig.clock.advance(61)
    current = await take(rig.jobs())
    assert (late.id, 2) == (current.id, current.attempt)
    for verb in (late.ack, late.release, late.fail, late.extend):
        with pytest.raises(LeaseLost):
            await verb()
    assert QueueStats(0, 0, 1) == await rig.counts()
    await current.ack()


async def test_release_goes_uncounted_to_the_head_in_the_old_order() -> None:
    rig = AsyncRig()
    messages = await held(rig, "a", "b", "c")
    await rig.jobs().put("d")
    await rig.jobs().release(messages[2], messages[0], messages[1])
    found = await rig.jobs().get_many(4)
    assert ["a", "b", "c", "d"] == [message.body for message in found]
    assert [1, 1, 1, 1] == [message.attempt for message in found]


async def test_reject_goes_to_the_dead_letters_with_the_reason() -> None:
    rig = AsyncRig()
    (message,) = await held(rig, "x")
    await message.reject("not today")
    (letter,) = await rig.jobs().dead.letters()
    assert (message.id, b'"x"', "not today", 1, NAME) == (
        letter.id,
        letter.body,
        letter.reason,
        letter.attempts,
        letter.queue,
    )
    assert EMPTY == await rig.counts()


async def test_reject_without_a_reason_says_rejected() -> None:
    rig = AsyncRig()
    messages = await held(rig, "x", "y")
    await rig.jobs().reject(*messages)
    assert ["rejected"] * 2 == [x.reason for x in await rig.jobs().dead.letters()]


@pytest.mark.parametrize(("given", "seconds"), [({}, 60), ({"lease": 600}, 600)])
async def test_extend_keeps_the_message_from_now_on(given: dict[str, float], seconds: int) -> None:
    rig = AsyncRig()
    (message,) = await held(rig, "x")
    rig.clock.advance(50)
    await message.extend(**given)
    assert not message.settled
    rig.clock.advance(seconds - 1)
    assert await rig.jobs().get() is None
    rig.clock.advance(2)
    assert 2 == (await take(rig.jobs())).attempt


async def test_extend_never_shortens() -> None:
    rig = AsyncRig()
    (message,) = await held(rig, "x")
    await message.extend(lease=1)
    rig.clock.advance(59)
    await message.ack()


async def test_extend_is_for_the_whole_claim() -> None:
    rig = AsyncRig()
    one, other = await held(rig, "x", "y")
    await one.extend(lease=600)
    rig.clock.advance(500)
    assert await rig.jobs().get() is None
    await other.ack()


@pytest.mark.parametrize("lease", [0, -1, float("nan"), True])
async def test_extend_by_no_time_is_refused(lease: float) -> None:
    (message,) = await held(AsyncRig(), "x")
    with pytest.raises(ConfigurationError, match="lease"):
        await message.extend(lease=lease)


async def test_messages_of_several_claims_settle_in_one_call() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(6))
    claims = [await jobs.get_many(2) for _ in range(3)]
    await jobs.release(*claims[2], *claims[0])
    await jobs.ack(*claims[1])
    assert [0, 1, 4, 5] == sorted(await drain(jobs))
