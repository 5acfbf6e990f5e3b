# Generated from test_dead_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Dead letters: looking at them, taking them, sending them back."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from queuekit import (
    BodyTooLarge,
    ConfigurationError,
    DeadLetters,
    LeaseLost,
    MemoryTransport,
    QueueStats,
    Receipt,
    ReliableQueue,
)
from queuekit._envelope import MAGIC, wrap

from .colour import MARKS
from .rig import NAME, Rig, drain, take

pytestmark = MARKS

DEAD = NAME + "!dead"


def kill(rig: Rig, *bodies: Any) -> DeadLetters:
    """Put *bodies*, reject each, and return the dead letters."""
    jobs = rig.jobs()
    jobs.put_many(bodies)
    jobs.reject(*jobs.get_many(1000), reason="no")
    return jobs.dead


def test_the_dead_letters_are_the_queue_of_that_name_on_the_same_transport() -> None:
    rig = Rig()
    dead = rig.jobs(lease=5).dead
    assert (DEAD, 5.0) == (dead.name, dead.lease)
    assert rig.flaky is dead.transport
    kill(rig, "x")
    assert 1 == rig.store.purge(DEAD)


def test_letters_tell_everything_and_take_nothing() -> None:
    rig = Rig()
    headers = {"trace": "é", "empty": ""}
    message_id = rig.jobs().put("x")
    rig.push(wrap(bytes.fromhex(message_id), b'"y"', headers))
    rig.jobs().reject(*rig.jobs().get_many(2), reason="no")
    dead = rig.jobs().dead
    for _ in range(2):
        x, y = dead.letters()
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
    assert 2 == dead.size()


def test_letters_are_the_oldest_up_to_a_limit() -> None:
    dead = kill(Rig(), *range(150))
    assert [b"0", b"1"] == [letter.body for letter in dead.letters(2)]
    assert 100 == len(dead.letters())
    assert 150 == len(dead.letters(1000))


def test_a_letter_without_its_headers_reads_as_far_as_it_goes() -> None:
    rig = Rig()
    wrong = {"queuekit-attempts": "²", "queuekit-died-at": "today", "own": "1"}
    rig.push(b"foreign", MAGIC, wrap(bytes(16), b"b", wrong), queue=DEAD)
    foreign, cut, odd = rig.jobs().dead.letters()
    assert ("", b"foreign", "", 0, "", None, None, {}, "", "", 0, None) == tuple(foreign)
    assert ("", MAGIC) == (cut.id, cut.body)
    assert (b"b", 0, None, None, {"own": "1"}) == (
        odd.body,
        odd.attempts,
        odd.died_at,
        odd.enqueued_at,
        odd.headers,
    )


def test_a_letter_of_a_far_future_does_not_hide_the_others() -> None:
    rig = Rig()
    kill(rig, "x")
    rig.push(wrap(bytes.fromhex("ffffffffffff7" + "0" * 19), b"far"), queue=DEAD)
    assert [b'"x"', b"far"] == [letter.body for letter in rig.jobs().dead.letters()]


def test_peek_returns_the_bodies_as_they_were_stored() -> None:
    dead = kill(Rig(), {"n": 1}, None)
    assert [b'{"n":1}', b"null"] == dead.peek(5)


def test_a_letter_is_taken_like_any_message() -> None:
    rig = Rig()
    dead = kill(rig, "x")
    message = take(dead)
    letter = dead.letter(message)
    assert (message.id, b'"x"', "no", 1) == (letter.id, message.body, letter.reason, 1)
    assert 1 == message.attempt
    message.ack()
    assert QueueStats(0, 0, 0) == rig.counts(DEAD)


def test_what_is_dead_is_never_given_up() -> None:
    rig = Rig()
    dead = kill(rig, "x")
    for attempt in range(1, 31):
        assert attempt == (take(dead)).attempt
        rig.clock.advance(61)
    assert 1 == len(dead.get_many(5))


