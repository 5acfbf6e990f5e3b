# unasync: source
"""What a put may ask for, alone and together."""

from __future__ import annotations

import copy
import logging
import pickle
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from queuekit import (
    AsyncMessage,
    AsyncReliableQueue,
    ConfigurationError,
    Dedup,
    MessageId,
    TransportUnavailable,
    Unsupported,
)
from queuekit._envelope import PLAIN, frame_place, wrap

from .colour_async import MARKS
from .rig_async import NAME, AsyncRig, drain, take

pytestmark = MARKS

NOW = 1_800_000_000.0


def set_wall_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(time, "time", lambda: seconds)


async def test_a_put_without_options_stores_what_it_stored() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    ids = [await jobs.put("x"), *await jobs.put_many(["y"])]
    assert [PLAIN + bytes.fromhex(ids[0]) + b'"x"', PLAIN + bytes.fromhex(ids[1]) + b'"y"'] == (
        await rig.raw()
    )
    assert ["push", "push"] == rig.flaky.calls
    assert str is type(ids[0])


async def test_eta_is_the_moment_by_this_machines_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    set_wall_clock(monkeypatch, NOW)
    at = datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=30)
    await jobs.put("one", eta=at)
    await jobs.put_many(["two"], eta=at.astimezone())
    await jobs.put("past", eta=at - timedelta(days=1))
    assert ["past"] == await drain(jobs)
    rig.clock.advance(29.9)
    assert [] == await drain(jobs)
    rig.clock.advance(0.2)
    assert ["one", "two"] == await drain(jobs)


async def test_a_moment_without_a_zone_or_beside_a_delay_is_refused() -> None:
    jobs = AsyncRig().jobs()
    with pytest.raises(ConfigurationError, match="time zone"):
        await jobs.put("x", eta=datetime(2030, 1, 1))  # noqa: DTZ001 - the mistake
    with pytest.raises(ConfigurationError, match="drop one"):
        await jobs.put("x", eta=datetime.now(UTC), delay=5)
    with pytest.raises(ConfigurationError, match="eta= is a datetime"):
        await jobs.put("x", eta=5)
    assert 0 == await jobs.size()


async def test_the_highest_priority_comes_first_and_fifo_within_it() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("usual")
    await jobs.put_many(["low", "low too"], priority=-3)
    await jobs.put("high", priority=3)
    await jobs.put("usual too", priority=0)
    assert ["high", "usual", "usual too", "low", "low too"] == await drain(jobs)


async def test_of_a_group_one_is_in_flight_and_the_order_is_kept() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    for n in range(2):
        for group in ("a", "b"):
            await jobs.put(f"{group}{n}", group=group)
    first = await jobs.get_many(10)
    assert ["a0", "b0"] == [message.body for message in first]
    await first[1].fail()
    assert await jobs.get() is None
    await first[0].ack()
    assert ["a1"] == await drain(jobs)


@pytest.mark.parametrize("priority", [-4, 4, 1.5, True, "1"])
async def test_a_priority_is_one_of_seven(priority: Any) -> None:
    with pytest.raises(ConfigurationError, match="from -3 to 3"):
        await AsyncRig().jobs().put("x", priority=priority, group="g")


@pytest.mark.parametrize("group", ["", "é" * 128, 5, "\ud800"])
async def test_a_group_is_a_short_text(group: Any) -> None:
    with pytest.raises(ConfigurationError, match="group"):
        await AsyncRig().jobs().put("x", group=group)


async def test_headers_travel_with_the_message() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    headers = {"trace": "é", "": "empty"}
    await jobs.put("x", headers=headers)
    await jobs.put_many(["y"], headers=headers)
    assert [headers, headers] == [message.headers for message in await jobs.get_many(2)]


@pytest.mark.parametrize(
    "headers", [{"queuekit-expires": "1"}, {"a": 1}, {1: "a"}, [("a", "b")], "a"]
)
async def test_headers_are_texts_and_not_the_librarys_own(headers: Any) -> None:
    rig = AsyncRig()
    with pytest.raises(ConfigurationError, match="header"):
        await rig.jobs().put("x", headers=headers)
    assert [] == rig.flaky.calls


async def test_what_expired_is_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    set_wall_clock(monkeypatch, NOW)
    await jobs.put("x", expires=30, headers={"trace": "1"})
    set_wall_clock(monkeypatch, NOW + 29)
    message = await take(jobs)
    assert {"trace": "1"} == message.headers
    await message.release()
    set_wall_clock(monkeypatch, NOW + 31)
    assert await jobs.get() is None
    (letter,) = await jobs.dead.letters()
    assert ("expired", 0, {"trace": "1"}) == (letter.reason, letter.attempts, letter.headers)
    assert 1 == await jobs.dead.send_all_back()
    assert "x" == (await take(jobs)).body  # sent back, it does not expire any more


async def test_what_expired_is_dropped_if_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    set_wall_clock(monkeypatch, NOW)
    ids = await jobs.put_many(["x", "y"], expires=30, expired="drop")
    await jobs.put("z")
    set_wall_clock(monkeypatch, NOW + 31)
    caplog.set_level(logging.INFO, "queuekit")
    assert "z" == (await take(jobs)).body
    assert (0, 0, 1) == await rig.counts()
    assert [] == await jobs.dead.letters()
    for message_id in ids:
        assert f"{message_id} expired and was dropped" in caplog.text


