"""The demo: its ledger adds up although a worker is killed, and says so when it does not."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from queuekit.cli.demo_ledger import Account, settle


def _demo(
    folder: Path, *words: str, program: Sequence[str] = ("-m", "queuekit")
) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("QUEUEKIT_")}
    return subprocess.Popen(
        [sys.executable, *program, "demo", *words],
        cwd=folder,
        env=env,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_a_worker_is_killed_in_the_middle_and_nothing_is_lost(tmp_path: Path) -> None:
    process = _demo(tmp_path, "--messages", "60")
    out = process.communicate(timeout=60)[0]
    assert 0 == process.returncode, out
    assert "killed (SIGKILL) in the middle of message" in out
    counts = {
        name: int(count) for name, count in re.findall(r"^(\w+(?: \w+)?) +(\d+)", out, re.MULTILINE)
    }
    assert (60, 60, 0, 0) == tuple(counts[name] for name in ("put", "acked", "dead", "lost"))
    again = counts["redelivered"]
    assert 60 + again == counts["delivered"]
    # The one that was cut off; more only where a worker stood still for longer than its lease.
    assert 1 <= again <= counts["came back"]
    assert f"the direct count agrees: {counts['words']}" in out
    assert "1 worker(s) killed" in out


@pytest.mark.redis
def test_the_same_on_redis(tmp_path: Path, redis_url: str) -> None:
    process = _demo(tmp_path, "--messages", "60", "--json", "--url", redis_url)
    out = process.communicate(timeout=60)[0]
    assert 0 == process.returncode, out
    record = json.loads(out.splitlines()[-1])
    assert (60, 60, 0, 1, True) == tuple(
        record[name] for name in ("put", "acked", "lost", "killed", "good")
    )
    assert record["words"] == record["direct"] > 0


WAITING = """
import sys
from queuekit.cli.demo_view import View
from queuekit.cli.main import main
say = View.say
def say_and_wait(self, words):
    say(self, words)
    if "killed (SIGKILL)" in words:
        sys.stdin.readline()
View.say = say_and_wait
sys.exit(main())
"""
"""A demo that waits after its own kill for a word: it may be quick, and who reads it slow."""


def test_killing_a_worker_by_hand_changes_nothing_in_the_ledger(tmp_path: Path) -> None:
    process = _demo(tmp_path, "--messages", "300", program=["-c", WAITING])
    assert process.stdout is not None
    assert process.stdin is not None
    said: list[str] = []
    victim = 0
    for line in process.stdout:
        said.append(line)
        found = re.search(r"worker 1 started, pid (\d+)", line)
        if found:
            victim = int(found[1])
        if victim and "killed (SIGKILL)" in line:
            os.kill(victim, signal.SIGKILL)
            victim = 0
            process.stdin.close()
    process.stdout.close()
    assert 0 == process.wait(timeout=60), "".join(said)
    out = "".join(said)
    assert "worker 1 ended with status -9" in out
    assert "2 worker(s) killed" in out
    assert re.search(r"^lost +0$", out, re.MULTILINE)


def test_a_single_file_is_a_message_a_line(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("one two\nthree\n\n")
    process = _demo(tmp_path, "lines.txt", "--json")
    out = process.communicate(timeout=60)[0]
    record = json.loads(out.splitlines()[-1])
    assert (0, 3, 3, 3) == (process.returncode, record["put"], record["words"], record["direct"])


def _account(acked: set[str]) -> Account:
    return Account(put={"a": 2, "b": 3}, delivered=2, seen={"a", "b"}, acked=acked)


def test_a_lost_message_makes_the_ledger_bad() -> None:
    result = settle(_account({"a"}), {"a": 2}, left=0, dead=0, killed=1, secs=1.0)
    assert (1, False) == (result.lost, result.good)


def test_a_message_left_in_the_store_is_not_counted_as_done() -> None:
    result = settle(_account({"a"}), {"a": 2, "b": 3}, left=1, dead=0, killed=1, secs=1.0)
    assert (1, False) == (result.lost, result.good)


def test_an_ack_without_its_log_line_is_done_when_the_store_is_empty() -> None:
    result = settle(_account({"a"}), {"a": 2, "b": 3}, left=0, dead=0, killed=1, secs=1.0)
    assert (2, 1, 0, True) == (result.acked, result.unlogged, result.lost, result.good)


def test_a_wrong_count_makes_the_ledger_bad() -> None:
    result = settle(_account({"a", "b"}), {"a": 2, "b": 4}, left=0, dead=0, killed=0, secs=1.0)
    assert (0, False) == (result.lost, result.good)
    assert any("THE COUNTS DIFFER" in line for line in result.lines())
