"""Eight producers and eight consumers, killed and cut off all the time (K3, N6)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .accounts import Account
from .checker import check
from .sweep import environment

Accept = Callable[[str, Account], None]


def run(url: str, count: int, seed: int, ledgers: Path, accept: Accept, store: str) -> Account:
    """Run the chaos in a process of its own, since this one has threads and must not fork."""
    command = [sys.executable, "-m", "faults.chaos", url, str(count), "--seed", str(seed)]
    done = subprocess.run(
        [*command, "--ledgers", str(ledgers)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    account = check(ledgers.iterdir())
    assert account.ok + account.unknown + account.rejected == count
    accept(f"chaos, {store}: {count:,} messages", account)
    return account


@pytest.mark.redis
def test_a_little_chaos(
    redis_url: str, redis_prefix: str, seed: int, ledgers: Path, accept: Accept
) -> None:
    run(f"{redis_url}?prefix={redis_prefix}", 800, seed, ledgers, accept, "Redis")


@pytest.mark.redis
@pytest.mark.t2
@pytest.mark.timeout(300)
def test_chaos(redis_url: str, redis_prefix: str, seed: int, ledgers: Path, accept: Accept) -> None:
    account = run(f"{redis_url}?prefix={redis_prefix}", 20_000, seed, ledgers, accept, "Redis")
    assert account.explained["kill"]
    assert account.cuts > 50


@pytest.mark.t2
@pytest.mark.timeout(300)
def test_chaos_on_sqlite(tmp_path: Path, seed: int, ledgers: Path, accept: Accept) -> None:
    account = run(f"sqlite:///{tmp_path}/q.db", 20_000, seed, ledgers, accept, "SQLite")
    assert account.explained["kill"]


@pytest.mark.redis
@pytest.mark.t3
@pytest.mark.timeout(3600)
def test_long_chaos(
    redis_url: str, redis_prefix: str, seed: int, ledgers: Path, accept: Accept
) -> None:
    run(f"{redis_url}?prefix={redis_prefix}", 200_000, seed, ledgers, accept, "Redis")


@pytest.mark.t3
@pytest.mark.timeout(3600)
def test_long_chaos_on_sqlite(tmp_path: Path, seed: int, ledgers: Path, accept: Accept) -> None:
    run(f"sqlite:///{tmp_path}/q.db", 200_000, seed, ledgers, accept, "SQLite")
