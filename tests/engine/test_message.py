# Generated from test_message_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Settling a message: each verb, in one trip, and what is said when the lease was lost."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import ConfigurationError, LeaseLost, Message, QueueStats, Receipt

from .colour import MARKS
from .rig import NAME, Rig, drain, take

pytestmark = MARKS

EMPTY = QueueStats(0, 0, 0)


def held(rig: Rig, *bodies: Any) -> list[Message[Any]]:
    """Put *bodies* and claim them together."""
    jobs = rig.jobs()
    jobs.put_many(bodies)
    return jobs.get_many(len(bodies))


def test_a_fresh_message_says_what_it_is() -> None:
    rig = Rig()
    jobs = rig.jobs()
    message_id = jobs.put([1])
    message = take(jobs)
    assert jobs is message.queue
    assert (message_id, [1], 1, {}) == (message.id, message.body, message.attempt, message.headers)
    assert not message.settled


def test_ack_forgets_the_message() -> None:
    rig = Rig()
    (message,) = held(rig, "x")
    message.ack()
    assert message.settled
    assert EMPTY == rig.counts()


def test_ack_of_many_is_one_trip() -> None:
    rig = Rig()
    messages = held(rig, *range(10))
    rig.flaky.calls.clear()
    rig.jobs().ack(*messages)
    assert ["ack"] == rig.flaky.calls
    assert EMPTY == rig.counts()
    assert all(message.settled for message in messages)


def test_ack_by_receipt_works_from_elsewhere() -> None:
    rig = Rig()
    message, other = held(rig, "x", "y")
    rig.jobs().ack(message.receipt, other)
    assert EMPTY == rig.counts()


@pytest.mark.parametrize("verb", ["ack", "release", "extend", "fail", "reject"])
def test_a_verb_with_nothing_does_nothing(verb: str) -> None:
    rig = Rig()
    getattr(rig.jobs(), verb)()
    assert [] == rig.flaky.calls


@pytest.mark.parametrize("first", ["ack", "release", "fail"])
@pytest.mark.parametrize("second", ["ack", "release", "fail", "extend"])
def test_settling_twice_is_lease_lost_with_the_id(first: str, second: str) -> None:
    rig = Rig()
    (message,) = held(rig, "x")
    getattr(message, first)()
    with pytest.raises(LeaseLost) as caught:
        getattr(message, second)()
    assert (message.id,) == caught.value.ids
    assert second in str(caught.value)


def test_rejecting_twice_writes_one_dead_letter() -> None:
    rig = Rig()
    (message,) = held(rig, "x")
    message.reject("no")
    with pytest.raises(LeaseLost):
        message.reject("no")
    assert 1 == rig.jobs().dead.size()


@pytest.mark.parametrize("verb", ["ack", "release", "extend", "fail", "reject"])
def test_a_partial_loss_names_only_the_lost_and_does_the_rest(verb: str) -> None:
    rig = Rig()
    messages = held(rig, *range(4))
    rig.jobs().ack(messages[1], messages[3])
    with pytest.raises(LeaseLost, match="2 of 4") as caught:
        getattr(rig.jobs(), verb)(*messages)
    assert (messages[1].id, messages[3].id) == caught.value.ids
    counts = rig.counts()
    dead = rig.counts(NAME + "!dead")
    expected = {
        "ack": (0, 0, 0, 0),
        "release": (2, 0, 0, 0),
        "extend": (0, 0, 2, 0),
        "fail": (0, 2, 0, 0),
        "reject": (0, 0, 0, 2),
    }
    assert expected[verb] == (*counts, dead.ready)


def test_a_lost_receipt_is_named_by_itself() -> None:
    rig = Rig()
    for nonsense in ("", "x", "x.0", "é.\n"):
        with pytest.raises(LeaseLost) as caught:
            rig.jobs().ack(Receipt(nonsense))
        assert (nonsense,) == caught.value.ids


def test_an_old_receipt_is_reported_and_never_obeyed() -> None:
    rig = Rig()
    (late,) = held(rig, "x")
    rig.clock.advance(61)
    current = take(rig.jobs())
    assert (late.id, 2) == (current.id, current.attempt)
    for verb in (late.ack, late.release, late.fail, late.extend):
        with pytest.raises(LeaseLost):
            verb()
    assert QueueStats(0, 0, 1) == rig.counts()
    current.ack()


def test_release_goes_uncounted_to_the_head_in_the_old_order() -> None:
    rig = Rig()
    messages = held(rig, "a", "b", "c")
    rig.jobs().put("d")
    rig.jobs().release(messages[2], messages[0], messages[1])
    found = rig.jobs().get_many(4)
    assert ["a", "b", "c", "d"] == [message.body for message in found]
    assert [1, 1, 1, 1] == [message.attempt for message in found]


def test_reject_goes_to_the_dead_letters_with_the_reason() -> None:
    rig = Rig()
    (message,) = held(rig, "x")
    message.reject("not today")
    (letter,) = rig.jobs().dead.letters()
    assert (message.id, b'"x"', "not today", 1, NAME) == (
        letter.id,
        letter.body,
        letter.reason,
        letter.attempts,
        letter.queue,
    )
    assert EMPTY == rig.counts()


def test_reject_without_a_reason_says_rejected() -> None:
    rig = Rig()
    messages = held(rig, "x", "y")
    rig.jobs().reject(*messages)
    assert ["rejected"] * 2 == [x.reason for x in rig.jobs().dead.letters()]


@pytest.mark.parametrize(("given", "seconds"), [({}, 60), ({"lease": 600}, 600)])
def test_extend_keeps_the_message_from_now_on(given: dict[str, float], seconds: int) -> None:
    rig = Rig()
    (message,) = held(rig, "x")
    rig.clock.advance(50)
    message.extend(**given)
    assert not message.settled
    rig.clock.advance(seconds - 1)
    assert rig.jobs().get() is None
    rig.clock.advance(2)
    assert 2 == (take(rig.jobs())).attempt


def test_extend_never_shortens() -> None:
    rig = Rig()
    (message,) = held(rig, "x")
    message.extend(lease=1)
    rig.clock.advance(59)
    message.ack()


def test_extend_is_for_the_whole_claim() -> None:
    rig = Rig()
    one, other = held(rig, "x", "y")
    one.extend(lease=600)
    rig.clock.advance(500)
    assert rig.jobs().get() is None
    other.ack()


@pytest.mark.parametrize("lease", [0, -1, float("nan"), True])
def test_extend_by_no_time_is_refused(lease: float) -> None:
    (message,) = held(Rig(), "x")
    with pytest.raises(ConfigurationError, match="lease"):
        message.extend(lease=lease)


def test_messages_of_several_claims_settle_in_one_call() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(6))
    claims = [jobs.get_many(2) for _ in range(3)]
    jobs.release(*claims[2], *claims[0])
    jobs.ack(*claims[1])
    assert [0, 1, 4, 5] == sorted(drain(jobs))
