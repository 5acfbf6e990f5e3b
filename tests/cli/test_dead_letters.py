"""``queuekit dead``: looking at dead letters, sending them back, throwing them away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from queuekit import ReliableQueue
from queuekit.cli.main import main


class Shell:
    """Runs commands on a store of its own, in this process."""

    def __init__(self, folder: Path, output: pytest.CaptureFixture[str]) -> None:
        self.url = f"sqlite:///{folder}/jobs.db"
        self._output = output

    def __call__(self, *words: str) -> tuple[int, str, str]:
        status = main([*words, "--url", self.url])
        return status, *self._output.readouterr()


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


def jobs(shell: Shell) -> ReliableQueue[Any]:
    return ReliableQueue("jobs", shell.url, max_attempts=1, keep_traceback=True)


def kill(shell: Shell, *bodies: str) -> list[str]:
    """Let messages fail with an exception and return their ids."""
    with jobs(shell) as queue:
        ids = queue.put_many(bodies, headers={"trace": "1"})
        handle = queue.worker(timeout=0)(_fail)
        handle()
    return ids


def _fail(message: Any) -> None:
    raise ValueError(f"no \x1b {message.body}")


def test_list_shows_a_line_for_each_letter(shell: Shell) -> None:
    ids = kill(shell, "a", "b")
    status, out, _ = shell("dead", "list", "jobs")
    lines = out.splitlines()
    assert (0, 2) == (status, len(lines))
    assert lines[0].startswith(ids[0])
    assert "ValueError  ValueError: no \\x1b a" in lines[0]
    status, out, _ = shell("dead", "list", "jobs", "-n", "1", "--json")
    (record,) = map(json.loads, out.splitlines())
    assert (ids[0], "jobs", "a", {"trace": "1"}) == tuple(
        record[name] for name in ("id", "queue", "body", "headers")
    )


def test_show_shows_one_with_its_traceback(shell: Shell) -> None:
    ids = kill(shell, "a", "b")
    status, out, _ = shell("dead", "show", "jobs", ids[1])
    assert 0 == status
    assert f"id: {ids[1]}\n" in out
    assert "body: b\n" in out
    assert "  Traceback (most recent call last):\n" in out
    assert "\x1b" not in out
    assert (4, "") == shell("dead", "show", "jobs", "unknown")[:2]


def test_send_back_sends_the_named_or_all(shell: Shell) -> None:
    ids = kill(shell, "a", "b", "c")
    assert (0, "1\n") == shell("dead", "send-back", "jobs", ids[1])[:2]
    assert 4 == shell("dead", "send-back", "jobs", ids[1])[0]
    assert (0, "b\n") == shell("get", "jobs")[:2]
    assert (0, '{"sent_back": 2}\n') == shell("dead", "send-back", "jobs", "--json")[:2]
    assert (0, "a\nc\n") == shell("consume", "jobs", "--timeout", "0")[:2]
    assert (0, "0\n") == shell("dead", "send-back", "jobs")[:2]


def test_edit_sends_one_back_with_another_body(shell: Shell) -> None:
    ids = kill(shell, "a", "b")
    assert (0, "1\n") == shell("dead", "edit", "jobs", ids[0], "text")[:2]
    assert (0, "1\n") == shell("dead", "edit", "jobs", ids[1], "--raw", '{"n": 1}')[:2]
    assert 4 == shell("dead", "edit", "jobs", ids[1], "late")[0]
    with jobs(shell) as queue:
        assert [(ids[0], "text"), (ids[1], {"n": 1})] == [
            (message.id, message.body) for message in queue.get_many(5)
        ]
        assert 0 == sum(queue.dead.stats())


def test_trim_and_purge_throw_away(shell: Shell) -> None:
    kill(shell, *"abcd")
    assert (0, "1\n") == shell("dead", "trim", "jobs", "--max-length", "3")[:2]
    assert (0, "0\n") == shell("dead", "trim", "jobs", "--max-age", "3600")[:2]
    assert 2 == shell("dead", "trim", "jobs")[0]
    assert (0, '{"purged": 3}\n') == shell("dead", "purge", "jobs", "--json")[:2]
    assert (0, "") == shell("dead", "list", "jobs")[:2]
