"""A process that brings a SQLite file of layout 2 up to date, killed at each write."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from backends.test_sqlite_layout import back_to_2

from queuekit.backends.sqlite import SQLiteTransport

from .test_sqlite_writes import WRITES, fresh, strace

PROGRAM = """
import sys
from queuekit.backends.sqlite import SQLiteTransport
transport = SQLiteTransport(sys.argv[1], synchronous="FULL")
assert transport.stats("q") == (3, 0, 1)
transport.close()
"""
MOST = 100


def old_file(folder: Path) -> Path:
    path = fresh(folder)
    transport = SQLiteTransport(path)
    transport.push("q", [b"%d" % n for n in range(4)])
    transport.claim("q", lease=600.0)
    transport.close()
    conn = sqlite3.connect(path)
    back_to_2(conn)
    conn.commit()
    conn.close()
    return path


@pytest.mark.t2
@pytest.mark.timeout(600)
def test_killed_at_every_write_of_an_upgrade(tmp_path: Path) -> None:
    """It has happened or it has not; whoever comes next finds every message."""
    versions: set[int] = set()
    for at in range(1, MOST):
        path = old_file(tmp_path)
        run = subprocess.run(
            [
                *(strace(), "-f", "-qq", "-o", os.devnull, "-e", f"trace={WRITES}"),
                *("-e", f"inject={WRITES}:signal=KILL:when={at}"),
                *(sys.executable, "-c", PROGRAM, str(path)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode == 0:
            break
        assert -signal.SIGKILL == run.returncode, run.stderr
        conn = sqlite3.connect(path)
        assert [("ok",)] == conn.execute("PRAGMA integrity_check").fetchall()
        meta = dict(conn.execute("SELECT name, value FROM queuekit_meta"))
        tables = {name for (name,) in conn.execute("SELECT name FROM sqlite_master")}
        conn.close()
        versions.add(meta["version"])
        assert (
            ("queuekit_lanes" in tables) == (meta["version"] == 3) == ("queuekit_marks" in tables)
        )
        transport = SQLiteTransport(path)
        assert (3, 0, 1) == transport.stats("q")
        assert [b"1", b"2", b"3"] == transport.pop("q", limit=9)
        transport.close()
    else:
        pytest.fail("the upgrade has no end")
    assert {2, 3} == versions
    assert at > 8, f"only {at} kill points: does it still write?"
    print(f"{at - 1} kill points")
