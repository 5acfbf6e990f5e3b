"""Many messages leave nothing behind (R19), and many idle consumers cost little (W2)."""

from __future__ import annotations

import asyncio
import gc
import resource
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from queuekit import AsyncReliableQueue
from queuekit.backends.redis import transport_async

from .blocking import fifo, reliable
from .servers import Server, server_in

pytestmark = pytest.mark.redis

BATCH = 100
GROWTH = 5 * 2**20
"""Bytes by which the memory of a client or a server may grow, at the most."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Return a server of our own, where every key and every command is ours."""
    with server_in(tmp_path) as server:
        yield server


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process have a connection for each of a thousand consumers."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def resident() -> int:
    """Return the bytes of memory that this process has."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def soak(url: str, colour: str, count: int, tell: Callable[[str], None]) -> None:
    """Put, take and ack *count* messages, most in batches; a tenth one by one, some failed."""
    with redis.Redis.from_url(url) as client, closing(
        reliable("soak", url, colour=colour)
    ) as queue:  # fmt: skip
        _pass_through(queue, count // 10)
        keys, ours, theirs = client.dbsize(), resident(), _used(client)
        _pass_through(queue, count)
        left = {key.decode(): client.ttl(key) for key in client.scan_iter()}
        grown, more = resident() - ours, _used(client) - theirs
        tell(
            f"soak, {colour}, {count:,} messages: keys {keys} -> {len(left)}"
            f" (expiring: {sum(ttl > 0 for ttl in left.values())}), client {grown / 2**20:+.1f} MB,"
            f" server {more / 2**20:+.1f} MB"
        )
        assert len(left) == keys
        assert all(ttl > 0 for ttl in left.values()), left
        assert grown < GROWTH
        assert more < GROWTH
        assert (0, 0, 0) == queue.stats()


def _pass_through(queue: Any, count: int) -> None:
    done = 0
    while done < count:
        single = done // BATCH % 10 == 0
        size = 1 if single else BATCH
        for _ in range(BATCH // size):
            queue.put_many([f"{done}"] * size)
            found = queue.get_many(size)
            assert len(found) == size
            if single and done // BATCH % 20 == 0:
                queue.fail(*found, delay=0)
                found = queue.get_many(size)
            queue.ack(*found)
            done += size


def _used(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


COLOURS = pytest.mark.parametrize("colour", ["sync", "async"])


@pytest.mark.t2
@COLOURS
def test_twenty_thousand_messages_leave_nothing(server: Server, colour: str, tell: Any) -> None:
    soak(server.url, colour, 20_000, tell)


@pytest.mark.t3
@pytest.mark.timeout(3600)
@COLOURS
def test_a_million_messages_leave_nothing(server: Server, colour: str, tell: Any) -> None:
    soak(server.url, colour, 1_000_000, tell)


SENT = ("evalsha", "blmove", "blpop", "rpush", "script|load")
"""What consumers send; what the scripts call within the server is counted apart."""


def commands(client: redis.Redis) -> tuple[dict[str, int], int]:
    """Return how often each command was sent since the last RESETSTAT, and how many ran within."""
    found = {name[8:]: row["calls"] for name, row in client.info("commandstats").items()}
    ours = ("info", "config", "client", "select", "ping", "hello")
    sent = {name: found.pop(name) for name in SENT if name in found}
    return sent, sum(calls for name, calls in found.items() if not name.startswith(ours))


@pytest.mark.t2
def test_one_message_among_a_thousand_idle_consumers_runs_two_claims_at_most(
    server: Server, tell: Any, many_files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slices are made so long that no consumer looks by itself meanwhile."""
    monkeypatch.setattr(transport_async, "_MAX_WAIT", 100.0)

    async def run() -> None:
        queue = AsyncReliableQueue[str]("q", f"{server.url}?socket_timeout=300")
        tasks = [asyncio.ensure_future(queue.get(timeout=100.0)) for _ in range(1000)]
        deadline = time.monotonic() + 60
        while client.info("clients")["blocked_clients"] < 1000:
            assert time.monotonic() < deadline, client.info("clients")
            await asyncio.sleep(0.1)
        client.config_resetstat()
        client.rpush("queuekit:q", '"one"')
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.5)
        ran, _ = commands(client)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        assert ["one"] == [task.result().body for task in done]
        tell(f"one message among 1,000 idle consumers ran {ran}")
        assert ran["evalsha"] <= 2
        await queue.aclose()

    with redis.Redis.from_url(server.url) as client:
        asyncio.run(run())


KINDS = [
    (make, colour) for make in (reliable, fifo) for colour in ("sync", "async")
]  # fmt: skip


@pytest.mark.t2
def test_an_idle_consumer_costs_four_commands_a_second_at_most(tmp_path: Path, tell: Any) -> None:
    with ThreadPoolExecutor(len(KINDS)) as pool:
        costs = list(pool.map(lambda kind: _idle(tmp_path, *kind), KINDS))
    for (make, colour), (sent, within) in zip(KINDS, costs, strict=True):
        tell(
            f"an idle {colour} {make.__name__} consumer sends {sent:.2f} commands a second;"
            f" the scripts among them run {within:.1f} more"
        )
    assert all(0.5 < sent <= 4 for sent, _ in costs), costs


def _idle(
    directory: Path, make: Any, colour: str, count: int = 10, seconds: float = 10.0
) -> tuple[float, float]:
    folder = directory / f"{make.__name__}-{colour}"
    folder.mkdir()
    with server_in(folder) as server, redis.Redis.from_url(server.url) as client:
        stop = threading.Event()

        def consume() -> None:
            with closing(make("q", server.url, colour=colour)) as queue:
                while not stop.is_set():
                    queue.get(timeout=5.0)

        threads = [threading.Thread(target=consume) for _ in range(count)]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        client.config_resetstat()
        begun = time.monotonic()
        time.sleep(seconds)
        sent, within = commands(client)
        seconds = time.monotonic() - begun
        stop.set()
        for thread in threads:
            thread.join()
    return sum(sent.values()) / count / seconds, within / count / seconds
