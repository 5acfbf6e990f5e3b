from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from conformance.harnesses import MemoryHarness, RedisHarness, SQLiteHarness

from .stores import Pair


@pytest.fixture(
    params=[
        "memory-sqlite",
        pytest.param("sqlite-redis", marks=pytest.mark.redis),
        pytest.param("redis-memory", marks=pytest.mark.redis),
        pytest.param("redis-redis", marks=pytest.mark.redis),
    ]
)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    def harness(kind: str, place: str) -> Any:
        if kind == "memory":
            return MemoryHarness()
        if kind == "sqlite":
            return SQLiteHarness(tmp_path)
        url, client = (request.getfixturevalue(name) for name in ("redis_url", "redis_client"))
        return RedisHarness(url, client, request.getfixturevalue("redis_prefix") + place)

    source, target = request.param.split("-")
    with ExitStack() as stack:
        yield Pair(
            stack.enter_context(harness(source, "s").closing()),
            stack.enter_context(harness(target, "t").closing()),
        )


@pytest.fixture
def fast_pair() -> Pair:
    """Two stores in memory, for sweeps over pairs of calls."""
    return Pair(MemoryHarness(), MemoryHarness())
