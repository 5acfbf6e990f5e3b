"""What is special to the SQLite transport: files, processes, forks, foreign files, full disks."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from queuekit._envelope import wrap
from queuekit.backends import _sqlite_link, _sqlite_store, _sqlite_wait
from queuekit.backends._pace import Pace
from queuekit.backends._sqlite_url import parse_url
from queuekit.backends._waiters import Waiter
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.errors import (
    BodyTooLarge,
    ConfigurationError,
    QueueFull,
    TransportClosed,
    TransportError,
    TransportUnavailable,
)
from queuekit.transport import MAX_CLAIM, PushOptions, QueueStats, Receipt

from .patience import LONG, SOON, wait_until, with_long_waits

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "queue.db")


@pytest.fixture
def transport(path):
    transport = SQLiteTransport(path)
    yield transport
    transport.close()


# Files


def test_building_touches_nothing(path):
    SQLiteTransport(path)
    SQLiteTransport("/no/such/place/queue.db")
    assert not os.path.exists(path)


def test_all_three_files_are_private(transport, path):
    old = os.umask(0o022)
    try:
        transport.push("q", [b"secret"])
        modes = {f: stat.S_IMODE(os.stat(path + f).st_mode) for f in ("", "-wal", "-shm")}
    finally:
        os.umask(old)
    assert modes == {"": 0o600, "-wal": 0o600, "-shm": 0o600}


def test_a_relative_path_is_taken_when_built(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    transport = SQLiteTransport("here.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    transport.push("q", [b"a"])
    transport.close()
    assert (tmp_path / "here.db").exists()


def test_messages_and_claims_survive_closing(path):
    first = SQLiteTransport(path)
    first.push("q", [b"a", b"b", b"c"])
    (held,) = first.claim("q", lease=60)
    first.close()
    second = SQLiteTransport(path)
    assert second.stats("q") == QueueStats(2, 0, 1)
    assert second.ack("q", [held.receipt]) == []
    assert second.pop("q", limit=5) == [b"b", b"c"]
    second.close()


def test_a_link_that_leads_nowhere_yet_makes_a_private_file(tmp_path):
    target = tmp_path / "target.db"
    (tmp_path / "link.db").symlink_to(target)
    transport = SQLiteTransport(tmp_path / "link.db")
    transport.push("q", [b"a"])
    transport.close()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_file_taken_away_is_noticed_and_never_made_again(path, monkeypatch, how):
    monkeypatch.setattr("queuekit.backends._sqlite_database._LOOK_AT_FILE", 0.0)
    transport = SQLiteTransport(path)
    transport.push("q", [b"a"])
    os.rename(path, path + ".old")
    if how == "replaced":
        other = SQLiteTransport(path)
        other.push("q", [b"x"])
        other.close()
    for _ in range(2):
        with pytest.raises(TransportError, match=how):
            transport.push("q", [b"b"])
    errors = []
    thread = threading.Thread(target=lambda: errors.append(_error(transport)))
    thread.start()
    thread.join()
    assert isinstance(errors[0], TransportError)
    assert os.path.exists(path) == (how == "replaced")
    transport.close()


def _error(transport):
    try:
        transport.push("q", [b"b"])
    except Exception as exc:
        return exc
    return None


def test_synchronous_full_reaches_sqlite(path):
    transport = SQLiteTransport(path, synchronous="FULL")
    transport.push("q", [b"a"])
    read = transport._db.read
    assert read(lambda cur: cur.execute("PRAGMA synchronous").fetchone()) == (2,)
    assert read(lambda cur: cur.execute("PRAGMA journal_mode").fetchone()) == ("wal",)
    transport.close()


def test_large_batches_and_bodies(transport):
    bodies = [b"%d" % n for n in range(5000)] + [b"x" * 3_000_000]
    transport.push("q", bodies)
    found = []
    while some := transport.claim("q", lease=60, limit=10_000):
        assert len(some) <= MAX_CLAIM
        found += some
    assert [delivery.body for delivery in found] == bodies
    assert transport.release("q", [d.receipt for d in found], counted=False) == []
    assert transport.pop("q", limit=10_000) == bodies


def test_order_at_the_edges_of_two_neighbouring_queues(transport):
    transport.push("a", [b"a"])
    transport.push("b", [b"b"])
    (held,) = transport.claim("b", lease=60)
    transport.release("b", [held.receipt], counted=False)
    assert transport.purge("a") == 1
    assert transport.peek("b", limit=9) == [b"b"]
    assert transport.pop("a", limit=9) == []


# Foreign and broken files


def _foreign(path):
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE invoices (id)")
    conn.close()


def _branded(path):
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA application_id = 7")
    conn.close()


def _newer(path):
    transport = SQLiteTransport(path)
    transport.push("q", [b"a"])
    transport.close()
    conn = sqlite3.connect(path)
    conn.execute("UPDATE queuekit_meta SET value = 99 WHERE name = 'version'")
    conn.commit()
    conn.close()


def _damaged(path):
    transport = SQLiteTransport(path)
    transport.push("q", [b"a" * 100] * 1000)
    transport.close()
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 12)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (os.mkdir, ConfigurationError, "is a directory"),
        (_foreign, ConfigurationError, "another program's database"),
        (_branded, ConfigurationError, "another program's database"),
        (lambda p: Path(p).write_text("hello " * 1000), ConfigurationError, "no SQLite database"),
        (_newer, TransportError, "layout version 99.*upgrade queuekit"),
        (_damaged, TransportError, "damaged"),
    ],
    ids=["directory", "foreign", "branded", "text", "newer", "damaged"],
)
def test_files_that_cannot_be_used(path, make, error, says):
    make(path)
    before = Path(path).read_bytes() if os.path.isfile(path) else None
    transport = SQLiteTransport(path)
    for call in (lambda: transport.push("q", [b"b"]), lambda: transport.claim("q", lease=1)):
        with pytest.raises(error, match=says) as caught:
            call()
        assert path in str(caught.value)
    transport.close()
    if before is not None:
        assert Path(path).read_bytes() == before


def test_a_missing_directory(tmp_path):
    transport = SQLiteTransport(tmp_path / "no" / "queue.db")
    with pytest.raises(ConfigurationError, match="there is no directory"):
        transport.stats("q")
    transport.close()


def test_a_file_that_cannot_be_written(transport, monkeypatch):
    """Root may write everything, so the refusal is SQLite's own, and the check is told lies."""
    transport.push("q", [b"a"])
    transport._db.read(lambda cur: cur.execute("PRAGMA query_only = ON"))
    with pytest.raises(TransportError, match="read-only"):
        transport.push("q", [b"b"])
    assert transport.peek("q") == [b"a"]
    monkeypatch.setattr(os, "access", lambda *_: False)
    other = SQLiteTransport(transport._db.path)
    with pytest.raises(TransportError, match="cannot be written by this user"):
        other.push("q", [b"b"])
    other.close()


