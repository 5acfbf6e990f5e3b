"""``queuekit worker -p`` and ``--reload``: a parent and its processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from worker_shop import PATIENCE, Shop

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes need POSIX, and say so")


def working(shop: Shop, since: int = 0) -> list[int]:
    """Return the processes that said so that they work, one after the other."""
    found = re.findall(r"INFO (\d+) queuekit: \S+ works on", shop.said)
    return [int(pid) for pid in found][since:]


def exists(pid: int) -> bool:
    """Return whether a process is there and not only waits to be forgotten."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


PATIENT = "worker_process.SLACK = 60.0"
"""A parent that kills no child for being slow."""


def started(shop: Shop, *words: str, count: int = 2, changes: str = "") -> subprocess.Popen[bytes]:
    worker = shop.start_with(changes, *words) if changes else shop.start(*words)
    shop.until(lambda: len(working(shop)) == count or worker.poll() is not None)
    assert worker.poll() is None, shop.said
    return worker


def test_several_processes_share_a_burst(any_shop: Shop) -> None:
    any_shop.put(*range(60))
    assert 0 == any_shop("tasks:brief", "-Q", "jobs", "--burst", "-p", "2", "-c", "2")
    assert set(map(str, range(60))) == set(any_shop.notes)
    assert (60, 2) == (len(any_shop.notes), len(set(working(any_shop))))
    assert (0, 0, 0, 0) == any_shop.counts()


@pytest.mark.parametrize("a", ["", "a"], ids=["threads", "asyncio"])
def test_a_signal_under_load_leaves_nothing_claimed(any_shop: Shop, a: str) -> None:
    any_shop.put(*range(2000))
    worker = started(any_shop, f"tasks:{a}brief", "-Q", "jobs", "-p", "2", "-c", "2")
    any_shop.until(lambda: len(any_shop.notes) > 50)
    worker.terminate()
    assert 0 == worker.wait(timeout=PATIENCE)
    done = any_shop.notes
    assert len(done) == len(set(done))
    assert (2000 - len(done), 0, 0, 0) == any_shop.counts()
    assert not any(map(exists, working(any_shop)))


def test_at_the_deadline_all_give_back(shop: Shop) -> None:
    shop.put(1, 2)
    words = ["tasks:long", "-Q", "jobs", "-p", "2", "--shutdown-timeout", "0.3"]
    worker = started(shop, *words, changes=PATIENT)
    shop.until(lambda: len(shop.notes) == 2)
    worker.terminate()
    assert 5 == worker.wait(timeout=PATIENCE)
    assert (2, 0, 0, 0) == shop.counts()


def test_the_second_signal_ends_all_at_once(shop: Shop) -> None:
    shop.put(1, 2)
    worker = started(shop, "tasks:along", "-Q", "jobs", "-p", "2", changes=PATIENT)
    shop.until(lambda: len(shop.notes) == 2)
    worker.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=1)
    worker.send_signal(signal.SIGINT)
    assert 5 == worker.wait(timeout=PATIENCE)
    assert (2, 0, 0, 0) == shop.counts()


def test_a_signal_to_all_processes_is_one_signal(shop: Shop) -> None:
    """Some service managers signal every process: that must not mean *at once*."""
    shop.write("slow.py", "import tasks, time\ndef handle(m): tasks.note(m.body); time.sleep(2)")
    shop.put(1, 2)
    worker = started(shop, "slow:handle", "-Q", "jobs", "-p", "2")
    shop.until(lambda: len(shop.notes) == 2)
    for pid in [worker.pid, *working(shop)]:
        os.kill(pid, signal.SIGTERM)
    assert 0 == worker.wait(timeout=PATIENCE)
    assert (0, 0, 0, 0) == shop.counts()


def test_processes_that_die_or_are_ended_are_followed_by_others(shop: Shop) -> None:
    worker = started(shop, "tasks:pid", "-Q", "jobs", "-p", "2")
    first, second = working(shop)
    os.kill(first, signal.SIGKILL)
    os.kill(second, signal.SIGTERM)
    shop.until(lambda: len(working(shop)) == 4)
    assert f"process {first} was killed by SIGKILL; another one starts in" in shop.said
    shop.put("x")
    shop.until(lambda: shop.notes)
    assert shop.notes[0] in {f"x {pid}" for pid in working(shop, 2)}
    worker.terminate()
    assert 0 == worker.wait(timeout=PATIENCE)
    assert not any(map(exists, working(shop)))


