"""``queuekit move`` from the two old layouts, killed on the way: the ledger balances."""

from __future__ import annotations

import json
import os
import pickle
import random
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from faults.proxy import Proxy, proxy_to

from queuekit import Message, ReliableQueue

GAVE_UP = "stood still", "longer than their lease", "was over before"
"""A mover says so that was held up for longer than its lease; it is to be run again."""
PATIENCE = 60.0
"""Seconds for one thing to happen; it takes one or two where nothing else runs."""


class Old:
    """A queue in an old layout, as the original writes it; what was put is in ``bodies``."""

    name: str
    url: str
    ordered: bool

    def __init__(self, client: redis.Redis, url: str, name: str, count: int) -> None:
        self.client, self.server, self.name = client, url, name
        self.bodies = [pickle.dumps(n) for n in range(count)]

    def fill(self) -> None:
        raise NotImplementedError

    def left(self) -> int:
        raise NotImplementedError

    def keys(self) -> set[str]:
        """Return the keys of this name that do not expire by themselves."""
        found = self.client.scan_iter(f"*{self.name}*", count=1000)
        return {key.decode() for key in found if self.client.ttl(key) < 0}

    def check(self, messages: list[Message[bytes]]) -> None:
        raise NotImplementedError


class HotQueue(Old):
    """``rpush hotqueue:<name>``, pickles."""

    def fill(self) -> None:
        self.url = f"{self.server}?prefix=hotqueue#{self.name}"
        for i in range(0, len(self.bodies), 1000):
            self.client.rpush(f"hotqueue:{self.name}", *self.bodies[i : i + 1000])

    def left(self) -> int:
        return self.client.llen(f"hotqueue:{self.name}")

    def check(self, messages: list[Message[bytes]]) -> None:
        assert self.bodies == [each.body for each in messages]  # once, and in order


class SafeRedisQueue(Old):
    """A hash from uid to item, and uids pushed left; some are held by a consumer that is dead."""

    def fill(self) -> None:
        self.url = f"srq+{self.server}?autoclean_interval=1#{self.name}"
        self.uids = [str(uuid.uuid4()) for _ in self.bodies]
        pairs = list(zip(self.uids, self.bodies, strict=True))
        for i in range(0, len(pairs), 1000):
            pipe = self.client.pipeline()
            pipe.hset(f"srq:{self.name}:items", mapping=dict(pairs[i : i + 1000]))
            pipe.lpush(f"srq:{self.name}:queue", *self.uids[i : i + 1000])
            pipe.execute()
        for _ in range(10):
            self.client.rpoplpush(f"srq:{self.name}:queue", f"srq:{self.name}:ackbuf")

    def left(self) -> int:
        return self.client.llen(f"srq:{self.name}:queue")

    def check(self, messages: list[Message[bytes]]) -> None:
        put = {uid.replace("-", ""): body for uid, body in zip(self.uids, self.bodies, strict=True)}
        assert len(self.bodies) == len(messages)
        assert put == {each.id: each.body for each in messages}


