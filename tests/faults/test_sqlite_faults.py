"""What goes wrong around a SQLite file: locks, full disks, rights, forks, missing files."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from queuekit import ReliableQueue
from queuekit.backends import _sqlite_database, _sqlite_link
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.errors import (
    ConfigurationError,
    QueueFull,
    QueueKitError,
    TransportError,
    TransportUnavailable,
)
from queuekit.transport import QueueStats

LEASE = 60.0
SOON = 15.0
"""Seconds; a call with no time of its own would wait for a lock twice as long."""
needs_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become another user"
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "queue.db")


@pytest.fixture
def transport(path: str) -> Iterator[SQLiteTransport]:
    transport = SQLiteTransport(path)
    yield transport
    transport.close()


def every_write(transport: SQLiteTransport) -> dict[str, Callable[[], Any]]:
    """Return the calls that write, on a queue with ready and claimed messages."""
    transport.push("q", [b"%d" % n for n in range(8)])
    held = [one.receipt for one in transport.claim("q", lease=LEASE, limit=5)]
    return {
        "push": lambda: transport.push("q", [b"x"], token="t"),
        "batch": lambda: transport.push("q", [b"x"] * 50),
        "pop": lambda: transport.pop("q"),
        "pops": lambda: transport.pop("q", limit=2),
        "claim": lambda: transport.claim("q", lease=LEASE),
        "ack": lambda: transport.ack("q", held[:1]),
        "release": lambda: transport.release("q", held[:1], counted=False),
        "fail": lambda: transport.release("q", held[:1], counted=True, delay=9.0),
        "move": lambda: transport.move("q", [(held[0], b"dead")], to="q!dead"),
        "extend": lambda: transport.extend("q", held[:1], lease=2 * LEASE),
        "purge": lambda: transport.purge("q"),
    }


WRITES = ["push", "batch", "pop", "pops", "claim", "ack", "release", "fail", "move", "extend"]


# Locked


HOLD = """
import sqlite3, sys, time
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
conn.execute("ROLLBACK")
"""


@contextmanager
def held_by_another_process(path: str) -> Iterator[subprocess.Popen[bytes]]:
    """Have the file locked until the process is told, or to the end."""
    pipe = subprocess.PIPE
    holder = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=pipe, stdout=pipe)
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert b"held\n" == holder.stdout.readline()
        yield holder
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()


def test_a_short_lock_is_waited_for(transport: SQLiteTransport, path: str) -> None:
    calls = every_write(transport)
    for name in ("push", "claim", "ack"):
        with held_by_another_process(path) as holder:
            assert holder.stdin is not None
            begun = time.monotonic()
            timer = threading.Timer(0.4, holder.stdin.close)
            timer.start()
            assert calls[name]() in (None, []) or name == "claim"
            assert 0.4 < time.monotonic() - begun
            timer.join()


@pytest.mark.parametrize("verb", ["pop", "claim"])
def test_a_long_lock_ends_a_wait_soon_and_says_who_holds_it(
    transport: SQLiteTransport, path: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("queuekit.backends._sqlite_wait.GRACE", 0.3)
    transport.push("q", [b"a"])
    how = {"lease": LEASE} if verb == "claim" else {}
    with held_by_another_process(path) as holder:
        begun = time.monotonic()
        with pytest.raises(TransportUnavailable, match=f"process {holder.pid} has held the lock"):
            getattr(transport, verb)("q", timeout=0.5, **how)
        assert 0.5 < time.monotonic() - begun < SOON
        assert QueueStats(1, 0, 0) == transport.stats("q")
    assert getattr(transport, verb)("q", **how)


def test_a_long_lock_changes_nothing(
    transport: SQLiteTransport, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = every_write(transport)
    monkeypatch.setattr(_sqlite_link, "BUSY_TIMEOUT", 0.05)
    monkeypatch.setattr("queuekit.backends._sqlite_wait.GRACE", 0.05)
    before = transport.stats("q")
    with held_by_another_process(path):
        for name, call in calls.items():
            with pytest.raises(TransportUnavailable, match="nothing was changed"):
                call()
            assert before == transport.stats("q"), name
    for name in WRITES:
        assert calls[name]() is not NotImplemented
        transport.push("q", [b"more"] * 2)


def test_a_thread_waits_for_another_no_longer_than_its_own_time(
    transport: SQLiteTransport, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other thread waits for a process, and is patient: its put has no timeout."""
    monkeypatch.setattr("queuekit.backends._sqlite_wait.GRACE", 0.2)
    transport.push("q", [b"a"])
    with held_by_another_process(path):
        thread = threading.Thread(target=lambda: transport.push("q", [b"b"]))
        thread.start()
        time.sleep(0.1)
        begun = time.monotonic()
        with pytest.raises(TransportUnavailable, match="has held the lock"):
            transport.pop("q", timeout=0.2)
        assert time.monotonic() - begun < SOON
    thread.join()
    assert [b"a", b"b"] == transport.pop("q", limit=2)


