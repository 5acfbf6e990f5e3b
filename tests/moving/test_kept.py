"""What a message keeps when it moves."""

from __future__ import annotations

import pytest

from queuekit import (
    BodyTooLarge,
    ConfigurationError,
    Message,
    QueueKitError,
    ReliableQueue,
)
from queuekit._envelope import Place, unwrap, wrap
from queuekit.backends.memory import MemoryTransport
from queuekit.moving import Move, leftovers
from queuekit.transport import PushOptions

from .stores import BODIES, LATE, Fate, Killed, Pair, unable


@pytest.fixture
def jobs(pair: Pair) -> ReliableQueue[bytes]:
    return ReliableQueue("a", pair.source, serializer="bytes")


@pytest.fixture
def moved(pair: Pair) -> ReliableQueue[bytes]:
    return ReliableQueue("b", pair.target, serializer="bytes")


def taken(queue: ReliableQueue[bytes]) -> list[Message[bytes]]:
    return queue.get_many(100)


def test_order_ids_and_headers(
    pair: Pair, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes]
) -> None:
    ids = jobs.put_many(BODIES)
    pair.source.push("a", [wrap(b"i" * 16, b"last", {"colour": "blue"})])
    assert 8 == pair.move()
    messages = taken(moved)
    assert [*BODIES, b"last"] == [each.body for each in messages]
    assert [*ids, (b"i" * 16).hex()] == [each.id for each in messages]
    assert {"colour": "blue"} == dict(messages[-1].headers)
    assert {1} == {each.attempt for each in messages}


def test_attempts_with_and_without_a_frame(
    pair: Pair, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes]
) -> None:
    pair.source.push("a", [b"bare"])
    jobs.put(b"framed")
    for _ in range(2):
        jobs.fail(*taken(jobs), delay=0)
    bare, framed = taken(jobs)
    assert (3, 3) == (bare.attempt, framed.attempt)
    jobs.release(bare, framed)
    pair.move()
    messages = taken(moved)
    assert [(b"bare", bare.id, 3), (b"framed", framed.id, 3)] == [
        (each.body, each.id, each.attempt) for each in messages
    ]
    moved.fail(*messages, delay=0)
    assert [4, 4] == [each.attempt for each in taken(moved)]


def test_a_body_without_a_frame_stays_as_it_is(pair: Pair) -> None:
    bodies = [b"bare", b"", b"\xc1\x71 no frame", b"\xc1\x71\x54R"]
    pair.source.push("a", bodies)
    pair.move()
    claimed = pair.target.claim("b", lease=60, limit=9)
    assert bodies[:3] == [each.body for each in claimed][:3]
    assert bodies[3] in claimed[3].body


def test_dead_letters_are_a_queue_like_any_other(
    pair: Pair, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes]
) -> None:
    dead_id = jobs.put(b"bad")
    jobs.reject(*taken(jobs), reason="why")
    assert 1 == sum(Move(pair.source, "a!dead", pair.target, "b!dead").batches())
    (letter,) = moved.dead.letters(9)
    assert (dead_id, b"bad", "why", 1) == (letter.id, letter.body, letter.reason, letter.attempts)


@pytest.mark.parametrize("which", ["source", "target"])
def test_what_cannot_be_moved_yet_stays_until_it_can(
    pair: Pair, jobs: ReliableQueue[bytes], which: str
) -> None:
    source = unable(pair.source) if which == "source" else pair.source
    target = unable(pair.target) if which == "target" else pair.target

    def mover() -> Move:
        return Move(source, "a", target, "b", batch=3)

    jobs.put(b"held")
    (held,) = taken(jobs)
    jobs.put(b"later", delay=60)
    assert 0 == sum(mover().batches())
    assert (0, 1, 1) == pair.source.stats("a")
    held.release()
    batches = mover().batches(wait=True)
    assert [0, 1] == [next(batches), next(batches)]
    pair.source_harness.pass_time(61)
    assert 1 == sum(batches)
    assert (0, 0, 0) == pair.source.stats("a")


def test_delays_attempts_ids_and_headers_of_delayed_messages(
    pair: Pair, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes]
) -> None:
    pair.source.push("a", [b"bare", wrap(b"i" * 16, b"headed", {"colour": "blue"})])
    bare, headed = taken(jobs)
    jobs.fail(bare, delay=500)
    jobs.fail(headed, delay=300)
    last = jobs.put(b"last", delay=9000)
    assert 3 == pair.move()
    assert [pytest.approx(left, abs=30) for left in (300, 500, 9000)] == [
        left for _, left in pair.delayed("b")
    ]
    assert (0, 0, 0) == pair.source.stats("a")
    pair.target_harness.pass_time(501)
    again, first = taken(moved)
    assert [(b"headed", headed.id, 2), (b"bare", bare.id, 2)] == [
        (each.body, each.id, each.attempt) for each in (again, first)
    ]
    assert {"colour": "blue"} == dict(again.headers)
    moved.ack(again, first)
    pair.target_harness.pass_time(8500)
    assert [last] == [each.id for each in taken(moved)]


