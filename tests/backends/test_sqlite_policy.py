"""Levels, groups, keys, bounds and rates in SQLite: what they cost, and what they leave behind."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from queuekit._envelope import NO_HEADERS, Place, new_ids, unwrap, wrap
from queuekit.abilities import Limits
from queuekit.backends._pace import Pace
from queuekit.backends._sqlite_groups import HOLDER
from queuekit.backends._waiters import Waiter
from queuekit.backends.async_sqlite import AsyncSQLiteTransport
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.errors import QueueFull
from queuekit.testing import MovableClock
from queuekit.transport import Dedup, Delivery, PushOptions, QueueStats, Receipt

from .patience import LONG, SOON, with_long_waits

PLACED = PushOptions(placed=True)


def placed(body: bytes, *, level: int = 0, group: str = "") -> bytes:
    (message_id,) = new_ids(1, now_ms=0, entropy=os.urandom(10))
    return wrap(message_id, body, NO_HEADERS, Place(level, group))


def bodies(found: list[Delivery]) -> list[bytes]:
    return [unwrap(one.body).body for one in found]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def transport(path: Path, clock: MovableClock) -> Iterator[SQLiteTransport]:
    transport = SQLiteTransport(path, clock=clock)
    yield transport
    transport.close()


def statements(transport: SQLiteTransport, call: Callable[[], object]) -> str:
    """Return the first words of the statements that *call* runs, those of a batch once."""
    seen: list[str] = []
    conn = transport._db._link().conn
    conn.set_trace_callback(lambda text: seen.append(text.split()[0]))
    try:
        call()
    finally:
        conn.set_trace_callback(None)
    return " ".join(word for word, _ in groupby(seen))


def rows(path: Path, table: str) -> int:
    with sqlite3.connect(path) as conn:
        (count,) = conn.execute(f"SELECT count(*) FROM queuekit_{table}").fetchone()
    conn.close()
    return int(count)


# Costs


def test_a_level_costs_nothing_more(transport: SQLiteTransport) -> None:
    transport.push("q", [b"first", b"second"])
    transport.pop("q")
    held: list[Delivery] = []
    high = [placed(b"high", level=3)]
    assert "INSERT" == statements(transport, lambda: transport.push("q", high, options=PLACED))
    claim = "BEGIN DELETE INSERT COMMIT"
    assert claim == statements(transport, lambda: held.extend(transport.claim("q", lease=60)))
    assert "DELETE" == statements(transport, lambda: transport.ack("q", [held[0].receipt]))
    assert [b"high"] == bodies(held)


def test_plain_messages_cost_the_same_beside_others(transport: SQLiteTransport) -> None:
    """Whatever else is in the queue: groups that wait, a bound, keys, delayed messages, a rate."""
    frames = [placed(b"%d" % n, group="g", level=n % 7 - 3) for n in range(20)]
    transport.push("q", frames, options=PLACED)
    transport.push("q", [b"0"], options=PushOptions(max_length=99))
    transport.push("q", [b"1"], options=PushOptions(dedup=Dedup("k", 60.0)), token="t")
    transport.push("q", [placed(b"2", group="h")], options=PushOptions(delay=60.0, placed=True))
    (one,) = transport.claim_within("q", limits=Limits(rate=1), lease=60)
    assert [b"0"] == bodies([one])  # the group's first one has a lower level
    held: list[Delivery] = []
    assert "INSERT" == statements(transport, lambda: transport.push("q", [b"x"], token="u"))
    claim = "BEGIN DELETE INSERT COMMIT"
    assert claim == statements(transport, lambda: held.extend(transport.claim("q", lease=60)))
    assert "DELETE" == statements(transport, lambda: transport.ack("q", [held[0].receipt]))
    assert "DELETE" == statements(transport, lambda: transport.pop("q"))


@pytest.mark.parametrize("options", [PushOptions(), PLACED], ids=["plain", "placed"])
def test_a_message_without_a_place_is_one_row_as_before(
    transport: SQLiteTransport, path: Path, options: PushOptions
) -> None:
    """Position, no attempts, no key, the body: and no row in any other table."""
    transport.push("q", [b"a", b"b"], options=options)
    transport.push("q", [b"c"], options=options)
    with sqlite3.connect(path) as conn:
        found = conn.execute("SELECT pos, attempts, key, body FROM queuekit_lanes").fetchall()
    conn.close()
    start = (1 << 44) + (1 << 43)
    assert [(start + n, 0, None, b"abc"[n : n + 1]) for n in range(3)] == found
    for table in ("groups", "marks", "bounds", "rates", "claims", "delayed"):
        assert 0 == rows(path, table)


def test_a_refused_push_is_counted_for_once(transport: SQLiteTransport) -> None:
    """Also when none has fitted yet: what is hidden is counted the first time only."""
    transport.push("q", [placed(b"x")] * 2, options=PushOptions(delay=60.0))

    def push() -> None:
        with pytest.raises(QueueFull):
            transport.push("q", [b"y"], options=PushOptions(max_length=1))

    assert "BEGIN SELECT CREATE INSERT SELECT COMMIT" == statements(transport, push)
    assert "BEGIN SELECT COMMIT" == statements(transport, push)


@pytest.mark.parametrize("length", [10, 20_000])
def test_a_bounded_push_reads_the_same_whatever_the_length(
    transport: SQLiteTransport, length: int
) -> None:
    """The steps of SQLite's machine, counted: they do not grow with what is ready, or hidden."""
    transport.push("q", [b"x"] * length)
    late = [placed(b"late %d" % n) for n in range(length)]
    transport.push("q", late, options=PushOptions(delay=60.0))
    waiting = [placed(b"%d" % n, group="g") for n in range(length)]
    transport.push("q", waiting, options=PLACED)
    options = PushOptions(max_length=3 * length + 2)
    transport.push("q", [b"first, which counts"], options=options)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    conn = transport._db._link().conn
    conn.set_progress_handler(count, 10)
    transport.push("q", [b"x"], options=options)
    with pytest.raises(QueueFull) as caught:
        transport.push("q", [b"x"], options=options)
    conn.set_progress_handler(None, 10)
    assert 3 * length + 2 == caught.value.max_length
    assert 0 < steps < 100


