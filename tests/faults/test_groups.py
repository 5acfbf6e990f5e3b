"""Many groups, workers killed at random: each group keeps its order, and none stands still."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from queuekit._envelope import NO_HEADERS, Place, wrap
from queuekit.backends.redis.keys import SIGN, WAKE
from queuekit.backends.redis.transport import RedisTransport
from queuekit.transport import PushOptions

from .children import wait_for
from .servers import server_in

pytestmark = pytest.mark.redis

WORKERS = 8
PLACED = PushOptions(placed=True)


class Came(NamedTuple):
    """One delivery, as a worker wrote it down."""

    at: int
    attempt: int
    group: int
    number: int


class Workers:
    """Processes that are killed and replaced."""

    def __init__(self, url: str, folder: Path, pause: float) -> None:
        self._url, self._folder, self._pause = url, folder, pause
        self._sizes = [0] * WORKERS
        self._running = [self._start(n) for n in range(WORKERS)]

    def _book(self, n: int) -> Path:
        return self._folder / f"{n}.book"

    def _size(self, n: int) -> int:
        book = self._book(n)
        return book.stat().st_size if book.exists() else 0

    def _start(self, n: int) -> subprocess.Popen[bytes]:
        program = Path(__file__).with_name("group_worker.py")
        return subprocess.Popen(
            [sys.executable, str(program), self._url, str(self._book(n)), str(self._pause)],
            stderr=subprocess.DEVNULL,
        )

    def look(self) -> None:
        """See how much each has written down so far."""
        self._sizes = [self._size(n) for n in range(WORKERS)]

    def kill(self, dice: random.Random) -> None:
        """End one of those that have worked since the last look, and start another."""
        wait_for(lambda: any(self._size(n) > self._sizes[n] for n in range(WORKERS)))
        n = dice.choice([n for n in range(WORKERS) if self._size(n) > self._sizes[n]])
        self._end(n)
        self._running[n] = self._start(n)

    def close(self) -> None:
        for n in range(WORKERS):
            self._end(n)

    def _end(self, n: int) -> None:
        self._running[n].kill()
        self._running[n].wait()

    def deliveries(self) -> list[Came]:
        """Return what all wrote down, in the order of time; a line may be cut by a kill."""
        lines = [each for path in self._folder.glob("*.book") for each in _lines(path)]
        return sorted(Came(*map(int, line.split())) for line in lines)


def _lines(path: Path) -> Iterator[str]:
    return (line for line in path.read_text().splitlines() if len(line.split()) == 4)


@pytest.mark.slow
def test_groups_keep_their_order(tmp_path: Path) -> None:
    storm(tmp_path, messages=2_000, groups=100, batch=200, pause=0.05)


@pytest.mark.t2
@pytest.mark.timeout(300)
def test_a_thousand_groups_keep_their_order(tmp_path: Path) -> None:
    storm(tmp_path, messages=100_000, groups=1_000, batch=1_000, pause=0.005)


def storm(folder: Path, *, messages: int, groups: int, batch: int, pause: float) -> None:
    dice = random.Random(messages)
    numbers: Counter[int] = Counter()
    frames: list[bytes] = []
    for n in range(messages):
        group = dice.randrange(groups)
        place = Place(dice.choice([0, 0, 1, -1]), f"group {group}")
        body = b"%d %d" % (group, numbers[group])
        frames.append(wrap(n.to_bytes(16, "big"), body, NO_HEADERS, place))
        numbers[group] += 1
    with (
        server_in(folder) as server,
        closing(RedisTransport.from_url(server.url)) as transport,
        closing(Workers(server.url, folder, pause)) as workers,
    ):
        for n in range(0, messages, batch):
            workers.look()
            transport.push("q", frames[n : n + batch], options=PLACED)
            workers.kill(dice)
        deadline = time.monotonic() + 200
        while any(transport.stats("q")):
            assert time.monotonic() < deadline, f"it stands still at {transport.stats('q')}"
            time.sleep(0.05)
        workers.close()
        found = workers.deliveries()
        left = kept(server.url)
    times = Counter((one.group, one.number) for one in found)
    assert times.keys() == {(g, n) for g, count in numbers.items() for n in range(count)}
    last: dict[int, int] = {}
    for one in found:
        if one.attempt == 1 and times[one.group, one.number] == 1:
            before = last.get(one.group, -1)
            assert one.number > before, f"of group {one.group} {one.number} came behind {before}"
            last[one.group] = one.number
    again = sum(times.values()) - len(times)
    kills = messages // batch
    print(f"{messages} messages of {groups} groups, {kills} kills, {again} delivered again")
    assert again, "no worker was killed at its work"
    assert left == {"{queuekit:q}:leases": [SIGN], "{queuekit:q}:w": [WAKE]}


def kept(url: str) -> dict[str, list[bytes]]:
    """Return what the queue keeps when it is empty, but for marks and lanes, which end or have."""
    with redis.Redis.from_url(url) as client:
        keys = [key for key in client.scan_iter("*q*") if client.pttl(key) == -1]
        return {key.decode(): _members(client, key) for key in keys}


def _members(client: redis.Redis, key: bytes) -> list[bytes]:
    kind = client.type(key)
    if kind == b"hash":
        return list(client.hkeys(key))
    return list(client.zrange(key, 0, -1) if kind == b"zset" else client.lrange(key, 0, -1))
