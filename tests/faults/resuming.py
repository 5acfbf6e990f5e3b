"""Consumers that wait the whole time, and the one question of these tests: do they go on?"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from queuekit import (
    AsyncQueue,
    AsyncReliableQueue,
    Queue,
    QueueKitError,
    ReliableQueue,
    TransportUnavailable,
)

SOON = 10.0
"""
Seconds after a fault within which a fresh message must have been delivered.

The longest pause between two looks of a loop is one; the rest is for a machine that stands still.
"""

_numbers = itertools.count(1)


class Outages(logging.Handler):
    """Knows by the log which loops wait for their store."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[object] = set()

    def emit(self, record: logging.LogRecord) -> None:
        name = record.args[0] if isinstance(record.args, tuple) and record.args else None
        if "out of reach" in record.msg:
            self.names.add(name)
        elif "answers again" in record.msg:
            self.names.discard(name)


class Loops:
    """
    Four consumers of one store: each engine, each colour, ``consume`` and ``worker``.

    Each has its queue, and none is ever told that something happens to its store.
    """

    def __init__(self, url: str) -> None:
        self._came: dict[str, set[int]] = {}
        self.ended: dict[str, BaseException | None] = {}
        self._stops: list[Callable[[], None]] = []
        self._threads: list[threading.Thread] = []
        self.outages = Outages()
        logging.getLogger("queuekit").addHandler(self.outages)
        self._url = url
        self.producers: dict[str, Any] = {}
        loops: dict[str, Callable[[str], None]] = {
            "reliable": self._reliable,
            "fifo": self._fifo,
            "async-reliable": lambda name: asyncio.run(self._async_reliable(name)),
            "async-fifo": lambda name: asyncio.run(self._async_fifo(name)),
        }
        for name, loop in loops.items():
            self._came[name] = set()
            engine = Queue if name.endswith("fifo") else ReliableQueue
            self.producers[name] = engine(name, url)
            self._threads.append(threading.Thread(target=self._run, args=(name, loop)))
            self._threads[-1].start()

    def renew_producers(self) -> None:
        """Put by new connections from now on: each that there was must find out by itself."""
        for name, producer in self.producers.items():
            producer.close()
            self.producers[name] = type(producer)(name, self._url)

    def fresh(self, within: float) -> float:
        """Put a message into each queue, as soon as one can be put, and see it delivered."""
        end = time.monotonic() + within
        begun = time.monotonic()
        sent = {name: self._put(name, end) for name in self.producers}
        while late := [name for name, number in sent.items() if number not in self._came[name]]:
            assert not self.ended, f"these loops ended: {self.ended}"
            assert time.monotonic() < end, f"after {within:g} s nothing came to {late}"
            time.sleep(0.005)
        return time.monotonic() - begun

    def put(self, name: str) -> int:
        """Put one message, once, and return its number."""
        number = next(_numbers)
        self.producers[name].put(number)
        return number

    def came(self, name: str) -> set[int]:
        """Return the numbers that this loop was given."""
        return set(self._came[name])

    def all_wait(self) -> bool:
        """Tell whether each loop has met the fault, and waits for its store."""
        return self.outages.names >= set(self._came)

    def close(self) -> None:
        logging.getLogger("queuekit").removeHandler(self.outages)
        for stop in self._stops:
            stop()
        for thread in self._threads:
            thread.join(30)
        for producer in self.producers.values():
            producer.close()
        assert not any(thread.is_alive() for thread in self._threads), "a loop does not stop"

    def _put(self, name: str, end: float) -> int:
        while True:
            try:
                return self.put(name)
            except TransportUnavailable:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def _run(self, name: str, loop: Callable[[str], None]) -> None:
        try:
            loop(name)
        except BaseException as exc:
            self.ended[name] = exc
        else:
            if not self._stops:
                self.ended[name] = None

    def _reliable(self, name: str) -> None:
        with ReliableQueue(name, self._url) as queue, queue.consume() as messages:
            self._stops.append(messages.stop)
            for message in messages:
                self._came[name].add(message.body)
                try:
                    message.ack()
                except QueueKitError:  # the store went away: it comes again, to anybody
                    continue

    def _fifo(self, name: str) -> None:
        with Queue(name, self._url) as queue:
            worker = queue.worker(self._came[name].add)
            self._stops.append(worker.stop)
            worker()

    async def _async_reliable(self, name: str) -> None:
        async def take(message: Any) -> None:
            self._came[name].add(message.body)

        async with AsyncReliableQueue(name, self._url) as queue:
            worker = queue.worker(take)
            self._stops.append(worker.stop)
            await worker()

    async def _async_fifo(self, name: str) -> None:
        async with AsyncQueue(name, self._url) as queue:
            bodies = queue.consume()
            self._stops.append(bodies.stop)
            async for body in bodies:
                self._came[name].add(body)


@contextmanager
def loops_on(url: str) -> Iterator[Loops]:
    """Start the loops and see that each works; at the end see that none had ended by itself."""
    with ExitStack() as stack:
        loops = Loops(url)
        stack.callback(loops.close)
        loops.fresh(30)
        yield loops
        assert not loops.ended, f"these loops ended: {loops.ended}"
