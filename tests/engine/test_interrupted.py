# Generated from test_interrupted_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A call that is interrupted after it took messages: they are for the next one, in order."""

from __future__ import annotations

from typing import Any

import pytest

from .colour import INTERRUPT, MARKS
from .rig import BOTH, Rig, take

pytestmark = MARKS

BURYING = {"queue": "push", "jobs": "move"}


@BOTH
def test_taken_messages_are_for_the_next_call(kind: str) -> None:
    rig = Rig()
    rig.push(b"1", b"2", b"\xff", b"4", b"5")
    queue = rig.build(kind)
    rig.flaky.fail_next(BURYING[kind], error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        queue.get_many(5)
    again = [item if kind == "queue" else item.body for item in queue.get_many(5)]
    again += [item if kind == "queue" else item.body for item in queue.get_many(5)]
    assert [1, 2, 4, 5] == again
    assert [b"\xff"] == [letter.body for letter in rig.jobs().dead.letters()]


def test_a_closed_queue_gives_back_what_it_kept() -> None:
    rig = Rig()
    rig.push(b"1", b"\xff", b"3")
    queue = rig.queue()
    rig.flaky.fail_next("push", error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        queue.get_many(3)
    queue.close()
    assert [b"1", b"\xff", b"3"] == rig.raw()


@BOTH
def test_an_interrupted_single_get_loses_nothing(kind: str) -> None:
    rig = Rig()
    rig.push(b"\xff", b"2")
    queue = rig.build(kind)
    rig.flaky.fail_next(BURYING[kind], error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        queue.get()
    queue.get_many(1)
    assert [b"\xff"] == [letter.body for letter in rig.jobs().dead.letters()]


def test_a_prefetching_worker_that_is_interrupted_keeps_the_order() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put(1, delay=0)
    jobs.put_many([2, 3, 4])

    @jobs.worker(timeout=0, prefetch=3)
    def work(message: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert [1, 2, 3, 4] == jobs.peek(4)


def test_an_interrupted_block_in_a_prefetching_loop_keeps_the_order() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many([1, 2, 3, 4])
    with pytest.raises(INTERRUPT):
        messages = jobs.consume(timeout=0, prefetch=3)
        with messages:
            for message in messages:
                with message:
                    raise INTERRUPT
    assert [1, 2, 3, 4] == jobs.peek(4)
    assert [1, 1, 1, 1] == [message.attempt for message in jobs.get_many(4)]


def test_a_loop_goes_on_after_an_interrupted_block() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many([1, 2, 3, 4])
    found: list[Any] = []
    for message in jobs.consume(timeout=0, prefetch=3):
        try:
            with message:
                found.append(message.body)
                if [1] == found:
                    raise INTERRUPT
        except INTERRUPT:
            pass
    assert [1, 1, 2, 3, 4] == found
    assert (0, 0, 0) == rig.counts()


def test_a_worker_interrupted_before_its_handler_gives_the_message_back() -> None:
    """Between the claim and the call there are a few steps of the interpreter."""
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many([1, 2, 3])

    @jobs.worker(timeout=0, prefetch=2)
    def work(message: object) -> None: ...

    source = work._consume()

    def interrupted(*_: object) -> None:
        raise INTERRUPT

    source.work = interrupted
    work._consume = lambda: source
    with pytest.raises(INTERRUPT):
        work()
    assert [1, 2, 3] == jobs.peek(4)
    assert 1 == (take(jobs)).attempt


@pytest.mark.parametrize("after", [False, True])
def test_an_ack_that_is_interrupted_is_made_all_the_same(after: bool) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put(1)
    rig.flaky.fail_next("ack", error=INTERRUPT(), after=after)
    with pytest.raises(INTERRUPT):
        message = take(jobs)
        with message:
            assert 1 == message.body
    assert (0, 0, 0) == rig.counts()


def test_an_ack_that_is_interrupted_while_the_store_is_away_stays_an_interruption() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put(1)
    rig.flaky.fail_next("ack", error=INTERRUPT())
    rig.flaky.fail_next("ack")
    with pytest.raises(INTERRUPT):
        message = take(jobs)
        with message:
            assert 1 == message.body
    assert (0, 0, 1) == rig.counts(), "until its lease runs out"
