"""Cancelled gets by the thousand (A1): whatever ends a get, no message goes with it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from queuekit import AsyncQueue, AsyncReliableQueue

pytestmark = pytest.mark.redis

LEASE = 60.0
"""Longer than a test: what comes back must have been given back."""

GAP = 0.001
"""Seconds between two puts, at the most."""


class Storm:
    """One queue, what came of it, and how many gets were ended from outside."""

    def __init__(self, way: str, url: str, count: int, chance: random.Random) -> None:
        self.way, self.url, self.count, self.chance = way, url, count, chance
        self.open()
        self.came: list[Any] = []
        self.ended = 0

    def open(self) -> None:
        """Begin anew, as another process would: what is in our memory is gone."""
        kind = AsyncQueue[int] if self.way == "FIFO" else AsyncReliableQueue[int]
        options = {} if self.way == "FIFO" else {"lease": LEASE}
        self.queue: Any = kind("q", self.url, **options)

    async def put(self, first: int, last: int) -> None:
        """Put at random moments, each soon after the one before."""
        for i in range(first, last):
            await self.queue.put(i)
            await asyncio.sleep(self.chance.uniform(0, GAP))

    async def get(self) -> None:
        found = await self.queue.get(timeout=1.0)
        if found is not None:
            self.came.append(found)  # nothing can come between

    async def finish(self) -> None:
        """Close, and take what is left with a queue that knows nothing of the storm."""
        await self.queue.aclose()
        self.open()
        while (found := await self.queue.get()) is not None:
            self.came.append(found)
        assert (0, 0) == (await self.queue.stats())[:2]

    async def check(self, *, in_order: bool, at_least: int) -> None:
        try:
            await self._check(in_order, at_least)
        finally:
            await self.queue.aclose()

    async def _check(self, in_order: bool, at_least: int) -> None:
        assert self.ended >= at_least, f"only {self.ended} gets were ended: this shows nothing"
        bodies = self.came if self.way == "FIFO" else [one.body for one in self.came]
        lost = set(range(self.count)) - set(bodies)
        assert not lost, f"{len(lost)} of {self.count} lost, {self.ended} gets ended"
        assert len(bodies) == self.count, "some came twice"
        if in_order:
            assert sorted(bodies) == bodies
        if self.way == "reliable":
            assert {1} == {one.attempt for one in self.came}
            await self.queue.ack(*self.came)
        assert (0, 0, 0) == await self.queue.stats()


async def cancelled(storm: Storm, after: float) -> None:
    """Cancel a get."""
    task = asyncio.ensure_future(storm.get())
    asyncio.get_running_loop().call_later(after, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        storm.ended += 1


async def timed_out(storm: Storm, after: float) -> None:
    """Let a timeout end a get."""
    try:
        async with asyncio.timeout(after):
            await storm.get()
    except TimeoutError:
        storm.ended += 1


async def aborted(storm: Storm, after: float) -> None:
    """Let a neighbour's error end a get."""

    async def fail() -> None:
        await asyncio.sleep(after)
        raise ZeroDivisionError

    failing: asyncio.Task[None] | None = None

    async def get() -> None:
        await storm.get()
        assert failing is not None
        failing.cancel()

    with suppress(ZeroDivisionError):
        try:
            async with asyncio.TaskGroup() as group:
                failing = group.create_task(fail())
                group.create_task(get())
        except* ZeroDivisionError:
            storm.ended += 1


async def run(storm: Storm, end: Callable[[Storm, float], Awaitable[None]], wide: int) -> None:
    async def consume() -> None:
        while not putting.done():
            await end(storm, storm.chance.uniform(0, 0.02 if wide > 1 else 0.004))

    putting = asyncio.ensure_future(storm.put(0, storm.count))
    await asyncio.gather(*(consume() for _ in range(wide)))
    await putting
    await storm.finish()
    await storm.check(in_order=wide == 1, at_least=storm.count // 30)


WAYS = pytest.mark.parametrize("way", ["FIFO", "reliable"])
ENDS = pytest.mark.parametrize("end", [cancelled, timed_out, aborted])


@WAYS
@ENDS
@pytest.mark.parametrize("wide", [1, 8])
def test_ended_gets_lose_nothing(
    redis_url: str, redis_prefix: str, chance: random.Random, way: str, end: Any, wide: int
) -> None:
    storm = Storm(way, f"{redis_url}?prefix={redis_prefix}", 150, chance)
    asyncio.run(run(storm, end, wide))


@pytest.mark.t2
@pytest.mark.timeout(300)
@WAYS
@ENDS
@pytest.mark.parametrize("wide", [1, 8])
def test_thousands_of_ended_gets_lose_nothing(
    redis_url: str,
    redis_prefix: str,
    chance: random.Random,
    tell: Callable[[str], None],
    way: str,
    end: Any,
    wide: int,
) -> None:
    count = 10_000 if end is cancelled and wide == 1 else 1_000
    storm = Storm(way, f"{redis_url}?prefix={redis_prefix}", count, chance)
    asyncio.run(run(storm, end, wide))
    tell(
        f"storm, async, {way}, {wide} consumers: {count:,} messages, {storm.ended:,} gets"
        f" {end.__name__.replace('_', ' ')}, 0 lost"
    )
