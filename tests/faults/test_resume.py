"""Whatever happens to a server: loops go on by themselves, and what was confirmed stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from faults.resuming import Loops, loops_on
from faults.servers import Server, server_in
from queuekit import ReliableQueue, TransportError

pytestmark = [pytest.mark.redis]

SOON = 5.0
"""
Seconds within which a fresh message must have been delivered once the fault is over.

The goal is 2 s; the rest is for a machine with other things to do.
"""

AOF = ("--appendonly", "yes", "--appendfsync", "always")


class Place:
    """A server, its loops, and a client that does harm."""

    def __init__(self, server: Server, loops: Loops, client: redis.Redis) -> None:
        self.server, self.loops, self.client = server, loops, client

    def do(self, *command: object) -> Any:
        return self.client.execute_command(*command)

    def set(self, name: str, value: object) -> None:
        self.do("CONFIG", "SET", name, value)


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    options = getattr(request, "param", ())
    with ExitStack() as stack:
        server = stack.enter_context(server_in(tmp_path, *options))
        url = f"{server.url}?socket_timeout=1"
        loops = stack.enter_context(loops_on(url))
        client = stack.enter_context(redis.Redis.from_url(server.url))
        yield Place(server, loops, client)


def goes_on(place: Place, record: Callable[[str, object], None]) -> None:
    record("seconds until a fresh message came", place.loops.fresh(SOON))


@pytest.mark.parametrize("place", [AOF, ()], indirect=True, ids=["AOF", "no persistence"])
def test_a_server_that_was_killed(place: Place, record_property: Callable[..., None]) -> None:
    place.server.stop()
    time.sleep(0.3)
    place.server.start()
    goes_on(place, record_property)


def test_what_was_confirmed_survives_a_kill(tmp_path: Path) -> None:
    """Puts and acks, with an append-only file: nothing is lost, and nothing comes back."""
    with server_in(tmp_path, *AOF) as server:
        queue: ReliableQueue[int] = ReliableQueue("q", server.url)
        queue.put_many(range(100))
        done = queue.get_many(40)
        queue.ack(*done[:30])
        held = queue.get_many(20)
        server.stop()
        server.start()
        queue.ack(*held, *done[30:35])
        queue.release(*done[35:])
        assert list(range(35, 40)) + list(range(60, 100)) == [m.body for m in queue.get_many(99)]
        queue.close()


@pytest.mark.parametrize("command", ["SCRIPT FLUSH", "FLUSHALL", "CLIENT KILL TYPE normal"])
def test_what_a_server_forgets(
    place: Place, command: str, record_property: Callable[..., None]
) -> None:
    place.do(*command.split())
    goes_on(place, record_property)


def test_connections_that_are_killed_all_the_time(
    place: Place, record_property: Callable[..., None]
) -> None:
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        place.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        time.sleep(0.05)
    goes_on(place, record_property)


@pytest.mark.parametrize(
    "seconds", [0.5, pytest.param(4.0, marks=pytest.mark.t2)], ids=["briefly", "beyond timeouts"]
)
def test_a_server_that_stands_still(
    place: Place, seconds: float, record_property: Callable[..., None]
) -> None:
    place.server.pause()
    time.sleep(seconds)
    place.server.resume()
    goes_on(place, record_property)


def test_a_server_busy_with_a_script(place: Place, record_property: Callable[..., None]) -> None:
    place.set("busy-reply-threshold", 50)

    def hold_up() -> None:
        with redis.Redis.from_url(place.server.url) as client, pytest.raises(redis.RedisError):
            client.eval("while true do end", 0)

    thread = threading.Thread(target=hold_up)
    thread.start()
    time.sleep(1.0)
    with redis.Redis.from_url(place.server.url) as client:
        client.script_kill()
    thread.join()
    goes_on(place, record_property)


def test_a_server_that_becomes_a_replica(
    place: Place, record_property: Callable[..., None]
) -> None:
    """Who waits is told UNBLOCKED, who writes READONLY."""
    place.do("REPLICAOF", "127.0.0.1", "1")
    time.sleep(0.5)
    place.do("REPLICAOF", "NO", "ONE")
    goes_on(place, record_property)


def test_a_server_without_its_replicas(place: Place, record_property: Callable[..., None]) -> None:
    place.set("min-replicas-to-write", 1)
    time.sleep(0.5)
    place.set("min-replicas-to-write", 0)
    goes_on(place, record_property)


def test_a_server_that_cannot_save(
    place: Place, tmp_path: Path, record_property: Callable[..., None]
) -> None:
    (tmp_path / "dump.rdb").mkdir()  # nobody, not even root, can write a file there
    place.set("save", "3600 1")
    place.client.set("a", "change")
    place.do("BGSAVE")
    for _ in range(200):
        info = place.client.info("persistence")
        if info["rdb_last_bgsave_status"] == "err":
            break
        time.sleep(0.01)
    with pytest.raises(redis.ResponseError, match="MISCONF"):
        place.client.set("a", "change")
    time.sleep(0.5)
    place.set("stop-writes-on-bgsave-error", "no")
    goes_on(place, record_property)


def test_a_server_without_free_connections(
    place: Place, record_property: Callable[..., None]
) -> None:
    place.set("maxclients", 2)
    place.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    time.sleep(0.5)
    place.set("maxclients", 1000)
    goes_on(place, record_property)


@pytest.mark.parametrize("place", [("--enable-debug-command", "yes", *AOF)], indirect=True)
def test_a_server_that_is_loading(place: Place, record_property: Callable[..., None]) -> None:
    place.set("key-load-delay", 2000)  # microseconds for each key
    place.client.mset({f"key {i}": i for i in range(500)})
    place.do("DEBUG", "RELOAD")
    goes_on(place, record_property)


WRONG = {
    "list": "queuekit:q",
    "landing": "{queuekit:q}:w",
    "leases": "{queuekit:q}:leases",
    "delayed": "{queuekit:q}:delayed",
}


@pytest.mark.parametrize("part", WRONG)
def test_a_wrong_type_ends_a_loop_at_once(redis_url: str, redis_prefix: str, part: str) -> None:
    """And changes nothing: not the foreign value, not our keys."""
    key = WRONG[part].replace("queuekit", redis_prefix)
    with redis.Redis.from_url(redis_url) as client:
        client.set(key, "foreign")
        queue: ReliableQueue[int] = ReliableQueue("q", f"{redis_url}?prefix={redis_prefix}")
        if part != "list":
            client.rpush(f"{redis_prefix}:q", "1")
        before = {name: client.dump(name) for name in client.scan_iter(f"*{redis_prefix}*")}
        begun = time.monotonic()
        with pytest.raises(TransportError, match="TYPE"):
            next(queue.consume())
        assert time.monotonic() - begun < 2.0
        after = {name: client.dump(name) for name in client.scan_iter(f"*{redis_prefix}*")}
        assert before == after
        client.delete(*after)
        queue.close()
