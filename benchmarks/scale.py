"""
Show that no operation's cost grows with the length of the queue: ``python benchmarks/scale.py``.

The same steps, in turns, on a queue of 1,000 messages and on one of 1,000,000 (of 10,000,000 within
``make bench``): the last column is the time at the long queue in units of that at the short one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

from server import private_server

from queuekit import ReliableQueue

BODY = b"x" * 100
ROUNDS, REPEATS = 9, 60


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


def compare(store: str, short: int, long: int) -> dict[str, tuple[float, float, float]]:
    """Return of each step its seconds at both lengths and the median ratio of the rounds."""
    found: dict[str, tuple[float, float, float]] = {}
    with (
        ReliableQueue("short", store, serializer="bytes") as few,
        ReliableQueue("long", store, serializer="bytes") as many,
    ):
        for queue, length in ((few, short), (many, long)):
            for first in range(0, length, 1000):
                queue.put_many([BODY] * min(1000, length - first))
        pairs = zip(operations(few).items(), operations(many).values(), strict=True)
        for (label, at_few), at_many in pairs:
            rounds = [(median_time(at_few), median_time(at_many)) for _ in range(ROUNDS)]
            times = [statistics.median(each) for each in zip(*rounds, strict=True)]
            ratio = statistics.median(long / short for short, long in rounds)
            found[label] = times[0], times[1], ratio
    return found


def median_time(step: Callable[[], object]) -> float:
    """Return the median seconds of a step."""
    times: list[float] = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main() -> None:
    """Measure each store at both lengths and print the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--short", type=int, default=1_000)
    parser.add_argument("--long", type=int, default=1_000_000)
    parser.add_argument("--json", metavar="URL", help="print as JSON what this store does")
    arguments = parser.parse_args()
    core = {min(os.sched_getaffinity(0))} if hasattr(os, "sched_getaffinity") else set()
    if core:
        os.sched_setaffinity(0, core)
    if arguments.json:
        print(json.dumps(compare(arguments.json, arguments.short, arguments.long)))
        return
    with (
        tempfile.TemporaryDirectory(prefix="queuekit-bench-") as folder,
        private_server(core) as url,
    ):
        for store in ("memory:", f"sqlite:///{folder}/scale.db", url):
            name = store.partition(":")[0]
            print(f"\n{name:<26}{arguments.short:>12,}{arguments.long:>12,}{'ratio':>8}")
            steps = compare(store, arguments.short, arguments.long)
            for label, (short, long, ratio) in steps.items():
                print(
                    f"{label:<26}{short * 1e6:>9.1f} us{long * 1e6:>9.1f} us{ratio:>8.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    sys.exit(main())
