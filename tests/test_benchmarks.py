"""The benchmark's own arithmetic and tables, and one short round of it."""

from __future__ import annotations

import ast
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import chart
import measuring
import report
import venvs
from cases import BETWEEN, BULK_OF, GOALS, OPERATIONS, PEERS, Goal, Peer
from child import Child, Failed
from drivers.resp import Reader
from drivers.subject import WorkerSubject
from measuring import Row, Setting
from rows import Rows, is_reached
from server import private_server

HERE = Setting("same", (), (), rounds=1, slice=0.02)


def test_each_peer_stands_once_in_the_table() -> None:
    names = Counter((peer.store, peer.name) for peer in PEERS)
    assert {1} == set(names.values())
    for store in {peer.store for peer in PEERS}:
        assert 1 == names[store, "raw"] == names[store, "queuekit"]


def test_each_peer_has_its_driver() -> None:
    for peer in PEERS:
        module, _, name = peer.driver.partition(":")
        tree = ast.parse((BENCHMARKS / "drivers" / f"{module}.py").read_text())
        assert name in [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


def test_each_requirement_has_a_version() -> None:
    for peer in PEERS:
        assert all("==" in text or "<" in text for text in peer.requirements), peer.name


def test_each_goal_names_what_is_measured() -> None:
    operations = {operation.name for operation in (*OPERATIONS, *BETWEEN)}
    peers = {(peer.store, peer.name) for peer in PEERS}
    for goal in GOALS:
        assert goal.operation in operations | {"scale"}
        assert not goal.against or (goal.store, goal.against) in peers
    assert operations >= {*BULK_OF, *BULK_OF.values()}


def row(subject: str, *values: float, operation: str = "put") -> Row:
    return Row("redis", "same", 100, operation, subject, list(values))


def test_median_and_spread() -> None:
    one = row("raw", 100, 400, 200)
    assert (200, 1.5) == (one.median, one.spread)


def test_a_ratio_is_that_of_each_round() -> None:
    # A machine that was half as fast in one round: the ratio of the medians would be 1.
    assert 0.5 == measuring.paired_ratio([100, 50, 200], [200, 100, 100])


def test_percentile_is_the_nearest_rank() -> None:
    values = [float(i) for i in range(100, 0, -1)]
    assert (50, 99, 100) == tuple(measuring.percentile(values, part) for part in (0.5, 0.99, 1))
    assert 7 == measuring.percentile([7], 0.99)


def test_the_rate_of_two_counts_while_both_are_at_work() -> None:
    one = [i / 100 for i in range(200)]  # from 0 to 2 s, 100 a second
    other = [1 + i / 50 for i in range(100)]  # from 1 to 3 s, 50 a second
    assert 150 == pytest.approx(measuring.common_rate(one, other), rel=0.03)
    with pytest.raises(Failed, match="before the other began"):
        measuring.common_rate(one, [5.0])


def test_who_lacks_an_operation_is_compared_by_its_next_best() -> None:
    rows = Rows([row("queuekit", 900, operation="put_bulk"), row("hotqueue", 300)])
    assert 3 == rows.goal(Goal("redis", "put_bulk", "hotqueue", 2), "queuekit")
    assert rows.goal(Goal("redis", "put_bulk", "rq", 2), "queuekit") is None


def test_a_goal_of_time_is_reached_from_above() -> None:
    goal = Goal("redis", "wake", "raw", 1.5)
    assert is_reached(goal, 1.4)
    assert not is_reached(goal, 1.6)
    assert is_reached(Goal("redis", "put", "raw", 0.8), 0.9)


def test_the_json_holds_every_row() -> None:
    rows = [row("raw", 1 / 3, 2 / 3), row("queuekit", 0.5, 0.5)]
    text = report.as_json(report.Found(rows, {"server": {}}, {"a": "b"}, {}), Rows(rows))
    data = json.loads(text)
    assert {"a": "b"} == data["not measured"]
    assert ["raw", "queuekit"] == [each["subject"] for each in data["rows"]]
    assert [0.33333, 0.66667] == data["rows"][0]["values"]
    assert 1.125 == data["rows"][1]["in units of raw"]


class Jobs(WorkerSubject):
    """A worker of bodies that lie ready."""

    def __init__(self, bodies: list[bytes]) -> None:
        super().__init__()
        self.bodies = bodies

    def work(self, count: int | None) -> None:
        while self.bodies and not (count and self.reached.is_set()):
            self.tick(self.bodies.pop())
        if count is None:
            assert self.reached.wait(20)


def test_a_worker_counts_its_calls() -> None:
    jobs = Jobs([b"x"] * 30)
    assert jobs.claim_ack(20, b"x") >= 0
    assert 10 == len(jobs.bodies)
    with pytest.raises(RuntimeError, match="10 calls of the job instead of 20"):
        jobs.claim_ack(20, b"x")


def test_a_worker_drains_bodies_that_are_no_times_after_some_that_were() -> None:
    jobs = Jobs([b"%d" % time.monotonic_ns()] * 3)
    assert 3 == len([seconds for seconds in jobs.wait("r", 3) if 0 <= seconds < 60])
    jobs.bodies += [b"x"] * 3
    assert 3 == len(jobs.drain("r"))


def test_a_fault_shows_no_address() -> None:
    text = "no route to host='pypi.example.org' for https://user:word@example.org/simple/x now"
    assert "no route to ... for ... now" == venvs.without_addresses(text)


def test_the_readme_has_the_place_for_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "README.md").write_text((BENCHMARKS.parent / "README.md").read_text())
    monkeypatch.setattr(report, "ROOT", tmp_path)
    for table in (["| one |"], ["| two |"]):
        report.into_readme(iter(table))
    text = (tmp_path / "README.md").read_text()
    assert report.BEGIN + "| two |\n" + report.END in text
    assert "| one |" not in text


