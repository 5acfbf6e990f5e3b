"""``queuekit move`` as a user sees it."""

from __future__ import annotations

import json
import os
import pty
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from test_commands import Shell

from queuekit import ReliableQueue
from queuekit.backends.sqlite import SQLiteTransport


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[ReliableQueue[bytes]]:
    with ReliableQueue("jobs", f"sqlite:///{tmp_path}/old.db", serializer="bytes") as queue:
        yield queue


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[ReliableQueue[bytes]]:
    with ReliableQueue("mails", f"sqlite:///{tmp_path}/new.db", serializer="bytes") as queue:
        yield queue


OLD, NEW = "sqlite:old.db#jobs", "sqlite:new.db#mails"


def test_it_moves_all_and_prints_how_many(
    shell: Shell, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes]
) -> None:
    ids = jobs.put_many([b"1", b"2", b"3"])
    late = jobs.put(b"late", delay=600)
    assert (0, "4\n", "") == shell("move", OLD, NEW)
    assert ids == [message.id for message in moved.get_many(9)]
    assert (0, 1, 3) == moved.stats()
    assert late
    assert (0, 0, 0) == jobs.stats()
    status, out, err = shell("move", OLD, NEW, "--json")
    assert (0, {"moved": 0}, "queuekit: there is nothing in 'jobs'\n") == (
        status,
        json.loads(out),
        err,
    )


def test_names_alone_are_queues_of_one_store(shell: Shell, jobs: ReliableQueue[bytes]) -> None:
    jobs.put(b"1")
    assert (0, "1\n", "") == shell("move", "jobs", "mail:high", "--url", "sqlite:old.db")
    assert (0, "1\n", "") == shell("move", "mail:high", "jobs", "--url", "sqlite:old.db")
    status, out, err = shell("move", "jobs", "mails")
    assert (0, "0\n") == (status, out)
    assert err.startswith(f"queuekit: using {shell.folder}/queuekit.db\n")
    assert err.count("using") == 1
    assert [b"1"] == jobs.peek()


def test_a_dry_run_counts_and_changes_nothing(
    shell: Shell, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes]
) -> None:
    jobs.put_many([b"1", b"2"])
    moved.put(b"3")
    status, out, _ = shell("move", OLD, NEW, "--dry-run")
    assert (0, [["from", "jobs", "2", "0", "0"], ["to", "mails", "1", "0", "0"]]) == (
        status,
        [line.split() for line in out.splitlines()[1:]],
    )
    record = json.loads(shell("move", OLD, NEW, "--dry-run", "--json")[1])
    assert {"queue": "jobs", "ready": 2, "delayed": 0, "claimed": 0} == record["source"]
    assert record["unfinished"] is False
    assert (2, 1) == (jobs.size(), moved.size())


def test_dead_letters_go_with_dead_and_what_stays_is_said(
    shell: Shell, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes]
) -> None:
    jobs.put_many([b"bad", b"held", b"good"])
    bad, held = jobs.get_many(2)
    bad.reject("why")
    status, out, err = shell("move", OLD, NEW)
    assert (0, "1\n") == (status, out)
    assert "1 left: held by consumers" in err
    assert "1 left: dead (move them with --dead)" in err
    assert (0, "1\n") == shell("move", OLD, NEW, "--dead")[:2]
    assert ["why"] == [letter.reason for letter in moved.dead.letters()]
    held.ack()


