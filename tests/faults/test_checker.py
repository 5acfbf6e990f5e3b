"""The checker is proven first, by hand-made ledgers with one fault of each kind and with none."""

from __future__ import annotations

from pathlib import Path

import pytest

from queuekit import ReliableQueue
from queuekit.errors import TransportUnavailable

from .accounts import Account, table
from .checker import check
from .ledger import Ledger, end, get, put

PUT = "0 put a b c; 1 stored"
TAKE = "10 lease 1; 10 get 1; 11 got a:1; 12 end ack a; 13 done"
REST = "20 get 2; 21 got b:1 c:1; 22 end ack b; 23 done; 24 end ack c; 25 done"


def account(tmp_path: Path, *ledgers: str, fifo: bool = False) -> Account:
    """Check ledgers of the names 0, 1 ...: lines separated by ``;``, times in milliseconds."""
    for i, text in enumerate(ledgers):
        lines = [line.strip().split(" ", 1) for line in text.split(";")]
        (tmp_path / f"{i}").write_text("".join(f"{ms}000000 {rest}\n" for ms, rest in lines))
    return check(sorted(tmp_path.iterdir()), fifo=fifo)


def test_a_run_without_faults_passes(tmp_path: Path) -> None:
    found = account(tmp_path, PUT, f"{TAKE}; {REST}")
    assert found.passed
    assert (3, 0, 0, 3, 3) == (
        found.ok, found.unknown, found.rejected, found.delivered, found.acked
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "ledgers"),
    {
        "never came": [PUT, TAKE + "; 20 get 1; 21 got b:1; 22 end ack b; 23 done"],
        "came, and was not done": [PUT, TAKE + "; 20 get 2; 21 got b:1 c:1; 22 end ack b; 23 done"],
        "its put was unknown, but it came": [
            "0 put a; 1 unknown", "10 lease 1; 10 get 1; 11 got a:1"
        ],
        "its only end was refused": [
            "0 put a; 1 stored",
            "10 lease 1; 10 get 1; 11 got a:1; 1100 end ack a; 1101 done a",
        ],
    }.items(),
)  # fmt: skip
def test_a_lost_message_is_seen(tmp_path: Path, name: str, ledgers: list[str]) -> None:
    found = account(tmp_path, *ledgers)
    assert 1 == found.lost, name
    assert not found.passed
    assert "lost" in found.faults[0]


def test_a_message_whose_put_is_unknown_or_refused_need_not_come(tmp_path: Path) -> None:
    found = account(tmp_path, "0 put a; 1 unknown; 2 put b; 3 rejected; 4 put c")
    assert found.passed
    assert (0, 2, 1) == (found.ok, found.unknown, found.rejected), "c: its producer was killed"


@pytest.mark.parametrize("where", ["left", "dead"])
def test_what_is_still_in_the_store_is_not_lost(tmp_path: Path, where: str) -> None:
    assert account(tmp_path, PUT, f"50 {where} a b c").passed


@pytest.mark.parametrize(
    "ledgers",
    [
        [PUT, TAKE, REST, "30 lease 1; 30 get 1; 31 got x:1; 32 end ack x; 33 done"],
        [PUT, TAKE, REST, "30 left x"],
        ["0 put a; 1 rejected", TAKE],
    ],
)
def test_a_ghost_is_seen(tmp_path: Path, ledgers: list[str]) -> None:
    found = account(tmp_path, *ledgers)
    assert 1 == found.ghosts
    assert not found.passed


@pytest.mark.parametrize(
    ("why", "second"),
    {
        "though acked": "1500 lease 1; 1500 get 1; 1501 got a:2",
        "uncounted": "1500 lease 1; 1500 get 1; 1501 got a:1",
        "the store holds a 2 times": "1500 left a a",
        "still in the store": "1500 left a",
    }.items(),
)
def test_a_duplicate_is_seen(tmp_path: Path, why: str, second: str) -> None:
    found = account(tmp_path, PUT, TAKE, REST, second)
    assert found.unexplained
    assert not found.passed
    assert any(why in fault for fault in found.faults) or why == "uncounted"


