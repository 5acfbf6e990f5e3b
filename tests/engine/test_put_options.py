# Generated from test_put_options_async.py by tools/unasync.py. Do not edit: run `make gen`.
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
    ConfigurationError,
    Dedup,
    Message,
    MessageId,
    ReliableQueue,
    TransportUnavailable,
    Unsupported,
)
from queuekit._envelope import PLAIN, frame_place, wrap

from .colour import MARKS
from .rig import NAME, Rig, drain, take

pytestmark = MARKS

NOW = 1_800_000_000.0


def set_wall_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(time, "time", lambda: seconds)


def test_a_put_without_options_stores_what_it_stored() -> None:
    rig = Rig()
    jobs = rig.jobs()
    ids = [jobs.put("x"), *jobs.put_many(["y"])]
    assert [PLAIN + bytes.fromhex(ids[0]) + b'"x"', PLAIN + bytes.fromhex(ids[1]) + b'"y"'] == (
        rig.raw()
    )
    assert ["push", "push"] == rig.flaky.calls
    assert str is type(ids[0])


def test_eta_is_the_moment_by_this_machines_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    jobs = rig.jobs()
    set_wall_clock(monkeypatch, NOW)
    at = datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=30)
    jobs.put("one", eta=at)
    jobs.put_many(["two"], eta=at.astimezone())
    jobs.put("past", eta=at - timedelta(days=1))
    assert ["past"] == drain(jobs)
    rig.clock.advance(29.9)
    assert [] == drain(jobs)
    rig.clock.advance(0.2)
    assert ["one", "two"] == drain(jobs)


def test_a_moment_without_a_zone_or_beside_a_delay_is_refused() -> None:
    jobs = Rig().jobs()
    with pytest.raises(ConfigurationError, match="time zone"):
        jobs.put("x", eta=datetime(2030, 1, 1))  # noqa: DTZ001 - the mistake
    with pytest.raises(ConfigurationError, match="drop one"):
        jobs.put("x", eta=datetime.now(UTC), delay=5)
    with pytest.raises(ConfigurationError, match="eta= is a datetime"):
        jobs.put("x", eta=5)
    assert 0 == jobs.size()


def test_the_highest_priority_comes_first_and_fifo_within_it() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("usual")
    jobs.put_many(["low", "low too"], priority=-3)
    jobs.put("high", priority=3)
    jobs.put("usual too", priority=0)
    assert ["high", "usual", "usual too", "low", "low too"] == drain(jobs)


def test_of_a_group_one_is_in_flight_and_the_order_is_kept() -> None:
    rig = Rig()
    jobs = rig.jobs()
    for n in range(2):
        for group in ("a", "b"):
            jobs.put(f"{group}{n}", group=group)
    first = jobs.get_many(10)
    assert ["a0", "b0"] == [message.body for message in first]
    first[1].fail()
    assert jobs.get() is None
    first[0].ack()
    assert ["a1"] == drain(jobs)


@pytest.mark.parametrize("priority", [-4, 4, 1.5, True, "1"])
def test_a_priority_is_one_of_seven(priority: Any) -> None:
    with pytest.raises(ConfigurationError, match="from -3 to 3"):
        Rig().jobs().put("x", priority=priority, group="g")


@pytest.mark.parametrize("group", ["", "é" * 128, 5, "\ud800"])
def test_a_group_is_a_short_text(group: Any) -> None:
    with pytest.raises(ConfigurationError, match="group"):
        Rig().jobs().put("x", group=group)


def test_headers_travel_with_the_message() -> None:
    rig = Rig()
    jobs = rig.jobs()
    headers = {"trace": "é", "": "empty"}
    jobs.put("x", headers=headers)
    jobs.put_many(["y"], headers=headers)
    assert [headers, headers] == [message.headers for message in jobs.get_many(2)]


@pytest.mark.parametrize(
    "headers", [{"queuekit-expires": "1"}, {"a": 1}, {1: "a"}, [("a", "b")], "a"]
)
def test_headers_are_texts_and_not_the_librarys_own(headers: Any) -> None:
    rig = Rig()
    with pytest.raises(ConfigurationError, match="header"):
        rig.jobs().put("x", headers=headers)
    assert [] == rig.flaky.calls


def test_what_expired_is_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    jobs = rig.jobs()
    set_wall_clock(monkeypatch, NOW)
    jobs.put("x", expires=30, headers={"trace": "1"})
    set_wall_clock(monkeypatch, NOW + 29)
    message = take(jobs)
    assert {"trace": "1"} == message.headers
    message.release()
    set_wall_clock(monkeypatch, NOW + 31)
    assert jobs.get() is None
    (letter,) = jobs.dead.letters()
    assert ("expired", 0, {"trace": "1"}) == (letter.reason, letter.attempts, letter.headers)
    assert 1 == jobs.dead.send_all_back()
    assert "x" == (take(jobs)).body  # sent back, it does not expire any more


