"""
Measure queuekit against the raw limit and against its peers: ``make bench``.

Everybody runs in a process and an environment of its own; their turns are interleaved round by
round, all pinned to one core with the server (or, "two cores", the clients to the next one). What
counts is the ratio within a round, not the rate. A full run takes about a quarter of an hour and
writes benchmarks/results; a chosen part writes build/bench.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import report
import venvs
from cases import BETWEEN, OPERATIONS, PEERS, Peer
from measuring import Setting
from run import Run

KNOWN = {
    "peers": dict.fromkeys(peer.name for peer in PEERS).keys(),
    "operations": dict.fromkeys([*(o.name for o in (*OPERATIONS, *BETWEEN)), "scale"]).keys(),
    "stores": dict.fromkeys(peer.store for peer in PEERS).keys(),
}


def parse() -> argparse.Namespace:
    """Return what is wanted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--quick", action="store_true", help="the queues only, short rounds")
    parser.add_argument("--peers", "--only", help="names, by comma: raw,queuekit,hotqueue")
    parser.add_argument("--operations", help="names, by comma: put,claim_ack,wake")
    parser.add_argument("--stores", help="names, by comma: redis,asyncio,sqlite,memory")
    parser.add_argument("--rounds", type=int, help="5, or 3 with --quick")
    parser.add_argument("--body", type=int, nargs="*", help="bytes of a body: 100 1000")
    parser.add_argument("--cores", choices=("same", "two", "both"), help="where the clients run")
    arguments = parser.parse_args()
    parts = (arguments.peers, arguments.operations, arguments.stores, arguments.body)
    arguments.whole = not arguments.quick and not any((*parts, arguments.cores))
    quick = arguments.quick
    arguments.rounds = arguments.rounds or (3 if quick else 5)
    arguments.body = arguments.body or ([100] if quick else [100, 1000])
    arguments.cores = arguments.cores or ("same" if quick else "both")
    for name in ("peers", "operations", "stores"):
        text = getattr(arguments, name)
        wanted = set(text.split(",")) if text else None
        if unknown := (wanted or set()) - KNOWN[name]:
            parser.error(f"{', '.join(sorted(unknown))}: {name} are {', '.join(KNOWN[name])}")
        setattr(arguments, name, wanted)
    return arguments


def chosen(arguments: argparse.Namespace) -> list[Peer]:
    """Return the peers that take part."""
    found: list[Peer] = []
    for peer in PEERS:
        named = arguments.peers is None or peer.name in arguments.peers
        if arguments.peers is None and arguments.quick:
            named = peer.quick
        if named and (arguments.stores is None or peer.store in arguments.stores):
            found.append(peer)
    return found


def settings(arguments: argparse.Namespace) -> Iterator[tuple[Setting, list[int]]]:
    """Yield where everything runs, with the sizes of the bodies."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    first, second = tuple(cores[:1]), tuple(cores[1:2])
    slice_ = 0.08 if arguments.quick else 0.2
    if arguments.cores in ("same", "both"):
        yield Setting("same", first, first, arguments.rounds, slice_), arguments.body
    if arguments.cores in ("two", "both"):
        if not second:
            print("two cores: not measured: this machine shows one core")
            return
        rounds = min(3, arguments.rounds)
        yield Setting("two", first, second, rounds, slice_), arguments.body[:1]


def main() -> None:
    """Run, print, write."""
    run = Run(parse())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # ends the server, too
    peers = chosen(run.arguments)
    print("making the environments ...", file=sys.stderr, flush=True)
    faults = venvs.make_all(peer.requirements for peer in peers)
    for peer in peers:
        if fault := faults[peer.requirements]:
            run.faults[f"{peer.store} {peer.name}"] = fault
    peers = [peer for peer in peers if not faults[peer.requirements]]
    for setting, sizes in settings(run.arguments):
        with tempfile.TemporaryDirectory(prefix="queuekit-bench-") as folder:
            run.setting(peers, setting, sizes, Path(folder))
    if run.arguments.whole or "scale" in (run.arguments.operations or ()):
        run.scale(next(settings(run.arguments))[0].server)
    run.versions.setdefault("server", {})
    report.write(report.Found(run.rows, run.versions, run.faults, run.steps), run.arguments.whole)
    print(f"\n{time.monotonic() - run.began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
