# Generated from test_looking_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Looking at a queue without taking: size, stats, peek, clear; and closing it."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import (
    MemoryTransport,
    Queue,
    QueueStats,
    ReliableQueue,
    TransportClosed,
)

from .colour import MARKS
from .rig import BOTH, Rig, drain, take

pytestmark = MARKS
ENGINES = pytest.mark.parametrize("engine", [Queue, ReliableQueue])


@BOTH
def test_size_counts_ready_messages_only(kind: str) -> None:
    rig = Rig()
    rig.jobs().put_many(range(4))
    rig.jobs().put("delayed", delay=5)
    take(rig.jobs())
    queue = rig.build(kind)
    assert 3 == queue.size()
    assert QueueStats(ready=3, delayed=1, claimed=1) == queue.stats()
    assert 3 == len(queue)


@BOTH
def test_an_unused_queue_is_empty_and_true(kind: str) -> None:
    queue = Rig().build(kind)
    assert 0 == queue.size()
    assert QueueStats(0, 0, 0) == queue.stats()
    assert queue
    assert 0 == len(queue)


@BOTH
def test_a_queue_cannot_be_iterated_by_accident(kind: str) -> None:
    queue: Any = Rig().build(kind)
    queue.put_many(["x", "y"])
    with pytest.raises(TypeError):
        iter(queue)
    with pytest.raises(TypeError):
        assert "x" in queue
    with pytest.raises(TypeError):
        list(queue)
    assert not hasattr(queue, "__aiter__")
    assert 2 == queue.size()


@BOTH
def test_peek_returns_the_first_bodies_and_changes_nothing(kind: str) -> None:
    rig = Rig()
    rig.jobs().put("a")
    rig.queue().put("b", "c")
    queue = rig.build(kind)
    assert ["a"] == queue.peek()
    assert ["a", "b"] == queue.peek(2)
    assert ["a", "b", "c"] == queue.peek(limit=10)
    assert ["a", "b", "c"] == drain(rig.jobs())
    assert [] == queue.peek()


@BOTH
def test_clear_removes_ready_and_delayed_and_leaves_what_is_held(kind: str) -> None:
    rig = Rig()
    rig.jobs().put_many(range(3))
    rig.jobs().put("delayed", delay=5)
    held = take(rig.jobs())
    queue = rig.build(kind)
    assert 3 == queue.clear()
    assert QueueStats(0, 0, 1) == rig.counts()
    assert 0 == queue.clear()
    held.ack()


@ENGINES
def test_a_queue_closes_the_transport_that_it_made(engine: Any) -> None:
    queue = engine("jobs", "memory:")
    queue.close()
    queue.close()
    with pytest.raises(TransportClosed):
        queue.transport.stats("jobs")


@ENGINES
def test_a_queue_does_not_close_a_transport_that_it_was_given(engine: Any) -> None:
    store = MemoryTransport()
    one, other = engine("jobs", store), engine("jobs", store)
    one.close()
    other.put("x")
    assert 1 == other.size()


@ENGINES
@pytest.mark.parametrize("shared", [True, False])
def test_a_closed_queue_refuses_every_call(engine: Any, shared: bool) -> None:
    queue = engine("jobs", MemoryTransport() if shared else "memory:")
    queue.close()
    calls: list[Any] = [queue.get, queue.size, queue.stats, queue.peek, queue.clear]
    calls += [lambda: queue.put("x"), lambda: queue.put_many([]), lambda: queue.get_many(2)]
    for call in calls:
        with pytest.raises(TransportClosed, match="'jobs' was closed"):
            call()
    source = queue.consume(timeout=0)
    with pytest.raises(TransportClosed, match="'jobs' was closed"):
        source.__next__()
    with pytest.raises(TransportClosed):
        len(queue)


def test_a_message_of_a_closed_queue_cannot_be_settled_by_it() -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put("x")
    message = take(jobs)
    jobs.close()
    verbs: list[Any] = [message.ack, message.fail, message.release, message.extend]
    for verb in [*verbs, lambda: message.reject("no"), lambda: jobs.dead]:
        with pytest.raises(TransportClosed):
            verb()
    assert QueueStats(0, 0, 1) == rig.counts()


@ENGINES
def test_a_queue_is_a_context_manager_that_closes(engine: Any) -> None:
    with engine("jobs", "memory:") as queue:
        queue.put("x")
    with pytest.raises(TransportClosed):
        queue.size()
