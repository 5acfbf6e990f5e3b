"""
Every kind of write to a SQLite store, one after the other: the process that fault tests kill.

    python sqlite_steps.py PATH BATCH LEDGER

appends a line to the ledger after each step: its name, and the error's class, or ``done`` and the
number of messages that a claim brought (on a full disk it may be fewer than were there).
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

from queuekit._envelope import NO_HEADERS, Place, wrap
from queuekit.abilities import Limits
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.errors import TransportError
from queuekit.transport import Dedup, PushOptions, Receipt


class Steps:
    """The steps, on one transport; each does without those before it that did not happen."""

    def __init__(self, transport: SQLiteTransport, batch: int, clock: list[float]) -> None:
        self._transport = transport
        self._batch = batch
        self._clock = clock
        self._held: dict[str, list[Receipt]] = {}

    def all(self) -> dict[str, Callable[[], Any]]:
        push, pop = self._transport.push, self._transport.pop
        batch = self._batch
        release, move = self._transport.release, self._transport.move
        return {
            "put": lambda: push("q", [b"0"], token="0"),
            "put many": lambda: push("q", [b"%d" % n for n in range(1, 8 * batch)], token="1"),
            "put later": lambda: push(
                "q",
                [wrap(b"%016d" % n, b"late") for n in range(batch)],
                options=PushOptions(delay=500.0),
            ),
            "claim 1": lambda: self.claim("1"),
            "ack": lambda: self._transport.ack("q", self._take("1")),
            "claim 2": lambda: self.claim("2"),
            "fail": lambda: release("q", self._take("2"), counted=True, delay=300.0),
            "claim 3": lambda: self.claim("3"),
            "give back": lambda: release("q", self._take("3"), counted=False),
            "claim 4": lambda: self.claim("4"),
            "bury": lambda: move("q", [(one, b"dead") for one in self._take("4")], to="q!dead"),
            "pop": lambda: pop("q", limit=batch),
            "claim 5": lambda: self.claim("5"),
            "extend": lambda: self._transport.extend("q", self._held.get("5", []), lease=900.0),
            "claim 6": lambda: self.claim("6"),
            "recover": self._recover,
            "purge": lambda: self._transport.purge("q!dead"),
            **self._placed(),
            "checkpoint": self._checkpoint,
            "put last": lambda: push("q", [b"last"]),
        }

    def _placed(self) -> dict[str, Callable[[], Any]]:
        """Return the steps with levels, groups, keys, bounds and rates, on a queue of their own."""
        transport, batch = self._transport, self._batch
        placed = PushOptions(placed=True)
        once = PushOptions(placed=True, dedup=Dedup("k", 60.0), max_length=99)
        late = PushOptions(placed=True, delay=500.0)
        return {
            "put placed": lambda: transport.push("p", _frames(0, 3 * batch + 3), options=placed),
            "put once": lambda: transport.push("p", _frames(100, 1), options=once, token="2"),
            "put again": lambda: transport.push("p", _frames(101, 1), options=once, token="3"),
            "put placed later": lambda: transport.push("p", _frames(102, 3), options=late),
            "claim 7": lambda: self.claim("7"),
            "ack holders": lambda: transport.ack("p", self._take("7")),
            "claim 8": lambda: self.claim("8"),
            "fail holder": lambda: transport.release(
                "p", self._held.get("8", [])[:1], counted=True, delay=300.0
            ),
            "put behind": lambda: transport.push("p", _frames(200, 3), options=placed),
            "claim 9": lambda: self.claim("9"),
            "bury holders": lambda: transport.move(
                "p",
                [(one, b"dead") for one in self._take("8")[1:] + self._take("9")],
                to="p!dead",
            ),
            "pop placed": lambda: transport.pop("p", limit=batch),
            "limited": lambda: transport.claim_within("p", limits=Limits(rate=1), lease=60.0),
            "mark": lambda: transport.mark("p", "done", "yes", window=60.0),
            "unmark": lambda: transport.unmark("p", "k"),
            "purge placed": lambda: transport.purge("p"),
            "put in a group": lambda: transport.push("p", _frames(300, 3), options=placed),
        }

    def claim(self, name: str, limit: int | None = None) -> int:
        self._clock[0] = 1000.0 + int(name)  # claims of the same time expire in any order
        queue = "q" if int(name) < 7 else "p"
        held = self._transport.claim(queue, lease=60.0, limit=limit or self._batch)
        self._held[name] = [one.receipt for one in held]
        return len(held)

    def _take(self, name: str) -> list[Receipt]:
        return self._held.pop(name, [])

    def _recover(self) -> None:
        self._clock[0] += 100.0
        try:
            self._transport.recover("q")
        finally:
            self._clock[0] -= 100.0

    def _checkpoint(self) -> None:
        self._transport._db.read(
            lambda cur: cur.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        )


def _frames(first: int, count: int) -> list[bytes]:
    """Return messages of two levels and three groups."""
    return [
        wrap(b"%016d" % n, b"placed", NO_HEADERS, Place(n % 2, "ghi"[n % 3]))
        for n in range(first, first + count)
    ]


def opened(path: str, clock: list[float]) -> SQLiteTransport:
    return SQLiteTransport(path, synchronous="FULL", clock=lambda: clock[0])


def dump(path: str) -> list[tuple[Any, ...]]:
    """Return every message and its state, once the file was found to be sound."""
    conn = sqlite3.connect(path)
    try:
        assert [("ok",)] == conn.execute("PRAGMA integrity_check").fetchall()
        if not conn.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return []
        names = dict(conn.execute("SELECT number, name FROM queuekit_queues"))
        rows: list[tuple[Any, ...]] = [
            ("ready", names[pos >> 44], body, attempts)
            for pos, attempts, body in conn.execute(
                "SELECT pos, attempts, body FROM queuekit_lanes ORDER BY pos"
            )
        ]
        for columns, table, which, order in (
            ("'delayed', queue, due", "delayed", "true", "queue, due, seq"),
            ("'held', queue, place, expires", "claims", "place >= 0", "place, body"),
            ("'moved', queue, deadline", "claims", "place = -1", "deadline"),
        ):
            found = conn.execute(
                f"SELECT {columns}, attempts, body FROM queuekit_{table} WHERE {which}"
                f" ORDER BY {order}"
            )
            rows += [(kind, names[number], *rest) for kind, number, *rest in found]
        for table in ("groups", "marks", "bounds", "rates"):
            found = conn.execute(f"SELECT * FROM queuekit_{table} ORDER BY 1, 2")
            rows += [(table, names[number], *rest) for number, *rest in found]
        return sorted(rows, key=lambda row: row[:2])  # not by numbers: a refused push may take one
    finally:
        conn.close()


def main(path: str, batch: str, ledger: str) -> None:
    clock = [1000.0]
    transport = opened(path, clock)
    lines = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for name, step in Steps(transport, int(batch), clock).all().items():
        try:
            brought = step()
            outcome = f"done {brought}" if name.startswith("claim") else "done"
        except TransportError as exc:
            outcome = type(exc).__name__
        os.write(lines, f"{name}: {outcome}\n".encode())
    transport.close()
    os.write(lines, b"closed\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
