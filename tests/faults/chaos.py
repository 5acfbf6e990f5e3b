"""
Producers and consumers, killed and cut off all the time, and every message accounted for.

``python -m faults.chaos redis://localhost:6379/0 20000`` (with ``tests`` on PYTHONPATH). The
processes are forks of one that opens no store itself, so that a consumer starts in milliseconds.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from queuekit import ReliableQueue, RetryPolicy

from .accounts import HEAD
from .checker import check
from .ledger import Ledger, end, end_together, get, put
from .proxy import Fault, Proxy

LEASE = 1.5
PRODUCERS = CONSUMERS = 8
KILL_EVERY = 0.2
CUT_EVERY = 0.05
WORK = 0.05
"""Seconds at most that a consumer works on what it took."""
PATIENCE = 120.0
"""Seconds without an end after the last put; then what is left is lost."""


class Chaos:
    """One run; all choices follow from the seed, though the machine's timing does not."""

    def __init__(self, url: str, messages: int, folder: Path, seed: int) -> None:
        self.url, self.messages, self.folder, self.seed = url, messages, folder, seed
        self.book = Ledger(folder / "driver")
        self.numbers = count()
        self.chance = random.Random(seed)

    def run(self) -> None:
        """Run to the end; the ledgers tell the rest."""
        cutter = 0
        through = self.url
        if self.url.startswith("redis"):
            cutter, through = self._start_cutter()
        producers = [self._fork(self._produce, through, f"p{i}") for i in range(PRODUCERS)]
        consumers = {self._consumer(through): None for _ in range(CONSUMERS)}
        deadline = 0.0
        while not deadline or time.monotonic() < deadline:
            time.sleep(KILL_EVERY)
            producers = [pid for pid in producers if not os.waitpid(pid, os.WNOHANG)[0]]
            if not producers:
                deadline = deadline or time.monotonic() + PATIENCE
                if self._is_empty():
                    break
            pid, name = self.chance.choice(list(consumers))
            self._kill(pid, name)
            del consumers[pid, name]
            consumers[self._consumer(through)] = None
        for pid, name in consumers:
            self._kill(pid, name)
        if cutter:
            _end(cutter)
        os.waitpid(self._fork(self._finish, self.url, "last"), 0)
        self.book.close()

    def _fork(self, work: Callable[[str, str], None], url: str, name: str) -> int:
        pid = os.fork()
        if not pid:
            status = 1
            try:
                work(url, name)
                status = 0
            except BaseException as exc:  # the ledger is checked for it
                Ledger(self.folder / f"{name}-failed").write("failed", repr(exc).replace(" ", "_"))
            finally:
                os._exit(status)
        return pid

    def _consumer(self, url: str) -> tuple[int, str]:
        name = f"c{next(self.numbers)}"
        return self._fork(self._consume, url, name), name

    def _kill(self, pid: int, name: str) -> None:
        _end(pid)
        self.book.write("killed", name)

    def _queue(self, url: str) -> ReliableQueue[str]:
        retry = RetryPolicy(max_attempts=200, base=0.01, cap=0.05)
        return ReliableQueue[str]("chaos", url, lease=LEASE, retry=retry)

    def _produce(self, url: str, name: str) -> None:
        chance = random.Random(f"{self.seed} {name}")
        book, queue = Ledger(self.folder / name), self._queue(url)
        share = self.messages // PRODUCERS
        first = 0
        while first < share:
            size = min(chance.choice((1, 1, 1, 5, 20)), share - first)
            put(book, queue, [f"{name}-{i}" for i in range(first, first + size)])
            first += size

    def _consume(self, url: str, name: str) -> None:
        chance = random.Random(f"{self.seed} {name}")
        book, queue = Ledger(self.folder / name, lease=LEASE), self._queue(url)
        while True:
            found = get(book, queue, chance.choice((1, 5, 20)), timeout=0.5)
            time.sleep(chance.uniform(0, WORK))
            if chance.random() < 0.02:
                end(book, "fail", found, delay=0)
            elif chance.random() < 0.2:
                end(book, "ack", found)
            elif found:
                end_together(book, queue, "ack", found)

    def _is_empty(self) -> bool:
        """Look from a process of its own: the driver must have no store open when it forks."""

        pid = os.fork()
        if not pid:
            status = 1
            try:
                status = int(any(self._queue(self.url).stats()))
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    def _finish(self, url: str, name: str) -> None:
        """Take what is left when all are dead; there should be nothing, unless they hang."""
        book, queue = Ledger(self.folder / name, lease=LEASE), self._queue(url)
        deadline = time.monotonic() + LEASE + 5
        while any(queue.stats()) and time.monotonic() < deadline:
            end(book, "ack", get(book, queue, 100, timeout=0.2))
        book.write("left", *queue.peek(1000))
        book.write("dead", *(letter.id for letter in queue.dead.letters()))

    def _start_cutter(self) -> tuple[int, str]:
        """Start a proxy that ends a connection every 50 ms, half of them within an answer."""
        ours, theirs = os.pipe()
        pid = os.fork()
        if not pid:
            chance = random.Random(f"{self.seed} cutter")
            proxy, book = Proxy(self.url), Ledger(self.folder / "cutter")
            os.write(theirs, proxy.url.encode() + b"\n")
            while True:
                time.sleep(CUT_EVERY)
                proxy.seen.clear()
                book.write("cut")
                if chance.random() < 0.5:
                    proxy.arm(Fault("cut", keep=chance.choice((0, 0, 1, 7))))
                else:
                    proxy.cut_one(chance)
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            return pid, pipe.readline().strip()


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def main() -> None:
    """Run once and print the account."""
    parser = argparse.ArgumentParser(prog="python -m faults.chaos", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("messages", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ledgers", type=Path, help="an empty folder that stays")
    options = parser.parse_args()
    folder = options.ledgers or Path(tempfile.mkdtemp(prefix="ledgers-"))
    begun = time.monotonic()
    Chaos(options.url, options.messages, folder, options.seed).run()
    took = time.monotonic() - begun
    account = check(folder.iterdir())
    print(HEAD, account.row(f"chaos, {options.messages:,} messages, {took:.0f} s"), sep="\n")
    if not account.passed:
        print(*account.faults, f"ledgers: {folder}", sep="\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
