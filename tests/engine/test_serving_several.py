# Generated from test_serving_several_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A worker of several queues: the order of its looks, and one wait for all of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from queuekit import MemoryTransport, ReliableQueue, Worker
from queuekit._acompat import sleep

from .colour import MARKS, Background
from .rig import Rig, until

pytestmark = MARKS


class Waking(MemoryTransport):
    """Can wait for any of several queues, and tells what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str | list[str], float]] = []

    def claim(self, queue: str, *, timeout: float = 0.0, **options: Any) -> Any:
        self.asked.append((queue, timeout))
        return super().claim(queue, timeout=timeout, **options)

    def wait_any(self, queues: Sequence[str], *, timeout: float) -> None:
        self.asked.append((list(queues), timeout))
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for queue in queues:
                if (self.stats(queue)).ready:
                    return
            sleep(0.01)


def full(counts: dict[str, int]) -> list[ReliableQueue[Any]]:
    """Return queues of one store with so many messages, named after their queue."""
    return filled(Rig(), counts)


def filled(rig: Rig, counts: dict[str, int]) -> list[ReliableQueue[Any]]:
    """Do so on the store of this rig."""
    queues = [ReliableQueue[Any](name, rig.flaky) for name in counts]
    for queue in queues:
        queue.put_many([queue.name] * counts[queue.name])
    return queues


def worked(queues: Any, count: int | None = None, **options: Any) -> list[str]:
    """Return from which queues a worker took its messages, in its order."""
    found: list[str] = []

    def handle(message: Any) -> None:
        found.append(message.body)

    Worker(queues, handle, timeout=0, max_messages=count, **options).run()
    return found


def test_strict_order_empties_the_first_queue_first() -> None:
    queues = full({"a": 2, "b": 2, "c": 1})
    assert list("aabbc") == worked(queues)


def test_with_a_strict_order_what_comes_for_the_first_queue_comes_next() -> None:
    queues = full({"a": 0, "b": 3})
    found: list[str] = []

    def handle(message: Any) -> None:
        found.append(message.body)
        if found == ["b"]:
            queues[0].put("a")

    Worker(queues, handle, timeout=0).run()
    assert list("babb") == found


def test_in_fair_order_queues_take_turns() -> None:
    queues = full({"a": 4, "b": 2, "c": 3})
    assert list("abcabcaca") == worked(queues, order="fair")


def test_weights_share_out_and_an_empty_queue_saves_nothing_up() -> None:
    queues = full({"a": 40, "b": 40, "c": 0})
    weights = {"a": 3, "b": 1, "c": 5}
    assert {"a": 15, "b": 5} == Counter(worked(queues, 20, order=weights))
    queues[2].put_many(["c"] * 40)
    assert {"a": 6, "b": 2, "c": 10} == Counter(worked(queues, 18, order=weights))


def test_a_queue_that_was_empty_is_served_by_its_weight_from_then_on() -> None:
    queues = full({"a": 40, "b": 0})
    found: list[str] = []

    def handle(message: Any) -> None:
        found.append(message.body)
        if len(found) == 20:
            queues[1].put_many(["b"] * 20)
            sleep(0.06)

    Worker(queues, handle, order={"a": 1, "b": 1}, max_messages=32).run()
    assert ["a"] * 20 == found[:20]
    assert {"a": 6, "b": 6} == Counter(found[20:])


def test_queues_of_different_stores_are_worked_on_together() -> None:
    one, other = Rig(), Rig()
    one.jobs().put("one")
    other.jobs().put("other")
    queues = [one.jobs(), other.jobs()]
    assert ["one", "other"] == worked(queues)
    assert 0 == sum(one.counts()) + sum(other.counts())


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_a_message_on_any_is_seen_soon_where_the_store_waits_for_one_only(name: str) -> None:
    rig = Rig()
    queues = filled(rig, {"a": 0, "b": 0, "c": 0})
    waits = rig.note_waits()

    def handle(message: Any) -> None: ...

    worker = Worker(queues, handle, max_messages=1)
    running = Background(worker.run)
    until(lambda: len(waits) > 6)  # it waits, in turns
    next(queue for queue in queues if queue.name == name).put("x")
    begun = len(waits)
    assert 1 == (running.join()).done
    assert len(waits) - begun <= 3  # each in its turn
    assert sum(sorted(waits)[-3:]) <= 1.001  # in about one second


def test_the_turns_are_short_after_a_message_and_longer_by_and_by() -> None:
    rig = Rig()
    queues = filled(rig, {"a": 0, "b": 0})
    waits = rig.note_waits()
    before: list[int] = []

    def handle(message: Any) -> None:
        before.append(len(waits))

    worker = Worker(queues, handle)
    running = Background(worker.run)
    until(lambda: sum(waits) > 1)
    queues[1].put("x")
    until(lambda: before and len(waits) > before[0] + 6)
    worker.stop()
    assert 1 == (running.join()).done
    steps = [pytest.approx(0.01 * 1.5**n, rel=0.01) for n in range(4)]
    assert steps == [wait for wait in waits if wait][:4]
    assert steps[:2] == [wait for wait in waits[before[0] :] if wait][:2]
    assert 0.5 >= max(waits)


def test_where_one_store_can_it_waits_for_all_at_once() -> None:
    store = Waking()
    queues = [ReliableQueue[Any](name, store) for name in ("a", "b", "c")]

    def handle(message: Any) -> None: ...

    running = Background(Worker(queues, handle, max_messages=1).run)
    until(lambda: len(store.asked) > 3)
    wait = (["a", "b", "c"], pytest.approx(0.5))
    assert [("a", 0.0), ("b", 0.0), ("c", 0.0), wait] == store.asked[:4]  # after one look at each
    queues[1].put("x")
    assert 1 == (running.join()).done


def test_it_ends_when_none_came_on_any_for_so_long() -> None:
    queues = full({"a": 0, "b": 0})

    def handle(message: Any) -> None: ...

    begun = time.monotonic()
    assert "idle" == (Worker(queues, handle, timeout=0.2).run()).reason
    assert 0.19 <= time.monotonic() - begun < 20


def test_before_it_ends_it_looks_at_all_of_them_once_more() -> None:
    queues = full({"a": 1, "b": 0, "c": 0, "d": 0})
    found: list[str] = []

    def handle(message: Any) -> None:
        found.append(message.body)
        if message.body == "a":
            sleep(0.4)
            for queue in queues[1:]:
                queue.put(queue.name)

    Worker(queues, handle, concurrency=2, timeout=0).run()
    assert list("abcd") == sorted(found)