def test_the_chart_has_a_bar_of_the_right_length_for_each() -> None:
    bars = [chart.Bar("a<b", 10, "own"), chart.Bar("c", 1000)]
    svg = chart.draw("title", [("heading", bars)])
    room = chart.WIDTH - chart.LEFT - chart.RIGHT
    assert 'width="0.0"' in svg
    assert f'width="{room:.1f}"' in svg
    assert "a&lt;b" in svg
    assert ["950", "1 k", "42 k", "1.3 M"] == [chart.brief(n) for n in (950, 999.7, 42e3, 1.3e6)]


def test_the_chart_shows_each_way_once() -> None:
    rows = [
        Row(store, "same", 100, operation, subject, [value])
        for store in ("redis", "sqlite")
        for operation, value in (("claim_ack", 5), ("prefetch", 50))
        for subject in ("raw", "queuekit", "queuekit json")
    ]
    (panel,) = report.panels(Rows([*rows, Row("redis", "same", 100, "claim_ack", "rq", [1])]))
    assert [50, 50, 5, 5, 1] == [bar.value for bar in panel[1]]
    assert 5 == len({bar.name for bar in panel[1]})
    assert "rq" == panel[1][-1].name


def test_the_reader_by_hand_waits_for_the_rest() -> None:
    reader, data = Reader(), b"*3\r\n$4\r\na\r\nb\r\n:7\r\n$-1\r\n$1\r\nx\r\n-ERR no\r\n"
    found: list[object] = []
    for i in range(len(data)):
        reader.feed(data, i, 1)
        if (reply := reader.gets()) is not False:
            found.append(reply)
    assert [[b"a\r\nb", 7, None], b"x"] == found[:2]
    assert isinstance(found[2], RuntimeError)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run drivers in this environment, on a private server."""
    monkeypatch.setattr(venvs, "python_of", lambda _: Path(sys.executable))
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    with private_server(set(cores)) as url:
        yield url


def common_rate_of(child: Child, other: Child) -> float:
    """Share out so many messages that both are at work, also if one of them begins late."""
    count = 2000
    while True:
        try:
            return measuring.two_consumers(child, other, "", count)
        except Failed as exc:
            if "before the other began" not in str(exc) or count > measuring.MOST:
                raise
            count *= 5


@pytest.mark.redis
def test_a_short_round_of_raw_and_queuekit(here: str, tmp_path: Path) -> None:
    peers = [p for p in PEERS if p.store == "redis" and p.name in ("raw", "queuekit")]
    wanted = [operation for operation in OPERATIONS if not operation.name.startswith("a")][:10]
    faults: dict[str, str] = {}
    children = measuring.start(peers, here, tmp_path, ())
    others = measuring.start(peers, here, tmp_path, ())
    try:
        for operation in wanted:
            found = measuring.rates(children, operation, 100, HERE, faults)
            assert {} == faults
            assert all(rate > 0 for rates in found.values() for rate in rates)
            assert 2 == len(found)
        for child, other in zip(children, others, strict=True):
            assert 100 == len(measuring.wake_up(child, other, "r"))
            assert common_rate_of(child, other) > 0
            assert 100 < measuring.bytes_queued(child, "claim_ack", here) < 200
    finally:
        for child in (*children, *others):
            child.__exit__()


@pytest.mark.redis
def test_what_cannot_be_measured_says_why(here: str, tmp_path: Path) -> None:
    peer = Peer("nobody", "redis", "nobody:Nobody", (), "")
    with (
        Child(peer, here, tmp_path, ()) as child,
        pytest.raises(Failed, match=r"No module named 'drivers\.nobody'"),
    ):
        child.ask("operations")
    faults: dict[str, str] = {}
    with Child(PEERS[0], here, tmp_path, ()) as child:
        assert {} == measuring.in_turns([child], "put", 2, lambda c: c.ask("dance")["x"], faults)
    assert {"redis raw: put": "ValueError: dance"} == faults
