# unasync: source
"""Workers of both engines: how they are made, called, and ended."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import AsyncWorkerFunction, ConfigurationError
from queuekit._acompat import asleep

from .colour_async import MARKS, Background
from .rig_async import BOTH, AsyncRig, until

pytestmark = MARKS


def body(item: Any) -> Any:
    """Return the body of what either engine hands out."""
    return getattr(item, "body", item)


@BOTH
async def test_used_with_arguments_it_runs_until_the_queue_is_empty(kind: str) -> None:
    rig = AsyncRig()
    await rig.queue().put(1, None, 0, 3)
    found: list[Any] = []

    @rig.build(kind).worker(timeout=0)
    async def work(item: Any) -> None:
        found.append(body(item))

    await work()
    assert [1, None, 0, 3] == found
    assert (0, 0, 0) == await rig.counts()
    await rig.queue().put(4)
    await work()
    assert [1, None, 0, 3, 4] == found


@BOTH
async def test_used_bare_it_runs_until_it_is_stopped(kind: str) -> None:
    rig = AsyncRig()
    rig.cut_waits(0.1)
    waits = rig.note_waits()
    found: list[Any] = []

    @rig.build(kind).worker
    async def work(item: Any) -> None:
        found.append(body(item))

    running = Background(work)
    await until(lambda: len(waits) > 1)
    await rig.queue().put("x")
    await until(lambda: found)
    work.stop()
    await running.join()
    assert max(waits) <= 0.1
    assert ["x"] == found


@BOTH
async def test_stop_in_the_handler_finishes_the_item_and_takes_no_other(kind: str) -> None:
    rig = AsyncRig()
    await rig.queue().put(1, 2, 3)
    found: list[Any] = []

    @rig.build(kind).worker
    async def work(item: Any) -> None:
        work.stop()
        found.append(body(item))

    await work()
    assert [1] == found
    assert (2, 0, 0) == await rig.counts()


@BOTH
async def test_with_a_timeout_it_ends_when_nothing_came_for_so_long(kind: str) -> None:
    async def handle(item: Any) -> None:
        raise AssertionError("there is nothing")

    rig = AsyncRig()
    waits = rig.note_waits()
    start = time.monotonic()
    await rig.build(kind).worker(timeout=0.1)(handle)()
    assert 0.09 <= time.monotonic() - start < 20
    assert 0.0 < max(waits) <= 0.1


@BOTH
async def test_leading_arguments_come_before_the_item(kind: str) -> None:
    rig = AsyncRig()
    await rig.queue().put("x")
    found: list[Any] = []

    @rig.build(kind).worker(timeout=0)
    async def work(one: Any, two: Any, item: Any = None) -> None:
        found.append((one, two, body(item)))

    await work(1, 2)
    assert [(1, 2, "x")] == found


@BOTH
async def test_a_method_gets_its_instance_first(kind: str) -> None:
    rig = AsyncRig()
    queue = rig.build(kind)

    class Office:
        def __init__(self) -> None:
            self.found: list[Any] = []

        @queue.worker(timeout=0)
        async def bare(self, item: Any) -> None:
            self.found.append(body(item))

        @queue.worker(timeout=0)
        async def extra(self, one: str, item: Any = None) -> None:
            self.found.append((one, body(item)))

    office, other = Office(), Office()
    await rig.queue().put("x")
    await office.bare()
    await rig.queue().put("y")
    await other.extra("one")
    assert (["x"], [("one", "y")]) == (office.found, other.found)
    await office.bare.handler("z")
    assert ["x", "z"] == office.found
    assert isinstance(Office.bare, AsyncWorkerFunction)


@BOTH
async def test_a_method_can_stop_its_loop(kind: str) -> None:
    rig = AsyncRig()
    queue = rig.build(kind)

    class Office:
        @queue.worker
        async def work(self, item: Any) -> None:
            self.work.stop()

    await rig.queue().put(1, 2)
    await Office().work()
    assert (1, 0, 0) == await rig.counts()


@BOTH
async def test_the_function_stays_at_handler_and_the_worker_looks_like_it(kind: str) -> None:
    rig = AsyncRig()

    async def square(item: int) -> int:
        """Square a number."""
        return item * item

    work = rig.build(kind).worker(square)
    assert square is work.handler
    assert 16 == await work.handler(4)
    assert ("square", "Square a number.") == (work.__name__, work.__doc__)


@BOTH
async def test_a_worker_knows_its_queue_and_what_it_was_told(kind: str) -> None:
    rig = AsyncRig()
    queue = rig.build(kind)

    class Office:
        @queue.worker(timeout=3)
        async def work(self, item: Any) -> None: ...

    @queue.worker
    async def bare(item: Any) -> None: ...

    assert (queue, None) == (bare.queue, bare.options["timeout"])
    for work in (Office.work, Office().work):
        assert (queue, 3) == (work.queue, work.options["timeout"])


@BOTH
async def test_an_object_that_can_be_called_keeps_its_attributes_to_itself(kind: str) -> None:
    rig = AsyncRig()
    await rig.queue().put("x")

    class Handler:
        def __init__(self) -> None:
            self._handler = self._consume = self._running = None
            self.found: list[Any] = []

        async def __call__(self, item: Any) -> None:
            self.found.append(body(item))

    handler = Handler()
    work = rig.build(kind).worker(timeout=0)(handler)
    await work()
    assert handler is work.handler
    assert ["x"] == handler.found


@BOTH
async def test_two_loops_of_one_worker_share_the_queue_and_end_together(kind: str) -> None:
    rig = AsyncRig()
    rig.cut_waits(0.1)
    found: list[Any] = []

    @rig.build(kind).worker
    async def work(item: Any) -> None:
        found.append(body(item))
        await asleep(0.001)

    loops = [Background(work), Background(work)]
    await rig.queue().put_many(range(50))
    await until(lambda: len(found) == 50 and len(work._running) == 2)
    work.stop()
    for loop in loops:
        await loop.join()
    assert list(range(50)) == sorted(found)
    assert (0, 0, 0) == await rig.counts()


@BOTH
async def test_stop_without_a_loop_does_nothing_to_later_ones(kind: str) -> None:
    rig = AsyncRig()
    found: list[Any] = []

    @rig.build(kind).worker(timeout=0)
    async def work(item: Any) -> None:
        found.append(body(item))

    work.stop()
    await rig.queue().put("x")
    await work()
    assert ["x"] == found


@BOTH
async def test_ctrl_c_while_it_waits_ends_it_quietly(kind: str) -> None:
    rig = AsyncRig()
    rig.flaky.fail_next("pop" if kind == "queue" else "claim", error=KeyboardInterrupt())

    async def handle(item: Any) -> None:
        raise AssertionError("there is nothing")

    await rig.build(kind).worker(handle)()
    assert 0 == rig.flaky.pending


@BOTH
@pytest.mark.parametrize("timeout", [-1, float("nan"), "1"])
async def test_a_timeout_that_is_no_time_is_refused_when_it_is_made(
    kind: str, timeout: Any
) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        AsyncRig().build(kind).worker(timeout=timeout)
