"""The demo's account: what was put, what the workers say they did, and whether it adds up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Account:
    """The demo's ledger, read from the files that the workers write."""

    put: dict[str, int] = field(default_factory=dict[str, int])
    """The words that a direct count found, by message id."""
    delivered: int = 0
    seen: set[str] = field(default_factory=set[str])
    returned: int = 0
    """Deliveries of what another worker had claimed before."""
    acked: set[str] = field(default_factory=set[str])
    late: int = 0
    holding: dict[str, str] = field(default_factory=dict[str, str])
    """Message by worker, for a worker that stands in the middle of one."""
    _read: dict[Path, int] = field(default_factory=dict[Path, int])

    def read(self, folder: Path) -> None:
        """Take in what the workers have written since the last look."""
        for path in sorted(folder.glob("worker-*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                lines = file.read()
            whole = lines[: lines.rfind(b"\n") + 1]  # a killed worker may leave half a line
            self._read[path] = self._read.get(path, 0) + len(whole)
            number = path.stem.partition("-")[2]
            for line in whole.splitlines():
                self._take(number, *json.loads(line))

    def _take(self, number: str, event: str, message_id: str, attempt: int) -> None:
        self.holding.pop(number, None)
        if event == "delivered":
            self.delivered += 1
            self.seen.add(message_id)
            self.returned += attempt > 1
        elif event == "acked":
            self.acked.add(message_id)
        elif event == "late":
            self.late += 1
        elif event == "holding":
            self.holding[number] = message_id


@dataclass(frozen=True, slots=True)
class Result:
    """What came out, as numbers that a reader can check against each other."""

    put: int
    delivered: int
    redelivered: int
    returned: int
    acked: int
    unlogged: int
    """Acked by a worker that was killed before it could write so: done, and gone from the store."""
    dead: int
    lost: int
    words: int
    direct: int
    killed: int
    seconds: float

    @property
    def good(self) -> bool:
        """Nothing lost, nothing given up, and both counts agree."""
        return self.lost == 0 and self.dead == 0 and self.words == self.direct

    def lines(self) -> list[str]:
        """Return the ledger in words."""
        unlogged = f" ({self.unlogged} of them by a worker killed before it wrote so)"
        agree = "the direct count agrees" if self.words == self.direct else "THE COUNTS DIFFER"
        return [
            f"put          {self.put:>8}",
            f"delivered    {self.delivered:>8}",
            f"redelivered  {self.redelivered:>8}  counted once, by its message id",
            f"came back    {self.returned:>8}  claimed by a killed worker, worked on or not",
            f"acked        {self.acked:>8}{unlogged if self.unlogged else ''}",
            f"dead         {self.dead:>8}",
            f"lost         {self.lost:>8}",
            f"words        {self.words:>8}  {agree}: {self.direct}",
            f"{self.killed} worker(s) killed, {self.seconds:.1f} s",
        ]


def settle(
    account: Account, effects: Mapping[str, int], *, left: int, dead: int, killed: int, secs: float
) -> Result:
    """Add up: *left* messages are still in the store, *effects* are the words by message id."""
    done_unlogged = 0 if left else len((account.put.keys() & effects.keys()) - account.acked)
    done_unlogged = max(0, done_unlogged - dead)
    acked = len(account.put.keys() & account.acked)
    return Result(
        put=len(account.put),
        delivered=account.delivered,
        redelivered=account.delivered - len(account.seen),
        returned=account.returned,
        acked=acked + done_unlogged,
        unlogged=done_unlogged,
        dead=dead,
        lost=len(account.put) - acked - done_unlogged - dead,
        words=sum(words for message_id, words in effects.items() if message_id in account.put),
        direct=sum(account.put.values()),
        killed=killed,
        seconds=secs,
    )
