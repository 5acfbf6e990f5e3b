"""
Measure queuekit against the bare client of each store: ``python benchmarks/baseline.py``.

Put, get and claim+ack at batch 1, 10 and 100, bodies of 100 bytes. Each round runs queuekit and the
bare client right after each other, the order changes from round to round, and everything (the
server, too) is pinned to one core, where a wake-up across cores does not drown the rest. What
counts is the ratio of the medians of one run; absolute figures are this machine's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from bare import BareDeque, BareRedis, BareSQLite, Subject
from server import private_server

from queuekit import Queue, ReliableQueue

BODY = b"x" * 100
BATCHES = (1, 10, 100)
OPERATIONS = ("put", "put reliable", "get", "claim+ack")
SLICE = 0.15
"""Seconds of one measurement."""


class Kit:
    """queuekit on one URL."""

    def __init__(self, url: str) -> None:
        self.fifo = Queue("bench", url, serializer="bytes")
        self.reliable = ReliableQueue("reliable", url, serializer="bytes")

    def put(self, bodies: list[bytes]) -> None:
        self.fifo.put(*bodies)

    def put_reliable(self, bodies: list[bytes]) -> None:
        self.reliable.put_many(bodies)

    def get(self, count: int) -> int:
        if count == 1:
            return self.fifo.get() is not None
        return len(self.fifo.get_many(count))

    def claim_ack(self, count: int) -> int:
        messages = self.reliable.get_many(count)
        self.reliable.ack(*messages)
        return len(messages)

    def clear(self) -> None:
        self.fifo.clear()
        self.reliable.clear()

    def close(self) -> None:
        self.fifo.close()
        self.reliable.close()


def call_of(subject: Subject | Kit, operation: str, batch: int) -> Callable[[], int | None]:
    """Return what one timed step does."""
    bodies = [BODY] * batch
    if operation == "put":
        return lambda: subject.put(bodies)
    if operation == "put reliable":
        put = subject.put_reliable if isinstance(subject, Kit) else subject.put
        return lambda: put(bodies)
    if operation == "get":
        return lambda: subject.get(batch)
    return lambda: subject.claim_ack(batch)


def fill(subject: Subject | Kit, operation: str, messages: int) -> None:
    """Put the messages that a get or claim will find."""
    reliable = operation == "claim+ack" and isinstance(subject, Kit)
    put = subject.put_reliable if reliable else subject.put
    for start in range(0, messages, 1000):
        put([BODY] * min(1000, messages - start))


def rate(subject: Subject | Kit, operation: str, batch: int, steps: int) -> float:
    """Return messages per second of one measurement."""
    subject.clear()
    if not operation.startswith("put"):
        fill(subject, operation, steps * batch)
    call = call_of(subject, operation, batch)
    begin = time.perf_counter()
    for _ in range(steps):
        call()
    seconds = time.perf_counter() - begin
    if not operation.startswith("put") and call():
        raise SystemExit(f"{operation}: messages were left over, the measurement is void")
    subject.clear()
    return steps * batch / seconds


def measure(kit: Kit, bare: Subject, rounds: int) -> Iterator[dict[str, object]]:
    """Yield a row for each operation and batch."""
    for operation in OPERATIONS:
        for batch in BATCHES:
            steps = 20
            while steps * batch / rate(kit, operation, batch, steps) < SLICE and steps < 200_000:
                steps *= 2
            found: dict[str, list[float]] = {"kit": [], "bare": []}
            for i in range(rounds):
                pair = [("kit", kit), ("bare", bare)]
                for name, subject in pair if i % 2 else reversed(pair):
                    found[name].append(rate(subject, operation, batch, steps))
            medians = {name: statistics.median(rates) for name, rates in found.items()}
            spread = {
                name: (max(rates) - min(rates)) / medians[name] for name, rates in found.items()
            }
            yield {
                "operation": operation,
                "batch": batch,
                "queuekit": round(medians["kit"]),
                "bare": round(medians["bare"]),
                "ratio": round(medians["kit"] / medians["bare"], 2),
                "spread": round(max(spread.values()), 2),
            }


def main() -> None:
    """Run all stores and print, and with --write keep, the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stores", nargs="*", default=["memory", "sqlite", "redis"])
    parser.add_argument("--write", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    core = {min(os.sched_getaffinity(0))} if hasattr(os, "sched_getaffinity") else set()
    if core:
        os.sched_setaffinity(0, core)
    results: dict[str, object] = {"versions": versions(), "rows": {}}
    print("  ".join(f"{name} {text}" for name, text in versions().items()))
    with (
        tempfile.TemporaryDirectory(prefix="queuekit-bench-") as folder,
        private_server(core) as url,
    ):
        stores: dict[str, Callable[[], tuple[Kit, Subject]]] = {
            "memory": lambda: (Kit("memory:"), BareDeque()),
            "sqlite": lambda: (
                Kit(f"sqlite:///{folder}/kit.db"),
                BareSQLite(Path(folder) / "bare.db"),
            ),
            "redis": lambda: (Kit(url), BareRedis(url)),
        }
        for name in arguments.stores:
            kit, bare = stores[name]()
            print(
                f"\n{name:<14}{'batch':>6}{'queuekit/s':>14}{'bare/s':>14}{'ratio':>8}{'spread':>8}"
            )
            rows: list[object] = []
            for row in measure(kit, bare, arguments.rounds):
                rows.append(row)
                print(
                    f"{row['operation']:<14}{row['batch']:>6}{row['queuekit']:>14,}"
                    f"{row['bare']:>14,}{row['ratio']:>8}{row['spread']:>8.0%}",
                    flush=True,
                )
            results["rows"][name] = rows  # type: ignore[index]
            kit.close()
            bare.close()
    if arguments.write:
        arguments.write.write_text(json.dumps(results, indent=2) + "\n")


def versions() -> dict[str, str]:
    """Return what was measured with what."""
    return {
        "queuekit": version("queuekit"),
        "Python": platform.python_version(),
        "redis-py": version("redis"),
        "SQLite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


if __name__ == "__main__":
    sys.exit(main())
