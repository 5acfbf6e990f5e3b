"""One run: every setting, store and operation in turn, and what came of it."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import report
from cases import BETWEEN, OPERATIONS, Operation, Peer
from child import Child, Failed
from measuring import (
    Row,
    Setting,
    abilities,
    bytes_queued,
    in_turns,
    info,
    percentile,
    rates,
    run_scale,
    start,
    two_consumers,
    wake_up,
)
from server import private_server


class Run:
    """One run: what was found so far."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.began = time.monotonic()
        self.rows: list[Row] = []
        self.faults: dict[str, str] = {}
        """What was not measured, and why."""
        self.versions: dict[str, dict[str, str]] = {}
        self.can: dict[str, set[str]] = {}
        """The operations of each subject."""
        self.steps: dict[str, tuple[float, float, float]] = {}
        """Of a long queue: seconds at 1 k, at 10 M, their ratio."""

    def wanted(self, operation: Operation) -> bool:
        return self.arguments.operations is None or operation.name in self.arguments.operations

    def setting(self, peers: list[Peer], setting: Setting, sizes: list[int], folder: Path) -> None:
        """Measure everything in one setting."""
        if setting.cores == "two":
            peers = [peer for peer in peers if peer.store in ("redis", "asyncio")]
        with private_server(set(setting.server)) as url, ExitStack() as stack:
            self.versions["server"] = report.server_versions(info(url))
            alive: list[Child] = []
            for child in start(peers, url, folder, setting.clients):
                stack.enter_context(child)
                if self.meet(child):
                    alive.append(child)
            for size in sizes:
                self.rates(alive, size, setting)
            self.between(alive, url, folder, setting)

    def meet(self, child: Child) -> bool:
        """Ask a child what it can do; say whether it takes part."""
        name = f"{child.peer.store} {child.peer.name}"
        try:
            answer = abilities(child)
        except Failed as exc:
            self.faults[name] = str(exc)
            return False
        self.versions[name] = answer["versions"]
        self.can[name] = set(answer["operations"])
        return True

    def rates(self, alive: list[Child], size: int, setting: Setting) -> None:
        """Measure every operation, among those of each store who can do it."""
        if size != 100:
            setting = setting._replace(rounds=min(3, setting.rounds))
        for store in dict.fromkeys(child.peer.store for child in alive):
            if store == "memory" and size != self.arguments.body[0]:
                continue  # nothing is copied there
            for operation in filter(self.wanted, OPERATIONS):
                group = self.group(alive, store, operation.name)
                found = rates(group, operation, size, setting, self.faults)
                self.add(setting, size, operation.name, found)

    def group(self, alive: Iterable[Child], store: str, operation: str) -> list[Child]:
        """Return those of a store who have an operation."""
        return [c for c in alive if c.peer.store == store and operation in self.able(c)]

    def able(self, child: Child) -> set[str]:
        return self.can[f"{child.peer.store} {child.peer.name}"]

    def between(self, alive: list[Child], url: str, folder: Path, setting: Setting) -> None:
        """Measure what needs a second process, or the server's own word."""
        wanted = [operation.name for operation in filter(self.wanted, BETWEEN)]
        if setting.cores == "two":  # clients only: workers take long to start
            alive = [child for child in alive if child.peer.quick]
            wanted = [name for name in wanted if name.endswith("wake")]
        with ExitStack() as stack:
            others: dict[Child, Child] = {}
            for child in alive:
                if set(wanted) - {"bytes"} and self.able(child) & {"send", "rsend"}:
                    other = start([child.peer], url, folder, setting.clients)[0]
                    others[child] = stack.enter_context(other)
            for name in wanted:
                for store in dict.fromkeys(child.peer.store for child in others):
                    kind = "r" if name.startswith("r") else ""
                    group = self.group(others, store, f"{kind}send")
                    if name.endswith("wake"):
                        self.wakes(group, others, kind, setting)
                    elif name.endswith("two"):
                        self.twos(group, others, kind, setting)
        if "bytes" in wanted:
            group = [child for child in alive if child.peer.store == "redis"]
            self.bytes(group, url, setting)

    def wakes(
        self, group: list[Child], others: dict[Child, Child], kind: str, setting: Setting
    ) -> None:
        everything: dict[Child, list[float]] = {child: [] for child in group}

        def once(child: Child) -> float:
            latencies = wake_up(child, others[child], kind)
            everything[child] += latencies
            return statistics.median(latencies)

        rounds = max(1, setting.rounds - 2)
        found = in_turns(group, f"{kind}wake", rounds, once, self.faults, for_jobs=1)
        p99 = {child: percentile(everything[child], 0.99) for child in found}
        self.add(setting, 20, f"{kind}wake", found, p99)

    def twos(
        self, group: list[Child], others: dict[Child, Child], kind: str, setting: Setting
    ) -> None:
        def once(child: Child) -> float:
            rate = self.rate_of(child, "claim_ack" if kind else "get") or 1000
            count = max(200, int(rate * setting.slice * 3))
            return two_consumers(child, others[child], kind, count)

        found = in_turns(group, f"{kind}two", max(1, setting.rounds - 3), once, self.faults)
        self.add(setting, 100, f"{kind}two", found)

    def bytes(self, group: list[Child], url: str, setting: Setting) -> None:
        def once(child: Child) -> float:
            operation = "claim_ack" if "claim_ack" in self.able(child) else "get"
            return bytes_queued(child, operation, url)

        self.add(setting, 100, "bytes", in_turns(group, "bytes", 1, once, self.faults))

    def scale(self, cores: tuple[int, ...]) -> None:
        """Compare a queue of ten million with one of a thousand, on a server of its own."""
        print("filling a queue of 10,000,000 messages ...", file=sys.stderr, flush=True)
        with private_server(set(cores)) as url:
            try:
                steps = run_scale(url, 1_000, 10_000_000)
            except Failed as exc:
                self.faults["redis queuekit: scale"] = str(exc)
                return
        worst = max(ratio for _, _, ratio in steps.values())
        self.steps = steps
        row = Row("redis", "same", 100, "scale", "queuekit", [worst])
        self.show(row)

    def rate_of(self, child: Child, operation: str) -> float:
        key = child.peer.store, operation, child.peer.name
        for row in self.rows:
            if (row.store, row.operation, row.subject) == key:
                return row.median
        return 0.0

    def add(
        self,
        setting: Setting,
        size: int,
        operation: str,
        found: dict[Child, list[float]],
        p99: dict[Child, float] | None = None,
    ) -> None:
        for child, values in found.items():
            tail = p99[child] if p99 else None
            peer = child.peer
            self.show(Row(peer.store, setting.cores, size, operation, peer.name, values, tail))

    def show(self, row: Row) -> None:
        self.rows.append(row)
        seconds = time.monotonic() - self.began
        print(f"{seconds:>5.0f} s  {report.line(row)}", file=sys.stderr, flush=True)