def test_old_keys_go_ten_at_a_time(
    transport: SQLiteTransport, path: Path, clock: MovableClock
) -> None:
    for n in range(25):
        transport.mark("q" if n % 2 else "other", f"{n}", "old", window=100.0)
    transport.mark("q", "young", "stays", window=300.0)
    clock.advance(101.0)
    transport.mark("q", "a", "new", window=60.0)
    assert 17 == rows(path, "marks")
    options = PushOptions(dedup=Dedup("b", 60.0))
    transport.push("q", [b"x"], options=options, token="t")
    transport.mark("q", "c", "new", window=60.0)
    assert 4 == rows(path, "marks")
    assert "stays" == transport.marked("q", "young")


def test_a_group_leaves_nothing_behind(transport: SQLiteTransport, path: Path) -> None:
    transport.push("q", [placed(b"%d" % n, group=f"{n % 3}") for n in range(9)], options=PLACED)
    while found := transport.claim("q", lease=60, limit=9):
        transport.ack("q", [one.receipt for one in found])
    transport.push("q", [placed(b"x", group="g"), placed(b"y", group="g")], options=PLACED)
    assert 2 == len(transport.pop("q", limit=1) + transport.pop("q", limit=9))
    for table in ("groups", "lanes", "claims"):
        assert 0 == rows(path, table)


@pytest.mark.parametrize("extended", [False, True], ids=["as claimed", "extended"])
def test_stale_receipts_around_one_that_holds_a_group(
    transport: SQLiteTransport, extended: bool
) -> None:
    frames = [placed(b"0"), placed(b"1", group="g"), placed(b"2"), placed(b"3", group="g")]
    transport.push("q", frames, options=PLACED)
    first, holder, last = [one.receipt for one in transport.claim("q", lease=60.0, limit=9)]
    if extended:
        assert [] == transport.extend("q", [holder], lease=90.0)
    assert [] == transport.ack("q", [first, last])
    assert [first, last] == transport.ack("q", [first, last])
    assert [] == transport.claim("q", lease=60.0)
    assert [last] == transport.ack("q", [last, holder])
    assert [b"3"] == bodies(transport.claim("q", lease=60.0))


