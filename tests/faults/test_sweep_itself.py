"""The kill sweep is proven first: it kills at each call, checks each time, and hides no failure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from . import sweep as module
from .sweep import Point, sweep


def arguments(directory: Path, then: str = "end") -> Callable[[Point], list[str]]:
    return lambda point: [str(directory / str(point)), then]


def nothing(point: Point) -> None:
    pass


@pytest.mark.t2
def test_a_program_is_killed_as_it_enters_each_call(tmp_path: Path) -> None:
    seen: dict[Point, list[str]] = {}

    def check(point: Point) -> None:
        seen[point] = (tmp_path / str(point)).read_text().splitlines()

    kinds = ["sendto", "recvfrom"]
    assert {"sendto": 3, "recvfrom": 0} == sweep("faults.sends", arguments(tmp_path), kinds, check)
    assert ["before 0"] == seen[Point("sendto", 1)]
    assert ["before 0", "after 0", "before 1", "after 1", "before 2"] == seen[Point("sendto", 3)]
    assert 6 == len(seen[Point("sendto", 4)]) == len(seen[Point("recvfrom", 1)])


@pytest.mark.t2
def test_what_the_check_finds_ends_the_sweep(tmp_path: Path) -> None:
    def check(point: Point) -> None:
        assert point.when != 2, "lost"

    with pytest.raises(AssertionError, match="lost"):
        sweep("faults.sends", arguments(tmp_path), ["sendto"], check)


@pytest.mark.t2
def test_a_program_that_fails_by_itself_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        sweep("faults.sends", arguments(tmp_path, "fail"), ["sendto"], nothing)


@pytest.mark.t2
def test_a_program_that_cannot_be_imported_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ModuleNotFoundError"):
        sweep("faults.nowhere", arguments(tmp_path), ["sendto"], nothing)


@pytest.mark.t2
def test_a_program_that_never_ends_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="within 3 calls"):
        sweep("faults.sends", arguments(tmp_path), ["sendto"], nothing, most=3)


def test_without_strace_there_is_a_remedy_and_no_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    with pytest.raises(AssertionError, match="apt install strace"):
        sweep("faults.sends", arguments(tmp_path), ["sendto"], nothing)