def test_what_expired_is_dropped_if_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig()
    jobs = rig.jobs()
    set_wall_clock(monkeypatch, NOW)
    ids = jobs.put_many(["x", "y"], expires=30, expired="drop")
    jobs.put("z")
    set_wall_clock(monkeypatch, NOW + 31)
    caplog.set_level(logging.INFO, "queuekit")
    assert "z" == (take(jobs)).body
    assert (0, 0, 1) == rig.counts()
    assert [] == jobs.dead.letters()
    for message_id in ids:
        assert f"{message_id} expired and was dropped" in caplog.text


def test_no_retry_outlives_the_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    jobs = rig.jobs()
    set_wall_clock(monkeypatch, NOW)
    jobs.put("x", expires=30)
    (take(jobs)).fail(delay=10)
    rig.clock.advance(11)
    set_wall_clock(monkeypatch, NOW + 31)
    assert jobs.get() is None
    assert 1 == (jobs.dead.letters())[0].attempts


def test_a_foreign_expiry_that_says_nothing_is_none() -> None:
    rig = Rig()
    for text in ("soon", "", "-1", "²", "9" * 19):
        rig.push(wrap(bytes(16), b"1", {"queuekit-expires": text}))
        assert 1 == (take(rig.jobs())).body


@pytest.mark.parametrize("options", [{"expires": 0}, {"expires": 5, "expired": "later"}])
def test_an_expiry_is_some_seconds_and_one_of_two_ends(options: Any) -> None:
    with pytest.raises(ConfigurationError, match="expire"):
        Rig().jobs().put("x", **options)


def test_a_key_that_is_there_answers_with_the_first_id() -> None:
    rig = Rig()
    jobs = rig.jobs()
    first = jobs.put("x", dedup=Dedup("key", 60))
    again = jobs.put("y", dedup=Dedup("key", 60))
    other = jobs.put("z", dedup=Dedup("other", 60))
    assert (True, False, True) == (first.new, again.new, other.new)
    assert first == again != other
    assert ["x", "z"] == drain(jobs)
    rig.clock.advance(61)
    assert (jobs.put("x", dedup=Dedup("key", 60))).new


def test_a_repeated_put_with_a_key_is_new_still() -> None:
    rig = Rig()
    jobs = rig.jobs()
    rig.flaky.fail_next("push", after=True)
    with pytest.raises(TransportUnavailable) as caught:
        jobs.put("x", dedup=Dedup("key", 60))
    (message_id,) = caught.value.ids
    again = jobs.put("x", dedup=Dedup("key", 60), id=message_id)
    assert (message_id, True) == (again, again.new)
    assert ["x"] == drain(jobs)


@pytest.mark.parametrize("dedup", ["key", ("key", 5), Dedup("", 5), Dedup("key", 0)])
def test_a_key_has_a_text_and_a_window(dedup: Any) -> None:
    rig = Rig()
    with pytest.raises(ConfigurationError):
        rig.jobs().put("x", dedup=dedup)
    assert [] == rig.flaky.calls


def test_an_answer_is_a_text_that_travels() -> None:
    answer = MessageId("ab", new=False)
    assert ("ab", False) == (answer, answer.new)
    for twin in (copy.copy(answer), pickle.loads(pickle.dumps(answer))):
        assert ("ab", False) == (twin, twin.new)


def test_all_options_together_mean_what_they_mean_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    jobs = rig.jobs()
    set_wall_clock(monkeypatch, NOW)
    jobs.put("usual", delay=10)
    answer = jobs.put(
        "all",
        delay=10,
        priority=2,
        group="g",
        headers={"trace": "1"},
        expires=30,
        dedup=Dedup("key", 60),
    )
    rig.clock.advance(11)
    message = take(jobs)
    assert (answer, "all", {"trace": "1"}) == (message.id, message.body, message.headers)
    assert (2, "g") == frame_place(message.data)
    message.fail(delay=0)
    again = take(jobs)
    assert ("all", 2) == (again.body, again.attempt)
    set_wall_clock(monkeypatch, NOW + 31)
    again.release()
    assert "usual" == (take(jobs)).body
    letter = (jobs.dead.letters())[0]
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
def test_what_the_store_lacks_is_refused_before_anything_is_stored(
    lacks: str, options: Any
) -> None:
    rig = Rig()
    rig.store._features = rig.store.features._replace(**{lacks: False})
    with pytest.raises(Unsupported, match="sqlite:"):
        rig.jobs().put("x", **options)
    assert [] == rig.flaky.calls


def test_a_letter_gets_its_place_back_where_the_store_honours_it() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x", priority=-2, group="g")
    (take(jobs)).reject("no")
    assert [(0, "")] == [frame_place(data) for data in rig.raw(NAME + "!dead")]
    jobs.dead.send_all_back()
    message: Message[Any] = take(jobs)
    assert (-2, "g") == frame_place(message.data)
    message.reject("no")
    rig.store._features = rig.store.features._replace(priorities=False)
    jobs.dead.send_all_back()
    assert (0, "g") == frame_place((take(jobs)).data)


def test_the_dead_letters_of_a_group_do_not_wait_for_each_other() -> None:
    jobs: ReliableQueue[Any] = Rig().jobs()
    jobs.put_many(range(3), group="g")
    for _ in range(3):
        (take(jobs)).reject("no")
    assert 3 == len(jobs.dead.get_many(10))
