"""Files of older layouts, which are brought up to date, and the processes that have them open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuekit.backends.sqlite import SQLiteTransport
from queuekit.errors import TransportError
from queuekit.testing import MovableClock
from queuekit.transport import Receipt

SINCE_3 = ("groups", "marks", "bounds", "rates")


def back_to_2(conn: sqlite3.Connection) -> None:
    """Make the second layout of the third one."""
    triggers = conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        conn.execute(f"DROP TRIGGER {name}")
    for name in SINCE_3:
        conn.execute(f"DROP TABLE queuekit_{name}")
    conn.execute("ALTER TABLE queuekit_lanes RENAME TO queuekit_ready")
    conn.execute("UPDATE queuekit_meta SET value = 2 WHERE name = 'version'")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def old(path: Path, clock: MovableClock) -> Iterator[sqlite3.Connection]:
    """Return the connection of an older queuekit to a file of layout 2, with messages in it."""
    transport = SQLiteTransport(path, clock=clock)
    transport.push("q", [b"%d" % n for n in range(4)])
    transport.close()
    conn = sqlite3.connect(path, isolation_level=None)
    back_to_2(conn)
    yield conn
    conn.close()


PUSH = (
    "INSERT INTO queuekit_ready (pos, body) VALUES (coalesce((SELECT pos + 1 FROM queuekit_ready"
    " WHERE pos BETWEEN ? AND ? ORDER BY pos DESC LIMIT 1), ?), ?)"
)
"""The statement of layout 2."""
NAMES = (1 << 44, (2 << 44) - 1, 3 << 43, b"4")


def layout(path: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(path) as conn:
        found = conn.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    conn.close()
    return [(name, (sql or "").replace('"', "")) for name, sql in found]


def test_a_file_of_the_second_layout_is_brought_up_to_date(
    path: Path, tmp_path: Path, clock: MovableClock, old: sqlite3.Connection
) -> None:
    old.execute(PUSH, NAMES)
    transport = SQLiteTransport(path, clock=clock)
    assert (5, 0, 0) == transport.stats("q")
    found = transport.claim("q", lease=60, limit=9)
    assert [b"0", b"1", b"2", b"3", b"4"] == [one.body for one in found]
    assert [] == transport.ack("q", [one.receipt for one in found])
    SQLiteTransport(tmp_path / "new.db").push("q", [b"x"])
    assert layout(tmp_path / "new.db") == layout(path)


def test_who_has_the_second_layout_open_can_neither_push_nor_claim(
    path: Path, clock: MovableClock, old: sqlite3.Connection
) -> None:
    """It knows no levels and no groups; what it holds it still can ack."""
    old.execute(PUSH, NAMES)
    transport = SQLiteTransport(path, clock=clock)
    (held,) = transport.claim("q", lease=60)
    with pytest.raises(sqlite3.OperationalError, match="no such table: queuekit_ready"):
        old.execute(PUSH, NAMES)
    token, place, end = held.receipt.split(".", 2)
    settle = (
        "DELETE FROM queuekit_claims WHERE queue = ? AND expires = ? AND token = ? AND place = ?"
    )
    assert 1 == old.execute(settle, (1, float(end), token, int(place))).rowcount
    assert (4, 0, 0) == transport.stats("q")


def test_who_has_an_older_layout_open_is_told_to_restart(path: Path, clock: MovableClock) -> None:
    transport = SQLiteTransport(path, clock=clock)
    transport.push("q", [b"a"])
    with sqlite3.connect(path) as conn:
        conn.execute("ALTER TABLE queuekit_lanes RENAME TO queuekit_newer")
    conn.close()
    for call in (lambda: transport.push("q", [b"b"]), lambda: transport.claim("q", lease=1)):
        with pytest.raises(TransportError, match=r"newer queuekit.*restart"):
            call()


def test_an_application_can_bring_its_file_up_to_date(
    path: Path, clock: MovableClock, old: sqlite3.Connection
) -> None:
    """Within its own transaction: rolled back, the file is as it was."""
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE orders (id)")
    for end in (conn.rollback, conn.commit):
        conn.execute("INSERT INTO orders VALUES (1)")
        inside = SQLiteTransport(connection=conn, clock=clock)
        inside.push("q", [b"4"])
        assert 5 == inside.stats("q").ready
        assert conn.in_transaction
        end()
    conn.close()
    outside = SQLiteTransport(path, clock=clock)
    assert [b"0", b"1", b"2", b"3", b"4"] == outside.pop("q", limit=9)


def test_a_file_of_the_first_layout_is_brought_up_to_date(path: Path, clock: MovableClock) -> None:
    transport = SQLiteTransport(path, clock=clock)
    transport.push("q", [b"%d" % n for n in range(4)])
    old = transport.claim("q", lease=60, limit=2)
    transport.claim("q", lease=90, limit=1)
    transport.close()
    conn = sqlite3.connect(path)
    rows = conn.execute("SELECT DISTINCT queue, expires, token FROM queuekit_claims").fetchall()
    for queue, expires, token in rows:
        conn.execute("UPDATE queuekit_claims SET expires = -1 WHERE token = ?", (token,))
        conn.executemany(
            "INSERT INTO queuekit_claims (queue, expires, token, place, deadline)"
            " VALUES (?, ?, ?, -1, ?)",
            [(queue, -1, token, expires), (queue, expires, token, None)],
        )
    conn.commit()
    back_to_2(conn)
    conn.execute("UPDATE queuekit_meta SET value = 1 WHERE name = 'version'")
    conn.commit()
    conn.close()
    transport = SQLiteTransport(path, clock=clock)
    assert (1, 0, 3) == transport.stats("q")
    first, second = [Receipt(".".join(one.receipt.split(".")[:2])) for one in old]
    assert [] == transport.ack("q", [first])
    assert [first] == transport.ack("q", [first])
    assert [] == transport.extend("q", [second], lease=1000)
    clock.advance(95)
    assert 1 == transport.recover("q")
    clock.advance(1000)
    found = transport.claim("q", lease=60, limit=9)
    assert [(b"1", 2), (b"2", 2), (b"3", 1)] == [(one.body, one.attempt) for one in found]
    assert [] == transport.ack("q", [one.receipt for one in found])
    conn = sqlite3.connect(path)
    assert (0,) == conn.execute("SELECT count(*) FROM queuekit_claims").fetchone()
    conn.close()
