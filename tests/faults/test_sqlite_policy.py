"""Bounds, groups and limits in SQLite under load: many processes, some of them killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from queuekit._envelope import NO_HEADERS, Place, unwrap, wrap
from queuekit.abilities import Limits
from queuekit.backends._sqlite_groups import HOLDER
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.errors import QueueFull
from queuekit.transport import PushOptions

SPAWN = multiprocessing.get_context("spawn")
SECONDS = 25.0
"""So long producers go on, at most; on a slow machine there are fewer messages."""


def frame(number: int, place: Place) -> bytes:
    return wrap(number.to_bytes(16, "big"), b"%d" % number, NO_HEADERS, place)


# Bounds

BOUND = 1000
WATCH = f"""
CREATE TABLE watch (now INTEGER, peak INTEGER);
INSERT INTO watch VALUES (0, 0);
CREATE TRIGGER watch_1 AFTER INSERT ON queuekit_lanes BEGIN
    UPDATE watch SET now = now + 1, peak = max(peak, now + 1);
END;
CREATE TRIGGER watch_2 AFTER DELETE ON queuekit_lanes BEGIN UPDATE watch SET now = now - 1; END;
CREATE TRIGGER watch_3 AFTER INSERT ON queuekit_groups WHEN NEW.seq > {HOLDER} BEGIN
    UPDATE watch SET now = now + 1, peak = max(peak, now + 1);
END;
CREATE TRIGGER watch_4 AFTER DELETE ON queuekit_groups WHEN OLD.seq > {HOLDER} BEGIN
    UPDATE watch SET now = now - 1;
END;
"""
"""Sees every single row, whichever process writes it."""


def _produce(path: str, who: int, count: int, until: float) -> None:
    """Push one message after the other, with any place; say how many."""
    transport, dice = SQLiteTransport(path), random.Random(who)
    plain = PushOptions(max_length=BOUND)
    placed = PushOptions(max_length=BOUND, placed=True)
    done = 0
    while done < count and (time.time() < until or done < 2 * BOUND):
        kind = dice.randrange(3)
        place = Place(dice.randint(-3, 3) if kind else 0, f"g{dice.randrange(50)}" * (kind == 2))
        try:
            body = frame(who * count + done, place)
            transport.push("q", [body], options=placed if kind else plain)
            done += 1
        except QueueFull:
            time.sleep(0.01)
    transport.close()
    Path(f"{path}.produced{who}").write_text(str(done))


def _consume(path: str, who: int, producers: int) -> None:
    """Ack until all is over; what was acked is in a file."""
    transport = SQLiteTransport(path)
    done: list[bytes] = []
    while True:
        over = all(os.path.exists(f"{path}.produced{n}") for n in range(producers))
        found = transport.claim("q", lease=300.0, limit=20, timeout=0.2)
        lost = transport.ack("q", [one.receipt for one in found])
        assert not lost
        done += [unwrap(one.body).body for one in found]
        if over and not found and transport.stats("q").ready == 0:
            break
    transport.close()
    Path(f"{path}.consumed{who}").write_bytes(b"\n".join(done))


@pytest.mark.t2
@pytest.mark.timeout(600)
def test_a_bound_is_exact_under_eight_producers(tmp_path: Path) -> None:
    """Eight producers, eight consumers: never one message above the bound, none lost."""
    path, each = str(tmp_path / "queue.db"), 12_500
    SQLiteTransport(path).push("other", [b"made"])
    with sqlite3.connect(path) as conn:
        conn.executescript(WATCH)
        conn.execute("UPDATE watch SET now = (SELECT count(*) - 1 FROM queuekit_lanes)")
    until = time.time() + SECONDS
    consumers = [SPAWN.Process(target=_consume, args=(path, n, 8)) for n in range(8)]
    producers = [SPAWN.Process(target=_produce, args=(path, n, each, until)) for n in range(8)]
    for process in producers:
        process.start()
    while conn.execute("SELECT peak FROM watch").fetchone()[0] < BOUND:
        time.sleep(0.05)  # with nobody who makes room it is reached on any machine
    for process in consumers:
        process.start()
    for process in (*producers, *consumers):
        process.join()
        assert 0 == process.exitcode
    counts = [int(Path(f"{path}.produced{n}").read_text()) for n in range(8)]
    pushed = {n * each + i for n, count in enumerate(counts) for i in range(count)}
    consumed = [Path(f"{path}.consumed{n}").read_bytes().split() for n in range(8)]
    acked = Counter(int(number) for some in consumed for number in some)
    assert pushed == set(acked)
    assert 1 == max(acked.values())
    now, peak = conn.execute("SELECT now, peak FROM watch").fetchone()
    assert (0, BOUND) == (now, peak), "it must be reached, and never exceeded"
    assert [("ok",)] == conn.execute("PRAGMA integrity_check").fetchall()
    for table in ("lanes", "claims", "groups"):
        rows = conn.execute(f"SELECT count(*) FROM queuekit_{table}").fetchone()[0]
        assert (table == "lanes") == rows
    conn.close()
    print(f"{sum(counts)} messages")
    assert sum(counts) > 8 * BOUND


# Groups

GROUPS = 1000
LEASE = 8.0


def _work(path: str, log: str) -> None:
    """Handle messages until there are none: each is in the log when it begins and when it ends."""
    transport = SQLiteTransport(path)
    lines = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while (found := transport.claim("q", lease=LEASE, limit=10, timeout=0.5)) or sum(
        transport.stats("q")
    ):
        for one in found:
            number = unwrap(one.body).body.decode()
            os.write(lines, f"begin {number} {one.attempt}\n".encode())
            os.write(lines, f"end {number} {one.attempt}\n".encode())
            transport.ack("q", [one.receipt])
    transport.close()


@pytest.mark.t2
@pytest.mark.timeout(600)
def test_groups_keep_their_order_under_workers_that_are_killed(tmp_path: Path) -> None:
    path, log, dice = str(tmp_path / "queue.db"), str(tmp_path / "log"), random.Random(6)
    transport = SQLiteTransport(path)
    count = 100 * GROUPS
    for start in range(0, count, GROUPS):
        frames = [frame(start + n, Place(n % 3 - 1, f"g{n}")) for n in range(GROUPS)]
        transport.push("q", frames, options=PushOptions(placed=True))
    assert count == transport.stats("q").ready
    workers = [SPAWN.Process(target=_work, args=(path, log)) for _ in range(8)]
    for worker in workers:
        worker.start()
    killed, until = 0, time.time() + 90.0
    while sum(transport.stats("q")) and time.time() < until:
        time.sleep(dice.uniform(0.1, 0.4))
        at = dice.randrange(8)
        if killed < 40 and workers[at].is_alive():
            os.kill(workers[at].pid or 0, signal.SIGKILL)
            killed += 1
        workers[at].join(0.0 if workers[at].is_alive() and killed >= 40 else None)
        if not workers[at].is_alive():
            workers[at] = SPAWN.Process(target=_work, args=(path, log))
            workers[at].start()
    for worker in workers:
        worker.join()
    assert (0, 0, 0) == transport.stats("q")
    transport.close()
    happened: defaultdict[int, list[tuple[str, int, int]]] = defaultdict(list)
    for line in Path(log).read_text().splitlines():
        what, text, attempt = line.split()
        happened[int(text) % GROUPS].append((what, int(text), int(attempt)))
    again = 0
    for group, steps in happened.items():
        numbers = [number for _, number, _ in steps]
        assert sorted(numbers) == numbers, f"group {group}: {steps}"
        assert list(range(group, count, GROUPS)) == sorted(set(numbers))
        for number in set(numbers):
            mine = [(what, attempt) for what, one, attempt in steps if one == number]
            assert mine == sorted(mine, key=lambda step: step[1]), f"two at once: {mine}"
            again += mine[-1][1] > 1
    assert GROUPS == len(happened)
    assert killed > 10
    assert again > 0, "no kill came in the middle of a claim"
    with sqlite3.connect(path) as conn:
        assert [("ok",)] == conn.execute("PRAGMA integrity_check").fetchall()
        assert (0,) == conn.execute("SELECT count(*) FROM queuekit_groups").fetchone()
    conn.close()
    print(f"{count} messages, {killed} kills, {again} delivered again")


# Limits

RATE = Limits(rate=40.0, per=1.0, burst=5)
IN_FLIGHT = Limits(in_flight=3)
CLAIMED = """
CREATE TABLE watch (now INTEGER, peak INTEGER);
INSERT INTO watch VALUES (0, 0);
CREATE TRIGGER watch_1 AFTER INSERT ON queuekit_claims BEGIN
    UPDATE watch SET now = now + 1, peak = max(peak, now + 1);
