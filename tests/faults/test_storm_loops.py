"""Loops that end while gets are in flight (A1): ``asyncio.run`` cancels them all at once."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from contextlib import closing
from typing import Any

import pytest

from queuekit import Queue

from .test_storm_async import GAP, WAYS, Storm

pytestmark = pytest.mark.redis


def storm_of_loops(storm: Storm, url: str) -> None:
    """
    Run loop after loop on one queue object, each ended while three gets wait.

    Another thread puts meanwhile, so that messages are on their way when a loop ends.
    """

    def put() -> None:
        with closing(Queue[int]("q", url)) as producer:
            for i in range(storm.count):
                producer.put(i)
                time.sleep(chance.uniform(0, GAP))

    async def short() -> None:
        gets = [asyncio.ensure_future(_gets(storm)) for _ in range(3)]
        await asyncio.sleep(storm.chance.uniform(0, 0.006))
        storm.ended += sum(not get.done() for get in gets)

    async def finish() -> None:
        await storm.finish()
        await storm.check(in_order=False, at_least=storm.count // 30)

    chance = random.Random(storm.chance.random())
    thread = threading.Thread(target=put)
    thread.start()
    while thread.is_alive():
        asyncio.run(short())
    asyncio.run(finish())


async def _gets(storm: Storm) -> None:
    while True:
        await storm.get()


@WAYS
def test_loops_that_end_lose_nothing(
    redis_url: str, redis_prefix: str, chance: random.Random, way: str
) -> None:
    url = f"{redis_url}?prefix={redis_prefix}"
    storm_of_loops(Storm(way, url, 300, chance), url)


@pytest.mark.t2
@pytest.mark.timeout(300)
@WAYS
def test_thousands_of_messages_for_loops_that_end(
    redis_url: str, redis_prefix: str, chance: random.Random, tell: Any, way: str
) -> None:
    url = f"{redis_url}?prefix={redis_prefix}"
    storm = Storm(way, url, 10_000, chance)
    storm_of_loops(storm, url)
    tell(
        f"storm of loops, {way}: 10,000 messages, {storm.ended:,} gets in loops that ended, 0 lost"
    )