class Killer:
    """
    Runs movers, and kills them when they have moved something.

    They reach the source through this process, slowly: while this one is held up, they are, too,
    and do not come to their end before they are killed.
    """

    def __init__(self, old: Old, target: str, dice: random.Random, proxy: Proxy) -> None:
        self.old, self.dice, self.proxy = old, dice, proxy
        self.kills = 0
        self.words = [sys.executable, "-m", "queuekit", "move", old.url, target, "--json"]
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("QUEUEKIT_")}

    def kill_one(self, share: int) -> None:
        """Start one, and kill it when at most *share* messages have left, at a random moment."""
        batch = max(10, share // 20)
        before = self.old.left()
        enough = self.dice.randrange(batch, share)
        process = self.start("--batch", str(batch), "--lease", "0.5")
        self.proxy.latency = 0.002
        try:
            end = time.monotonic() + PATIENCE
            while before - self.old.left() < enough and process.poll() is None:
                assert time.monotonic() < end, "the mover does not move"
            time.sleep(self.dice.uniform(0, 0.02))
        finally:
            process.kill()
            _, words = process.communicate(timeout=PATIENCE)
            self.proxy.latency = 0.0
        if process.returncode == 1 and any(each in words for each in GAVE_UP):
            return self.kill_one(min(share, self.old.left() // 2))
        assert process.returncode == -9, f"it had ended before it was killed: {words}"
        assert self.old.left() > 0
        self.kills += 1
        return None

    def finish(self) -> int:
        """Run one to its end, and return how many it moved, at the least."""
        begun = self.old.left()
        while True:
            before = self.old.left()
            process = self.start("--wait")
            out, words = process.communicate(timeout=PATIENCE)
            if process.returncode == 0:
                moved: int = json.loads(out)["moved"]
                return begun - before + moved
            assert any(each in words for each in GAVE_UP), words

    def start(self, *words: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [*self.words, *words]
        return subprocess.Popen(command, env=self.env, text=True, stdout=pipe, stderr=pipe)


def move_killed(old: Old, target: str, kills: int, seed: int, proxy: Proxy) -> None:
    """Move *old* to *target*, and check that the source is empty."""
    old.fill()
    killer = Killer(old, target, random.Random(seed), proxy)
    for _ in range(kills):
        killer.kill_one(len(old.bodies) // (kills + 2))
    assert 0 < killer.finish() < len(old.bodies)
    assert (kills, 0) == (killer.kills, old.left())


def all_of(url: str, queue: str) -> list[Message[bytes]]:
    with ReliableQueue(queue, url, serializer="bytes", lease=600) as there:
        found: list[Message[bytes]] = []
        while more := there.get_many(1000):
            found += more
        there.ack(*found)
        return found


SMALL = (2_000, 2)
LARGE = (100_000, 5)
"""Messages and kills."""

large = [pytest.mark.t2, pytest.mark.timeout(300)]


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with proxy_to(redis_url) as proxy:
        yield proxy


@pytest.fixture
def name(redis_prefix: str, redis_client: redis.Redis) -> Iterator[str]:
    yield redis_prefix
    if keys := list(redis_client.scan_iter(f"*{redis_prefix}*", count=1000)):
        redis_client.delete(*keys)


@pytest.mark.redis
@pytest.mark.parametrize(
    ("kind", "size"),
    [
        pytest.param(SafeRedisQueue, SMALL, marks=pytest.mark.slow),
        pytest.param(SafeRedisQueue, LARGE, marks=large),
        pytest.param(HotQueue, LARGE, marks=large),
    ],
)
def test_to_sqlite(
    kind: type[Old],
    size: tuple[int, int],
    name: str,
    proxy: Proxy,
    redis_client: redis.Redis,
    tmp_path: Path,
    pytestconfig: pytest.Config,
) -> None:
    old = kind(redis_client, proxy.url, name, size[0])
    url = f"sqlite:///{tmp_path}/new.db"
    move_killed(old, f"{url}#jobs", size[1], pytestconfig.getoption("seed"), proxy)
    assert set() == old.keys()
    old.check(all_of(url, "jobs"))
    with closing(sqlite3.connect(tmp_path / "new.db")) as db:
        assert not any(rows(db).values())


@pytest.mark.redis
@pytest.mark.parametrize(
    ("kind", "size"),
    [
        pytest.param(HotQueue, SMALL, marks=pytest.mark.slow),
        pytest.param(HotQueue, LARGE, marks=large),
        pytest.param(SafeRedisQueue, LARGE, marks=large),
    ],
)
def test_to_a_reliable_queue_on_redis(
    kind: type[Old],
    size: tuple[int, int],
    name: str,
    proxy: Proxy,
    redis_url: str,
    redis_client: redis.Redis,
    pytestconfig: pytest.Config,
) -> None:
    old = kind(redis_client, proxy.url, name, size[0])
    url = f"{redis_url}?prefix={name}"
    move_killed(old, f"{url}#jobs", size[1], pytestconfig.getoption("seed"), proxy)
    assert {f"{name}:jobs"} == old.keys()
    old.check(all_of(url, "jobs"))


def rows(db: sqlite3.Connection) -> dict[str, Any]:
    tables = ("lanes", "delayed", "claims", "groups")
    return {
        table: db.execute(f"SELECT count(*) FROM queuekit_{table}").fetchone()[0]
        for table in tables
    }
