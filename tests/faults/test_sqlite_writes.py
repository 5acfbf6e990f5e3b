"""A SQLite store whose process is killed, or whose disk is full, at each single write."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from queuekit.backends.sqlite import SQLiteTransport

from . import sqlite_steps
from .sqlite_steps import Steps, dump, opened

WRITES = "pwrite64,fdatasync,ftruncate,unlink"
MOST = 400
"""Kill points in one sweep, at most; a sweep that finds no end fails."""


def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.fail("no strace on PATH, which these tests need: apt install strace", pytrace=False)
    return found


def run_under(
    inject: str, path: Path, batch: int, ledger: Path
) -> tuple[int, list[tuple[str, str]], str]:
    """Run the steps; return how they ended, the ledger, and what was printed."""
    ledger.unlink(missing_ok=True)
    run = subprocess.run(
        # no --seccomp-bpf: with it, strace 6.1 injects no signals
        [
            *(strace(), "-f", "-qq", "-o", os.devnull),
            *("-e", f"trace={WRITES}", "-e", f"inject={inject}"),
            *(sys.executable, sqlite_steps.__file__, str(path), str(batch), str(ledger)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    return run.returncode, [_pair(line) for line in lines], run.stderr


def _pair(line: str) -> tuple[str, str]:
    name, _, outcome = line.partition(": ")
    return name, outcome


class Expected:
    """The state after some of the steps, by doing those alone on a store of their own."""

    def __init__(self, folder: Path, batch: int) -> None:
        self._folder = folder
        self._batch = batch
        self._known: dict[tuple[str, ...], list[Any]] = {}

    def after(self, names: list[str]) -> list[Any]:
        key = tuple(names)
        if key not in self._known:
            path = str(self._folder / f"expected{len(self._known)}.db")
            clock = [1000.0]
            transport = opened(path, clock)
            everything = Steps(transport, self._batch, clock)
            steps = everything.all()
            for line in names:
                name, _, count = line.partition(": done ")
                if count:
                    everything.claim(name[-1], int(count))
                else:
                    steps[name]()
            transport.close()
            self._known[key] = dump(path) if os.path.exists(path) else []
        return self._known[key]


def fresh(folder: Path) -> Path:
    path = folder / "queue.db"
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    return path


NAMES = list(Steps(SQLiteTransport("unused"), 1, [0.0]).all())
"""Building a transport touches nothing."""


@pytest.mark.t2
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("batch", "beside"), [(1, False), (10, False), (10, True)], ids=["1", "10", "10 beside another"]
)
def test_killed_at_every_write(tmp_path: Path, batch: int, beside: bool) -> None:
    """Beside a second consumer with the file open, and alone, where the next one recovers it."""
    expected, ledger = Expected(tmp_path, batch), tmp_path / "ledger"
    for at in range(1, MOST):
        path = fresh(tmp_path)
        second = opened(str(path), [1000.0])
        if beside:
            second.push("elsewhere", [b"x"])
            second.pop("elsewhere")
        status, lines, said = run_under(f"{WRITES}:signal=KILL:when={at}", path, batch, ledger)
        done = [name for name, outcome in lines if outcome.startswith("done")]
        assert done == NAMES[: len(done)], (at, lines, said)
        if status == 0:
            break
        assert -signal.SIGKILL == status, said
        found = dump(str(path)) if path.exists() else []
        possible = [expected.after(done)]
        if len(done) < len(NAMES):
            possible.append(expected.after(NAMES[: len(done) + 1]))
        assert found in possible, f"killed at write {at}, after {done[-1:]}"
        second.push("fresh", [b"fresh"])
        assert [b"fresh"] == second.pop("fresh")
        second.close()
    else:
        pytest.fail("the steps have no end")
    assert at > 60, f"only {at} kill points: do the steps still write?"
    print(f"{at - 1} kill points")


@pytest.mark.t2
@pytest.mark.timeout(900)
@pytest.mark.parametrize("failures", ["", "..+2"], ids=["one", "three"])
def test_a_full_disk_at_every_write(tmp_path: Path, failures: str) -> None:
    """What is refused changes nothing, what is done is done, and it recovers by itself."""
    expected, ledger = Expected(tmp_path, 10), tmp_path / "ledger"
    refused = 0
    for at in range(1, MOST):
        path = fresh(tmp_path)
        last = f"..{at + 2}" if failures else ""
        status, lines, said = run_under(
            f"pwrite64,ftruncate:error=ENOSPC:when={at}{last}", path, 10, ledger
        )
        assert 0 == status, said
        outcomes = dict(lines)
        assert [*NAMES, "closed"] == list(outcomes), (at, lines)
        bad = {name: one for name, one in outcomes.items() if one and not one.startswith("done")}
        assert set(bad.values()) <= {"QueueFull", "TransportUnavailable", "TransportError"}, bad
        done = [
            f"{name}: {outcomes[name]}" if name.startswith("claim") else name
            for name in NAMES
            if name not in bad
        ]
        assert expected.after(done) == dump(str(path)), f"full at write {at}: {bad}"
        refused += len(bad)
        if not bad and at > 60:
            break
    assert refused > 10, "nothing was refused: does the fault still reach SQLite?"


POWER = """
import sys
from queuekit.backends.sqlite import SQLiteTransport
transport = SQLiteTransport(sys.argv[1], synchronous=sys.argv[2])
transport._db.read(lambda cur: cur.execute("PRAGMA wal_autocheckpoint = 0").fetchall())
for n in range(int(sys.argv[3])):
    transport.push("q", [b"%d" % n])
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("synchronous", ["NORMAL", "FULL"])
def test_a_power_cut_takes_at_most_the_last_commits(tmp_path: Path, synchronous: str) -> None:
    """
    The tail of the log is cut after a kill: what is left is a prefix without gaps.

    No checkpoint runs meanwhile, or the tail of the file would be what was checkpointed before.
    """
    dice, count = random.Random(2), 60
    path = tmp_path / "queue.db"
    subprocess.run([sys.executable, "-c", POWER, str(path), synchronous, str(count)], check=False)
    wal = Path(f"{path}-wal").read_bytes()
    whole = path.read_bytes()
    lengths: set[int] = set()
    for cut in [0, *sorted(dice.sample(range(1, len(wal)), 25)), len(wal)]:
        fresh(tmp_path)
        path.write_bytes(whole)
        Path(f"{path}-wal").write_bytes(wal[: len(wal) - cut])
        try:
            found = [row[2] for row in dump(str(path))]
        except Exception as exc:
            raise AssertionError(f"damaged by a cut of {cut} bytes") from exc
        assert [b"%d" % n for n in range(len(found))] == found
        if not cut:
            assert count == len(found)
        lengths.add(len(found))
    assert len(lengths) > 5, "the cuts took nothing"


