# unasync: source
"""Closing a reliable queue from elsewhere: afterwards nothing is claimed by it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from queuekit import AsyncMemoryTransport, AsyncReliableQueue, TransportClosed
from queuekit._acompat import asleep

from .colour_async import MARKS, Background
from .rig_async import until

pytestmark = MARKS


class Store:
    """A store of the process, with one who looks at it, and queues that own their transport."""

    def __init__(self) -> None:
        self._url = f"memory:{os.urandom(8).hex()}"
        self.look = AsyncReliableQueue[int]("jobs", self._url)

    def jobs(self, *, shared: bool = False) -> AsyncReliableQueue[int]:
        store = AsyncMemoryTransport.from_url(self._url) if shared else self._url
        return AsyncReliableQueue("jobs", store)


BOTH_OWNERS = pytest.mark.parametrize("shared", [False, True])


@BOTH_OWNERS
async def test_what_a_loop_has_claimed_ahead_goes_back_when_its_queue_is_closed(
    shared: bool,
) -> None:
    store = Store()
    await store.look.put_many(range(5))
    jobs = store.jobs(shared=shared)
    messages = jobs.consume(prefetch=3)
    await (await messages.__anext__()).ack()
    await jobs.aclose()
    assert [1, 2, 3, 4] == await store.look.peek(9)
    assert (4, 0, 0) == await store.look.stats()
    assert [1] * 4 == [message.attempt for message in await store.look.get_many(4)]
    with pytest.raises(TransportClosed):
        await messages.__anext__()


@BOTH_OWNERS
@pytest.mark.parametrize("way", ["get", "get_many", "consume", "worker"])
async def test_a_claim_that_is_under_way_is_given_back(shared: bool, way: str) -> None:
    """The store has claimed, and its answer comes when the queue is closed already."""
    store = Store()
    await store.look.put_many(range(3))
    jobs = store.jobs(shared=shared)
    transport: Any = jobs.transport
    transport._features = transport.features._replace(max_wait=10)  # twice that, close waits
    inner = transport.claim
    claimed: list[bool] = []

    async def slow(*arguments: Any, **options: Any) -> Any:
        found = await inner(*arguments, **options)
        claimed.append(True)
        await until(lambda: jobs._closed)
        await asleep(0.05)
        return found

    transport.claim = slow

    async def take() -> Any:
        if way == "get":
            return await jobs.get()
        if way == "get_many":
            return await jobs.get_many(2)
        if way == "consume":
            return await jobs.consume(prefetch=2).__anext__()

        async def never(message: Any) -> None:
            raise AssertionError("handed out by a closed queue")

        return await jobs.worker(timeout=0, prefetch=2)(never)()

    taking = Background(take)
    await until(lambda: claimed)
    await jobs.aclose()
    if not shared:
        assert (3, 0, 0) == await store.look.stats(), "when close returns, it holds nothing"
    with pytest.raises(TransportClosed):
        await taking.join()
    assert [0, 1, 2] == await store.look.peek(3)
    assert 1 == (await store.look.get_many(1))[0].attempt


async def test_a_waiting_get_ends_with_an_error_and_takes_nothing_more() -> None:
    store = Store()
    jobs = store.jobs()
    transport: Any = jobs.transport

    async def wait() -> Any:
        return await jobs.get(block=True)

    waiting = Background(wait)
    await until(lambda: transport.store.lines.length("jobs"))
    await jobs.aclose()
    await store.look.put(1)
    with pytest.raises(TransportClosed):
        await waiting.join()
    assert (1, 0, 0) == await store.look.stats()


async def test_a_message_in_a_handler_stays_until_its_lease_is_over() -> None:
    """Nobody else may have it while the handler is at work; it can no longer be acked."""
    store = Store()
    await store.look.put_many(range(3))
    jobs = store.jobs()

    @jobs.worker(timeout=0, prefetch=2)
    async def work(message: Any) -> None:
        await jobs.aclose()

    with pytest.raises(TransportClosed):
        await work()
    assert [1, 2] == await store.look.peek(3)
    assert (2, 0, 1) == await store.look.stats()
