# unasync: source
"""Failures with their exception: rules by its class, and what the dead letter keeps of it."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import AsyncMessage, AsyncReliableQueue, DeadLetter, RetryPolicy

from .colour_async import MARKS
from .rig_async import AsyncRig, take

pytestmark = MARKS

RULES = RetryPolicy(
    max_attempts=2,
    base=8,
    jitter=0,
    rules={ValueError: None, ConnectionError: RetryPolicy(max_attempts=4, base=1, jitter=0)},
)


class LostError(ConnectionError):
    """Of a module, so with its name."""


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


async def only_letter(rig: AsyncRig) -> DeadLetter:
    (letter,) = await rig.jobs().dead.letters()
    return letter


async def work_and_raise(jobs: AsyncReliableQueue[Any], error: Exception) -> None:
    async with await take(jobs):
        raise error


async def test_an_exception_whose_rule_is_none_is_dead_at_once() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(retry=RULES)
    await jobs.put("x")
    with pytest.raises(UnicodeError):
        await work_and_raise(jobs, UnicodeError("bad"))
    letter = await only_letter(rig)
    assert ("UnicodeError: bad", "UnicodeError", 1, "") == (
        letter.reason,
        letter.error,
        letter.attempts,
        letter.traceback,
    )


async def test_the_rule_says_how_long_to_wait_and_how_often() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(retry=RULES)
    await jobs.put("x")
    for seconds in (1.0, 4.0, 16.0):
        await (await take(jobs)).fail(error=LostError("gone"))
        rig.clock.advance(seconds - 0.1)
        assert await jobs.get() is None
        rig.clock.advance(0.2)
    await (await take(jobs)).fail(error=LostError("gone"))
    letter = await only_letter(rig)
    assert (f"{__name__}.LostError", 4) == (letter.error, letter.attempts)
    assert "LostError: gone" == letter.reason


async def test_without_a_rule_the_policy_itself_counts() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(retry=RULES)
    await jobs.put("x")
    await (await take(jobs)).fail(delay=0, error=KeyError("k"))
    await (await take(jobs)).fail(error=KeyError("k"), reason="why")
    assert ("why", "KeyError") == ((letter := await only_letter(rig)).reason, letter.error)


async def test_a_batch_fails_with_one_error() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(retry=RULES)
    await jobs.put_many(range(3))
    await jobs.fail(*await jobs.get_many(3), error=ValueError("all"))
    assert ["ValueError: all"] * 3 == [each.reason for each in await jobs.dead.letters()]


async def test_a_worker_passes_the_exception_on() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(retry=RULES)
    await jobs.put("x")

    @jobs.worker(timeout=0)
    async def handle(message: AsyncMessage[Any]) -> None:
        raise ValueError(message.body)

    await handle()
    assert ("ValueError", "ValueError: x") == (
        (letter := await only_letter(rig)).error,
        letter.reason,
    )


async def test_crashes_are_tolerated_as_often_as_the_most_patient_rule_says() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(retry=RULES)
    await jobs.put("x")
    for attempt in (1, 2, 3, 4):
        assert attempt == (await take(jobs)).attempt
        rig.clock.advance(61)
    assert await jobs.get() is None
    assert 4 == (await only_letter(rig)).attempts


async def test_a_traceback_is_kept_if_asked_and_cut_at_its_beginning() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(keep_traceback=True, max_attempts=1)
    await jobs.put("x")
    with pytest.raises(KeyError):
        await work_and_raise(jobs, KeyError("y" * 20_000 + "the end"))
    text = (await only_letter(rig)).traceback
    assert 8000 == len(text)
    assert text.startswith("…")
    assert "the end" in text[-20:]
    await jobs.dead.clear()
    await jobs.put("x")
    with pytest.raises(KeyError):
        await work_and_raise(jobs, KeyError("short"))
    text = (await only_letter(rig)).traceback
    assert text.startswith("Traceback (most recent call last)")
    assert "in work_and_raise" in text


async def test_an_error_that_cannot_be_written_hides_nothing() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=1, keep_traceback=True)
    await jobs.put("x")
    with pytest.raises(MuteError):
        await work_and_raise(jobs, MuteError())
    assert "MuteError" == (await only_letter(rig)).reason


async def test_what_cannot_be_decoded_says_so_by_its_class() -> None:
    rig = AsyncRig()
    await rig.push(b"{")
    assert await rig.jobs().get() is None
    assert "queuekit.errors.DecodeError" == (await only_letter(rig)).error