def test_send_back_puts_the_same_message_at_the_tail_with_new_attempts() -> None:
    rig = Rig()
    jobs = rig.jobs(max_attempts=2)
    rig.push(wrap(bytes(range(16)), b'"dead"', {"trace": "1"}))
    for _ in range(2):
        (take(jobs)).fail(delay=0)
    jobs.put("alive")
    jobs.dead.send_back(take(jobs.dead))
    assert 0 == (jobs.dead.stats()).claimed
    alive, back = jobs.get_many(5)
    assert ("alive", "dead") == (alive.body, back.body)
    assert (bytes(range(16)).hex(), 1, {"trace": "1"}) == (back.id, back.attempt, back.headers)


def test_sent_back_and_dead_again_it_keeps_its_headers_and_gets_a_new_reason() -> None:
    rig = Rig()
    rig.push(wrap(bytes(range(16)), b"1", {"trace": "1"}))
    jobs = rig.jobs()
    (take(jobs)).reject("first")
    jobs.dead.send_back(take(jobs.dead))
    (take(jobs)).reject("second")
    (letter,) = jobs.dead.letters()
    assert ("second", {"trace": "1"}, 1) == (letter.reason, letter.headers, letter.attempts)


def test_send_back_names_the_lost_and_does_the_rest() -> None:
    rig = Rig()
    dead = kill(rig, "a", "b", "c")
    messages = dead.get_many(3)
    messages[1].ack()
    with pytest.raises(LeaseLost, match="1 of 3") as caught:
        dead.send_back(*messages)
    assert (messages[1].id,) == caught.value.ids
    assert ["a", "c"] == drain(rig.jobs())


def test_send_back_of_nothing_does_nothing() -> None:
    rig = Rig()
    rig.jobs().dead.send_back()
    assert [] == rig.flaky.calls


def test_a_message_sent_back_in_its_block_is_settled() -> None:
    rig = Rig()
    dead = kill(rig, "x")
    with take(dead) as message:
        dead.send_back(message)
    assert ["x"] == drain(rig.jobs())
    assert 0 == dead.size()


def test_send_all_back_sends_the_oldest_and_says_how_many() -> None:
    rig = Rig()
    dead = kill(rig, *range(250))
    assert 120 == dead.send_all_back(120)
    assert 130 == dead.send_all_back()
    assert 0 == dead.send_all_back()
    assert list(range(250)) == drain(rig.jobs())


def test_send_all_back_leaves_what_another_consumer_holds() -> None:
    rig = Rig()
    dead = kill(rig, "held", "free")
    held = take(dead)
    assert 1 == dead.send_all_back()
    assert ["free"] == drain(rig.jobs())
    held.ack()


def test_send_all_back_counts_only_what_it_sent() -> None:
    rig = Rig()
    dead = kill(rig, "a", "b")
    move = rig.flaky.move

    def late(queue: str, letters: Any, *, to: str) -> list[Receipt]:
        rig.store.ack(queue, [letters[0][0]])  # somebody else was faster
        return move(queue, letters, to=to)

    rig.flaky.move = late
    assert 1 == dead.send_all_back()
    assert ["b"] == drain(rig.jobs())


def test_clear_throws_the_letters_away() -> None:
    rig = Rig()
    dead = kill(rig, "a", "b")
    assert 2 == dead.clear()
    assert [] == dead.letters()


def test_an_undecodable_message_sent_back_dies_again_with_its_bytes() -> None:
    rig = Rig()
    rig.push(b"{", MAGIC)
    jobs = rig.jobs()
    assert jobs.get() is None
    first = jobs.dead.letters()
    for _ in range(2):
        assert 2 == jobs.dead.send_all_back()
        assert jobs.get() is None
        again = jobs.dead.letters()
        assert [b"{", MAGIC] == [letter.body for letter in again]
        assert [letter.id for letter in first] == [letter.id for letter in again]


def test_closing_the_dead_letters_leaves_the_queue_open() -> None:
    jobs = ReliableQueue[str]("jobs", "memory:")
    jobs.dead.close()
    jobs.put("x")
    assert 1 == jobs.size()


def test_a_body_at_the_limit_can_die_with_a_long_reason() -> None:
    store = MemoryTransport(max_body=1000)
    jobs = ReliableQueue[bytes]("jobs", store, serializer="bytes")
    jobs.put(b"x" * 980)
    (take(jobs)).reject("é" * 10_000)
    assert [980] == [len(letter.body) for letter in jobs.dead.letters()]