def test_a_delayed_body_without_an_id_gets_one() -> None:
    store, other = MemoryTransport(), MemoryTransport()
    store.push("a", [b"bare", b"bare"], options=PushOptions(delay=60))
    assert 2 == sum(Move(store, "a", other, "b").batches())
    assert [b"bare"] * 2 == [unwrap(one.body).body for one, _ in other.peek_delayed("b", limit=9)]


def test_priorities_and_groups_stay_in_the_frames(pair: Pair) -> None:
    framed = wrap(b"i" * 16, b"body", {"colour": "blue"}, Place(-2, "group"))
    pair.source.push("a", [framed])
    (held,) = pair.source.claim("a", lease=60)
    pair.source.release("a", [held.receipt], counted=True)
    assert 1 == pair.move()
    (held,) = pair.target.claim("b", lease=60)
    assert (2, Place(-2, "group")) == (held.attempt, unwrap(held.body).place)


def test_a_delayed_message_that_is_too_large_stays_delayed(
    pair: Pair, jobs: ReliableQueue[bytes]
) -> None:
    jobs.put(b"x" * 100, delay=60)
    small = pair.target_harness.make(max_body=110)
    with pytest.raises(BodyTooLarge):
        list(Move(pair.source, "a", small, "b").batches())
    assert (0, 1, 0) == pair.source.stats("a")
    assert (0, 0, 0) == pair.source.stats("a!later")
    assert 1 == pair.move()


def test_a_limit_and_a_stop_leave_the_rest_and_no_trace(pair: Pair) -> None:
    pair.fill()
    assert 4 == sum(pair.mover().batches(4))
    batches = pair.mover().batches()
    assert [0, 3, 3] == [next(batches), next(batches), next(batches)]
    batches.close()
    assert (0, 1, 0) == pair.source.stats("a")
    assert (0, 0) == (sum(pair.source.stats("a!later")), leftovers(pair.source, "a"))
    assert BODIES == ReliableQueue("b", pair.target, serializer="bytes").peek(9)


def test_one_store_may_be_both() -> None:
    store = MemoryTransport()
    store.push("a", BODIES)
    assert len(BODIES) == sum(Move(store, "a", store, "b").batches())
    assert BODIES == store.peek("b", limit=9)


def test_a_queue_is_not_moved_to_itself(pair: Pair) -> None:
    with pytest.raises(ConfigurationError, match="itself"):
        Move(pair.source, "a", pair.source, "a")
    pair.source.push("a", BODIES)
    other = pair.source_harness.make()
    with pytest.raises(ConfigurationError, match="itself"):
        list(Move(pair.source, "a", other, "a").batches())
    assert (7, 0, 0) == pair.source.stats("a")
    assert 0 == leftovers(pair.source, "a")


def test_a_message_that_is_too_large_stays_and_nobody_waits(pair: Pair) -> None:
    pair.source.push("a", [b"x" * 100])
    small = pair.target_harness.make(max_body=110)
    for _ in range(2):
        with pytest.raises(BodyTooLarge):
            list(Move(pair.source, "a", small, "b").batches())
    assert 1 == pair.move()
    assert 0 == leftovers(pair.source, "a")


def test_what_was_cut_short_is_not_finished_in_a_wrong_store(pair: Pair) -> None:
    refusals = 0
    for at in range(1, pair.calls() + 1):
        pair.fill()
        fate = Fate(at, after=True)
        with pytest.raises(Killed):
            pair.move(fate)
        pair.pass_time()
        wrong = MemoryTransport()
        refused = ""
        try:
            sum(Move(pair.source, "a", wrong, "b", batch=3).batches(3))
        except QueueKitError as exc:
            refused = str(exc)
        assert not refused or "run it again as it was" in refused
        pair.move()
        bodies = [
            body
            for store in (pair.target, wrong)
            for body in ReliableQueue("b", store, serializer="bytes").peek(9)
        ]
        for store in (pair.target, wrong):
            found = store.peek_delayed("b", limit=9)
            bodies += [unwrap(one.body).body for one, _ in found]
        assert sorted(BODIES + LATE) == sorted(bodies), f"killed at call {at}"
        refusals += bool(refused)
        pair.target.purge("b")
    assert refusals > 3


def test_options_are_checked() -> None:
    one, two = MemoryTransport(), MemoryTransport()
    for options in ({"batch": 0}, {"batch": 1001}, {"lease": 0}):
        with pytest.raises(ConfigurationError):
            Move(one, "a", two, "b", **options)
    with pytest.raises(ConfigurationError, match="250"):
        Move(one, "a" * 250, two, "b")