@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become another user"
)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_file_of_another_user(path, tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        os.chmod(folder, 0o755)
    transport = SQLiteTransport(path)
    transport.push("q", [b"a"])
    transport.close()
    for mode in (0o400, 0o644):
        os.chmod(path, mode)
        assert _in_fork(lambda: (os.setuid(65534), _error(SQLiteTransport(path)))[1].__class__) == (
            "TransportError"
        )


def test_network_file_systems_are_refused(path, monkeypatch):
    real = Path.read_text
    mounts = "none / ext4 rw 0 0\nserver:/x {} {} rw 0 0\n"

    def read_text(self, *args, **kwargs):
        if str(self) == "/proc/mounts":
            return mounts.format(os.path.dirname(path), mounted[0])
        return real(self, *args, **kwargs)

    mounted = [""]
    monkeypatch.setattr(Path, "read_text", read_text)
    for mounted[0] in ("nfs4", "cifs", "9p", "virtiofs", "fuse.sshfs"):
        transport = SQLiteTransport(path)
        with pytest.raises(ConfigurationError, match="network file system"):
            transport.push("q", [b"a"])
        assert not os.path.exists(path)
    forced = SQLiteTransport(path, allow_network=True)
    forced.push("q", [b"a"])
    forced.close()
    for mounted[0] in ("ext4", "overlay", "fuse.fuse-overlayfs"):
        local = SQLiteTransport(path)
        assert local.peek("q") == [b"a"]
        local.close()


def test_a_full_disk_refuses_pushes_and_can_be_drained(transport):
    transport.push("q", [b"x" * 500] * 200)
    run = transport._db.read
    pages = run(lambda cur: cur.execute("PRAGMA page_count").fetchone())[0]
    run(lambda cur: cur.execute(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(QueueFull, match="no room"):
        for _ in range(100):
            transport.push("q", [b"y" * 500] * 20)
    left = transport.stats("q").ready
    done = 0
    while found := transport.claim("q", lease=60, limit=50):
        assert transport.ack("q", [d.receipt for d in found]) == []
        done += len(found)
    assert done == left
    transport.push("q", [b"z"])


def test_a_lock_held_by_somebody_else(transport, path, monkeypatch):
    monkeypatch.setattr(_sqlite_link, "BUSY_TIMEOUT", 0.1)
    monkeypatch.setattr("queuekit.backends._sqlite_wait.GRACE", 0.1)
    transport.push("q", [b"a"])
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for call in (lambda: transport.push("q", [b"b"]), lambda: transport.claim("q", lease=1)):
        with pytest.raises(TransportUnavailable, match="has held the lock"):
            call()
    assert transport.peek("q") == [b"a"]
    holder.execute("ROLLBACK")
    transport.push("q", [b"b"])
    assert transport.pop("q", limit=9) == [b"a", b"b"]
    holder.close()


def test_a_body_that_sqlite_refuses(path):
    transport = SQLiteTransport(path, max_body=10)
    with pytest.raises(BodyTooLarge):
        transport.push("q", [b"a", b"x" * 11])
    transport.close()


def test_no_body_in_an_error(transport, monkeypatch):
    transport.push("q", [b"a"])
    transport._db.read(lambda cur: cur.execute("DROP TABLE queuekit_lanes"))
    with pytest.raises(TransportError) as caught:
        transport.push("q", [b"password"])
    assert "password" not in str(caught.value)
    assert isinstance(caught.value.__cause__, sqlite3.Error)


# Transactions


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError])
def test_an_interrupt_leaves_no_open_transaction(transport, path, kind):
    transport.push("q", [b"a", b"b"])
    lane = transport._lane("q")

    def step(cur):
        lane.ready.pop(cur, [], 2)
        raise kind

    with pytest.raises(kind):
        transport._db.write(step)
    other = SQLiteTransport(path)
    other.push("q", [b"c"])
    assert transport.pop("q", limit=9) == [b"a", b"b", b"c"]
    other.close()


def test_closed_for_good(transport, path):
    transport.push("q", [b"a"])
    transport.close()
    transport.close()
    calls = [
        lambda: transport.push("q", [b"a"]),
        lambda: transport.pop("q"),
        lambda: transport.claim("q", lease=1, timeout=1),
        lambda: transport.ack("q", [Receipt("x")]),
        lambda: transport.stats("new"),
    ]
    for call in calls:
        with pytest.raises(TransportClosed):
            call()
    assert not os.path.exists(path + "-wal")  # the last connection has tidied up


def test_close_ends_waits_of_other_threads(transport):
    outcome = []
    with_long_waits(transport)

    def wait():
        try:
            transport.claim("q", lease=1, timeout=LONG)
        except TransportClosed as exc:
            outcome.append(exc)

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: transport._db.lines.length("q"))
    start = time.monotonic()
    transport.close()
    thread.join()
    assert outcome
    assert time.monotonic() - start < SOON


