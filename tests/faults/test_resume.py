"""Whatever happens to a single server: who waits goes on by itself, and nobody is told wrongly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from faults.proxy import proxy_to
from faults.resuming import SOON, Loops, loops_on
from faults.servers import AOF, Server, eventually, free_port, server_in
from queuekit import Queue, ReliableQueue, TransportUnavailable

pytestmark = pytest.mark.redis


class World(NamedTuple):
    server: Server
    loops: Loops
    directory: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a server that persists, and loops that go through all of these tests."""
    directory = tmp_path_factory.mktemp("server")
    options = ("--loading-process-events-interval-bytes", "1024", "--repl-timeout", "2")
    with server_in(directory, *AOF, *options) as server, loops_on(server.url) as loops:
        yield World(server, loops, directory)


def refused(world: World, code: str, call: Callable[[], object] | None = None) -> None:
    """Wait until a put is refused for now by *code*, and all loops have met the fault."""

    def look() -> bool:
        try:
            call() if call else world.loops.put("fifo")
        except TransportUnavailable as exc:
            return code in str(exc)
        return False

    eventually(look, 30, f"a put refused by {code}")
    eventually(world.loops.all_wait, 30, "all loops meet the fault")


@contextmanager
def setting(server: Server, name: str, value: object) -> Iterator[None]:
    (_, before) = server.do("CONFIG", "GET", name).popitem()
    server.do("CONFIG", "SET", name, value)
    try:
        yield
    finally:
        server.do("CONFIG", "SET", name, before)


def test_killed_and_started_again(world: World) -> None:
    """With AOF nothing that was confirmed is lost."""
    with ReliableQueue("kept", world.server.url) as kept:
        stored = kept.put_many(range(50))
        held = kept.get()
        world.server.restart()
        world.loops.fresh(SOON)
        assert held is not None
        held.ack()
        assert stored[1:] == [message.id for message in kept.get_many(99)]


def test_killed_without_persistence(tmp_path: Path) -> None:
    with server_in(tmp_path) as server, loops_on(server.url) as loops:
        for _ in range(2):
            server.restart()
            loops.fresh(SOON)


def test_what_is_forgotten(world: World) -> None:
    for command in (("SCRIPT", "FLUSH"), ("FLUSHALL",), ("SCRIPT", "FLUSH")):
        world.server.do(*command)
        world.loops.fresh(SOON)


def test_connections_that_are_killed_all_the_time(world: World) -> None:
    with redis.Redis(port=world.server.port) as client:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            client.execute_command("CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES")
            time.sleep(0.05)
    world.loops.fresh(SOON)


def test_a_server_that_stands_still_for_a_moment(world: World) -> None:
    world.server.pause()
    time.sleep(0.5)
    world.server.resume()
    world.loops.fresh(SOON)


@pytest.mark.t2
@pytest.mark.parametrize("seconds", [2.0, 4.0, 12.0])
def test_a_server_that_stands_still_past_the_timeouts(world: World, seconds: float) -> None:
    world.server.pause()
    time.sleep(seconds)
    world.server.resume()
    world.loops.fresh(SOON)


@pytest.mark.parametrize("stale", ["yes", "no"])
def test_a_server_that_becomes_a_replica(world: World, stale: str) -> None:
    """Who waits there is unblocked; writes are refused until it is a primary again."""
    with setting(world.server, "replica-serve-stale-data", stale):
        world.server.do("REPLICAOF", "127.0.0.1", free_port())
        try:
            refused(world, "READONLY")
            if stale == "no":
                refused(world, "MASTERDOWN", world.loops.producers["reliable"].stats)
        finally:
            world.server.do("REPLICAOF", "NO", "ONE")
    world.loops.fresh(SOON)


def test_a_demoted_server_is_left(world: World) -> None:
    """The connection goes with the refusal: behind the name there may be another server now."""
    with (
        proxy_to(world.server.url) as proxy,
        Queue("left", proxy.url) as queue,
    ):
        queue.put(1)
        queue.put(2)
        assert 1 == proxy.connections
        world.server.do("REPLICAOF", "127.0.0.1", free_port())
        with pytest.raises(TransportUnavailable, match="READONLY"):
            queue.put(3)
        world.server.do("REPLICAOF", "NO", "ONE")
        queue.put(4)
        assert 2 == proxy.connections
        assert [1, 2, 4] == queue.get_many(9)
    world.loops.fresh(SOON)


def test_a_server_that_cannot_save(world: World) -> None:
    """MISCONF: a directory stands where the file should be."""
    obstacle = world.directory / "dump.rdb"
    (obstacle / "x").mkdir(parents=True)
    try:
        with setting(world.server, "save", "3600 1"):
            world.server.do("BGSAVE", "SCHEDULE")
            refused(world, "MISCONF")
    finally:
        (obstacle / "x").rmdir()
        obstacle.rmdir()
    world.loops.fresh(SOON)


def test_too_few_replicas(world: World) -> None:
    with setting(world.server, "min-replicas-to-write", 1):
        refused(world, "NOREPLICAS")
    world.loops.fresh(SOON)


def test_a_server_that_is_busy(world: World) -> None:
    def spin() -> None:
        with pytest.raises(redis.ResponseError), redis.Redis(port=world.server.port) as client:
            client.eval("while true do end", 0)

    with setting(world.server, "lua-time-limit", 50):
        busy = threading.Thread(target=spin)
        busy.start()
        refused(world, "BUSY")
        world.server.do("SCRIPT", "KILL")
        busy.join()
    world.loops.fresh(SOON)


def test_no_connection_left(world: World) -> None:
    with redis.Redis(port=world.server.port) as client:
        before = client.config_get("maxclients")["maxclients"]
        client.config_set("maxclients", 1)
        client.execute_command("CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES")
        refused(world, "max number of clients")
        client.config_set("maxclients", before)
    world.loops.fresh(SOON)


def test_a_server_that_loads(world: World) -> None:
    with redis.Redis(port=world.server.port) as client:
        for i in range(1000):
            client.rpush(f"load:{i}", "x" * 100)
        client.bgrewriteaof()
        eventually(
            lambda: not client.info("persistence")["aof_rewrite_in_progress"], 30, "a rewrite"
        )
    world.server.stop()
    slow = _with(world.server, "--key-load-delay", "12000")  # in µs: for 12 s
    try:
        world.server.start()
        refused(world, "LOADING")
        world.server.do("CONFIG", "SET", "key-load-delay", 0)
    finally:
        slow()
    eventually(lambda: not world.server.do("INFO", "persistence")["loading"], 20, "it has loaded")
    world.loops.fresh(SOON)
    world.server.do("FLUSHALL")


def _with(server: Server, *options: str) -> Callable[[], None]:
    """Start *server* with more options from now on; return what ends that."""
    before = list(server._command)
    server._command += options

    def end() -> None:
        server._command = before

    return end
