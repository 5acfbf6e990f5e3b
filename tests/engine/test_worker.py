# Generated from test_worker_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Workers of both engines: how they are made, called, and ended."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import ConfigurationError, WorkerFunction
from queuekit._acompat import sleep

from .colour import MARKS, Background
from .rig import BOTH, Rig, until

pytestmark = MARKS


def body(item: Any) -> Any:
    """Return the body of what either engine hands out."""
    return getattr(item, "body", item)


@BOTH
def test_used_with_arguments_it_runs_until_the_queue_is_empty(kind: str) -> None:
    rig = Rig()
    rig.queue().put(1, None, 0, 3)
    found: list[Any] = []

    @rig.build(kind).worker(timeout=0)
    def work(item: Any) -> None:
        found.append(body(item))

    work()
    assert [1, None, 0, 3] == found
    assert (0, 0, 0) == rig.counts()
    rig.queue().put(4)
    work()
    assert [1, None, 0, 3, 4] == found


@BOTH
def test_used_bare_it_runs_until_it_is_stopped(kind: str) -> None:
    rig = Rig()
    rig.cut_waits(0.1)
    waits = rig.note_waits()
    found: list[Any] = []

    @rig.build(kind).worker
    def work(item: Any) -> None:
        found.append(body(item))

    running = Background(work)
    until(lambda: len(waits) > 1)
    rig.queue().put("x")
    until(lambda: found)
    work.stop()
    running.join()
    assert max(waits) <= 0.1
    assert ["x"] == found


@BOTH
def test_stop_in_the_handler_finishes_the_item_and_takes_no_other(kind: str) -> None:
    rig = Rig()
    rig.queue().put(1, 2, 3)
    found: list[Any] = []

    @rig.build(kind).worker
    def work(item: Any) -> None:
        work.stop()
        found.append(body(item))

    work()
    assert [1] == found
    assert (2, 0, 0) == rig.counts()


@BOTH
def test_with_a_timeout_it_ends_when_nothing_came_for_so_long(kind: str) -> None:
    def handle(item: Any) -> None:
        raise AssertionError("there is nothing")

    rig = Rig()
    waits = rig.note_waits()
    start = time.monotonic()
    rig.build(kind).worker(timeout=0.1)(handle)()
    assert 0.09 <= time.monotonic() - start < 20
    assert 0.0 < max(waits) <= 0.1


@BOTH
def test_leading_arguments_come_before_the_item(kind: str) -> None:
    rig = Rig()
    rig.queue().put("x")
    found: list[Any] = []

    @rig.build(kind).worker(timeout=0)
    def work(one: Any, two: Any, item: Any = None) -> None:
        found.append((one, two, body(item)))

    work(1, 2)
    assert [(1, 2, "x")] == found


@BOTH
def test_a_method_gets_its_instance_first(kind: str) -> None:
    rig = Rig()
    queue = rig.build(kind)

    class Office:
        def __init__(self) -> None:
            self.found: list[Any] = []

        @queue.worker(timeout=0)
        def bare(self, item: Any) -> None:
            self.found.append(body(item))

        @queue.worker(timeout=0)
        def extra(self, one: str, item: Any = None) -> None:
            self.found.append((one, body(item)))

    office, other = Office(), Office()
    rig.queue().put("x")
    office.bare()
    rig.queue().put("y")
    other.extra("one")
    assert (["x"], [("one", "y")]) == (office.found, other.found)
    office.bare.handler("z")
    assert ["x", "z"] == office.found
    assert isinstance(Office.bare, WorkerFunction)


@BOTH
def test_a_method_can_stop_its_loop(kind: str) -> None:
    rig = Rig()
    queue = rig.build(kind)

    class Office:
        @queue.worker
        def work(self, item: Any) -> None:
            self.work.stop()

    rig.queue().put(1, 2)
    Office().work()
    assert (1, 0, 0) == rig.counts()


@BOTH
def test_the_function_stays_at_handler_and_the_worker_looks_like_it(kind: str) -> None:
    rig = Rig()

    def square(item: int) -> int:
        """Square a number."""
        return item * item

    work = rig.build(kind).worker(square)
    assert square is work.handler
    assert 16 == work.handler(4)
    assert ("square", "Square a number.") == (work.__name__, work.__doc__)


@BOTH
def test_a_worker_knows_its_queue_and_what_it_was_told(kind: str) -> None:
    rig = Rig()
    queue = rig.build(kind)

    class Office:
        @queue.worker(timeout=3)
        def work(self, item: Any) -> None: ...

    @queue.worker
    def bare(item: Any) -> None: ...

    assert (queue, None) == (bare.queue, bare.options["timeout"])
    for work in (Office.work, Office().work):
        assert (queue, 3) == (work.queue, work.options["timeout"])


@BOTH
def test_an_object_that_can_be_called_keeps_its_attributes_to_itself(kind: str) -> None:
    rig = Rig()
    rig.queue().put("x")

    class Handler:
        def __init__(self) -> None:
            self._handler = self._consume = self._running = None
            self.found: list[Any] = []

        def __call__(self, item: Any) -> None:
            self.found.append(body(item))

    handler = Handler()
    work = rig.build(kind).worker(timeout=0)(handler)
    work()
    assert handler is work.handler
    assert ["x"] == handler.found


@BOTH
def test_two_loops_of_one_worker_share_the_queue_and_end_together(kind: str) -> None:
    rig = Rig()
    rig.cut_waits(0.1)
    found: list[Any] = []

    @rig.build(kind).worker
    def work(item: Any) -> None:
        found.append(body(item))
        sleep(0.001)

    loops = [Background(work), Background(work)]
    rig.queue().put_many(range(50))
    until(lambda: len(found) == 50 and len(work._running) == 2)
    work.stop()
    for loop in loops:
        loop.join()
    assert list(range(50)) == sorted(found)
    assert (0, 0, 0) == rig.counts()


@BOTH
def test_stop_without_a_loop_does_nothing_to_later_ones(kind: str) -> None:
    rig = Rig()
    found: list[Any] = []

    @rig.build(kind).worker(timeout=0)
    def work(item: Any) -> None:
        found.append(body(item))

    work.stop()
    rig.queue().put("x")
    work()
    assert ["x"] == found


@BOTH
def test_ctrl_c_while_it_waits_ends_it_quietly(kind: str) -> None:
    rig = Rig()
    rig.flaky.fail_next("pop" if kind == "queue" else "claim", error=KeyboardInterrupt())

    def handle(item: Any) -> None:
        raise AssertionError("there is nothing")

    rig.build(kind).worker(handle)()
    assert 0 == rig.flaky.pending


@BOTH
@pytest.mark.parametrize("timeout", [-1, float("nan"), "1"])
def test_a_timeout_that_is_no_time_is_refused_when_it_is_made(kind: str, timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        Rig().build(kind).worker(timeout=timeout)