def test_connections_of_ended_threads_are_closed(transport):
    transport.push("q", [b"a"])
    for _ in range(20):
        thread = threading.Thread(target=lambda: transport.peek("q"))
        thread.start()
        thread.join()
    gc.collect()
    assert len(transport._db._links) == 1


def test_an_empty_claim_does_not_write(transport, path):
    transport.push("q", [b"a"])
    transport.pop("q")
    transport.claim("q", lease=1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")  # whoever writes fails
    words = []
    conn = transport._db._link().conn
    conn.set_trace_callback(lambda text: words.append(text.split()[0]))
    assert transport.claim("q", lease=1) == []
    assert transport.pop("q") == []
    assert transport.recover("q") == 0
    conn.set_trace_callback(None)
    assert set(words) == {"SELECT"}
    holder.close()


def test_nothing_grows_with_the_queue(transport):
    """A claim behind 200,000 messages takes SQLite's machine the steps that it takes behind ten."""

    def steps(queue):
        count = 0

        def step():
            nonlocal count
            count += 1
            return 0

        conn = transport._db._link().conn
        conn.set_progress_handler(step, 10)
        for _ in range(20):
            transport.push(queue, [b"y"])
            (held,) = transport.claim(queue, lease=60)
            transport.release(queue, [held.receipt], counted=False)
            transport.pop(queue)
        conn.set_progress_handler(None, 10)
        return count

    transport.push("short", [b"x" * 20] * 10)
    transport.push("long", [b"x" * 20] * 200_000)
    steps("warm")
    assert 0 < steps("long") < 2 * steps("short")


# The application's own transaction


def test_a_push_counts_when_the_application_commits(path):
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE orders (id)")
    inside = SQLiteTransport(connection=conn)
    for end in (conn.rollback, conn.commit):
        conn.execute("INSERT INTO orders VALUES (1)")
        inside.push("q", [b"a", b"b"])
        inside.push("q", [b"c"])
        assert conn.in_transaction
        end()
    inside.push("q", [b"lost"])
    conn.rollback()
    outside = SQLiteTransport(path)
    assert outside.pop("q", limit=9) == [b"a", b"b", b"c"]
    assert conn.execute("SELECT count(*) FROM orders").fetchone() == (1,)
    inside.close()
    with pytest.raises(TransportClosed):
        inside.push("q", [b"d"])
    conn.execute("SELECT 1")
    conn.close()
    outside.close()


def test_an_error_undoes_only_our_part(path):
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE orders (id)")
    inside = SQLiteTransport(connection=conn)
    inside.push("q", [b"a"])
    conn.commit()
    conn.execute("INSERT INTO orders VALUES (1)")
    with pytest.raises(TransportError):
        inside._db.write(lambda cur: cur.execute("INSERT INTO nowhere VALUES (1)"))
    conn.commit()
    assert conn.execute("SELECT count(*) FROM orders").fetchone() == (1,)
    conn.close()


def test_a_connection_and_a_path_is_a_mistake(path):
    conn = sqlite3.connect(":memory:")
    with pytest.raises(ConfigurationError, match="not both"):
        SQLiteTransport(path, connection=conn)
    assert not SQLiteTransport(connection=conn).features.idempotent_push
    conn.close()


# The clock


def test_a_reboot_sets_the_clock_on(path, monkeypatch):
    first = SQLiteTransport(path)
    first.push("q", [wrap(b"i" * 16, b"late")], options=PushOptions(delay=60))
    first.push("q", [b"1", b"2"])
    (held, _) = first.claim("q", lease=3600, limit=2)
    first.extend("q", [held.receipt], lease=7200)
    before = first._db.now()
    first.close()
    monkeypatch.setattr(_sqlite_store, "_boot_id", lambda: "another boot")
    monkeypatch.setattr(_sqlite_store, "_monotonic", lambda: 1.0)
    monkeypatch.setattr(time, "time", lambda: 0.0)  # a machine without a battery
    second = SQLiteTransport(path)
    again = second.claim("q", lease=1, limit=9)  # at once: who held them is gone
    assert [(one.body, one.attempt) for one in again] == [(b"1", 2), (b"2", 2)]
    assert second.ack("q", [held.receipt]) == [held.receipt]
    assert second._db.now() >= before - 1
    second.close()
    third = SQLiteTransport(path)
    third.stats("q")
    assert third._db.now() == pytest.approx(second._db.now())
    third.close()


@pytest.mark.skipif(not _sqlite_store._boot_id(), reason="no boot id here: the wall clock is used")
def test_the_wall_clock_moves_no_lease(transport, path, monkeypatch):
    transport.push("q", [b"a"])
    assert transport.claim("q", lease=60)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert transport.claim("q", lease=60) == []
    other = SQLiteTransport(path)
    assert other.claim("q", lease=60) == []
    other.close()


# URLs


@pytest.mark.parametrize(
    ("url", "path", "synchronous"),
    [
        ("sqlite:///jobs.db", "jobs.db", "NORMAL"),
        ("sqlite:////var/jobs.db", "/var/jobs.db", "NORMAL"),
        ("sqlite:jobs.db", "jobs.db", "NORMAL"),
        ("sqlite:/var/jobs.db", "/var/jobs.db", "NORMAL"),
        ("SQLITE:///a%20b%3F.db?synchronous=full", "a b?.db", "FULL"),
        ("sqlite:///a%231.db", "a#1.db", "NORMAL"),
    ],
)
def test_urls(url, path, synchronous):
    assert parse_url(url) == (path, synchronous)
    assert SQLiteTransport.from_url(url)._db.path == os.path.abspath(path)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://host/x", "has no host"),
        ("sqlite://jobs.db", "sqlite:///jobs.db"),
        ("sqlite:", "memory:"),
        ("sqlite://", "memory:"),
        ("sqlite:///", "memory:"),
        ("sqlite::memory:", "memory:"),
        ("sqlite:///jobs.db?timeout=3", "known is 'synchronous'"),
        ("sqlite:///jobs.db?synchronous=off", '"NORMAL" or "FULL"'),
        ("sqlite:///%ff.db", "UTF-8"),
        ("sqlite:///a%00b", "NUL"),
        ("sqlite:///a.db#1", "%23"),
    ],
)
def test_urls_that_are_mistakes(url, says):
    with pytest.raises(ConfigurationError, match=says):
        SQLiteTransport.from_url(url)