def test_find_returns_one_letter_and_takes_none() -> None:
    rig = Rig()
    dead = kill(rig, *range(5))
    last = (dead.letters())[-1]
    assert last == dead.find(last.id)
    assert dead.find(last.id, limit=4) is None
    assert dead.find("unknown") is None
    assert 5 == dead.size()


def test_take_claims_one_letter_and_leaves_the_others_in_their_order() -> None:
    rig = Rig()
    dead = kill(rig, *range(250))
    wanted = (dead.letters(250))[220]
    message = dead.take(wanted.id)
    assert message is not None
    assert (b"220", 1) == (message.body, message.attempt)
    assert (249, 0, 1) == rig.counts(DEAD)
    assert dead.take(wanted.id) is None
    message.ack()
    assert dead.take((dead.letters(250))[200].id, limit=200) is None
    assert [b"%d" % n for n in range(250) if n != 220] == [
        letter.body for letter in dead.letters(250)
    ]


def test_a_message_is_sent_back_with_another_body() -> None:
    rig = Rig()
    dead = kill(rig, "wrong")
    jobs = rig.jobs()
    letter = take(dead)
    dead.send_back(letter, body=jobs.encode("right"))
    message = take(jobs)
    assert (letter.id, "right", 1) == (message.id, message.body, message.attempt)
    assert 0 == sum(dead.stats())


def test_another_body_is_for_one_message_and_not_too_long() -> None:
    store = MemoryTransport(max_body=1000)
    jobs = ReliableQueue[bytes]("jobs", store, serializer="bytes")
    jobs.put_many([b"x", b"y"])
    jobs.reject(*jobs.get_many(2), reason="no")
    letters = jobs.dead.get_many(2)
    with pytest.raises(ConfigurationError, match="one message, not for 2"):
        jobs.dead.send_back(*letters, body=b"z")
    with pytest.raises(BodyTooLarge):
        jobs.dead.send_back(letters[0], body=b"z" * 990)
    jobs.dead.release(*letters)
    assert 2 == jobs.dead.size()


def test_trim_keeps_the_newest() -> None:
    rig = Rig()
    dead = kill(rig, *range(250))
    assert 0 == dead.trim(max_length=250)
    assert 247 == dead.trim(max_length=3)
    assert [b"247", b"248", b"249"] == [letter.body for letter in dead.letters()]
    assert 3 == dead.trim(max_length=0)


def test_trim_throws_away_what_has_been_dead_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    wall = time.time()
    rig.push(b"unknown", queue=DEAD)
    kill(rig, *range(150))
    monkeypatch.setattr(time, "time", lambda: wall + 100)
    dead = kill(rig, "young", "younger")
    assert 0 == dead.trim(max_age=200)
    assert 150 == dead.trim(max_age=50)
    assert [b"unknown", b'"young"', b'"younger"'] == [letter.body for letter in dead.letters()]
    assert 1 == (take(dead)).attempt


def test_trim_within_both_limits_and_of_nothing() -> None:
    rig = Rig()
    dead = kill(rig, *range(5))
    assert 0 == dead.trim()
    assert 3 == dead.trim(max_length=2, max_age=60)
    assert 0 == Rig().jobs().dead.trim(max_length=1, max_age=1)
    with pytest.raises(ConfigurationError, match="max_length must be a whole number of 0"):
        dead.trim(max_length=-1)
    with pytest.raises(ConfigurationError, match="max_age"):
        dead.trim(max_age=-1)


def test_trim_leaves_what_another_consumer_holds() -> None:
    rig = Rig()
    dead = kill(rig, "held", "free")
    held = take(dead)
    assert 1 == dead.trim(max_length=0)
    held.release()
    assert 1 == dead.size()


def test_a_time_without_a_zone_in_a_letter_says_nothing() -> None:
    rig = Rig()
    rig.push(wrap(bytes(16), b"b", {"queuekit-died-at": "2020-01-01T00:00:00"}), queue=DEAD)
    dead = rig.jobs().dead
    assert (dead.letters())[0].died_at is None
    assert 0 == dead.trim(max_age=1)
