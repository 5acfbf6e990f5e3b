"""What fault tests share: the seed, ledgers that stay when a test fails, and the table."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from .accounts import Account, table

_rows: list[tuple[str, Account]] = []
_server: list[str] = []
_told: list[str] = []


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of all choices; ``--seed`` repeats those of another run."""
    return int(request.config.getoption("--seed"))


@pytest.fixture
def chance(seed: int, request: pytest.FixtureRequest) -> random.Random:
    """Return choices of this test's own, the same for the same seed."""
    return random.Random(f"{seed} {request.node.nodeid}")


@pytest.fixture
def ledgers(tmp_path: Path) -> Path:
    """Return an empty folder for ledgers; its name is told when they do not add up."""
    folder = tmp_path / "ledgers"
    folder.mkdir()
    return folder


@pytest.fixture
def accept(request: pytest.FixtureRequest, seed: int) -> Callable[[str, Account], None]:
    """Return what takes the account of a run into the table, and fails if it does not add up."""

    def accept(run: str, account: Account) -> None:
        _rows.append((run, account))
        if not account.passed:
            where = request.node.funcargs.get("ledgers") or request.node.funcargs.get("tmp_path")
            found = "\n".join(account.faults)
            pytest.fail(f"{run}: {account}\n{found}\nseed {seed}, ledgers: {where}", pytrace=False)

    return accept


@pytest.fixture
def tell() -> Callable[[str], None]:
    """Return what takes a measurement into the report, below the table."""
    return _told.append


@pytest.fixture(scope="session", autouse=True)
def _name_server(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--accounts"):
        with redis.Redis.from_url(request.getfixturevalue("redis_url")) as client:
            info = client.info("server")
        name = "Valkey" if "valkey_version" in info else "Redis"
        _server.append(f"{name} {info.get('valkey_version') or info['redis_version']}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    target = config.getoption("--accounts")
    if not target or not (_rows or _told):
        return
    text = table(_rows, "".join(_server) or "no server", config.getoption("--seed"))
    text += "".join(f"\n- {line}" for line in _told) + "\n" * bool(_told)
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    terminalreporter.write_line("")
    terminalreporter.write_line(text)
