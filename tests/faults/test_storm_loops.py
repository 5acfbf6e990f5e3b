"""Loops that end while gets are in flight (A1): ``asyncio.run`` cancels them all at once."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from .test_storm_async import WAYS, Storm

pytestmark = pytest.mark.redis


def storm_of_loops(storm: Storm, each: int = 3) -> None:
    """Run loop after loop on one queue object, each ended while three gets wait."""

    async def short(first: int) -> None:
        gets = [asyncio.ensure_future(_gets(storm)) for _ in range(3)]
        await storm.put(first, min(first + each, storm.count))
        await asyncio.sleep(storm.chance.uniform(0, 0.002))
        storm.ended += sum(not get.done() for get in gets)

    for first in range(0, storm.count, each):
        asyncio.run(short(first))

    async def finish() -> None:
        await storm.finish()
        await storm.check(in_order=False, at_least=storm.count // 20)

    asyncio.run(finish())


async def _gets(storm: Storm) -> None:
    while True:
        await storm.get()


@WAYS
def test_loops_that_end_lose_nothing(
    redis_url: str, redis_prefix: str, chance: random.Random, way: str
) -> None:
    storm_of_loops(Storm(way, f"{redis_url}?prefix={redis_prefix}", 150, chance))


@pytest.mark.t2
@pytest.mark.timeout(300)
@WAYS
def test_hundreds_of_loops_that_end_lose_nothing(
    redis_url: str, redis_prefix: str, chance: random.Random, tell: Any, way: str
) -> None:
    storm = Storm(way, f"{redis_url}?prefix={redis_prefix}", 2_000, chance)
    storm_of_loops(storm, 5)
    tell(f"storm of loops, {way}: 2,000 messages, {storm.ended:,} gets in loops that ended, 0 lost")
