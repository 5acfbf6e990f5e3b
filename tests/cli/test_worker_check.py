"""``queuekit worker --check`` and what else tells that a worker lives."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest
from worker_shop import PATIENCE, Shop

from queuekit.cli import worker_state
from queuekit.cli.worker_state import BEAT, STALE, Beats, read


@pytest.mark.parametrize("processes", ["1", "2"])
def test_it_asks_a_worker_whether_it_lives(shop: Shop, processes: str) -> None:
    shop.env["QUEUEKIT_STATE"] = str(shop.folder / "state")
    assert 1 == shop("--check")
    assert "no worker with this --state runs" in shop.said
    shop.put("x")
    worker = shop.start("tasks:handle", "-Q", "jobs", "-p", processes)
    shop.until(lambda: shop.said.count("works on") == int(processes))
    shop.until(lambda: shop("--check", "--log-format", "json") == 0)
    facts = json.loads(shop.read("out").splitlines()[-1])
    assert (True, worker.pid, "tasks:handle") == tuple(
        facts[key] for key in ("healthy", "pid", "target")
    )
    assert 0o600 == (shop.folder / "state").stat().st_mode & 0o777
    assert 0 == shop("--check")
    assert f"healthy: pid={worker.pid}" in shop.read("out")
    worker.kill()
    worker.wait()
    assert 1 == shop("--check")
    assert f"its process {worker.pid} is gone" in shop.said


def test_the_file_tells_what_was_done_and_goes_with_the_worker(shop: Shop) -> None:
    path = str(shop.folder / "state")
    shop.put(*range(3))
    worker = shop.start("tasks:handle", "-Q", "jobs", "--state", path)
    shop.until(lambda: read(path)[0].get("done") == 3)
    worker.terminate()
    assert 0 == worker.wait(timeout=PATIENCE)
    assert not Path(path).exists()


def test_a_store_that_is_away_does_not_make_a_worker_unhealthy(shop: Shop) -> None:
    path = str(shop.folder / "state")
    url = "redis://127.0.0.1:1/0"
    worker = shop.start("tasks:handle", "-Q", "jobs", "--state", path, QUEUEKIT_URL=url)
    shop.until(lambda: "works on" in shop.said)
    time.sleep(BEAT)  # it has tried, and will again
    assert 0 == shop("--check", "--state", path)
    worker.terminate()
    assert 0 == worker.wait(timeout=PATIENCE)


def test_without_a_state_it_asks_the_store(shop: Shop) -> None:
    shop.put(1, 2)
    assert 0 == shop("--check", "-Q", "jobs", "-Q", "none")
    assert "jobs: ready=2 delayed=0 claimed=0\nnone: ready=0" in shop.read("out")
    assert 1 == shop("--check", "-Q", "jobs", QUEUEKIT_URL="redis://:hunter2@127.0.0.1:1/0")
    assert "the store is not healthy" in shop.said
    assert "hunter2" not in shop.said


@pytest.fixture
def state(tmp_path: Path) -> str:
    """Return the file of a worker that lives: this process."""
    path = str(tmp_path / "state")
    Beats(path, lambda: {"target": "m:f", "silent": []}).beat()
    assert "" == read(path)[1]
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"beat": time.monotonic() - STALE - 5}, "no sign of life for"),
        ({"beat": time.monotonic() + 10**6}, "no sign of life"),  # from before a reboot
        ({"silent": [4711]}, r"its processes \[4711\] gave no sign"),
        ({"pid": 2**22 + 1}, "is gone"),
        ({"pid": "x"}, "no state file"),
        (None, "no state file"),
    ],
)
def test_what_does_not_count_as_alive(state: str, change: object, said: str) -> None:
    facts = json.loads(Path(state).read_text())
    Path(state).write_text(json.dumps({**facts, **change}) if isinstance(change, dict) else "[")
    assert re.search(said, read(state)[1])


def test_a_worker_that_stands_still_is_found(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(shop.folder / "state")
    worker = shop.start("tasks:handle", "-Q", "jobs", "--state", path)
    shop.until(lambda: "works on" in shop.said)
    assert "" == read(path)[1]
    monkeypatch.setattr(worker_state, "STALE", 2 * BEAT)  # one that goes on is never so late
    worker.send_signal(signal.SIGSTOP)
    shop.until(lambda: "no sign of life" in read(path)[1])
    worker.send_signal(signal.SIGCONT)
    monkeypatch.undo()
    shop.until(lambda: not read(path)[1])


def test_a_process_that_stands_still_is_found_by_its_parent(shop: Shop) -> None:
    """It waits for its processes less long than it would."""
    path = str(shop.folder / "state")
    words = ["tasks:handle", "-Q", "jobs", "-p", "2", "--state", path]
    shop.start_with(f"worker_parent.STALE = {2 * BEAT}", *words)
    shop.until(lambda: len(read(path)[0].get("processes", [])) == 2)
    one = read(path)[0]["processes"][0]
    os.kill(one, signal.SIGSTOP)
    try:
        shop.until(lambda: f"its processes [{one}] gave no sign" in read(path)[1])
    finally:
        os.kill(one, signal.SIGCONT)
    shop.until(lambda: not read(path)[1])


@pytest.mark.parametrize("processes", ["1", "2"])
def test_it_tells_systemd_that_it_is_ready_and_lives(shop: Shop, processes: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(shop.folder / "notify"))
        manager.settimeout(PATIENCE)
        env = {"NOTIFY_SOCKET": str(shop.folder / "notify")}
        shop.start("tasks:handle", "-Q", "jobs", "-p", processes, **env)
        heard: list[bytes] = []
        while b"READY=1" not in heard or b"WATCHDOG=1" not in heard[heard.index(b"READY=1") :]:
            heard.append(manager.recv(100))
            assert len(heard) < 100
        shop.until(lambda: shop.said.count("works on") == int(processes))
        manager.setblocking(False)  # by then each has said what it would say at its start
        with suppress(BlockingIOError):
            while True:
                heard.append(manager.recv(100))
        assert {b"READY=1", b"WATCHDOG=1"} == set(heard)
        assert 1 == heard.count(b"READY=1")  # who speaks is the main process alone
