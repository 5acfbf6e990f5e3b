# unasync: source
"""Failing: when a message is tried again, and when it is given up."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import AsyncMessage, ConfigurationError, QueueStats, RetryPolicy

from .colour_async import MARKS
from .rig_async import NAME, AsyncRig, drain, errors, take

pytestmark = MARKS

WAITS = [2.0, 8.0, 32.0, 128.0, 300.0, 300.0, 300.0, 300.0, 300.0]
"""The defaults, in seconds, before jitter."""


async def fail_times(rig: AsyncRig, jobs: Any, times: int) -> None:
    """Let the message at the head fail so often."""
    for _ in range(times):
        await (await take(jobs)).fail(delay=0)


@pytest.mark.parametrize("chance", [0.0, 1.0])
async def test_a_failed_message_waits_longer_each_time_within_the_jitter(
    chance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.random", lambda: chance)
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    for attempt, full in enumerate(WAITS, 1):
        message = await take(jobs)
        assert attempt == message.attempt
        await message.fail()
        assert QueueStats(0, 1, 0) == await rig.counts()
        wait = full * (1 - 0.25 * chance)
        rig.clock.advance(wait * 0.99)
        assert await jobs.get() is None, f"came before {wait} s"
        rig.clock.advance(wait * 0.02)
    assert 10 == (await take(jobs)).attempt


async def test_the_jitter_is_drawn_for_each_failure() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(40))
    for _ in range(40):
        await (await take(jobs)).fail()
    back = []
    for _ in range(10):
        rig.clock.advance(0.2)
        back.append(len(await jobs.get_many(1000)))
    assert [0] * 7 == back[:7]
    assert 40 == sum(back)
    assert 2 <= sum(count > 0 for count in back)


async def test_fail_without_delay_goes_counted_to_the_tail() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(["a", "b"])
    await (await take(jobs)).fail(delay=0)
    found = await jobs.get_many(2)
    assert [("b", 1), ("a", 2)] == [(m.body, m.attempt) for m in found]


async def test_fail_with_a_delay_waits_so_long() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    await (await take(jobs)).fail(delay=10)
    rig.clock.advance(9.9)
    assert await jobs.get() is None
    rig.clock.advance(0.2)
    assert 2 == (await take(jobs)).attempt


@pytest.mark.parametrize("delay", [-1, float("nan"), True, "1"])
async def test_a_delay_that_is_no_time_is_refused_and_the_message_stays(delay: Any) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    message = await take(jobs)
    with pytest.raises(ConfigurationError, match="delay"):
        await message.fail(delay=delay)
    assert not message.settled
    await message.ack()


async def test_id_body_and_time_stay_the_same_over_attempts() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    message_id = await jobs.put({"to": "ada"})
    seen: list[AsyncMessage[Any]] = []
    for _ in range(4):
        seen.append(await take(jobs))
        await seen[-1].fail(delay=0)
    assert [1, 2, 3, 4] == [message.attempt for message in seen]
    assert {message_id} == {message.id for message in seen}
    assert 1 == len({message.enqueued_at for message in seen})
    assert [{"to": "ada"}] * 4 == [message.body for message in seen]
    assert 4 == len({message.receipt for message in seen})


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_the_last_attempt_that_fails_is_a_dead_letter(limit: int) -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=limit)
    message_id = await jobs.put("x")
    await fail_times(rig, jobs, limit - 1)
    message = await take(jobs)
    await message.fail(delay=0, reason="downstream is away")
    assert QueueStats(0, 0, 0) == await rig.counts()
    (letter,) = await jobs.dead.letters()
    assert (message_id, b'"x"') == (letter.id, letter.body)
    assert ("downstream is away", limit, NAME) == (letter.reason, letter.attempts, letter.queue)
    assert message.enqueued_at == letter.enqueued_at
    assert letter.died_at is not None
    assert letter.enqueued_at is not None
    assert letter.enqueued_at <= letter.died_at


async def test_ten_attempts_are_the_default() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    await fail_times(rig, jobs, 9)
    assert 0 == await jobs.dead.size()
    await fail_times(rig, jobs, 1)
    assert [("attempt 10 failed", 10)] == [
        (x.reason, x.attempts) for x in await jobs.dead.letters()
    ]


async def test_without_a_limit_a_message_is_never_given_up() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(retry=RetryPolicy(max_attempts=None))
    await jobs.put("x")
    await fail_times(rig, jobs, 100)
    assert 101 == (await take(jobs)).attempt


async def test_a_crash_counts_and_goes_back_to_the_head() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(["a", "b"])
    await take(jobs)
    rig.clock.advance(61)
    again = await take(jobs)
    assert ("a", 2) == (again.body, again.attempt)


@pytest.mark.parametrize("limit", [1, 3])
async def test_what_crashes_its_consumer_too_often_is_dead_at_the_next_claim(
    limit: int, caplog: pytest.LogCaptureFixture
) -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=limit)
    message_id = await jobs.put("poison")
    await jobs.put("good", delay=61 * limit)
    for attempt in range(1, limit + 1):
        message = await take(jobs)
        assert (message_id, attempt) == (message.id, message.attempt)
        rig.clock.advance(61)
    assert "good" == (await take(jobs)).body
    (letter,) = await jobs.dead.letters()
    assert (message_id, b'"poison"') == (letter.id, letter.body)
    assert limit == letter.attempts
    assert f"{limit} attempts ended in a failure or a crash" == letter.reason
    assert [message_id in line for line in errors(caplog)] == [True]


async def test_crashes_and_failures_count_together() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=2)
    await jobs.put("x")
    await take(jobs)
    rig.clock.advance(61)
    await (await take(jobs)).fail(delay=0)
    assert [2] == [letter.attempts for letter in await jobs.dead.letters()]


async def test_the_policy_belongs_to_the_consumer_not_to_the_store() -> None:
    rig = AsyncRig()
    patient, strict = rig.jobs(max_attempts=100), rig.jobs(max_attempts=2)
    await patient.put("x")
    await fail_times(rig, patient, 1)
    await fail_times(rig, strict, 1)
    assert 1 == await strict.dead.size()


async def test_fail_of_several_messages_treats_each_by_its_attempts() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=2)
    await jobs.put_many(["old", "young"])
    await fail_times(rig, jobs, 1)
    young = await take(jobs)
    old = await take(jobs)
    assert ("old", 2) == (old.body, old.attempt)
    await jobs.fail(young, old, delay=0, reason="both")
    assert ["young"] == await drain(jobs)
    assert [(b'"old"', "both")] == [(x.body, x.reason) for x in await jobs.dead.letters()]


async def test_fail_of_several_messages_keeps_the_order_given() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(list("abc"))
    a, b, c = await jobs.get_many(3)
    await jobs.fail(c, a, b, delay=0)
    assert ["c", "a", "b"] == await drain(jobs)


async def test_a_released_message_is_not_counted_however_often() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=1)
    await jobs.put("x")
    for _ in range(20):
        await (await take(jobs)).release()
    assert 1 == (await take(jobs)).attempt


async def test_a_reason_that_is_no_proper_unicode_or_endless_is_kept_all_the_same() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=1)
    await jobs.put("x")
    await (await take(jobs)).fail(reason="no file \udcff" + "é" * 10_000)
    (letter,) = await jobs.dead.letters()
    assert letter.reason.startswith("no file \udcffé")
    assert 500 == len(letter.reason)
