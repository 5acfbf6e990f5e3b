"""A cluster of a test's own: three primaries, replicas if asked for, and slots that move."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from faults.servers import Server, free_port

SLOTS = 16384
OPTIONS = (
    *("--cluster-enabled", "yes"),
    *("--cluster-config-file", "nodes.conf", "--cluster-require-full-coverage", "no"),
    *("--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"),
)


class Node:
    """One server of the cluster, and a plain client of it."""

    def __init__(self, directory: Path, timeout: float) -> None:
        directory.mkdir()
        more = ("--cluster-node-timeout", str(round(timeout * 1000)))
        self.server = Server(directory, *OPTIONS, *more, "--cluster-port", str(free_port()))
        self.client = redis.Redis(port=self.server.port, socket_timeout=20)
        self.id = self.do("CLUSTER", "MYID").decode()

    @property
    def port(self) -> int:
        return self.server.port

    def do(self, *command: object) -> Any:
        return self.client.execute_command(*command)

    def stop(self) -> None:
        self.client.close()
        self.server.stop()


class Cluster:
    """
    Three primaries, each with so many replicas.

    A node that is silent for *timeout* seconds is taken for dead, though it only stood still.
    """

    def __init__(self, directory: Path, replicas: int, timeout: float) -> None:
        self.primaries = [Node(directory / f"p{i}", timeout) for i in range(3)]
        self.replicas = [Node(directory / f"r{i}", timeout) for i in range(3 * replicas)]
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{n.port}" for n in self.primaries)
        first = self.primaries[0]
        for i, node in enumerate(self.primaries):
            node.do("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
            node.do("CLUSTER", "ADDSLOTSRANGE", SLOTS * i // 3, SLOTS * (i + 1) // 3 - 1)
        for node in self.nodes[1:]:
            bus = node.server.option("--cluster-port")
            first.do("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        self._wait(lambda node: len(node.do("CLUSTER", "NODES").splitlines()) == len(self.nodes))
        for i, node in enumerate(self.replicas):
            node.do("CLUSTER", "REPLICATE", self.primaries[i % 3].id)
        self._wait(lambda node: b"cluster_state:ok" in node.do("CLUSTER", "INFO"))
        for i, _ in enumerate(self.replicas):
            self._wait_for(lambda i=i: self.primaries[i % 3].do("WAIT", 1, 100) == 1)

    @property
    def nodes(self) -> list[Node]:
        return self.primaries + self.replicas

    def owner(self, slot: int) -> Node:
        """Return the primary that has a slot, as the first node that answers sees it."""
        for first, last, (_, port, *_), *_ in self.primaries[0].do("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise AssertionError(f"nobody has the slot {slot}")

    def migrate(self, slot: int, to: Node, *, pause: float = 0.0) -> None:
        """Move a slot key by key, as tools do, waiting *pause* seconds before each step."""
        source = self.owner(slot)
        to.do("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
        while True:
            time.sleep(pause)
            keys = source.do("CLUSTER", "GETKEYSINSLOT", slot, 1)
            if not keys:
                break
            source.do("MIGRATE", "127.0.0.1", to.port, keys[0], 0, 5000)
        for node in (to, source, *self.primaries):
            node.do("CLUSTER", "SETSLOT", slot, "NODE", to.id)

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def _wait(self, is_ready: Any) -> None:
        self._wait_for(lambda: all(map(is_ready, self.nodes)))

    @staticmethod
    def _wait_for(is_ready: Any) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if is_ready():
                return
            time.sleep(0.05)
        raise AssertionError("the cluster did not come together")


def slot_of(prefix: str, name: str) -> int:
    """Return the slot of a queue's keys."""
    return int(key_slot(f"{prefix}:{name}".encode()))


@contextmanager
def cluster_in(directory: Path, replicas: int = 0, timeout: float = 30.0) -> Iterator[Cluster]:
    with ExitStack() as stack:
        cluster = Cluster(directory, replicas, timeout)
        stack.callback(cluster.stop)
        yield cluster
