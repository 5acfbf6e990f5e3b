"""An exception from a signal handler at each point of a call: nothing is lost, nothing held."""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from backends.interruption import everywhere

from queuekit.compat.hotqueue import HotQueue
from queuekit.compat.saferedisqueue import SafeRedisQueue

from .conftest import Place, somebody_waits

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def _swept() -> Iterator[None]:
    """Collect what was interrupted here and not in a test whose warnings are errors."""
    yield
    with warnings.catch_warnings():
        # who is interrupted between opening a connection and keeping it leaves it to its finalizer
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def waiting(queue: Any, client: redis.Redis, call: Callable[[], Any]) -> Callable[[], Any]:
    """Return *call* with a put as soon as it waits on the server, or was interrupted before."""

    def run() -> Any:
        over = threading.Event()

        def put() -> None:
            while not somebody_waits(client) and not over.wait(0.002):
                pass
            queue.put("a")

        thread = threading.Thread(target=put)
        thread.start()
        try:
            return call()
        finally:
            over.set()
            thread.join()

    return run


@pytest.mark.parametrize("waits", [False, True], ids=["at-once", "waiting"])
def test_hotqueue_get(place: Place, waits: bool) -> None:
    with HotQueue[Any](place.name, **place.server) as queue:
        queue.get()  # everything is connected and loaded

        def get() -> Any:
            return queue.get(block=waits, timeout=60)

        call = waiting(queue, place.client, get) if waits else get
        if not waits:
            queue.put("a")
        for found, where in everywhere(call, least=20):
            left = list(queue.consume(block=False))
            assert ["a"] == ([found] if found else []) + left, where
            if not waits:
                queue.put("a")


def test_saferedisqueue_claim(place: Place) -> None:
    """What was taken is back at the head at once."""
    with SafeRedisQueue[Any](name=place.name, **place.server) as queue:
        queue.get(-1)

        def claim() -> Any:
            return queue.transport.claim(place.name, lease=60.0, limit=2)

        bodies = ["a", "b", "c"]
        queue.put_many(bodies)
        for found, where in everywhere(claim, least=20):
            taken = [each.body.decode() for each in found or []]
            assert taken + queue.peek(9) == bodies, where
            assert place.client.llen(queue.ACKBUF_KEY) == len(taken), where


def test_saferedisqueue_get(place: Place) -> None:
    with SafeRedisQueue[Any](name=place.name, **place.server) as queue:
        queue.get(-1)
        uid = queue.put("a")
        for found, where in everywhere(lambda: queue.get(-1), least=20):
            taken = 1 if found else 0
            assert (1 - taken, taken) == (len(queue), place.client.llen(queue.ACKBUF_KEY)), where
            assert place.client.hexists(queue.ITEMS_KEY, uid), where


def test_saferedisqueue_get_while_it_waits(place: Place) -> None:
    with SafeRedisQueue[Any](name=place.name, **place.server) as queue:
        queue.get(-1)
        call = waiting(queue, place.client, lambda: queue.get(60))
        for found, where in everywhere(call, least=20):
            uid, item = found or queue.get(-1)
            assert "a" == item, where
            queue.ack(uid)
            assert not place.client.exists(queue.QUEUE_KEY, queue.ITEMS_KEY), where
