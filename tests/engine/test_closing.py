# Generated from test_closing_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Closing a reliable queue from elsewhere: afterwards nothing is claimed by it."""

from __future__ import annotations

import os
from typing import Any

import pytest

from queuekit import MemoryTransport, ReliableQueue, TransportClosed
from queuekit._acompat import sleep

from .colour import MARKS, Background
from .rig import until

pytestmark = MARKS


class Store:
    """A store of the process, with one who looks at it, and queues that own their transport."""

    def __init__(self) -> None:
        self._url = f"memory:{os.urandom(8).hex()}"
        self.look = ReliableQueue[int]("jobs", self._url)

    def jobs(self, *, shared: bool = False) -> ReliableQueue[int]:
        store = MemoryTransport.from_url(self._url) if shared else self._url
        return ReliableQueue("jobs", store)


BOTH_OWNERS = pytest.mark.parametrize("shared", [False, True])


@BOTH_OWNERS
def test_what_a_loop_has_claimed_ahead_goes_back_when_its_queue_is_closed(
    shared: bool,
) -> None:
    store = Store()
    store.look.put_many(range(5))
    jobs = store.jobs(shared=shared)
    messages = jobs.consume(prefetch=3)
    (messages.__next__()).ack()
    jobs.close()
    assert [1, 2, 3, 4] == store.look.peek(9)
    assert (4, 0, 0) == store.look.stats()
    assert [1] * 4 == [message.attempt for message in store.look.get_many(4)]
    with pytest.raises(TransportClosed):
        messages.__next__()


@BOTH_OWNERS
@pytest.mark.parametrize("way", ["get", "get_many", "consume", "worker"])
def test_a_claim_that_is_under_way_is_given_back(shared: bool, way: str) -> None:
    """The store has claimed, and its answer comes when the queue is closed already."""
    store = Store()
    store.look.put_many(range(3))
    jobs = store.jobs(shared=shared)
    transport: Any = jobs.transport
    transport._features = transport.features._replace(max_wait=10)  # twice that, close waits
    inner = transport.claim
    claimed: list[bool] = []

    def slow(*arguments: Any, **options: Any) -> Any:
        found = inner(*arguments, **options)
        claimed.append(True)
        until(lambda: jobs._closed)
        sleep(0.05)
        return found

    transport.claim = slow

    def take() -> Any:
        if way == "get":
            return jobs.get()
        if way == "get_many":
            return jobs.get_many(2)
        if way == "consume":
            return jobs.consume(prefetch=2).__next__()

        def never(message: Any) -> None:
            raise AssertionError("handed out by a closed queue")

        return jobs.worker(timeout=0, prefetch=2)(never)()

    taking = Background(take)
    until(lambda: claimed)
    jobs.close()
    if not shared:
        assert (3, 0, 0) == store.look.stats(), "when close returns, it holds nothing"
    with pytest.raises(TransportClosed):
        taking.join()
    assert [0, 1, 2] == store.look.peek(3)
    assert 1 == (store.look.get_many(1))[0].attempt


def test_a_waiting_get_ends_with_an_error_and_takes_nothing_more() -> None:
    store = Store()
    jobs = store.jobs()
    transport: Any = jobs.transport

    def wait() -> Any:
        return jobs.get(block=True)

    waiting = Background(wait)
    until(lambda: transport.store.lines.length("jobs"))
    jobs.close()
    store.look.put(1)
    with pytest.raises(TransportClosed):
        waiting.join()
    assert (1, 0, 0) == store.look.stats()


def test_a_message_in_a_handler_stays_until_its_lease_is_over() -> None:
    """Nobody else may have it while the handler is at work; it can no longer be acked."""
    store = Store()
    store.look.put_many(range(3))
    jobs = store.jobs()

    @jobs.worker(timeout=0, prefetch=2)
    def work(message: Any) -> None:
        jobs.close()

    with pytest.raises(TransportClosed):
        work()
    assert [1, 2] == store.look.peek(3)
    assert (2, 0, 1) == store.look.stats()