def _syncs(tmp_path: Path, code: str) -> int:
    """Return how often a program waits for the disk while it works, not when it opens or ends."""
    log = tmp_path / "strace"
    head = (
        "import os, sys; from queuekit.backends.sqlite import SQLiteTransport\n"
        "transport = SQLiteTransport(sys.argv[1]); transport.push('q', [b'0'])\n"
        "db, lane = transport._db, transport._lane('q')\n"
        "os.kill(0, 0); os.sched_yield()\n"
    )
    subprocess.run(
        [
            *(strace(), "-f", "-qq", "-o", str(log), "-e", "trace=fdatasync,fsync,sched_yield"),
            *(sys.executable, "-c", f"{head}{code}\nos.sched_yield(); os._exit(0)"),
            str(tmp_path / "queue.db"),
        ],
        check=True,
    )
    _, during, _ = log.read_text().split("sched_yield()")
    return during.count("sync(")


@pytest.mark.t2
def test_a_durable_transaction_waits_for_the_disk(tmp_path: Path) -> None:
    push = "db.write(lambda cur: lane.push(cur, [b'x']){})"
    assert 0 == _syncs(tmp_path, "\n".join([push.format("")] * 5))
    assert 5 <= _syncs(tmp_path, "\n".join([push.format(", durable=True")] * 5))
    mixed = [push.format(", durable=True"), push.format(""), push.format("")]
    assert _syncs(tmp_path, mixed[0]) == _syncs(tmp_path, "\n".join(mixed))


@pytest.mark.t2
def test_a_put_that_is_to_be_durable_waits_for_the_disk(tmp_path: Path) -> None:
    """Also when it is asked again: the first one may have been stored without."""
    push = "transport.push('q', [b'x'], options=options({}), token={!r})"
    head = "from queuekit import PushOptions as options\n"
    assert 0 == _syncs(tmp_path, head + push.format("", "a"))
    assert 1 <= _syncs(tmp_path, head + push.format("durable='disk'", "a"))
    both = [push.format("", "a"), push.format("durable='disk'", "a")]
    assert 1 <= _syncs(tmp_path, head + "\n".join(both))