# Repeats


def test_a_key_names_the_push_across_objects(
    path: Path, transport: SQLiteTransport, clock: MovableClock
) -> None:
    """A producer that starts anew and repeats its push is told that it is stored."""
    options = PushOptions(dedup=Dedup("k", 60.0))
    assert None is transport.push("q", [b"a"], options=options, token="one")
    again = SQLiteTransport(path, clock=clock)
    assert None is again.push("q", [b"a"], options=options, token="one")
    assert "one" == again.push("q", [b"b"], options=options, token="two")
    again.close()
    assert [b"a"] == transport.peek("q", limit=9)


def test_a_refused_push_keeps_no_key_and_no_token(transport: SQLiteTransport) -> None:
    options = PushOptions(dedup=Dedup("k", 60.0), max_length=1)
    transport.push("q", [b"full"])
    with pytest.raises(QueueFull):
        transport.push("q", [b"a"], options=options, token="one")
    assert None is transport.marked("q", "k")
    assert [b"full"] == transport.pop("q")
    assert None is transport.push("q", [b"a"], options=options, token="one")
    assert None is transport.push("q", [b"a"], options=options, token="one")
    assert [b"a"] == transport.peek("q", limit=9)


# Within the application's transaction


def test_an_application_has_all_of_it_in_its_transaction(path: Path, clock: MovableClock) -> None:
    conn = sqlite3.connect(path)
    inside = SQLiteTransport(connection=conn, clock=clock)
    features = inside.features
    assert (True,) * 4 == (
        features.priorities, features.groups, features.dedup, features.bounds
    )  # fmt: skip
    options = PushOptions(placed=True, dedup=Dedup("k", 60.0), max_length=2)
    frames = [placed(b"a", group="g", level=1), placed(b"b", group="g")]
    for end in (conn.rollback, conn.commit):
        assert None is inside.push("q", frames[:1], options=options, token="one")
        assert "one" == inside.push("q", [b"x"], options=options, token="two")
        inside.push("q", frames[1:], options=PLACED)
        with pytest.raises(QueueFull):
            inside.push("q", [b"x"], options=PushOptions(max_length=2))
        assert QueueStats(2, 0, 0) == inside.stats("q")
        assert conn.in_transaction
        end()
    limits = Limits(rate=1, per=60.0)
    for end in (conn.rollback, conn.commit):
        (one,) = inside.claim_within("q", limits=limits, lease=60.0)
        assert [] == inside.claim_within("q", limits=limits, lease=60.0)
        assert [] == inside.ack("q", [one.receipt])
        assert [b"b"] == [unwrap(body).body for body in inside.peek("q")]
        end()
    conn.close()
    outside = SQLiteTransport(path, clock=clock)
    assert [b"b"] == bodies(outside.claim("q", lease=60.0))
    outside.close()


def test_a_mark_is_the_applications_own(path: Path, clock: MovableClock) -> None:
    """The effect of a handler and the mark that it was had: both or none."""
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE accounts (name, balance)")
    conn.execute("INSERT INTO accounts VALUES ('ada', 0)")
    conn.commit()
    inside = SQLiteTransport(connection=conn, clock=clock)

    def handle(message_id: str, *, fails: bool) -> None:
        with conn:  # commits, or rolls back what fails
            if inside.mark("q", message_id, "done", window=60.0) is None:
                conn.execute("UPDATE accounts SET balance = balance + 1")
                if fails:
                    raise RuntimeError

    for fails in (True, False, True, False):
        try:
            handle("m1", fails=fails)
        except RuntimeError:
            assert fails
    assert (1,) == conn.execute("SELECT balance FROM accounts").fetchone()
    assert "done" == inside.marked("q", "m1")
    conn.close()


# Waiting


