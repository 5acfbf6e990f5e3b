# unasync: source
"""A call that is interrupted after it took messages: they are for the next one, in order."""

from __future__ import annotations

import pytest

from .colour_async import MARKS
from .rig_async import BOTH, AsyncRig

pytestmark = MARKS

BURYING = {"queue": "push", "jobs": "move"}


@BOTH
async def test_taken_messages_are_for_the_next_call(kind: str) -> None:
    rig = AsyncRig()
    await rig.push(b"1", b"2", b"\xff", b"4", b"5")
    queue = rig.build(kind)
    rig.flaky.fail_next(BURYING[kind], error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        await queue.get_many(5)
    again = [item if kind == "queue" else item.body for item in await queue.get_many(5)]
    again += [item if kind == "queue" else item.body for item in await queue.get_many(5)]
    assert [1, 2, 4, 5] == again
    assert [b"\xff"] == [letter.body for letter in await rig.jobs().dead.letters()]


async def test_a_closed_queue_gives_back_what_it_kept() -> None:
    rig = AsyncRig()
    await rig.push(b"1", b"\xff", b"3")
    queue = rig.queue()
    rig.flaky.fail_next("push", error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        await queue.get_many(3)
    await queue.aclose()
    assert [b"1", b"\xff", b"3"] == await rig.raw()


@BOTH
async def test_an_interrupted_single_get_loses_nothing(kind: str) -> None:
    rig = AsyncRig()
    await rig.push(b"\xff", b"2")
    queue = rig.build(kind)
    rig.flaky.fail_next(BURYING[kind], error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        await queue.get()
    await queue.get_many(1)
    assert [b"\xff"] == [letter.body for letter in await rig.jobs().dead.letters()]


async def test_a_prefetching_worker_that_is_interrupted_keeps_the_order() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put(1, delay=0)
    await jobs.put_many([2, 3, 4])

    @jobs.worker(timeout=0, prefetch=3)
    async def work(message: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await work()
    assert [1, 2, 3, 4] == await jobs.peek(4)
