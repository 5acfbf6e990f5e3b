"""
One worker process of the demo: ``python -m queuekit.cli.demo_worker`` and five arguments.

It shows the two things that a handler needs to count each message once, although it may get some
of them twice: record the effect under ``message.id`` where a second record of the same id does
nothing, and do so before the message is acked.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from .. import LeaseLost, Message, QueueKitError, ReliableQueue

LEASE: Final = 2.0
"""Seconds: short, so that what a killed worker held comes back while somebody watches."""
PREFETCH: Final = 8


def main(argv: list[str]) -> int:
    """
    Count words until told to end (SIGTERM), or until the demo's own process is gone.

    Args:
        argv: The queue's name, the folder of ledger and effects, this worker's number, the message
            in which it stops to be killed (0: none), and the demo's process id.
    """
    name, folder, number, hold, parent = argv
    queue: ReliableQueue[Mapping[str, str]] = ReliableQueue(name, lease=LEASE)
    ledger = Ledger(Path(folder), number)
    effects = Effects(Path(folder))
    over = threading.Event()
    done = 0
    with queue, queue.consume(timeout=0.5, prefetch=PREFETCH, confirm=True) as messages:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the demo's to handle

        def end(_signal: int, _frame: FrameType | None) -> None:
            over.set()
            messages.stop()

        signal.signal(signal.SIGTERM, end)
        while not over.is_set() and os.getppid() == int(parent):
            for message in messages:
                done += 1
                _work(message, ledger, effects, holding=done == int(hold))
    effects.close()
    return 0


def _work(
    message: Message[Mapping[str, str]], ledger: Ledger, effects: Effects, *, holding: bool
) -> None:
    ledger.write("delivered", message.id, message.attempt)
    try:
        with message:
            effects.record(message.id, count_words(message.body))
            if holding:  # here the demo kills this process: the effect is recorded, nothing acked
                ledger.write("holding", message.id, message.attempt)
                time.sleep(LEASE * 5)
    except LeaseLost:
        ledger.write("late", message.id, message.attempt)
    else:
        ledger.write("acked", message.id, message.attempt)


def count_words(body: Mapping[str, str]) -> int:
    """Return the number of words in the file or line that a message names."""
    if "line" in body:
        return len(body["line"].split())
    return len(Path(body["path"]).read_bytes().split())


class Effects:
    """What the work brings about, at most once per message: a table with the id as its key."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "effects.db", timeout=30, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS effects (id TEXT PRIMARY KEY, words INTEGER NOT NULL)"
        )

    def record(self, message_id: str, words: int) -> None:
        """Record the words of a message; a second time does nothing."""
        self._connection.execute("INSERT OR IGNORE INTO effects VALUES (?, ?)", (message_id, words))

    def words(self) -> dict[str, int]:
        """Return the words by message id."""
        return dict(self._connection.execute("SELECT id, words FROM effects"))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class Ledger:
    """What this process did, a line at a time, in a file of its own."""

    def __init__(self, folder: Path, number: str) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
        self._file = os.open(folder / f"worker-{number}.jsonl", flags, 0o600)

    def write(self, event: str, message_id: str, attempt: int) -> None:
        """Append one line, at once: the process may be killed right after."""
        os.write(self._file, json.dumps([event, message_id, attempt]).encode() + b"\n")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except QueueKitError as exc:
        sys.exit(f"queuekit: demo worker: {exc}")
