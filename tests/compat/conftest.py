"""A name of its own for each test, on both layouts, and nothing left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import redis


class Place(NamedTuple):
    """Where a test has its queue."""

    url: str
    host: str
    port: int
    db: int
    name: str
    client: redis.Redis

    @property
    def server(self) -> dict[str, object]:
        """The arguments of the originals."""
        return {"host": self.host, "port": self.port, "db": self.db}

    def keys(self, begin: str) -> list[str]:
        """Return the keys of this test's queue."""
        found = self.client.scan_iter(f"*{begin}:{self.name}*", count=1000)
        return sorted(key.decode() for key in found)


def put_and_press_ctrl_c(queue: Any, message: object, delay: float) -> threading.Thread:
    """Put a message after *delay* seconds and press Ctrl-C in the same moment."""

    def press() -> None:
        time.sleep(delay)
        queue.put(message)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


@pytest.fixture
def place(redis_url: str, redis_client: redis.Redis, redis_prefix: str) -> Iterator[Place]:
    parts = urlsplit(redis_url)
    place = Place(
        redis_url,
        parts.hostname or "localhost",
        parts.port or 6379,
        int(parts.path.strip("/") or 0),
        redis_prefix,
        redis_client,
    )
    yield place
    if left := place.keys("hotqueue") + place.keys("srq"):
        redis_client.delete(*left)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of all choices; ``--seed`` repeats those of another run."""
    return int(request.config.getoption("--seed"))
