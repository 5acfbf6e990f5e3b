"""A name of its own for each test, on both layouts, and nothing left behind."""

from __future__ import annotations

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


def somebody_waits(client: redis.Redis) -> bool:
    """Tell whether a client waits on the server just now."""
    return bool(client.info("clients")["blocked_clients"])


def put_and_press_ctrl_c(queue: Any, message: object, client: redis.Redis) -> threading.Thread:
    """
    Put a message when the main thread waits, and press Ctrl-C in the same moment.

    The thread is not started yet: the main one must be where it expects a KeyboardInterrupt.
    """

    def press() -> None:
        end = time.monotonic() + 30
        while not somebody_waits(client) and time.monotonic() < end:
            time.sleep(0.001)
        queue.put(message)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    return threading.Thread(target=press)


def in_own_hands(exc: BaseException) -> bool:
    """Tell whether *exc* came in the function that caught it, and in no call of it."""
    return exc.__traceback__ is not None and exc.__traceback__.tb_next is None


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