@pytest.mark.parametrize("path", [None, "", ":memory:", "sqlite:///jobs.db"])
def test_paths_that_are_mistakes(path):
    with pytest.raises(ConfigurationError):
        SQLiteTransport(path)


# Processes


def _patient(path):
    """Return the transport of a process that waits for its turn however busy the machine is."""
    _sqlite_link.BUSY_TIMEOUT = _sqlite_wait.GRACE = 60.0
    return SQLiteTransport(path)


def _produce(path, who, count):
    transport = _patient(path)
    for n in range(count):
        transport.push("q", [b"%d-%d" % (who, n)])
    transport.close()


def _consume(path, log, until):
    """Ack in claims of three; what was acked is in the log before the next claim."""
    transport = _patient(path)
    with open(log, "ab", buffering=0) as file:
        while time.time() < until:
            found = transport.claim("q", lease=0.5, limit=3, timeout=0.2)
            lost = transport.ack("q", [delivery.receipt for delivery in found])
            done = [d.body for d in found if d.receipt not in lost]
            file.write(b"".join(body + b"\n" for body in done))
            stats = transport.stats("q")
            if not found and os.path.exists(path + ".produced") and sum(stats) == 0:
                break
    transport.close()


def test_four_producers_and_four_consumers_one_of_them_killed(path, tmp_path):
    producers = [SPAWN.Process(target=_produce, args=(path, who, 300)) for who in range(4)]
    logs = [str(tmp_path / f"log{n}") for n in range(4)]
    until = time.time() + 90
    consumers = [SPAWN.Process(target=_consume, args=(path, log, until)) for log in logs]
    for process in producers + consumers:
        process.start()
    victim = None
    while victim is None and time.time() < until:
        time.sleep(0.002)
        busy = [log for log in logs if os.path.exists(log) and os.path.getsize(log) > 50]
        victim = logs.index(busy[0]) if busy else None
    assert victim is not None
    os.kill(consumers[victim].pid, signal.SIGKILL)
    for process in producers:
        process.join()
        assert process.exitcode == 0
    Path(path + ".produced").touch()
    for process in consumers:
        process.join()
    codes = [process.exitcode for process in consumers]
    assert codes == [-signal.SIGKILL if n == victim else 0 for n in range(4)]
    acked = Counter(line for log in logs for line in Path(log).read_bytes().split())
    expected = {b"%d-%d" % (who, n) for who in range(4) for n in range(300)}
    assert max(acked.values()) == 1
    missing = expected - set(acked)  # the killed one may have acked three and not told
    assert len(missing) <= 3
    assert not set(acked) - expected
    with sqlite3.connect(path) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert conn.execute("SELECT count(*) FROM queuekit_claims").fetchone() == (0,)
    conn.close()


