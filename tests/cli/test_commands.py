"""The command line as a user sees it: a process, its output, its status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from queuekit import ReliableQueue


class Shell:
    """Runs ``queuekit`` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("QUEUEKIT_")}

    def start(self, *words: str, **more: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "queuekit", *words]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(command, cwd=self.folder, env=self.env, text=True, **streams)

    def __call__(self, *words: str, stdin: str = "") -> tuple[int, str, str]:
        process = self.start(*words, stdin=subprocess.PIPE)
        out, err = process.communicate(stdin, timeout=60)
        return process.returncode, out, err


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_put_prints_an_id_and_get_prints_the_text(shell: Shell) -> None:
    status, out, _ = shell("put", "jobs", "hello", "grüße")
    assert (0, 2, 32) == (status, len(out.split()), len(out.split()[0]))
    assert (0, "hello\n") == shell("get", "jobs")[:2]
    assert (0, "grüße\n") == shell("get", "jobs")[:2]
    assert (4, "") == shell("get", "jobs")[:2]


def test_put_stores_json_text_unless_raw(shell: Shell) -> None:
    shell("put", "jobs", "1")
    shell("put", "jobs", "--raw", "1")
    with ReliableQueue("jobs", f"sqlite:///{shell.folder}/queuekit.db") as queue:
        assert ["1", 1] == queue.peek(2)


def test_put_takes_a_message_a_line_from_stdin(shell: Shell) -> None:
    status, out, _ = shell("put", "jobs", "--json", stdin="one\n\nthree")
    assert (0, 3) == (status, len([json.loads(line)["id"] for line in out.splitlines()]))
    assert (0, "one\n\nthree\n") == shell("consume", "jobs", "--timeout", "0")[:2]


def test_the_default_file_is_named_with_its_absolute_path_on_stderr(shell: Shell) -> None:
    _, out, err = shell("stats", "jobs", "--json")
    assert f"queuekit: using {shell.folder}/queuekit.db\n" == err
    counts = {"queue": "jobs", "ready": 0, "delayed": 0, "claimed": 0, "dead": 0}
    assert counts == json.loads(out)


def test_get_as_json_has_what_a_message_has(shell: Shell) -> None:
    message_id = shell("put", "jobs", "--raw", '{"to": "ada"}')[1].strip()
    record = json.loads(shell("get", "jobs", "--json")[1])
    assert message_id == record["id"]
    assert ({"to": "ada"}, 1, {}) == (record["body"], record["attempt"], record["headers"])
    assert record["enqueued_at"].startswith("20")


def test_looking_at_foreign_bytes_buries_nothing(shell: Shell) -> None:
    with ReliableQueue("jobs", f"sqlite:///{shell.folder}/queuekit.db", serializer="bytes") as jobs:
        jobs.put(b"\xff\x1b[31m")
        assert (0, "\\xff\\x1b[31m\n") == shell("peek", "jobs")[:2]
        assert (1, 0) == (jobs.size(), jobs.dead.size())


def test_stats_shows_a_table_and_purge_the_number(shell: Shell) -> None:
    shell("put", "jobs", "a", "b")
    shell("put", "jobs", "later", "--delay", "60")
    status, out, _ = shell("stats", "jobs", "other")
    assert (0, ["jobs", "2", "1", "0", "0"]) == (status, out.splitlines()[1].split())
    assert (0, "3\n") == shell("purge", "jobs")[:2]
    assert ["jobs", "0", "0", "0", "0"] == shell("stats", "jobs")[1].splitlines()[1].split()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["get", "jobs", "--url", "nonsense:x"], 2, "no transport serves"),
        (["get", "jobs", "--url", "sqlite:///x.db?colour=red"], 2, "colour"),
        (["get", ""], 2, "must not be empty"),
        (["put", "jobs", "x", "--delay", "nan"], 2, "delay"),
        (["get", "jobs", "--bogus"], 2, "--bogus"),
        (["demo", "--url", "memory:"], 2, "one process"),
        (["demo", "/no/such/file"], 2, "/no/such/file"),
        (["demo", "--messages", "0"], 2, "--messages"),
        (["get", "jobs", "--url", "sqlite:////no/such/folder/x.db"], 2, "/no/such/folder"),
    ],
)
def test_bad_input_ends_in_one_clear_line(
    shell: Shell, words: list[str], status: int, said: str
) -> None:
    got, out, err = shell(*words)
    assert (status, "") == (got, out)
    assert said in err
    assert "Traceback" not in err


def test_an_unreachable_server_ends_with_status_3_and_without_its_password(shell: Shell) -> None:
    status, out, err = shell("get", "jobs", "--url", "redis://:hunter2@127.0.0.1:1/0")
    assert (3, "") == (status, out)
    assert "127.0.0.1:1" in err
    assert "hunter2" not in err
    assert "Traceback" not in err


def test_a_reader_that_goes_away_loses_no_message(shell: Shell) -> None:
    with ReliableQueue("jobs", f"sqlite:///{shell.folder}/queuekit.db") as jobs:
        jobs.put_many(["x" * 1000] * 500)
        process = shell.start("consume", "jobs")
        assert process.stdout is not None
        assert "x" * 1000 + "\n" == process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read() if process.stderr else ""
        process.wait(timeout=30)
        assert (141, False) == (process.returncode, "Traceback" in err)
        stats = jobs.stats()
        assert (0, 0) == (stats.claimed, stats.delayed)
        assert 1 <= 500 - stats.ready < 500
        if process.stderr:
            process.stderr.close()


def test_ctrl_c_while_waiting_ends_in_one_line(shell: Shell) -> None:
    process = shell.start("consume", "jobs")
    assert process.stderr is not None
    assert "queuekit: using" in process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert 130 == process.returncode
    assert "queuekit: interrupted\n" == err
    assert "Traceback" not in err


def test_words_may_follow_options(shell: Shell) -> None:
    assert 2 == len(shell("put", "jobs", "--raw", "1", "2")[1].split())


@pytest.mark.parametrize("words", [["put", "jobs", "x"], ["get", "jobs"], ["stats", "jobs"]])
def test_a_store_that_ends_with_the_command_is_refused(shell: Shell, words: list[str]) -> None:
    status, out, err = shell(*words, "--url", "memory:")
    assert (2, "") == (status, out)
    assert "one process" in err


def test_json_output_is_ascii_and_no_body_breaks_it(shell: Shell) -> None:
    bodies = ['"\\ud800"', '"\x7f\u009b\u202e"']
    shell("put", "jobs", "--raw", *bodies)
    status, out, err = shell("consume", "jobs", "--json", "--timeout", "0")
    assert (0, 2) == (status, len(out.splitlines())), err
    assert out.isascii()
    assert "\x7f" not in out
    assert [json.loads(body) for body in bodies] == [
        json.loads(line)["body"] for line in out.splitlines()
    ]


def test_a_line_that_is_no_text_is_refused_without_raw(shell: Shell) -> None:
    command = [sys.executable, "-m", "queuekit", "put", "jobs"]
    done = subprocess.run(
        command,
        input=b"\xff\xfe\n",
        cwd=shell.folder,
        env={**shell.env, "PYTHONUTF8": "1"},
        capture_output=True,
    )
    assert (2, b"") == (done.returncode, done.stdout)
    assert b"--raw" in done.stderr
    assert b"Traceback" not in done.stderr