def test_a_delayed_message_is_handed_over_in_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A waiting consumer sleeps until its time and no longer, however long its other pauses are.

    What it asks for counts: a machine that is held up elsewhere wakes nobody within 100 ms.
    """
    transport = with_long_waits(SQLiteTransport(path))
    monkeypatch.setattr(transport._db, "pace", Pace(0.001, LONG))
    monkeypatch.setattr(transport._db.pace, "after", lambda *_: LONG)
    asked: list[float] = []
    wait = Waiter.wait

    def noted(self: Waiter, seconds: float) -> bool:
        asked.append(seconds)
        return wait(self, seconds)

    monkeypatch.setattr(Waiter, "wait", noted)
    for _ in range(3):
        begun = time.monotonic()
        transport.push("q", [placed(b"x")], options=PushOptions(delay=0.15))
        (one,) = transport.claim("q", lease=60.0, timeout=LONG)
        assert 0.14 < time.monotonic() - begun < SOON
        transport.ack("q", [one.receipt])
    transport.close()
    assert max(asked, default=0.0) < 0.16


def test_any_of_several_queues_ends_a_wait(path: Path) -> None:
    """For each way in which something comes: by another object, a thread of this one, by time."""
    transport, other = with_long_waits(SQLiteTransport(path)), SQLiteTransport(path)
    other.push("b", [placed(b"held", group="g"), placed(b"next", group="g")], options=PLACED)
    (one,) = other.claim("b", lease=60.0)
    other.push("c", [b"x"])
    (lost,) = other.claim("c", lease=60.0)
    late = PushOptions(delay=0.1)
    comes: list[Callable[[], object]] = [
        lambda: other.push("a", [b"1"]),
        lambda: transport.push("b", [b"2"]),
        lambda: other.ack("b", [one.receipt]),
        lambda: other.push("c", [placed(b"late")], options=late),
        lambda: other.extend("c", [lost.receipt], lease=61.0) or other.push("d", [b"made"]),
    ]
    queues = ["d", "c", "b", "a"]
    for come in comes:
        start = time.monotonic()
        transport.wait_any(queues, timeout=0.1)
        assert time.monotonic() - start > 0.09, "there was nothing to see"
        timer = threading.Timer(0.05, come)
        timer.start()
        start = time.monotonic()
        transport.wait_any(queues, timeout=LONG)
        assert time.monotonic() - start < SOON
        timer.join()
        found = [one for queue in queues for one in transport.claim(queue, lease=60.0)]
        assert 1 == len(found)
    for one_queue in queues:
        transport.purge(one_queue)
    assert not transport._db.lines.waiting
    transport.close()
    other.close()


def test_what_came_before_a_wait_ends_it_once(path: Path) -> None:
    """A queue whose messages may not be taken yet must not end each wait at once."""
    transport, other = with_long_waits(SQLiteTransport(path)), SQLiteTransport(path)
    slow = Limits(rate=1, per=3600.0)
    other.push("a", [b"1", b"2"])
    assert 1 == len(transport.claim_within("a", limits=slow, lease=60.0))
    waits: list[float] = []
    for timeout in (LONG, 0.2, 0.2):
        start = time.monotonic()
        transport.wait_any(["a", "b"], timeout=timeout)
        waits.append(time.monotonic() - start)
        assert [] == transport.claim_within("a", limits=slow, lease=60.0)
    assert waits[0] < SOON
    assert min(waits[1:]) > 0.18
    other.push("b", [b"3"])
    start = time.monotonic()
    transport.wait_any(["a", "b"], timeout=LONG)
    assert time.monotonic() - start < SOON
    transport.close()
    other.close()


def test_all_who_wait_for_a_rate_share_it(path: Path) -> None:
    """Each waits for its turn and no longer: else four of them would be at it for minutes."""
    transports = [with_long_waits(SQLiteTransport(path)) for _ in range(4)]
    transports[0].push("q", [b"x"] * 1000)
    limits = Limits(rate=50, per=1.0, burst=3)
    stop, times = time.monotonic() + LONG, list[float]()

    def work(transport: SQLiteTransport) -> None:
        while len(times) < 40 and (left := stop - time.monotonic()) > 0:
            found = transport.claim_within("q", limits=limits, lease=60.0, limit=9, timeout=left)
            times.extend([time.monotonic()] * len(found))

    threads = [threading.Thread(target=work, args=(each,)) for each in transports]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - start
    assert len(times) <= 50 * seconds + 3
    assert len(times) >= 40, "they wait longer than for their turn"
    assert seconds < SOON
    for transport in transports:
        transport.close()


def test_an_asyncio_claim_waits_for_its_turn(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes the file when a turn comes; looks every 50 ms would miss most of them."""
    limits = Limits(rate=50, per=1.0)
    count, looks = 30, [0]
    monkeypatch.setattr("queuekit.backends._threaded_wait._LONGEST_PAUSE", LONG)  # no such looks
    inner = SQLiteTransport.claim_within

    def counted(self: SQLiteTransport, queue: str, **how: Any) -> list[Delivery]:
        looks[0] += 1
        return inner(self, queue, **how)

    monkeypatch.setattr(SQLiteTransport, "claim_within", counted)

    async def main() -> None:
        transport = with_long_waits(AsyncSQLiteTransport(path))
        await transport.push("q", [b"x"] * 200)
        for _ in range(count):
            found = await transport.claim_within("q", limits=limits, lease=60.0, timeout=LONG)
            assert 1 == len(found)
        await transport.aclose()

    begun = time.monotonic()
    asyncio.run(main())
    assert (count - 2) / 50 <= time.monotonic() - begun < SOON
    assert looks[0] < 5 * count, "it does not wait for its turn"


