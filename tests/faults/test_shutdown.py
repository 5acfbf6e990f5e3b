"""Workers that are told to end, under load, in processes of their own: nothing stays claimed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from queuekit import ReliableQueue

from .children import wait_for

PROGRAM = Path(__file__).with_name("worker_roles.py")
SLACK = 30.0
"""Seconds beyond a deadline in which a process ends on a busy machine: its waits, and Python's."""
LEAST = 300
"""Messages that are there while workers start, or the first ones would leave nothing to others."""

pytestmark = [pytest.mark.redis, pytest.mark.slow]


class Process:
    """A worker in a process of its own."""

    def __init__(self, colour: str, url: str, path: Path, **options: Any) -> None:
        options = {"queues": ["jobs"], "lease": 60.0, "seconds": 0.01, **options}
        command = [sys.executable, str(PROGRAM), colour, url, str(path), json.dumps(options)]
        pipe = subprocess.PIPE
        self.path = path
        self.log = ""
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe)

    def lines(self, word: str) -> list[str]:
        """Return what its handler said, body and attempt, so far."""
        text = self.path.read_text() if self.path.exists() else ""
        lines = (line.split(" ", 1) for line in text.splitlines())
        return [rest for first, rest in lines if first == word]

    def send(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def report(self, seconds: float) -> dict[str, Any]:
        """Wait for its end and return its report."""
        out, errors = self.process.communicate(timeout=seconds)
        self.log = errors.decode()
        assert 0 == self.process.returncode, self.log
        report: dict[str, Any] = json.loads(out)
        return report


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path, redis_prefix: str) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/jobs.db"
    return f"{request.getfixturevalue('redis_url')}?prefix={redis_prefix}"


@pytest.fixture
def jobs(url: str) -> Iterator[ReliableQueue[Any]]:
    with ReliableQueue[Any]("jobs", url) as queue:
        yield queue


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


BOTH = pytest.mark.parametrize("colour", ["threads", "async"])


def shut_down(
    jobs: ReliableQueue[Any],
    url: str,
    folder: Path,
    colours: list[str],
    processes: list[Process],
    count: int,
    rounds: int,
) -> None:
    """Have workers that come and go do *count* messages, and balance the account."""
    jobs.put_many(range(count))
    chance = random.Random(1)
    got: Counter[str] = Counter()
    for number in range(rounds):
        for place, colour in enumerate(colours):
            path = folder / f"{number}-{place}"
            processes.append(Process(colour, url, path, concurrency=4, prefetch=5))
        now = processes[-len(colours) :]
        while not all(one.lines("begun") for one in now):
            assert all(one.process.poll() is None for one in now)
            if jobs.size() < LEAST:
                jobs.put_many(range(count, count + LEAST))
                count += LEAST
            time.sleep(0.02)
        time.sleep(chance.random())
        for one in now:
            one.send()
        reports = [one.report(30 + SLACK) for one in now]
        for report in reports:
            assert "signal" == report["reason"]
            got.update({key: value for key, value in report.items() if key != "reason"})
        assert 0 == jobs.stats().claimed, (number, reports, [one.log for one in now])
    assert 0 < got["got"] == got["done"]
    if got["done"] < count:  # the last worker ends by itself
        last = Process("threads", url, folder / "last", timeout=0, seconds=0.0, prefetch=50)
        processes.append(last)
        got.update({"done": last.report(200 + SLACK)["done"]})
    assert count == got["done"]
    ended = [line for one in processes for line in one.lines("ended")]
    assert sorted(f"{number} 1" for number in range(count)) == sorted(ended)
    assert (0, 0, 0) == jobs.stats()


def test_sigterm_under_load_leaves_nothing_claimed_and_the_account_balances(
    url: str, jobs: ReliableQueue[Any], tmp_path: Path, processes: list[Process]
) -> None:
    shut_down(jobs, url, tmp_path, ["threads", "async"], processes, 1500, 2)


@pytest.mark.t2
@pytest.mark.timeout(600)
def test_workers_come_and_go_twenty_times(
    url: str, jobs: ReliableQueue[Any], tmp_path: Path, processes: list[Process]
) -> None:
    shut_down(jobs, url, tmp_path, ["threads", "async", "threads"], processes, 20_000, 20)


