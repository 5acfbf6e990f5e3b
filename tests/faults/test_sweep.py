"""
Consumers and producers killed at each of their sends and receives (R12): nothing is lost.

Each kill has a queue of its own. A second consumer gets the rest when the lease ends; then the
ledgers of all must add up.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .accounts import Account
from .blocking import fifo
from .checker import check
from .ledger import Ledger, end, get, put
from .programs import LEASE, SCENARIOS, Scenario, jobs
from .sweep import Point, sweep

pytestmark = pytest.mark.redis

SLICE = 1.0
MARGIN = 20.0
"""Seconds more than the promise, for a busy machine."""
SENDS, RECEIVES = ("sendto", "sendmsg"), ("recvfrom",)
"""asyncio sends by ``sendmsg`` from Python 3.12 on."""

Accept = Callable[[str, Account], None]


@pytest.mark.t2
@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_kill_at_any_call_loses_nothing(
    scenario: str, colour: str, redis_url: str, redis_prefix: str, ledgers: Path, accept: Accept
) -> None:
    _sweep(scenario, colour, f"{redis_url}?prefix={redis_prefix}", ledgers, accept)


def _sweep(scenario: str, colour: str, url: str, ledgers: Path, accept: Accept) -> None:
    parties = {}
    known = SCENARIOS[scenario]
    total = Account()

    def arguments(point: Point) -> list[str]:
        parties[point] = _Party(known, url, ledgers / str(point))
        return [scenario, colour, url, parties[point].name, str(ledgers / str(point) / "killed")]

    def after(point: Point) -> None:
        account = parties[point].account()
        assert account.passed, f"{scenario}, {point}: {account}\nledgers: {ledgers / str(point)}"
        total.add(account)

    kills = sweep("faults.programs", arguments, SENDS + RECEIVES, after, wide=6)
    total.kills = sum(kills.values())
    for kinds in (SENDS, RECEIVES):
        assert sum(kills[name] for name in kinds) > 1, f"{kills}: this shows nothing"
    accept(f"kill sweep, {colour}: {scenario}", total)


class _Party:
    """What stands around one killed program: who filled its queue, and who finishes it."""

    def __init__(self, known: Scenario, url: str, folder: Path) -> None:
        folder.mkdir()
        self.known, self.folder, self.name = known, folder, f"q-{folder.name}"
        self.queue: Any = fifo(self.name, url) if known.fifo else jobs(self.name, url)
        self.book = Ledger(folder / "around", lease=LEASE)
        self.thread: threading.Thread | None = None
        if known.loaded:
            put(self.book, self.queue, [f"m{i}" for i in range(known.loaded)])
        if known.expired:
            get(self.book, self.queue, known.expired)
            time.sleep(LEASE)
        if known.fed or known.shared:
            self.thread = threading.Thread(target=self._feed if known.fed else self._share)
            self.thread.start()

    def _feed(self) -> None:
        book = Ledger(self.folder / "feeder")
        time.sleep(0.15)
        put(book, self.queue, ["fed"])
        book.close()

    def _share(self) -> None:
        book = Ledger(self.folder / "sharer", lease=LEASE)
        time.sleep(0.1)
        while found := get(book, self.queue, timeout=0.1):
            time.sleep(0.02)
            end(book, "ack", found)
        book.close()

    def account(self) -> Account:
        """Finish the queue and check; all that comes back must do so in time."""
        self.book.write("killed", "killed")
        if self.thread is not None:
            self.thread.join()
        deadline = time.monotonic() + LEASE + SLICE + MARGIN
        while any(self.queue.stats()) and time.monotonic() < deadline:
            found = get(self.book, self.queue, 10, timeout=0.1)
            if not self.known.fifo:
                end(self.book, "ack", found)
        stats = self.queue.stats()
        if any(stats):
            self.book.write("left", *map(str, self.queue.peek(99)))
        if not self.known.fifo:
            self.book.write("dead", *map(json.loads, self.queue.dead.peek(99)))
        self.queue.close()
        self.book.close()
        account = check(self.folder.iterdir(), fifo=self.known.fifo)
        if any(stats):
            account.faults.append(f"not drained in time: {stats}")
        return account