# At random


def a_step(transport: SQLiteTransport, dice: random.Random, holding: list[Receipt]) -> None:
    """Make one call of any kind, on some of the receipts."""
    frames = [
        placed(b"x", level=dice.randint(-3, 3), group=dice.choice(["", "a", "b", "c"]))
        for _ in range(dice.randint(1, 3))
    ]
    some = [holding.pop() for _ in range(min(len(holding), dice.randint(0, 3)))]
    delay, few = dice.choice([0.0, 20.0]), dice.randint(1, 4)
    late = PushOptions(delay=20.0, placed=True)
    calls: list[Callable[[], Any]] = [
        lambda: transport.push("q", frames, options=PLACED),
        lambda: transport.push("q", frames, options=late),
        lambda: holding.extend(one.receipt for one in transport.claim("q", lease=90.0, limit=few)),
        lambda: transport.ack("q", some),
        lambda: transport.release("q", some, counted=True, delay=delay),
        lambda: transport.release("q", some, counted=False, delay=delay),
        lambda: transport.move("q", [(one, b"dead") for one in some], to="dead"),
        lambda: transport.move("q", [(one, frames[0]) for one in some], to="q"),
        lambda: transport.pop("q", limit=few),
        lambda: transport.put_back("q", transport.pop("q", limit=few)),
        lambda: transport.recover("q"),
        lambda: transport.purge("q") if few == 1 else None,
    ]
    dice.choice(calls)()


@pytest.mark.parametrize("seed", range(8))
def test_counters_and_holders_stay_right(
    transport: SQLiteTransport, path: Path, clock: MovableClock, seed: int
) -> None:
    """Whatever is done: the hidden are counted, and a group is held by exactly one message."""
    dice = random.Random(seed)
    holding: list[Receipt] = []
    transport.push("q", [b"x"], options=PushOptions(max_length=10**6))
    conn = sqlite3.connect(path)
    for _ in range(150):
        a_step(transport, dice, holding)
        clock.advance(dice.choice([0.0, 0.0, 0.0, 25.0]))
        hidden, waiting, delayed, ready = conn.execute(
            "SELECT (SELECT hidden FROM queuekit_bounds WHERE queue = 1),"
            f" (SELECT count(*) FROM queuekit_groups WHERE queue = 1 AND seq > {HOLDER}),"
            " (SELECT count(*) FROM queuekit_delayed WHERE queue = 1),"
            " (SELECT count(*) FROM queuekit_lanes WHERE pos < 2 << 44)"
        ).fetchone()
        assert waiting + delayed == hidden
        assert (ready + waiting, delayed) == transport.stats("q")[:2]
        held = conn.execute(f"SELECT name FROM queuekit_groups WHERE seq = {HOLDER}").fetchall()
        holders = Counter(
            unwrap(body).place.group
            for table in ("lanes", "delayed", "claims")
            for key, body in conn.execute(f"SELECT key, body FROM queuekit_{table}")
            if key is not None and unwrap(body).place.group
        )
        assert dict.fromkeys([name for (name,) in held], 1) == holders
    conn.close()
