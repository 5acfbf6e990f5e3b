"""Rounds: everybody's turn, one after the other, in an order that changes."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import venvs
from cases import KIT, PEERS, Operation, Peer
from child import Child, Failed

MOST = 200_000
"""Messages of one measurement."""
SETTLE = {"quick": 0.3, "job": 1.2}
"""Seconds until a consumer waits: a client, and a worker that has to start."""


class Setting(NamedTuple):
    """Where and how long."""

    cores: str
    """"same" or "two"."""
    server: tuple[int, ...]
    clients: tuple[int, ...]
    rounds: int
    slice: float
    """Seconds of one measurement."""


class Row(NamedTuple):
    """What one subject did at one operation."""

    store: str
    cores: str
    bytes: int
    operation: str
    subject: str
    values: list[float]
    """One of each round: messages a second, of ``wake`` the median seconds, bytes a message."""
    p99: float | None = None
    """Of ``wake``: over all rounds, seconds."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """The distance of the extremes in units of the median."""
        return (max(self.values) - min(self.values)) / self.median if self.median else 0.0


def paired_ratio(mine: list[float], theirs: list[float]) -> float:
    """Return the median over the rounds of the ratios within a round."""
    return statistics.median(a / b for a, b in zip(mine, theirs, strict=True))


def percentile(values: list[float], part: float) -> float:
    """Return the value that *part* of the sorted values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(part * len(ordered)) - 1))]


def round_up(count: float, unit: int) -> int:
    """Return the next multiple of a unit, at least one."""
    return max(unit, -int(-count // unit) * unit)


def calibrate(child: Child, operation: Operation, size: int, seconds: float) -> int:
    """Return how many messages take about so long; this also warms everything up."""
    count = round_up(20 if child.peer.quick else 200, operation.unit)
    while True:
        took = child.ask("measure", operation=operation.name, count=count, bytes=size)["seconds"]
        wanted = count * seconds / max(took, 1e-9)
        if took >= seconds / 3 or count >= MOST:
            return round_up(min(max(wanted, 20), MOST), operation.unit)
        count = round_up(min(wanted, count * 8, MOST), operation.unit)


def in_turns(
    children: list[Child],
    name: str,
    rounds: int,
    step: Callable[[Child], float],
    faults: dict[str, str],
    for_jobs: int = 2,
) -> dict[Child, list[float]]:
    """
    Return what a step gave for each child in each round; who fails is left out, with a fault.

    A job queue sits out two rounds, but takes part in so many at least: its worker takes seconds to
    start and to stop.
    """
    found: dict[Child, list[float]] = {child: [] for child in children}
    for i in range(rounds):
        for child in children if i % 2 else reversed(children):
            sits_out = not child.peer.quick and i >= max(for_jobs, rounds - 2)
            if child not in found or sits_out:
                continue
            try:
                found[child].append(step(child))
            except Failed as exc:
                faults[f"{child.peer.store} {child.peer.name}: {name}"] = str(exc)
                del found[child]
    return found


def rates(
    children: list[Child], operation: Operation, size: int, setting: Setting, faults: dict[str, str]
) -> dict[Child, list[float]]:
    """Return messages a second of each child in each round."""

    def count_of(child: Child) -> float:
        return calibrate(child, operation, size, setting.slice)

    def rate(child: Child) -> float:
        count = int(counts[child][0])
        answer = child.ask("measure", operation=operation.name, count=count, bytes=size)
        return count / float(answer["seconds"])

    counts = in_turns(children, operation.name, 1, count_of, faults)
    return in_turns(list(counts), operation.name, setting.rounds, rate, faults)


def wake_up(consumer: Child, producer: Child, kind: str) -> list[float]:
    """Return the latencies of messages that come one by one to a waiting consumer."""
    count, warm = 100, 10
    consumer.ask("clear")
    consumer.begin("wait", kind=kind, count=count + warm)
    time.sleep(SETTLE["quick" if consumer.peer.quick else "job"])
    producer.ask("signal", kind=kind, count=count + warm, pause=0.003)
    latencies: list[float] = consumer.end()["latencies"]
    return latencies[warm:]


def two_consumers(one: Child, other: Child, kind: str, count: int) -> float:
    """Return the common rate of two processes that share one queue of messages."""
    one.ask("clear")
    one.ask("fill", operation="claim_ack" if kind else "get", count=count, bytes=100)
    for child in (one, other):
        child.begin("drain", kind=kind)
    times = [child.end()["times"] for child in (one, other)]
    if sum(map(len, times)) != count:
        raise Failed(f"{[len(each) for each in times]} messages came of {count}")
    return common_rate(*times)


def common_rate(one: list[float], other: list[float]) -> float:
    """Return messages a second while both were at work: a worker takes its time to start."""
    if not one or not other:
        raise Failed("one consumer had taken all before the other began")
    begin, end = max(one[0], other[0]), min(one[-1], other[-1])
    both = sum(begin <= time <= end for times in (one, other) for time in times)
    if both < 20:
        raise Failed("one consumer had taken nearly all before the other began")
    return both / (end - begin)


def bytes_queued(child: Child, operation: str, url: str) -> float:
    """Return the server's memory per ready message of 100 bytes."""
    count = 50_000 if child.peer.quick else 5_000
    child.ask("clear")
    before = steady_memory(url)
    child.ask("fill", operation=operation, count=count, bytes=100)
    used = (steady_memory(url) - before) / count
    child.ask("clear")
    if used < 100:
        raise Failed(f"the server's memory grew by {used:.0f} bytes for each: too few to be true")
    return used


def info(url: str) -> dict[str, str]:
    """Return what the server says of itself."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as link:
        file = link.makefile("rwb")
        file.write(b"INFO\r\n")
        file.flush()
        text = file.read(int(file.readline()[1:])).decode()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def steady_memory(url: str) -> int:
    """Return that once it stands still: what was cleared is freed in the background."""
    last, now = -1, memory(url)
    end = time.monotonic() + 20
    while abs(now - last) > 2_000 and time.monotonic() < end:
        time.sleep(0.2)
        last, now = now, memory(url)
    return now


def memory(url: str) -> int:
    """Return the bytes that the server holds, without the buffers of its clients."""
    found = info(url)
    return int(found["used_memory"]) - int(found["mem_clients_normal"])


def start(peers: list[Peer], url: str, folder: Path, cores: tuple[int, ...]) -> list[Child]:
    """Start a process for each peer, with a folder and a database of the server for each."""
    children: list[Child] = []
    for peer in peers:
        own = folder / f"{peer.store}-{peer.name}".replace(" ", "-")
        own.mkdir(exist_ok=True)
        children.append(Child(peer, f"{url.rpartition('/')[0]}/{PEERS.index(peer)}", own, cores))
    return children


def run_scale(url: str, short: int, long: int) -> dict[str, tuple[float, float, float]]:
    """Run ``scale.py`` in queuekit's environment."""
    script = Path(__file__).with_name("scale.py")
    lengths = ["--short", str(short), "--long", str(long)]
    run = subprocess.run(
        [str(venvs.python_of(KIT)), str(script), "--json", url, *lengths],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(venvs.ROOT / "src")},
        timeout=600,
        check=False,
    )
    if run.returncode:
        raise Failed((run.stderr.strip().splitlines() or ["scale.py failed"])[-1])
    found: dict[str, tuple[float, float, float]] = json.loads(run.stdout)
    return found


def abilities(child: Child) -> dict[str, Any]:
    """Return a child's operations and versions."""
    return {**child.ask("operations"), **child.ask("versions")}
