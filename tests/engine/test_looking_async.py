# unasync: source
"""Looking at a queue without taking: size, stats, peek, clear; and closing it."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import (
    AsyncMemoryTransport,
    AsyncQueue,
    AsyncReliableQueue,
    QueueStats,
    TransportClosed,
)

from .colour_async import MARKS
from .rig_async import BOTH, AsyncRig, drain, take

pytestmark = MARKS
ENGINES = pytest.mark.parametrize("engine", [AsyncQueue, AsyncReliableQueue])


@BOTH
async def test_size_counts_ready_messages_only(kind: str) -> None:
    rig = AsyncRig()
    await rig.jobs().put_many(range(4))
    await rig.jobs().put("delayed", delay=5)
    await take(rig.jobs())
    queue = rig.build(kind)
    assert 3 == await queue.size()
    assert QueueStats(ready=3, delayed=1, claimed=1) == await queue.stats()
    # sync-only: assert 3 == len(queue)


@BOTH
async def test_an_unused_queue_is_empty_and_true(kind: str) -> None:
    queue = AsyncRig().build(kind)
    assert 0 == await queue.size()
    assert QueueStats(0, 0, 0) == await queue.stats()
    assert queue
    # sync-only: assert 0 == len(queue)


@BOTH
async def test_a_queue_cannot_be_iterated_by_accident(kind: str) -> None:
    queue: Any = AsyncRig().build(kind)
    await queue.put_many(["x", "y"])
    with pytest.raises(TypeError):
        iter(queue)
    with pytest.raises(TypeError):
        assert "x" in queue
    with pytest.raises(TypeError):
        list(queue)
    assert not hasattr(queue, "__aiter__")
    assert 2 == await queue.size()


@BOTH
async def test_peek_returns_the_first_bodies_and_changes_nothing(kind: str) -> None:
    rig = AsyncRig()
    await rig.jobs().put("a")
    await rig.queue().put("b", "c")
    queue = rig.build(kind)
    assert ["a"] == await queue.peek()
    assert ["a", "b"] == await queue.peek(2)
    assert ["a", "b", "c"] == await queue.peek(limit=10)
    assert ["a", "b", "c"] == await drain(rig.jobs())
    assert [] == await queue.peek()


@BOTH
async def test_clear_removes_ready_and_delayed_and_leaves_what_is_held(kind: str) -> None:
    rig = AsyncRig()
    await rig.jobs().put_many(range(3))
    await rig.jobs().put("delayed", delay=5)
    held = await take(rig.jobs())
    queue = rig.build(kind)
    assert 3 == await queue.clear()
    assert QueueStats(0, 0, 1) == await rig.counts()
    assert 0 == await queue.clear()
    await held.ack()


@ENGINES
async def test_a_queue_closes_the_transport_that_it_made(engine: Any) -> None:
    queue = engine("jobs", "memory:")
    await queue.aclose()
    await queue.aclose()
    with pytest.raises(TransportClosed):
        await queue.transport.stats("jobs")


@ENGINES
async def test_a_queue_does_not_close_a_transport_that_it_was_given(engine: Any) -> None:
    store = AsyncMemoryTransport()
    one, other = engine("jobs", store), engine("jobs", store)
    await one.aclose()
    await other.put("x")
    assert 1 == await other.size()


@ENGINES
@pytest.mark.parametrize("shared", [True, False])
async def test_a_closed_queue_refuses_every_call(engine: Any, shared: bool) -> None:
    queue = engine("jobs", AsyncMemoryTransport() if shared else "memory:")
    await queue.aclose()
    calls: list[Any] = [queue.get, queue.size, queue.stats, queue.peek, queue.clear]
    calls += [lambda: queue.put("x"), lambda: queue.put_many([]), lambda: queue.get_many(2)]
    for call in calls:
        with pytest.raises(TransportClosed, match="'jobs' was closed"):
            await call()
    source = queue.consume(timeout=0)
    with pytest.raises(TransportClosed, match="'jobs' was closed"):
        await source.__anext__()
    # sync-only: with pytest.raises(TransportClosed):
    # sync-only:     len(queue)


async def test_a_message_of_a_closed_queue_cannot_be_settled_by_it() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")
    message = await take(jobs)
    await jobs.aclose()
    verbs: list[Any] = [message.ack, message.fail, message.release, message.extend]
    for verb in [*verbs, lambda: message.reject("no"), lambda: jobs.dead]:
        with pytest.raises(TransportClosed):
            await verb()
    assert QueueStats(0, 0, 1) == await rig.counts()


@ENGINES
async def test_a_queue_is_a_context_manager_that_closes(engine: Any) -> None:
    async with engine("jobs", "memory:") as queue:
        await queue.put("x")
    with pytest.raises(TransportClosed):
        await queue.size()