def test_a_signal_is_heard_while_the_file_is_locked(transport: SQLiteTransport, path: str) -> None:
    class Stop(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stop

    transport.push("q", [b"a"])
    before = signal.signal(signal.SIGALRM, stop)
    try:
        with held_by_another_process(path):
            begun = time.monotonic()
            with pytest.raises(Stop):
                signal.setitimer(signal.ITIMER_REAL, 0.2)
                transport.push("q", [b"b"])
            assert time.monotonic() - begun < SOON
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert [b"a"] == transport.pop("q", limit=9)


# Full


def test_a_file_that_may_not_grow(transport: SQLiteTransport) -> None:
    """With ``max_page_count``: puts are refused whole, and again accepted when there is room."""
    transport.push("q", [b"x" * 500] * 100)
    read = transport._db.read
    pages = read(lambda cur: cur.execute("PRAGMA page_count").fetchone())[0]
    read(lambda cur: cur.execute(f"PRAGMA max_page_count = {pages}"))
    before = transport.stats("q")
    with pytest.raises(QueueFull, match="nothing was stored"):
        transport.push("q", [b"y" * 4000] * 100, token="t")
    assert before == transport.stats("q")
    read(lambda cur: cur.execute(f"PRAGMA max_page_count = {pages + 1000}"))
    transport.push("q", [b"y" * 4000] * 100, token="t")
    assert before.ready + 100 == transport.stats("q").ready, "the token of the refused put is free"


LIMITED = """
import resource, sys
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.errors import TransportError
transport = SQLiteTransport(sys.argv[1])
transport.push("q", [b"x" * 1000] * 20)
size = sum(__import__("os").path.getsize(sys.argv[1] + end) for end in ("-wal",))
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20000, resource.RLIM_INFINITY))
stored, refused = 20, 0
for _ in range(50):
    try:
        transport.push("q", [b"y" * 1000])
        stored += 1
    except TransportError as exc:
        refused += 1
assert refused and transport.stats("q").ready == stored, (refused, stored, transport.stats("q"))
try:
    (held,) = transport.claim("q", lease=60)
    assert transport.ack("q", [held.receipt]) == []
    stored -= 1
except TransportError:
    pass
assert transport.stats("q").ready + transport.stats("q").claimed == stored
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
transport.push("q", [b"z"])
print(stored + 1)
"""


def test_a_limit_of_the_file_size(path: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=False
    )
    assert 0 == run.returncode, run.stderr
    after = SQLiteTransport(path)
    assert int(run.stdout) == sum(after.stats("q"))
    after.close()


def test_no_room_for_the_file(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(QueueFull, match="disk is full; free some space"):
        SQLiteTransport(path).push("q", [b"a"])


# Looking


def test_looking_makes_no_file(path: str) -> None:
    transport = SQLiteTransport(path)
    for look in (transport.peek, transport.stats, transport.purge, transport.recover):
        assert look("q") in ([], QueueStats(0, 0, 0), 0)
    assert [] == transport.pop("q", timeout=0.01) == transport.claim("q", lease=1, timeout=0.01)
    assert ["x.0"] == transport.ack("q", ["x.0"])
    assert not os.path.exists(path)
    waiting: list[list[bytes]] = []

    def wait() -> None:
        end = time.monotonic() + 20
        while not (found := transport.pop("q", timeout=1.0)) and time.monotonic() < end:
            pass
        waiting.append(found)

    thread = threading.Thread(target=wait)
    thread.start()
    other = SQLiteTransport(path)
    other.push("q", [b"a"])
    thread.join()
    assert [[b"a"]] == waiting, "who waits sees the file appear"
    transport.stats("another")
    names = other._db.read(lambda cur: cur.execute("SELECT name FROM queuekit_queues").fetchall())
    assert [("q",)] == names
    other.close()
    transport.close()


def test_a_directory_that_is_not_there_is_a_mistake_at_once(tmp_path: Path) -> None:
    transport = SQLiteTransport(tmp_path / "none" / "queue.db")
    for call in (lambda: transport.stats("q"), lambda: transport.pop("q", timeout=1.0)):
        with pytest.raises(ConfigurationError, match="no directory"):
            call()


# Forks and other processes


def _child(transport: SQLiteTransport | None, path: str, tell: Any) -> None:
    transport = transport or SQLiteTransport(path)
    found = transport.pop("q")
    transport.push("q", [b"child"])
    tell.put((found, os.getpid()))
    transport.close()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_processes_of_every_kind_beside_an_open_transport(
    transport: SQLiteTransport, path: str, method: str
) -> None:
    transport.push("q", [b"1", b"2"])
    mine = transport._db._link()
    context = multiprocessing.get_context(method)
    tell = context.Queue()
    process = context.Process(
        target=_child, args=(transport if method == "fork" else None, path, tell)
    )
    process.start()
    found, pid = tell.get(timeout=60)
    process.join()
    assert 0 == process.exitcode
    assert os.getpid() != pid
    assert [b"1"] == found
    assert mine is transport._db._link(), "the parent's connection is untouched"
    assert [b"2", b"child"] == transport.pop("q", limit=9)
    tell.close()


# The file, its directory and its rights


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_file_taken_away_is_an_error_for_every_call(
    transport: SQLiteTransport, path: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sqlite_database, "_LOOK_AT_FILE", 0.0)
    calls = every_write(transport)
    os.rename(path, f"{path}.away")
    if how == "replaced":
        other = SQLiteTransport(path)
        other.push("q", [b"other"])
        other.close()
    for call in [*calls.values(), lambda: transport.peek("q"), lambda: transport.stats("q")]:
        with pytest.raises(TransportError, match=r"deleted or renamed|replaced by another"):
            call()
    assert (how == "replaced") == os.path.exists(path), "never made again"


@needs_root
@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_file_that_becomes_read_only(tmp_path: Path, what: str) -> None:
    """As another user, since root may write everywhere."""
    code = """
import os, sys
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.errors import TransportError
os.setuid(65534)
path = sys.argv[1]
first = SQLiteTransport(path)
first.push("q", [b"a"])
first.close()
os.chmod(path if sys.argv[2] == "file" else os.path.dirname(path), 0o500)
second = SQLiteTransport(path)
for call in (lambda: second.push("q", [b"b"]), lambda: second.pop("q")):
    try:
        print(call())
    except TransportError as exc:
        print(type(exc).__name__, str(exc).replace(path, "PATH"))
os.chmod(path if sys.argv[2] == "file" else os.path.dirname(path), 0o700)
print(second.pop("q", limit=9))
"""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        os.chmod(folder, 0o755)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    run = subprocess.run(
        [sys.executable, "-c", code, str(home / "queue.db"), what],
        capture_output=True,
        text=True,
        check=False,
    )
    first, second, last = run.stdout.splitlines() or [run.stderr]
    for line in (first, second):
        assert line.startswith("TransportError '"), run.stdout + run.stderr
        assert "PATH" in line
    assert "[b'a']" == last


def test_modes_do_not_depend_on_the_umask(path: str) -> None:
    before = os.umask(0o022)
    try:
        transport = SQLiteTransport(path)
        transport.push("q", [b"a"])
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(os.stat(path + end).st_mode) for end in ("", "-wal", "-shm")]
    assert [0o600] * 3 == modes
    transport.close()


def test_a_directory_where_everybody_may_replace_files(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(TransportError, match="every user can replace files"):
        SQLiteTransport(folder / "queue.db").push("q", [b"a"])
    assert not list(folder.iterdir())
    folder.chmod(0o1777)
    safe = SQLiteTransport(folder / "queue.db")
    safe.push("q", [b"a"])
    safe.close()


@needs_root
@pytest.mark.parametrize("planted", ["file", "link"])
def test_what_another_user_may_have_planted(tmp_path: Path, planted: str) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    name = folder / "queue.db"
    if planted == "file":
        name.touch(0o666)
        os.chown(name, 65534, 65534)
    else:
        name.symlink_to(tmp_path / "elsewhere.db")
        os.lchown(name, 65534, 65534)
    folder.chmod(0o1777)
    with pytest.raises(TransportError, match="may have been planted"):
        SQLiteTransport(name).push("q", [b"a"])
    folder.chmod(0o755)  # here nobody else can write: it is the administrator's choice
    chosen = SQLiteTransport(name)
    chosen.push("q", [b"a"])
    chosen.close()


@pytest.mark.parametrize("kind", ["device", "pipe", "socket"])
def test_what_is_no_ordinary_file(tmp_path: Path, kind: str) -> None:
    name = tmp_path / "special"
    with socket.socket(socket.AF_UNIX) as held:
        if kind == "device":
            name = Path("/dev/null")
        elif kind == "pipe":
            os.mkfifo(name)
        else:
            held.bind(str(name))
        with pytest.raises(ConfigurationError, match="needs an ordinary file"):
            SQLiteTransport(name).push("q", [b"a"])


# The disk


def test_one_durable_transaction_on_a_connection_that_is_not(transport: SQLiteTransport) -> None:
    """``synchronous`` is FULL while it runs, and NORMAL for the next one, also after an error."""
    level = lambda cur: cur.execute("PRAGMA synchronous").fetchone()[0]
    write = transport._db.write
    transport.push("q", [b"a"])
    assert 1 == write(level)
    assert 2 == write(level, durable=True)
    assert 1 == write(level)

    def fail(cur: sqlite3.Cursor) -> None:
        assert 2 == level(cur)
        raise QueueKitError

    with pytest.raises(QueueKitError):
        write(fail, durable=True)
    assert 1 == write(level)


def test_the_wall_clock_may_be_stepped(
    transport: SQLiteTransport, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = ReliableQueue("jobs", transport)
    jobs.put(1)
    jobs.put(2, delay=3600)
    message = jobs.get()
    assert message is not None
    real = time.time
    for step in (86400.0, -86400.0):
        monkeypatch.setattr(time, "time", lambda step=step: real() + step)
        other = SQLiteTransport(path)
        assert [] == other.claim("jobs", lease=LEASE)
        assert QueueStats(0, 1, 1) == other.stats("jobs")
        other.close()
    message.ack()