END;
CREATE TRIGGER watch_2 AFTER DELETE ON queuekit_claims BEGIN UPDATE watch SET now = now - 1; END;
"""


MANY = 5000


def _take(path: str, limits: Limits, started: Any, results: Any) -> None:
    transport = SQLiteTransport(path)
    started.wait()
    done, until = 0, time.time() + 2.0
    while time.time() < until or transport.stats("q").ready > MANY - 40:
        found = transport.claim_within("q", limits=limits, lease=60.0, timeout=0.3)
        time.sleep(0.002 * len(found))
        assert [] == transport.ack("q", [one.receipt for one in found])
        done += len(found)
    transport.close()
    results.put(done)


@pytest.mark.parametrize("limits", [RATE, IN_FLIGHT], ids=["rate", "in flight"])
def test_limits_are_shared_by_processes(tmp_path: Path, limits: Limits) -> None:
    path, results = str(tmp_path / "queue.db"), SPAWN.Queue()
    transport = SQLiteTransport(path)
    transport.push("q", [b"x"] * MANY)
    with sqlite3.connect(path) as conn:
        conn.executescript(CLAIMED)
    started = SPAWN.Barrier(9)
    workers = [SPAWN.Process(target=_take, args=(path, limits, started, results)) for _ in range(8)]
    for worker in workers:
        worker.start()
    start = time.time()  # before the first of them: that allows for more, never for less
    started.wait()
    taken = sum(results.get(timeout=100) for _ in workers)
    seconds = time.time() - start
    for worker in workers:
        worker.join()
    now, peak = conn.execute("SELECT now, peak FROM watch").fetchone()
    assert 0 == now
    if limits is RATE:
        assert 40 <= taken <= 40.0 * seconds + 5
    else:
        assert taken >= 40
        assert 3 == peak
    assert (MANY - taken, 0, 0) == transport.stats("q")
    conn.close()
    transport.close()
