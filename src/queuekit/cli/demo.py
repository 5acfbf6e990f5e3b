"""
The demo: a producer, three worker processes, and one SIGKILL in the middle of a message.

It is the library's main job on real input, with a ledger at the end that must add up: nothing lost,
and the words that the workers counted equal to a direct count.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from .. import QueueStats, ReliableQueue
from ..errors import ConfigurationError, QueueKitError
from .demo_ledger import Account, Result, settle
from .demo_view import View
from .demo_worker import Effects, count_words
from .main import FAILED, store_url

WORKERS: Final = 3
HOLDS_AT: Final = 3
"""The first worker stops in the middle of its third message, for the demo to kill it there."""
PATIENCE: Final = 60.0
"""Seconds without any progress after which the demo gives up and shows what it has."""

Body = Mapping[str, str]


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and return 0 if its ledger adds up."""
    url = store_url(arguments.url)
    bodies = list(_bodies([Path(path) for path in arguments.path], arguments.messages))
    if not bodies:
        raise ConfigurationError("there is nothing to count: no files, or an empty one")
    os.environ["QUEUEKIT_URL"] = url  # not in the workers' arguments: anybody may read those
    name = f"demo-{os.getpid()}-{time.time_ns() // 1_000_000}"
    with tempfile.TemporaryDirectory(prefix="queuekit-demo-") as folder:
        queue: ReliableQueue[Body] = ReliableQueue(name, url)
        with queue:
            result = _Demo(queue, Path(folder), View(plain=arguments.json)).run(bodies)
    if arguments.json:
        record = {field: getattr(result, field) for field in result.__slots__}
        print(json.dumps({**record, "good": result.good}))
    else:
        print("\n".join(result.lines()))
        print("nothing was lost" if result.good else "THE LEDGER DOES NOT ADD UP")
    return 0 if result.good else FAILED


class _Demo:
    """One run: its queue, its processes, its account."""

    def __init__(self, queue: ReliableQueue[Body], folder: Path, view: View) -> None:
        self._queue = queue
        self._folder = folder
        self._view = view
        self._account = Account()
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._started = 0
        self._killed = 0

    def run(self, bodies: list[Body]) -> Result:
        """Put, let work, kill, wait until all is done, and add up."""
        began = time.monotonic()
        effects = Effects(self._folder)
        try:
            ids = self._queue.put_many(bodies)
            self._account.put.update(zip(ids, map(count_words, bodies), strict=True))
            self._view.say(f"put {len(bodies)} messages on {self._queue.name!r}")
            self._start(hold=min(HOLDS_AT, len(bodies)))
            self._wait_for_delivery()  # the others might leave it nothing to be killed with
            for _ in range(WORKERS - 1):
                self._start()
            stats = self._watch()
            self._stop()
            self._account.read(self._folder)
            dead = sum(self._queue.dead.stats())
            return settle(
                self._account,
                effects.words(),
                left=sum(stats),
                dead=dead,
                killed=self._killed,
                secs=time.monotonic() - began,
            )
        finally:
            self._stop()
            effects.close()
            self._queue.clear()
            self._queue.dead.clear()

    def _watch(self) -> QueueStats:
        """Follow the work until the store is empty, or nothing moves any more."""
        moved, last = time.monotonic(), (-1, -1)
        empty = 0
        while True:
            self._account.read(self._folder)
            self._kill_who_holds()
            self._replace_the_dead()
            stats = self._queue.stats()
            done = len(self._account.acked)
            self._view.show(len(self._account.put), done, stats)
            # Counts of different moments could miss what goes from one state to the other.
            empty = empty + 1 if sum(stats) == 0 else 0
            if empty and (done == len(self._account.put) or empty == 3):
                return stats
            if (done, self._account.delivered) != last:
                moved, last = time.monotonic(), (done, self._account.delivered)
            elif time.monotonic() - moved > PATIENCE:
                self._view.say(f"nothing has moved for {PATIENCE:.0f} s; giving up")
                return stats
            time.sleep(0.05)

    def _wait_for_delivery(self) -> None:
        until = time.monotonic() + 10
        while not self._account.delivered and time.monotonic() < until:
            time.sleep(0.01)
            self._account.read(self._folder)

    def _start(self, hold: int = 0) -> None:
        number = str(self._started)
        self._started += 1
        command = [sys.executable, "-m", "queuekit.cli.demo_worker"]
        command += [self._queue.name, str(self._folder), number, str(hold), str(os.getpid())]
        self._workers[number] = subprocess.Popen(command)  # noqa: S603 - our own module
        self._view.say(f"worker {number} started, pid {self._workers[number].pid}")

    def _kill_who_holds(self) -> None:
        for number, message_id in list(self._account.holding.items()):
            worker = self._workers.pop(number, None)
            if worker is not None:
                worker.kill()
                worker.wait()
                self._killed += 1
                self._view.say(
                    f"worker {number} killed (SIGKILL) in the middle of message {message_id}"
                )
                self._view.say("what it held comes back to the others when its lease runs out")

    def _replace_the_dead(self) -> None:
        """Start a worker for each that was killed by another hand; a bounded number of times."""
        for number, worker in list(self._workers.items()):
            if worker.poll() is not None:
                del self._workers[number]
                self._killed += worker.returncode == -signal.SIGKILL
                self._view.say(f"worker {number} ended with status {worker.returncode}")
                if worker.returncode > 0 or self._started > 10 * WORKERS:
                    raise QueueKitError("the workers do not stay alive; what they said is above")
                self._start()

    def _stop(self) -> None:
        for worker in self._workers.values():
            worker.terminate()
        for worker in self._workers.values():
            try:
                worker.wait(timeout=10)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self._workers.clear()


def _bodies(paths: list[Path], limit: int | None) -> Iterator[Body]:
    """Yield a message per file, or per line if one file is all there is."""
    if limit is not None and limit < 1:
        raise ConfigurationError(f"--messages must be 1 or more, not {limit}")
    if len(paths) == 1 and paths[0].is_file():
        found: Iterator[Body] = ({"line": line} for line in _lines(paths[0]))
    else:
        files = _files(paths, "*") if paths else _files([_standard_library()], "*.py")
        found = ({"path": str(path)} for path in files)
    for count, body in enumerate(found):
        if count == limit:
            return
        yield body


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            yield line.rstrip("\n")


def _standard_library() -> Path:
    """Return the folder of this Python's own modules: real input that is always there."""
    return Path(os.__file__).resolve().parent


def _files(paths: list[Path], pattern: str) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            skipped = {"site-packages", "dist-packages", "test", "tests", "__pycache__"}
            for file in sorted(path.rglob(pattern)):
                if file.is_file() and not skipped & set(file.relative_to(path).parts):
                    yield file.absolute()
        elif path.is_file():
            yield path.absolute()
        else:
            raise ConfigurationError(f"there is no file or folder {str(path)!r}")
