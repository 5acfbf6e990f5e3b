# unasync: source
"""Dead letters: looking at them, taking them, sending them back."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from queuekit import (
    AsyncDeadLetters,
    AsyncMemoryTransport,
    AsyncReliableQueue,
    BodyTooLarge,
    ConfigurationError,
    LeaseLost,
    QueueStats,
    Receipt,
)
from queuekit._envelope import MAGIC, wrap

from .colour_async import MARKS
from .rig_async import NAME, AsyncRig, drain, take

pytestmark = MARKS

DEAD = NAME + "!dead"


async def kill(rig: AsyncRig, *bodies: Any) -> AsyncDeadLetters:
    """Put *bodies*, reject each, and return the dead letters."""
    jobs = rig.jobs()
    await jobs.put_many(bodies)
    await jobs.reject(*await jobs.get_many(1000), reason="no")
    return jobs.dead


async def test_the_dead_letters_are_the_queue_of_that_name_on_the_same_transport() -> None:
    rig = AsyncRig()
    dead = rig.jobs(lease=5).dead
    assert (DEAD, 5.0) == (dead.name, dead.lease)
    assert rig.flaky is dead.transport
    await kill(rig, "x")
    assert 1 == await rig.store.purge(DEAD)


async def test_letters_tell_everything_and_take_nothing() -> None:
    rig = AsyncRig()
    headers = {"trace": "é", "empty": ""}
    message_id = await rig.jobs().put("x")
    await rig.push(wrap(bytes.fromhex(message_id), b'"y"', headers))
    await rig.jobs().reject(*await rig.jobs().get_many(2), reason="no")
    dead = rig.jobs().dead
    for _ in range(2):
        x, y = await dead.letters()
    assert (message_id, b'"x"', "no", 1, NAME, {}) == (
        x.id,
        x.body,
        x.reason,
        x.attempts,
        x.queue,
        x.headers,
    )
    assert headers == y.headers
    now = datetime.now(UTC)
    for moment in (x.died_at, x.enqueued_at):
        assert moment is not None
        assert now - timedelta(seconds=10) < moment <= now
    assert 2 == await dead.size()


async def test_letters_are_the_oldest_up_to_a_limit() -> None:
    dead = await kill(AsyncRig(), *range(150))
    assert [b"0", b"1"] == [letter.body for letter in await dead.letters(2)]
    assert 100 == len(await dead.letters())
    assert 150 == len(await dead.letters(1000))


async def test_a_letter_without_its_headers_reads_as_far_as_it_goes() -> None:
    rig = AsyncRig()
    wrong = {"queuekit-attempts": "²", "queuekit-died-at": "today", "own": "1"}
    await rig.push(b"foreign", MAGIC, wrap(bytes(16), b"b", wrong), queue=DEAD)
    foreign, cut, odd = await rig.jobs().dead.letters()
    assert ("", b"foreign", "", 0, "", None, None, {}, "", "", 0, None) == tuple(foreign)
    assert ("", MAGIC) == (cut.id, cut.body)
    assert (b"b", 0, None, None, {"own": "1"}) == (
        odd.body,
        odd.attempts,
        odd.died_at,
        odd.enqueued_at,
        odd.headers,
    )


async def test_a_letter_of_a_far_future_does_not_hide_the_others() -> None:
    rig = AsyncRig()
    await kill(rig, "x")
    await rig.push(wrap(bytes.fromhex("ffffffffffff7" + "0" * 19), b"far"), queue=DEAD)
    assert [b'"x"', b"far"] == [letter.body for letter in await rig.jobs().dead.letters()]


async def test_peek_returns_the_bodies_as_they_were_stored() -> None:
    dead = await kill(AsyncRig(), {"n": 1}, None)
    assert [b'{"n":1}', b"null"] == await dead.peek(5)


async def test_a_letter_is_taken_like_any_message() -> None:
    rig = AsyncRig()
    dead = await kill(rig, "x")
    message = await take(dead)
    letter = dead.letter(message)
    assert (message.id, b'"x"', "no", 1) == (letter.id, message.body, letter.reason, 1)
    assert 1 == message.attempt
    await message.ack()
    assert QueueStats(0, 0, 0) == await rig.counts(DEAD)


async def test_what_is_dead_is_never_given_up() -> None:
    rig = AsyncRig()
    dead = await kill(rig, "x")
    for attempt in range(1, 31):
        assert attempt == (await take(dead)).attempt
        rig.clock.advance(61)
    assert 1 == len(await dead.get_many(5))


async def test_send_back_puts_the_same_message_at_the_tail_with_new_attempts() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=2)
    await rig.push(wrap(bytes(range(16)), b'"dead"', {"trace": "1"}))
    for _ in range(2):
        await (await take(jobs)).fail(delay=0)
    await jobs.put("alive")
    await jobs.dead.send_back(await take(jobs.dead))
    assert 0 == (await jobs.dead.stats()).claimed
    alive, back = await jobs.get_many(5)
    assert ("alive", "dead") == (alive.body, back.body)
    assert (bytes(range(16)).hex(), 1, {"trace": "1"}) == (back.id, back.attempt, back.headers)


async def test_sent_back_and_dead_again_it_keeps_its_headers_and_gets_a_new_reason() -> None:
    rig = AsyncRig()
    await rig.push(wrap(bytes(range(16)), b"1", {"trace": "1"}))
    jobs = rig.jobs()
    await (await take(jobs)).reject("first")
    await jobs.dead.send_back(await take(jobs.dead))
    await (await take(jobs)).reject("second")
    (letter,) = await jobs.dead.letters()
    assert ("second", {"trace": "1"}, 1) == (letter.reason, letter.headers, letter.attempts)


async def test_send_back_names_the_lost_and_does_the_rest() -> None:
    rig = AsyncRig()
    dead = await kill(rig, "a", "b", "c")
    messages = await dead.get_many(3)
    await messages[1].ack()
    with pytest.raises(LeaseLost, match="1 of 3") as caught:
        await dead.send_back(*messages)
    assert (messages[1].id,) == caught.value.ids
    assert ["a", "c"] == await drain(rig.jobs())


async def test_send_back_of_nothing_does_nothing() -> None:
    rig = AsyncRig()
    await rig.jobs().dead.send_back()
    assert [] == rig.flaky.calls


async def test_a_message_sent_back_in_its_block_is_settled() -> None:
    rig = AsyncRig()
    dead = await kill(rig, "x")
    async with await take(dead) as message:
        await dead.send_back(message)
    assert ["x"] == await drain(rig.jobs())
    assert 0 == await dead.size()


async def test_send_all_back_sends_the_oldest_and_says_how_many() -> None:
    rig = AsyncRig()
    dead = await kill(rig, *range(250))
    assert 120 == await dead.send_all_back(120)
    assert 130 == await dead.send_all_back()
    assert 0 == await dead.send_all_back()
    assert list(range(250)) == await drain(rig.jobs())


async def test_send_all_back_leaves_what_another_consumer_holds() -> None:
    rig = AsyncRig()
    dead = await kill(rig, "held", "free")
    held = await take(dead)
    assert 1 == await dead.send_all_back()
    assert ["free"] == await drain(rig.jobs())
    await held.ack()


async def test_send_all_back_counts_only_what_it_sent() -> None:
    rig = AsyncRig()
    dead = await kill(rig, "a", "b")
    move = rig.flaky.move

    async def late(queue: str, letters: Any, *, to: str) -> list[Receipt]:
        await rig.store.ack(queue, [letters[0][0]])  # somebody else was faster
        return await move(queue, letters, to=to)

    rig.flaky.move = late
    assert 1 == await dead.send_all_back()
    assert ["b"] == await drain(rig.jobs())


async def test_clear_throws_the_letters_away() -> None:
    rig = AsyncRig()
    dead = await kill(rig, "a", "b")
    assert 2 == await dead.clear()
    assert [] == await dead.letters()


async def test_an_undecodable_message_sent_back_dies_again_with_its_bytes() -> None:
    rig = AsyncRig()
    await rig.push(b"{", MAGIC)
    jobs = rig.jobs()
    assert await jobs.get() is None
    first = await jobs.dead.letters()
    for _ in range(2):
        assert 2 == await jobs.dead.send_all_back()
        assert await jobs.get() is None
        again = await jobs.dead.letters()
        assert [b"{", MAGIC] == [letter.body for letter in again]
        assert [letter.id for letter in first] == [letter.id for letter in again]


async def test_closing_the_dead_letters_leaves_the_queue_open() -> None:
    jobs = AsyncReliableQueue[str]("jobs", "memory:")
    await jobs.dead.aclose()
    await jobs.put("x")
    assert 1 == await jobs.size()


async def test_a_body_at_the_limit_can_die_with_a_long_reason() -> None:
    store = AsyncMemoryTransport(max_body=1000)
    jobs = AsyncReliableQueue[bytes]("jobs", store, serializer="bytes")
    await jobs.put(b"x" * 980)
    await (await take(jobs)).reject("é" * 10_000)
    assert [980] == [len(letter.body) for letter in await jobs.dead.letters()]


async def test_find_returns_one_letter_and_takes_none() -> None:
    rig = AsyncRig()
    dead = await kill(rig, *range(5))
    last = (await dead.letters())[-1]
    assert last == await dead.find(last.id)
    assert await dead.find(last.id, limit=4) is None
    assert await dead.find("unknown") is None
    assert 5 == await dead.size()


async def test_take_claims_one_letter_and_leaves_the_others_in_their_order() -> None:
    rig = AsyncRig()
    dead = await kill(rig, *range(250))
    wanted = (await dead.letters(250))[220]
    message = await dead.take(wanted.id)
    assert message is not None
    assert (b"220", 1) == (message.body, message.attempt)
    assert (249, 0, 1) == await rig.counts(DEAD)
    assert await dead.take(wanted.id) is None
    await message.ack()
    assert await dead.take((await dead.letters(250))[200].id, limit=200) is None
    assert [b"%d" % n for n in range(250) if n != 220] == [
        letter.body for letter in await dead.letters(250)
    ]


async def test_a_message_is_sent_back_with_another_body() -> None:
    rig = AsyncRig()
    dead = await kill(rig, "wrong")
    jobs = rig.jobs()
    letter = await take(dead)
    await dead.send_back(letter, body=jobs.encode("right"))
    message = await take(jobs)
    assert (letter.id, "right", 1) == (message.id, message.body, message.attempt)
    assert 0 == sum(await dead.stats())


async def test_another_body_is_for_one_message_and_not_too_long() -> None:
    store = AsyncMemoryTransport(max_body=1000)
    jobs = AsyncReliableQueue[bytes]("jobs", store, serializer="bytes")
    await jobs.put_many([b"x", b"y"])
    await jobs.reject(*await jobs.get_many(2), reason="no")
    letters = await jobs.dead.get_many(2)
    with pytest.raises(ConfigurationError, match="one message, not for 2"):
        await jobs.dead.send_back(*letters, body=b"z")
    with pytest.raises(BodyTooLarge):
        await jobs.dead.send_back(letters[0], body=b"z" * 990)
    await jobs.dead.release(*letters)
    assert 2 == await jobs.dead.size()


async def test_trim_keeps_the_newest() -> None:
    rig = AsyncRig()
    dead = await kill(rig, *range(250))
    assert 0 == await dead.trim(max_length=250)
    assert 247 == await dead.trim(max_length=3)
    assert [b"247", b"248", b"249"] == [letter.body for letter in await dead.letters()]
    assert 3 == await dead.trim(max_length=0)


async def test_trim_throws_away_what_has_been_dead_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    wall = time.time()
    await rig.push(b"unknown", queue=DEAD)
    await kill(rig, *range(150))
    monkeypatch.setattr(time, "time", lambda: wall + 100)
    dead = await kill(rig, "young", "younger")
    assert 0 == await dead.trim(max_age=200)
    assert 150 == await dead.trim(max_age=50)
    assert [b"unknown", b'"young"', b'"younger"'] == [
        letter.body for letter in await dead.letters()
    ]
    assert 1 == (await take(dead)).attempt


async def test_trim_within_both_limits_and_of_nothing() -> None:
    rig = AsyncRig()
    dead = await kill(rig, *range(5))
    assert 0 == await dead.trim()
    assert 3 == await dead.trim(max_length=2, max_age=60)
    assert 0 == await AsyncRig().jobs().dead.trim(max_length=1, max_age=1)
    with pytest.raises(ConfigurationError, match="max_length must be a whole number of 0"):
        await dead.trim(max_length=-1)
    with pytest.raises(ConfigurationError, match="max_age"):
        await dead.trim(max_age=-1)


async def test_trim_leaves_what_another_consumer_holds() -> None:
    rig = AsyncRig()
    dead = await kill(rig, "held", "free")
    held = await take(dead)
    assert 1 == await dead.trim(max_length=0)
    await held.release()
    assert 1 == await dead.size()


async def test_a_time_without_a_zone_in_a_letter_says_nothing() -> None:
    rig = AsyncRig()
    await rig.push(wrap(bytes(16), b"b", {"queuekit-died-at": "2020-01-01T00:00:00"}), queue=DEAD)
    dead = rig.jobs().dead
    assert (await dead.letters())[0].died_at is None
    assert 0 == await dead.trim(max_age=1)
