"""
The programs that the kill sweeps run: each does a few things of one kind and ends.

What is in the queue before is put there by the test: messages called ``m0``, ``m1`` ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import redis
import redis.asyncio  # noqa: F401 - loaded before it is interrupted

import queuekit.backends.redis.link
import queuekit.backends.redis.link_async
import queuekit.backends.redis.transport
import queuekit.backends.redis.transport_async
import queuekit.reliable
import queuekit.reliable_async  # noqa: F401 - loaded before it is interrupted
from queuekit import RetryPolicy

from .blocking import fifo, reliable
from .ledger import Ledger, end, get, put

LEASE = 0.4


def main(scenario: str, colour: str, url: str, name: str, ledger: str) -> None:
    """Run one scenario; ``name`` is its queue."""
    known = SCENARIOS[scenario]
    book = Ledger(ledger, lease=LEASE)
    queue = fifo(name, url, colour=colour) if known.fifo else jobs(name, url, colour=colour)
    known.run(queue, book)
    queue.close()


def jobs(name: str, url: str, *, colour: str = "sync") -> Any:
    """Return the queue that all parties of a sweep use."""
    retry = RetryPolicy(max_attempts=20, base=0.01)
    return reliable(name, url, colour=colour, lease=LEASE, retry=retry)


def work(queue: Any, book: Ledger) -> None:
    while found := get(book, queue):
        end(book, "ack", found)


def batch(queue: Any, book: Ledger) -> None:
    while found := get(book, queue, 10):
        end(book, "ack", found)


def wait(queue: Any, book: Ledger) -> None:
    """Wait for a delayed message, then for what another process puts."""
    put(book, queue, ["late"], delay=0.03)
    for _ in range(2):
        end(book, "ack", get(book, queue, timeout=0.3))


def puts(queue: Any, book: Ledger) -> None:
    for i in range(3):
        put(book, queue, [f"p{i}"])


def bulk(queue: Any, book: Ledger) -> None:
    put(book, queue, [f"p{i}" for i in range(5)])
    put(book, queue, [f"q{i}" for i in range(5)], delay=0.02)


def fail(queue: Any, book: Ledger) -> None:
    end(book, "fail", get(book, queue, 2), delay=0)
    end(book, "fail", get(book, queue), delay=0.02)
    end(book, "release", get(book, queue, 2))


def dead(queue: Any, book: Ledger) -> None:
    end(book, "reject", get(book, queue, 2), reason="no use")
    work(queue, book)


def extend(queue: Any, book: Ledger) -> None:
    while found := get(book, queue):
        end(book, "extend", found)
        end(book, "ack", found)


def plain(queue: Any, book: Ledger) -> None:
    for i in range(3):
        put(book, queue, [f"p{i}", f"q{i}"])


def take(queue: Any, book: Ledger) -> None:
    while get(book, queue, 2):
        pass


class Scenario(NamedTuple):
    run: Callable[[Any, Ledger], None]
    loaded: int = 3
    expired: int = 0
    """How many of those are in a claim that has run out."""
    fed: bool = False
    """Whether somebody puts a message meanwhile."""
    shared: bool = False
    """Whether another consumer works on the queue at the same time."""
    fifo: bool = False


SCENARIOS = {
    "get and ack": Scenario(work),
    "batches of 10": Scenario(batch, loaded=12),
    "wait": Scenario(wait, loaded=0, fed=True),
    "put": Scenario(puts, loaded=0),
    "bulk put": Scenario(bulk, loaded=0),
    "fail and release": Scenario(fail),
    "dead letter": Scenario(dead),
    "recover": Scenario(work, loaded=4, expired=3),
    "extend": Scenario(extend),
    "two consumers": Scenario(work, loaded=8, shared=True),
    "FIFO get": Scenario(take, loaded=5, fifo=True),
    "FIFO put": Scenario(plain, loaded=0, fifo=True),
}
