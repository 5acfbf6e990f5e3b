"""
Show that no operation's cost grows with the length of the queue: ``python benchmarks/scale.py``.

The same operations on a queue of 1,000 and of 1,000,000 messages, on each store: the last column is
the time at the long queue in units of the time at the short one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

from server import private_server

from queuekit import ReliableQueue

BODY = b"x" * 100
REPEATS = 200


def operations(queue: ReliableQueue[bytes]) -> dict[str, Callable[[], object]]:
    """Return steps that leave the queue as long as it was."""

    def claim_ack() -> None:
        for message in queue.get_many(1):
            message.ack()
        queue.put(BODY)

    def claim_release() -> None:
        for message in queue.get_many(10):
            message.release()

    def claim_fail() -> None:
        for message in queue.get_many(1):
            message.fail(delay=0)

    return {
        "claim, ack, put": claim_ack,
        "claim 10, release each": claim_release,
        "claim, fail to the tail": claim_fail,
        "peek 10": lambda: queue.peek(10),
        "stats": queue.stats,
    }


def main() -> None:
    """Measure each store at both lengths and print the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--short", type=int, default=1_000)
    parser.add_argument("--long", type=int, default=1_000_000)
    arguments = parser.parse_args()
    core = {min(os.sched_getaffinity(0))} if hasattr(os, "sched_getaffinity") else set()
    if core:
        os.sched_setaffinity(0, core)
    with (
        tempfile.TemporaryDirectory(prefix="queuekit-bench-") as folder,
        private_server(core) as url,
    ):
        for store in ("memory:", f"sqlite:///{folder}/scale.db", url):
            name = store.partition(":")[0]
            times: dict[str, list[float]] = {}
            for length in (arguments.short, arguments.long):
                with ReliableQueue(f"scale{length}", store, serializer="bytes") as queue:
                    for _ in range(length // 1000):
                        queue.put_many([BODY] * 1000)
                    for label, step in operations(queue).items():
                        times.setdefault(label, []).append(median_time(step))
            print(f"\n{name:<26}{arguments.short:>12,}{arguments.long:>12,}{'ratio':>8}")
            for label, (short, long) in times.items():
                print(
                    f"{label:<26}{short * 1e6:>9.1f} us{long * 1e6:>9.1f} us{long / short:>8.2f}",
                    flush=True,
                )


def median_time(step: Callable[[], object]) -> float:
    """Return the median seconds of a step."""
    times: list[float] = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
