"""Sync and async are told apart when a queue is built or a handler decorated."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from queuekit import (
    AsyncMemoryTransport,
    AsyncQueue,
    AsyncReliableQueue,
    ConfigurationError,
    MemoryTransport,
    Queue,
    ReliableQueue,
)

SYNC = pytest.mark.parametrize("engine", [Queue, ReliableQueue])
ASYNC = pytest.mark.parametrize("engine", [AsyncQueue, AsyncReliableQueue])


def plain(item: Any) -> None:
    """Handle an item of a sync queue."""


async def coloured(item: Any) -> None:
    """Handle an item of an async queue."""


class Plain:
    def __call__(self, item: Any) -> None: ...


class Coloured:
    async def __call__(self, item: Any) -> None: ...


@SYNC
def test_a_sync_queue_names_the_classes_for_an_async_transport(engine: Any) -> None:
    with pytest.raises(ConfigurationError, match="AsyncQueue or AsyncReliableQueue"):
        engine("jobs", AsyncMemoryTransport())


@ASYNC
def test_an_async_queue_names_the_classes_for_a_sync_transport(engine: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Queue or ReliableQueue.*ThreadedTransport"):
        engine("jobs", MemoryTransport())


@SYNC
@pytest.mark.parametrize("handler", [coloured, partial(coloured), Coloured()])
def test_a_sync_worker_refuses_what_must_be_awaited(engine: Any, handler: Any) -> None:
    queue = engine("jobs", "memory:")
    for decorate in (queue.worker, queue.worker(timeout=0)):
        with pytest.raises(ConfigurationError, match="AsyncQueue or AsyncReliableQueue"):
            decorate(handler)


@ASYNC
@pytest.mark.parametrize("handler", [plain, partial(plain), Plain(), len])
def test_an_async_worker_refuses_what_cannot_be_awaited(engine: Any, handler: Any) -> None:
    queue = engine("jobs", "memory:")
    for decorate in (queue.worker, queue.worker(timeout=0)):
        with pytest.raises(ConfigurationError, match="Queue or ReliableQueue"):
            decorate(handler)


@SYNC
@pytest.mark.parametrize("handler", [plain, partial(plain), Plain(), print])
def test_whatever_can_be_called_is_a_sync_handler(engine: Any, handler: Any) -> None:
    assert handler is engine("jobs", "memory:").worker(handler).handler


@ASYNC
@pytest.mark.parametrize("handler", [coloured, partial(coloured), Coloured()])
def test_whatever_can_be_awaited_is_an_async_handler(engine: Any, handler: Any) -> None:
    assert handler is engine("jobs", "memory:").worker(handler).handler


@pytest.mark.parametrize("engine", [Queue, ReliableQueue, AsyncQueue, AsyncReliableQueue])
@pytest.mark.parametrize("handler", [5, "handler", object()])
def test_what_cannot_be_called_is_no_handler(engine: Any, handler: Any) -> None:
    queue = engine("jobs", "memory:")
    for decorate in (queue.worker, queue.worker(timeout=0)):
        with pytest.raises(ConfigurationError, match="a handler is a function, not"):
            decorate(handler)


def test_len_is_there_where_it_need_not_wait() -> None:
    engines = [Queue, ReliableQueue, AsyncQueue, AsyncReliableQueue]
    assert [True, True, False, False] == [hasattr(engine, "__len__") for engine in engines]


def test_the_memory_store_of_one_name_is_the_same_in_both_colours() -> None:
    Queue[int]("numbers", "memory:both-colours").put(4)
    queue = AsyncQueue[int]("numbers", "memory:both-colours")
    step = queue.get()
    with pytest.raises(StopIteration) as caught:
        step.send(None)
    assert 4 == caught.value.value


def test_options_of_a_client_are_refused_with_the_way_out() -> None:
    for make in (Queue, ReliableQueue, AsyncQueue, AsyncReliableQueue):
        with pytest.raises(ConfigurationError, match=r"no option db, host.*redis://localhost"):
            make("jobs", host="localhost", db=0)