def test_a_limit_moves_so_many(
    shell: Shell, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes]
) -> None:
    jobs.put_many([b"%d" % n for n in range(5)])
    status, out, err = shell("move", OLD, NEW, "--limit", "3", "--batch", "2")
    assert (0, "3\n", "queuekit: 2 left: ready\n") == (status, out, err)
    assert [b"0", b"1", b"2"] == moved.peek(9)
    assert (0, "0\n") == shell("move", OLD, NEW, "--limit", "0")[:2]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["redis://:secret@localhost", NEW], 2, "ends in #QUEUE"),
        (["sqlite:old.db", NEW], 2, "ends in #QUEUE"),
        ([OLD, "redis://:secret@localhost#"], 2, "must not be empty"),
        ([OLD, "nonsense://:secret@localhost#jobs"], 2, "no transport serves"),
        ([OLD, "redis://:secret@localhost?colour=red#jobs"], 2, "unknown parameter"),
        ([OLD, "srq+redis://:secret@localhost?autoclean_interval=x#jobs"], 2, "autoclean_interval"),
        ([OLD, "memory:#jobs"], 2, "stays within one process"),
        ([OLD, OLD], 2, "cannot be moved to itself"),
        ([OLD, "sqlite:./old.db#jobs"], 2, "cannot be moved to itself"),
        ([OLD, NEW, "--batch", "0"], 2, "batch must be"),
        ([OLD, NEW, "--batch", "1001"], 2, "at most 1000"),
        ([OLD, NEW, "--lease", "-1"], 2, "lease must be"),
        ([OLD, NEW, "--limit", "-1"], 2, "--limit is a number"),
        ([OLD, "redis://:secret@127.0.0.1:1#jobs"], 3, "127.0.0.1:1"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_moves(
    shell: Shell, jobs: ReliableQueue[bytes], words: list[str], status: int, says: str
) -> None:
    jobs.put(b"1")
    found, out, err = shell("move", *words)
    assert (status, True) == (found, says in err), err
    assert "secret" not in err
    assert "Traceback" not in err
    assert out == ""
    assert (1, 0, 0) == jobs.stats()


def test_what_the_target_does_not_take_stays_and_the_rest_is_counted(
    shell: Shell, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes]
) -> None:
    jobs.put(b"small")
    with closing(SQLiteTransport(shell.folder / "old.db", max_body=2**25)) as roomy:
        roomy.push("jobs", [b"x" * 2**24])
    status, out, err = shell("move", OLD, NEW, "--batch", "1")
    assert (1, "1\n") == (status, out)
    assert "exceeds the limit" in err
    assert (1, 1) == (jobs.size(), moved.size())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_behind_the_batch(
    shell: Shell, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes], number: int
) -> None:
    jobs.put_many([b"held", b"1", b"2"])
    (held,) = jobs.get_many(1)
    process = shell.start("move", OLD, NEW, "--wait")
    end = time.monotonic() + 30
    while moved.size() < 2 and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (130, "2\n") == (process.returncode, out)
    assert "stopping behind this batch" in err
    held.release()
    assert (0, "1\n") == shell("move", OLD, NEW)[:2]


@pytest.mark.slow
def test_after_a_kill_it_says_what_it_waits_for(
    shell: Shell, jobs: ReliableQueue[bytes], moved: ReliableQueue[bytes]
) -> None:
    jobs.put_many([b"held", b"1"])
    (held,) = jobs.get_many(1)
    process = shell.start("move", OLD, NEW, "--wait")
    end = time.monotonic() + 30
    while moved.size() < 1 and time.monotonic() < end:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    held.release()
    assert json.loads(shell("move", OLD, NEW, "--dry-run", "--json")[1])["unfinished"] is True
    process = shell.start("move", OLD, NEW)
    assert process.stderr is not None
    said = process.stderr.readline()
    assert "a move of 'jobs' is under way or was cut short: waiting to finish it" in said
    assert process.poll() is None
    later = closing(SQLiteTransport(shell.folder / "old.db", clock=lambda: time.time() + 3600))
    with later as transport:  # to it, the lease of the one that was killed is over
        assert 1 == transport.recover("jobs!moving")
    out, _ = process.communicate(timeout=60)
    assert (0, "1\n") == (process.returncode, out)


def test_a_terminal_gets_a_bar(shell: Shell, jobs: ReliableQueue[bytes]) -> None:
    jobs.put_many([b"1", b"2", b"3"])
    ours, theirs = pty.openpty()
    process = shell.start("move", OLD, NEW, "--batch", "1")  # without a terminal there is none
    assert process.communicate(timeout=60)[1] == ""
    jobs.put_many([b"1", b"2", b"3"])
    process = shell.start("move", OLD, NEW, "--batch", "1", stderr=theirs)
    out, _ = process.communicate(timeout=60)
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    assert (0, "3\n") == (process.returncode, out)
    assert b"1/3 moved" in shown
    assert b"[" + b"#" * 24 + b"] 3/3 moved" in shown


def _read(end: int) -> bytes:
    try:
        return os.read(end, 4096)
    except OSError:  # Linux says so when the other end is closed
        return b""