async def test_no_retry_outlives_the_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    set_wall_clock(monkeypatch, NOW)
    await jobs.put("x", expires=30)
    await (await take(jobs)).fail(delay=10)
    rig.clock.advance(11)
    set_wall_clock(monkeypatch, NOW + 31)
    assert await jobs.get() is None
    assert 1 == (await jobs.dead.letters())[0].attempts


async def test_a_foreign_expiry_that_says_nothing_is_none() -> None:
    rig = AsyncRig()
    for text in ("soon", "", "-1", "²", "9" * 19):
        await rig.push(wrap(bytes(16), b"1", {"queuekit-expires": text}))
        assert 1 == (await take(rig.jobs())).body


@pytest.mark.parametrize("options", [{"expires": 0}, {"expires": 5, "expired": "later"}])
async def test_an_expiry_is_some_seconds_and_one_of_two_ends(options: Any) -> None:
    with pytest.raises(ConfigurationError, match="expire"):
        await AsyncRig().jobs().put("x", **options)


async def test_a_key_that_is_there_answers_with_the_first_id() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    first = await jobs.put("x", dedup=Dedup("key", 60))
    again = await jobs.put("y", dedup=Dedup("key", 60))
    other = await jobs.put("z", dedup=Dedup("other", 60))
    assert (True, False, True) == (first.new, again.new, other.new)
    assert first == again != other
    assert ["x", "z"] == await drain(jobs)
    rig.clock.advance(61)
    assert (await jobs.put("x", dedup=Dedup("key", 60))).new


async def test_a_repeated_put_with_a_key_is_new_still() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    rig.flaky.fail_next("push", after=True)
    with pytest.raises(TransportUnavailable) as caught:
        await jobs.put("x", dedup=Dedup("key", 60))
    (message_id,) = caught.value.ids
    again = await jobs.put("x", dedup=Dedup("key", 60), id=message_id)
    assert (message_id, True) == (again, again.new)
    assert ["x"] == await drain(jobs)


@pytest.mark.parametrize("dedup", ["key", ("key", 5), Dedup("", 5), Dedup("key", 0)])
async def test_a_key_has_a_text_and_a_window(dedup: Any) -> None:
    rig = AsyncRig()
    with pytest.raises(ConfigurationError):
        await rig.jobs().put("x", dedup=dedup)
    assert [] == rig.flaky.calls


async def test_an_answer_is_a_text_that_travels() -> None:
    answer = MessageId("ab", new=False)
    assert ("ab", False) == (answer, answer.new)
    for twin in (copy.copy(answer), pickle.loads(pickle.dumps(answer))):
        assert ("ab", False) == (twin, twin.new)


async def test_all_options_together_mean_what_they_mean_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    set_wall_clock(monkeypatch, NOW)
    await jobs.put("usual", delay=10)
    answer = await jobs.put(
        "all",
        delay=10,
        priority=2,
        group="g",
        headers={"trace": "1"},
        expires=30,
        dedup=Dedup("key", 60),
    )
    rig.clock.advance(11)
    message = await take(jobs)
    assert (answer, "all", {"trace": "1"}) == (message.id, message.body, message.headers)
    assert (2, "g") == frame_place(message.data)
    await message.fail(delay=0)
    again = await take(jobs)
    assert ("all", 2) == (again.body, again.attempt)
    set_wall_clock(monkeypatch, NOW + 31)
    await again.release()
    assert "usual" == (await take(jobs)).body
    letter = (await jobs.dead.letters())[0]
    assert (answer, "expired", 2, "g") == (
        letter.id,
        letter.reason,
        letter.priority,
        letter.group,
    )


@pytest.mark.parametrize(
    ("lacks", "options"),
    [
        ("priorities", {"priority": 1}),
        ("groups", {"group": "g"}),
        ("dedup", {"dedup": Dedup("key", 60)}),
    ],
)
async def test_what_the_store_lacks_is_refused_before_anything_is_stored(
    lacks: str, options: Any
) -> None:
    rig = AsyncRig()
    rig.store._features = rig.store.features._replace(**{lacks: False})
    with pytest.raises(Unsupported, match="sqlite:"):
        await rig.jobs().put("x", **options)
    assert [] == rig.flaky.calls


async def test_a_letter_gets_its_place_back_where_the_store_honours_it() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x", priority=-2, group="g")
    await (await take(jobs)).reject("no")
    assert [(0, "")] == [frame_place(data) for data in await rig.raw(NAME + "!dead")]
    await jobs.dead.send_all_back()
    message: AsyncMessage[Any] = await take(jobs)
    assert (-2, "g") == frame_place(message.data)
    await message.reject("no")
    rig.store._features = rig.store.features._replace(priorities=False)
    await jobs.dead.send_all_back()
    assert (0, "g") == frame_place((await take(jobs)).data)


async def test_the_dead_letters_of_a_group_do_not_wait_for_each_other() -> None:
    jobs: AsyncReliableQueue[Any] = AsyncRig().jobs()
    await jobs.put_many(range(3), group="g")
    for _ in range(3):
        await (await take(jobs)).reject("no")
    assert 3 == len(await jobs.dead.get_many(10))
