"""Interruptions at random moments, on memory and SQLite: nothing lost, repeated or counted."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from queuekit import AsyncQueue, AsyncReliableQueue
from queuekit.backends.async_sqlite import AsyncSQLiteTransport
from queuekit.backends.memory import AsyncMemoryTransport
from queuekit.transport import AsyncTransport, Receipt

from . import sqlite_storm


def storm(kind: str, source: str, verb: str, folder: Path, count: int) -> None:
    """Take *count* messages under interruptions, and compare the ledger with what was put."""
    seed = 20
    run = subprocess.run(
        [
            *(sys.executable, sqlite_storm.__file__, kind, source, verb),
            *(str(folder / "queue.db"), str(count), str(seed)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == run.returncode, run.stderr
    counts = json.loads(run.stdout)
    print(kind, source, verb, counts)
    assert (0, 0) == (counts["lost"], counts["duplicates"]), counts
    assert [0, 0, 0] == counts["left"], counts
    assert set(counts["attempts"]) <= {1}, counts
    assert counts["interruptions"] > count // 100, f"hardly a storm: {counts}"


STORMS = pytest.mark.parametrize(
    ("kind", "source"), [("memory", "signal"), ("sqlite", "signal"), ("sqlite", "thread")]
)
"""Another thread comes too late for calls on memory, which are over in microseconds."""
VERBS = pytest.mark.parametrize("verb", ["pop", "get", "claim", "reliable"])


@STORMS
def test_a_small_storm(kind: str, source: str, tmp_path: Path) -> None:
    storm(kind, source, "get", tmp_path, 300)


@pytest.mark.t2
@STORMS
@VERBS
def test_a_storm_over_ten_thousand_messages(
    kind: str, source: str, verb: str, tmp_path: Path
) -> None:
    storm(kind, source, verb, tmp_path, 10_000)


@pytest.mark.t2
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("verb", ["pop", "get", "claim", "reliable"])
def test_a_storm_of_cancellations_over_ten_thousand_messages(
    kind: str, verb: str, tmp_path: Path
) -> None:
    """Tasks cancelled and timed out at random moments, five consumers at once."""
    count, dice = 10_000, random.Random(7)
    bodies = [b"%05d" % n for n in range(count)]
    got: list[bytes] = []
    cancelled = 0

    async def take(transport: AsyncTransport, fifo: AsyncQueue[bytes], limit: int) -> None:
        if verb == "pop":
            got.extend(await transport.pop("q", limit=limit, timeout=0.5))
        elif verb == "get":
            got.extend(await fifo.get_many(limit, timeout=0.5))
        elif verb == "claim":
            held = await transport.claim("q", lease=3600.0, limit=limit, timeout=0.5)
            assert all(one.attempt == 1 for one in held)
            claimed.extend(one.receipt for one in held)
            got.extend(one.body for one in held)
        else:
            jobs = AsyncReliableQueue("q", transport, serializer="bytes", lease=3600.0)
            messages = await jobs.get_many(limit, timeout=0.5)
            assert all(one.attempt == 1 for one in messages)
            claimed.extend(one.receipt for one in messages)
            got.extend(one.body for one in messages)

    claimed: list[Receipt] = []

    async def consume(transport: AsyncTransport, fifo: AsyncQueue[bytes]) -> None:
        nonlocal cancelled
        while len(got) < count:
            call = asyncio.ensure_future(take(transport, fifo, dice.choice((1, 3, 20))))
            try:
                await asyncio.wait_for(call, dice.uniform(0.0, 0.004))
            except TimeoutError:
                cancelled += 1

    async def main() -> None:
        transport: Any = AsyncMemoryTransport()
        if kind == "sqlite":
            transport = AsyncSQLiteTransport(tmp_path / "queue.db")
        fifo = AsyncQueue("q", transport, serializer="bytes")

        async def produce() -> None:
            for begin in range(0, count, 50):
                await transport.push("q", bodies[begin : begin + 50])
                await asyncio.sleep(0.0005)

        await asyncio.gather(produce(), *(consume(transport, fifo) for _ in range(5)))
        assert [] == await transport.ack("q", claimed)
        assert (0, 0, 0) == await transport.stats("q")
        await transport.aclose()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    print(kind, verb, {"cancelled": cancelled, "got": len(got)})
    assert bodies == sorted(got)
    assert cancelled > 50
