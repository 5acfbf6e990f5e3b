# Generated from test_interrupted_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A call that is interrupted after it took messages: they are for the next one, in order."""

from __future__ import annotations

import pytest

from .colour import MARKS
from .rig import BOTH, Rig

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
