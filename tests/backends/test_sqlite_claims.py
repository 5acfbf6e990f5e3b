"""How the SQLite transport claims and acks: in how few steps, and how its receipts are read."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from queuekit.backends.sqlite import SQLiteTransport
from queuekit.errors import ConfigurationError
from queuekit.testing import MovableClock
from queuekit.transport import Receipt

from .patience import LONG, wait_until, with_long_waits


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


def statements(transport: SQLiteTransport, call: Callable[[], object]) -> list[str]:
    """Return the first words of the statements that *call* runs, those of a batch once."""
    seen: list[str] = []
    conn = transport._db._link().conn
    conn.set_trace_callback(lambda text: seen.append(text.split()[0]))
    try:
        call()
    finally:
        conn.set_trace_callback(None)
    return [one for word, again in groupby(seen) for one in ([word] if word == "INSERT" else again)]


@pytest.mark.parametrize(
    ("count", "push", "pop", "claim", "ack", "both"),
    [
        (
            1,
            "INSERT",
            "DELETE",
            "BEGIN DELETE INSERT COMMIT",
            "DELETE",
            "BEGIN DELETE DELETE INSERT COMMIT",
        ),
        (
            100,
            "BEGIN SELECT INSERT COMMIT",
            "BEGIN SELECT DELETE COMMIT",
            "BEGIN SELECT SELECT INSERT DELETE COMMIT",
            "BEGIN SELECT DELETE COMMIT",
            "BEGIN SELECT DELETE SELECT SELECT INSERT DELETE COMMIT",
        ),
    ],
)
def test_each_call_is_one_transaction_of_few_statements(
    path: Path, count: int, push: str, pop: str, claim: str, ack: str, both: str
) -> None:
    transport = SQLiteTransport(path)
    bodies = [b"x"] * count
    transport.push("q", bodies * 4)
    assert count == len(transport.pop("q", limit=count))
    assert push.split() == statements(transport, lambda: transport.push("q", bodies, token="t"))
    assert pop.split() == statements(transport, lambda: transport.pop("q", limit=count))
    held: list[Receipt] = []

    def claiming() -> None:
        held[:] = [one.receipt for one in transport.claim("q", lease=60, limit=count)]

    def both_at_once() -> None:
        lost, found = transport.ack_and_claim("q", held, lease=60, limit=count)
        assert [] == lost
        held[:] = [one.receipt for one in found]

    assert claim.split() == statements(transport, claiming)
    assert both.split() == statements(transport, both_at_once)
    assert ack.split() == statements(transport, lambda: transport.ack("q", held))
    assert (count, 0, 0) == transport.stats("q")


def test_an_ack_is_committed_before_a_claim_waits(path: Path) -> None:
    transport = with_long_waits(SQLiteTransport(path))
    transport.push("q", [b"a", b"b"])
    (held,) = transport.claim("q", lease=60)
    transport.pop("q")
    stats: list[object] = []

    def watch() -> None:
        wait_until(lambda: transport._db.lines.length("q"))
        stats.append(transport.stats("q"))
        transport.push("q", [b"ends the wait"])

    watcher = threading.Thread(target=watch)
    watcher.start()
    lost, (found,) = transport.ack_and_claim("q", [held.receipt], lease=60, timeout=LONG)
    watcher.join()
    assert ([], b"ends the wait") == (lost, found.body)
    assert [(0, 0, 0)] == stats
    transport.push("q", [b"c"])
    lost, (found,) = transport.ack_and_claim("q", [held.receipt], lease=60)
    assert ([held.receipt], b"c") == (lost, found.body)


def test_an_ack_with_a_claim_of_a_queue_that_nobody_has_used_is_lost(path: Path) -> None:
    transport = SQLiteTransport(path)
    nonsense = [Receipt("nonsense")]
    assert (nonsense, []) == transport.ack_and_claim("q", nonsense, lease=60)


def test_a_wrong_claim_acks_nothing(path: Path) -> None:
    transport = SQLiteTransport(path)
    transport.push("q", [b"a"])
    (held,) = transport.claim("q", lease=60)
    for wrong in ({"lease": 0}, {"lease": 1.0, "limit": 0}, {"lease": 1.0, "timeout": -1.0}):
        with pytest.raises(ConfigurationError):
            transport.ack_and_claim("q", [held.receipt], **wrong)
    assert 1 == transport.stats("q").claimed


def test_a_receipt_that_was_changed_settles_nothing(path: Path) -> None:
    """It names where its message stands; the token decides, wherever an extension moved it."""
    transport = SQLiteTransport(path, clock=MovableClock())
    transport.push("q", [b"%d" % n for n in range(5)])
    found = [one.receipt for one in transport.claim("q", lease=60, limit=5)]
    token, _, end = found[0].split(".", 2)
    ends = ("", ".", ".nan", ".-1", ".1e999", f".{float(end) + 1}")
    changed = [Receipt(f"{token}.{place}{how}") for place in range(-1, 5) for how in ends]
    other = Receipt(f"{'0' * 32}.0.{end}")
    for receipt in (*changed, Receipt(f"{token}.-1.{end}"), Receipt(token), other):
        assert [receipt] == transport.ack("q", [receipt])
        assert [receipt] == transport.extend("q", [receipt], lease=99)
        assert [receipt] == transport.release("q", [receipt], counted=True)
    assert (0, 0, 5) == transport.stats("q")
    assert [] == transport.extend("q", found[:1], lease=90)
    assert [other] == transport.ack("q", [*found[:2], other])
    assert [] == transport.release("q", [found[4]], counted=True)
    assert found[:2] == transport.ack("q", found[:4])
    assert (1, 0, 0) == transport.stats("q")
    conn = sqlite3.connect(path)
    assert (0,) == conn.execute("SELECT count(*) FROM queuekit_claims").fetchone()
    conn.close()