def test_processes_end_when_their_parent_is_gone(shop: Shop) -> None:
    worker = started(shop, "tasks:handle", "-Q", "jobs", "-p", "2")
    pids = working(shop)
    assert all(map(exists, pids))
    worker.kill()
    worker.wait(timeout=PATIENCE)
    shop.until(lambda: not any(map(exists, pids)))


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["broken:handle", "-Q", "jobs"], 1, "ZeroDivisionError"),
        (["tasks:hande", "-Q", "jobs"], 2, "did you mean 'handle'"),
        (["tasks:handle"], 2, "name the queues by -Q"),
    ],
)
def test_processes_that_die_at_their_start_end_it(
    shop: Shop, words: list[str], status: int, said: str
) -> None:
    shop.write("broken.py", "1 / 0")
    assert status == shop(*words, "-p", "2")
    assert said in shop.said
    assert f"ended with status {status} before it was ready: giving up" in shop.said


def test_it_gives_up_on_processes_that_die_again_and_again(shop: Shop) -> None:
    shop.write("deadly.py", "import os\ndef handle(message): os._exit(7)")
    shop.put(*range(20))
    changes = "worker_parent.PATIENCE = 0.01; worker_parent.DEATHS = 3"
    worker = shop.start_with(changes, "deadly:handle", "-Q", "jobs", "-p", "2")
    assert 1 == worker.wait(timeout=PATIENCE)
    assert "ended with status 7, 3 deaths in a row: giving up" in shop.said
    assert not any(map(exists, working(shop)))


def test_a_password_is_in_no_argument(shop: Shop) -> None:
    shop.put("x")
    url, shop.env["QUEUEKIT_URL"] = shop.url, "sqlite:///other.db"
    started(shop, "tasks:handle", "-Q", "jobs", "-p", "2", "--url", url)
    shop.until(lambda: shop.notes)
    for pid in working(shop):
        command = Path(f"/proc/{pid}/cmdline").read_text()
        assert "tasks:handle" in command
        assert "sqlite" not in command


def test_sighup_replaces_the_processes(shop: Shop) -> None:
    worker = started(shop, "tasks:pid", "-Q", "jobs", "-p", "2")
    old = working(shop)
    worker.send_signal(signal.SIGHUP)
    shop.until(lambda: len(working(shop)) == 4)
    shop.until(lambda: not any(map(exists, old)))
    worker.terminate()
    assert 0 == worker.wait(timeout=PATIENCE)


def test_reload_takes_what_was_changed_and_waits_where_it_is_broken(shop: Shop) -> None:
    shop.write("pkg/__init__.py", "")
    now = time.time_ns() // 10**9 * 10**9

    def write(text: str) -> None:
        """Write within the same second: by size and seconds one of the same size is not new."""
        nonlocal now
        now += 1000
        shop.write("pkg/new", text)
        os.utime(shop.folder / "pkg/new", ns=(now, now))
        (shop.folder / "pkg/new").replace(shop.folder / "pkg/words.py")

    write("word = 'old'")
    text = "from pkg import words\nimport tasks\ndef handle(m): tasks.note(words.word)\n"
    shop.write("pkg/work.py", text)
    worker = shop.start("pkg.work:handle", "-Q", "jobs", "--reload")

    def works(after: str, word: str) -> None:
        shop.until(lambda: len(re.findall(after, shop.said)) == 1 or worker.poll() is not None)
        count = len(shop.notes)
        shop.put("x")
        shop.until(lambda: len(shop.notes) > count or worker.poll() is not None)
        assert word == shop.notes[-1], shop.said

    works("works on", "old")
    # These times are before the start of the child, so that nothing tells the first change from
    # what the child has read, if the parent hears of the file later than that. Then the next does.
    end = time.monotonic() + PATIENCE
    while "words.py changed" not in shop.said:
        assert time.monotonic() < end, shop.said
        write("word = 'new'")
        time.sleep(0.5)
    works("(?s)words.py changed.* works on", "new")
    write("word = 'newer")
    shop.until(lambda: "waiting for a change" in shop.said or worker.poll() is not None)
    assert "SyntaxError" in shop.said
    write("word = 'right'")
    works("(?s)waiting for a change.*words.py changed.* works on", "right")
    worker.terminate()
    assert 0 == worker.wait(timeout=PATIENCE)


def test_reload_waits_also_for_what_was_broken_from_the_start(shop: Shop) -> None:
    shop.write("late.py", "def handle(message) pass")
    worker = shop.start("late:handle", "-Q", "jobs", "--reload")
    shop.until(lambda: "waiting for a change" in shop.said or worker.poll() is not None)
    shop.write("late.py", "from tasks import handle")
    shop.until(lambda: working(shop) or worker.poll() is not None)
    worker.terminate()
    assert 0 == worker.wait(timeout=PATIENCE)