def _create(path, barrier, results):
    transport = _patient(path)
    barrier.wait()
    try:
        transport.push("q", [b"x"])
        results.put("ok")
    except Exception as exc:
        results.put(repr(exc))
    transport.close()


def test_many_processes_create_the_file_at_once(tmp_path):
    barrier, results = SPAWN.Barrier(4), SPAWN.Queue()
    path = str(tmp_path / "new.db")
    processes = [SPAWN.Process(target=_create, args=(path, barrier, results)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [results.get(timeout=60) for _ in processes] == ["ok"] * 4
    for process in processes:
        process.join()
    transport = SQLiteTransport(path)
    assert transport.stats("q").ready == 4
    transport.close()


def _echo(path, count):
    transport = with_long_waits(_patient(path))
    transport.push("pong", [b"here"])
    for _ in range(count):
        (found,) = transport.claim("ping", lease=LONG, timeout=LONG)
        transport.push("pong", [b"%.9f" % time.monotonic()])
        transport.ack("ping", [found.receipt])
    transport.close()


def test_another_process_is_woken_soon(transport, path):
    """It looks often enough: see the next test. Here its wait would end much later by itself."""
    count = 5
    with_long_waits(transport)
    process = SPAWN.Process(target=_echo, args=(path, count))
    process.start()
    assert transport.pop("pong", timeout=LONG) == [b"here"]
    for _ in range(count):
        time.sleep(0.06)  # it has become idle and looks rarely
        start = time.monotonic()
        transport.push("ping", [b""])
        (answer,) = transport.pop("pong", timeout=LONG)
        assert float(answer) - start < SOON
    process.join()


@pytest.mark.parametrize("busy", [False, True])
def test_the_pauses_between_two_looks_are_short(transport, monkeypatch, busy):
    """As asked of the system, which may be slow: 10 ms at the most where nothing comes."""
    if busy:
        transport.push("q", [b"a"])
        transport.claim("q", lease=60, timeout=0.1)
    pauses = []
    wait = Waiter.wait

    def noted(self, seconds):
        pauses.append(seconds)
        return wait(self, seconds)

    monkeypatch.setattr(Waiter, "wait", noted)
    assert transport.claim("q", lease=60, timeout=0.2) == []
    assert 0 < max(pauses) <= 0.01


def test_a_thread_is_woken_at_once(transport, monkeypatch):
    """Without a look of its own: the pauses between looks are longer than the wait."""
    monkeypatch.setattr(transport._db, "pace", Pace(LONG, LONG))
    with_long_waits(transport)
    transport.push("q", [b"first"])
    transport.pop("q")
    taken = []

    def take():
        for delivery in transport.claim("q", lease=LONG, timeout=LONG):
            taken.append((delivery.body, time.monotonic()))

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: transport._db.lines.length("q") == 3)
    start = time.monotonic()
    transport.push("q", [b"1", b"2", b"3"])
    for thread in threads:
        thread.join()
    assert sorted(body for body, _ in taken) == [b"1", b"2", b"3"]
    assert max(at for _, at in taken) - start < SOON


def test_a_wait_ends_when_a_lease_does(transport):
    with_long_waits(transport)
    transport.push("q", [b"a"])
    start = time.monotonic()
    transport.claim("q", lease=0.15)
    (again,) = transport.claim("q", lease=9, timeout=LONG)
    assert 0.14 < time.monotonic() - start < SOON
    assert again.attempt == 2


def _in_fork(work):
    """Run *work* in a forked child, and return what it says."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            result = work()
            os.write(write, (result if isinstance(result, str) else result.__name__).encode())
        except BaseException as exc:
            os.write(write, repr(exc).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        said = file.read().decode()
    os.waitpid(pid, 0)
    return said


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_opens_its_own_connection(transport):
    transport.push("q", [b"a", b"b"])
    mine = transport._db._local.link.conn
    stop = threading.Event()
    opened = threading.Event()

    def other_thread():
        transport.peek("q")
        with (
            transport._db._turn._gate,
            transport._db.lines._lock,
        ):  # held while the process is copied
            opened.set()
            stop.wait(LONG)

    thread = threading.Thread(target=other_thread)
    thread.start()
    opened.wait()

    def child():
        assert transport.pop("q") == [b"a"]
        assert transport._db._local.link.conn is not mine
        assert any(mine is conn for conn in _sqlite_link._graveyard)
        assert len(_sqlite_link._graveyard) == 2
        transport.push("q", [b"c"])
        transport.close()
        mine.execute("SELECT 1")  # neither used by us nor closed
        return "fine"

    assert _in_fork(child) == "fine"
    stop.set()
    thread.join()
    assert transport.pop("q", limit=9) == [b"b", b"c"]


def test_the_module_does_without_asyncio():
    """The module by itself: what the package imports beside it is the package's affair."""
    folder = str(Path(_sqlite_link.__file__).parents[1])
    code = (
        "import sys, types; package = types.ModuleType('queuekit');"
        f" package.__path__ = [{folder!r}]; sys.modules['queuekit'] = package;"
        " import queuekit.backends.sqlite; sys.exit('asyncio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tokens_are_forgotten_in_bounded_steps(monkeypatch):
    from queuekit.backends import _tokens

    monkeypatch.setattr(_tokens, "_MOST_TOKENS", 10)
    tokens = _tokens.Tokens()
    for n in range(100):
        assert not tokens.knows("q", str(n))
        tokens.add("q", str(n), _tokens.STORED)
    assert tokens.knows("q", "99")
    assert not tokens.knows("q", "0")
    tokens.add("q", "new", [])
    assert not tokens.knows("q", "new"), "its push was undone, or is on its way"
    assert len(tokens.young) + len(tokens._old) <= 20