HELD = "10 lease 1; 10 get 1; 11 got a:1"
AGAIN = "lease 1; {0} get 1; {0} got a:2; {0} end ack a; {0} done"


def again(ms: int) -> str:
    return f"{ms} " + AGAIN.format(ms)


def test_two_holders_at_a_time_are_seen(tmp_path: Path) -> None:
    found = account(tmp_path, "0 put a; 1 stored", HELD, again(900))
    assert 1 == found.unexplained
    assert "within the lease" in found.faults[0]


def test_two_holders_at_a_time_are_seen_though_one_was_killed(tmp_path: Path) -> None:
    assert 1 == account(tmp_path, "0 put a; 1 stored; 20 killed 1", HELD, again(900)).unexplained


def test_two_holders_are_seen_after_an_extension(tmp_path: Path) -> None:
    extended = f"{HELD}; 900 end extend a; 901 done"
    found = account(tmp_path, "0 put a; 1 stored", extended, again(1500))
    assert 1 == found.unexplained


@pytest.mark.parametrize(
    ("why", "ledgers"),
    {
        "kill": ["0 put a; 1 stored; 20 killed 1", HELD, again(1100)],
        "expiry": ["0 put a; 1 stored", HELD, again(1100)],
        "unknown": ["0 put a; 1 stored", f"{HELD}; 12 end ack a; 13 unknown", again(1100)],
        "returned": ["0 put a; 1 stored", f"{HELD}; 12 end fail a; 13 done", again(20)],
    }.items(),
)
def test_a_duplicate_with_a_reason_is_explained(
    tmp_path: Path, why: str, ledgers: list[str]
) -> None:
    found = account(tmp_path, *ledgers)
    assert {why: 1} == found.explained
    assert found.passed
    assert found.latest == pytest.approx(0 if why == "returned" else 0.089)


def test_a_failure_that_counts_no_attempt_is_seen(tmp_path: Path) -> None:
    failed = f"{HELD}; 12 end fail a; 13 done"
    second = again(20).replace("a:2", "a:1")
    assert 1 == account(tmp_path, "0 put a; 1 stored", failed, second).unexplained


def test_a_release_counts_no_attempt(tmp_path: Path) -> None:
    released = f"{HELD}; 12 end release a; 13 done"
    second = again(20).replace("a:2", "a:1")
    assert account(tmp_path, "0 put a; 1 stored", released, second).passed


def test_a_second_ack_that_is_obeyed_is_seen(tmp_path: Path) -> None:
    late = f"{HELD}; 2000 end ack a; 2001 done"
    assert 1 == account(tmp_path, "0 put a; 1 stored", late, again(1100)).unexplained


def test_an_end_after_the_end_must_be_refused(tmp_path: Path) -> None:
    found = account(
        tmp_path, "0 put a; 1 stored", f"{HELD}; 12 end ack a; 13 done; 14 end fail a; 15 done"
    )
    assert ["fail of a was obeyed after its ack"] == found.faults


def test_a_stale_ack_that_is_refused_is_counted(tmp_path: Path) -> None:
    late = f"{HELD}; 2000 end ack a; 2001 done a"
    found = account(tmp_path, "0 put a; 1 stored", late, again(1100))
    assert (1, True) == (found.stale, found.passed)


def test_an_ack_that_is_refused_within_its_lease_is_seen(tmp_path: Path) -> None:
    found = account(tmp_path, "0 put a; 1 stored", f"{HELD}; 20 end ack a; 21 done a; 22 left a")
    assert "refused within its lease" in found.faults[0]
    assert not found.passed


@pytest.mark.parametrize(
    "ledgers",
    [
        ["0 put a; 1 stored; 2 put b; 3 stored", "10 get 1; 11 got b:1; 12 get 1; 13 got a:1"],
        ["0 put a b; 1 stored", "10 get 1; 11 got b:1; 12 get 1; 13 got a:1"],
        ["0 put a b; 1 stored", "10 get 2; 11 got b:1 a:1"],
        ["0 put a; 1 stored", "2 put b; 3 stored", "10 get 2; 11 got b:1 a:1"],
        ["0 put a; 1 stored", "2 put b; 3 unknown", "10 get 1; 11 got b:1", "12 get 1; 13 got a:1"],
    ],
)
def test_a_break_of_order_is_seen(tmp_path: Path, ledgers: list[str]) -> None:
    found = account(tmp_path, *ledgers, fifo=True)
    assert 1 == found.breaks
    assert not found.passed