@BOTH
def test_at_the_deadline_it_exits_and_gives_back_what_is_not_done(
    url: str, jobs: ReliableQueue[Any], colour: str, tmp_path: Path, processes: list[Process]
) -> None:
    jobs.put_many(range(20))
    options = {"seconds": 120.0, "concurrency": 3, "prefetch": 4, "shutdown_timeout": 0.5}
    worker = Process(colour, url, tmp_path / "work", **options)
    processes.append(worker)
    wait_for(lambda: len(worker.lines("begun")) == 3)
    begun = time.monotonic()
    worker.send()
    report = worker.report(0.5 + SLACK)
    assert time.monotonic() - begun >= 0.5
    assert (3, 0, 3) == (report["got"], report["done"], report["released"])
    assert (20, 0, 0) == jobs.stats()
    found = [(message.body, message.attempt) for message in jobs.get_many(100)]
    assert [(number, 1) for number in range(3)] == sorted(found[:3])  # uncounted, at the head
    assert [(number, 1) for number in range(3, 20)] == found[3:]


@BOTH
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(
    url: str,
    jobs: ReliableQueue[Any],
    colour: str,
    number: signal.Signals,
    tmp_path: Path,
    processes: list[Process],
) -> None:
    jobs.put_many(range(5))
    options = {"seconds": 120.0, "shutdown_timeout": 100.0, "prefetch": 3}
    worker = Process(colour, url, tmp_path / "work", **options)
    processes.append(worker)
    wait_for(lambda: len(worker.lines("begun")) == 1)
    assert (2, 0, 3) == jobs.stats()
    worker.send(number)
    wait_for(lambda: jobs.stats() == (4, 0, 1))  # it has heard it: two at a time would be one
    time.sleep(0.2)
    assert worker.process.poll() is None  # it finishes what it works on
    worker.send(number)
    assert 1 == worker.report(SLACK)["released"]
    assert (5, 0, 0) == jobs.stats()


@BOTH
def test_an_idle_worker_ends_at_the_first_signal(
    url: str, jobs: ReliableQueue[Any], colour: str, tmp_path: Path, processes: list[Process]
) -> None:
    jobs.put("x")
    worker = Process(colour, url, tmp_path / "work", queues=["jobs", "other"], concurrency=2)
    processes.append(worker)
    wait_for(lambda: len(worker.lines("ended")) == 1)
    worker.send()
    assert 1 == worker.report(SLACK)["done"]
    assert (0, 0, 0) == jobs.stats()


def test_a_blocked_event_loop_is_interrupted_by_the_third_signal(
    url: str, jobs: ReliableQueue[Any], tmp_path: Path, processes: list[Process]
) -> None:
    jobs.put("x")
    worker = Process("async", url, tmp_path / "work", seconds=120.0, blocks=True)
    processes.append(worker)
    wait_for(lambda: len(worker.lines("begun")) == 1)
    for _ in range(2):
        worker.send()
        time.sleep(0.5)
    assert worker.process.poll() is None  # nothing else in its thread can run
    for _ in range(3):  # of two that came while it stood still, it has heard one
        worker.send()
        with suppress(subprocess.TimeoutExpired):
            worker.process.wait(SLACK / 3)
            break
    assert 1 == worker.report(SLACK)["released"]
    assert (1, 0, 0) == jobs.stats()


@BOTH
def test_a_handler_that_outlasts_its_lease_runs_once_beside_others(
    url: str, jobs: ReliableQueue[Any], colour: str, tmp_path: Path, processes: list[Process]
) -> None:
    """And a single renewal, after a second; so it may stand still for two."""
    jobs.put("x")
    works = Process(colour, url, tmp_path / "0", lease=3.0, seconds=4.6, timeout=0)
    processes.append(works)
    wait_for(lambda: works.lines("begun"))
    looks = Process(colour, url, tmp_path / "1", lease=3.0, seconds=0.0, timeout=4.5)
    processes.append(looks)
    first, second = works.report(30 + SLACK), looks.report(30 + SLACK)
    assert (1, 1) == (first["got"], first["done"])
    assert 0 == second["got"]