@pytest.mark.parametrize(
    "ledgers",
    [
        ["0 put a; 1 stored; 2 put b; 3 stored", "10 get 1; 11 got b:1", "10 get 1; 13 got a:1"],
        ["0 put a; 5 stored", "2 put b; 3 stored", "10 get 2; 11 got b:1 a:1"],
        ["0 put b; 1 unknown; 2 put a; 3 stored", "10 get 2; 11 got a:1 b:1"],
        ["0 later a; 0 put a; 1 stored; 2 put b; 3 stored", "10 get 2; 11 got b:1 a:1"],
    ],
)
def test_what_overlaps_breaks_no_order(tmp_path: Path, ledgers: list[str]) -> None:
    assert account(tmp_path, *ledgers, fifo=True).passed


def test_what_came_back_breaks_no_order(tmp_path: Path) -> None:
    first = f"{HELD}; 12 get 1; 13 got b:1; 14 end ack b; 15 done; 16 get 1; 17 got c:1"
    rest = "18 end ack c; 19 done"
    assert account(tmp_path, PUT, f"{first}; {rest}", again(1100)).passed


def test_a_fifo_queue_delivers_once(tmp_path: Path) -> None:
    found = account(tmp_path, "0 put a; 1 stored", HELD, again(1100), fifo=True)
    assert 1 == found.unexplained


def test_a_cut_pop_may_have_taken_what_it_asked_for_and_no_more(tmp_path: Path) -> None:
    cut = "10 get 1; 11 got a:1; 12 get 1; 13 unknown"
    found = account(tmp_path, "0 put a b; 1 stored", cut, fifo=True)
    assert (0, 1, True) == (found.lost, found.maybe_lost, found.passed)
    assert 2 == account(tmp_path, PUT, cut, fifo=True).lost


def test_the_time_to_go_on_is_told(tmp_path: Path) -> None:
    found = account(tmp_path, PUT, f"{TAKE}; {REST}", "13 up; 2000 up")
    assert found.resumed == pytest.approx(0.008)


class _Cut:
    def put_many(self, keys: object) -> None:
        raise TransportUnavailable("cut")

    get_many = ack = lambda self, *_, **__: _Cut.put_many(self, _)
    body = "a"


def test_a_real_queue_is_written_down(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "one", lease=60)
    jobs = ReliableQueue[str]("jobs", "memory:")
    assert put(ledger, jobs, ["a", "b"])
    (held,) = get(ledger, jobs)
    end(ledger, "ack", [held, held])
    assert not put(ledger, _Cut(), ["c"])
    assert [] == get(ledger, _Cut())
    (held,) = get(ledger, jobs)
    end(ledger, "extend", [held])
    end(ledger, "fail", [held], delay=0)
    (held,) = get(ledger, jobs)
    end(ledger, "ack", [held])
    ledger.close()
    jobs.close()
    found = check([tmp_path / "one"])
    assert (2, 1, 3, 2) == (found.ok, found.unknown, found.delivered, found.acked)
    assert (1, {"returned": 1}) == (found.stale, found.explained)
    assert found.passed


def test_accounts_add_up_and_make_a_table(tmp_path: Path) -> None:
    found = account(tmp_path, "0 put a; 1 stored; 20 killed 1; 21 up", HELD, again(1100))
    found.add(found)
    text = table([("twice", found)], "Valkey 9", 7)
    row = (
        "| twice, 2 kills | 2 / 0 / 0 | 4 | 2 | 2 (2 kill) / 0 | 0 | 0 | 0 | 0 | 0.09 s | 1.08 s |"
    )
    assert text.splitlines()[-1] == row
    assert "seed 7" in text
