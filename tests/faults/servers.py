"""Servers of a test's own, to stop, fill and restart; each on a free port, killed by its pid."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from conftest import REMEDIES, server_binary

AOF: Final = ("--appendonly", "yes", "--appendfsync", "always")
"""Options of a server that forgets nothing when it is killed."""


def free_port() -> int:
    """Return a port of this machine that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Server:
    """A server of one's own, to stop, fill and restart."""

    password: str | None = None
    """What ``do`` logs in with."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        found = server_binary()
        if found is None:
            pytest.fail(REMEDIES, pytrace=False)
        self._command = [found[0], "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
        self._command += arguments
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [*self._command, "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 30
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                    link.sendall(b"PING\r\n")
                    if link.recv(1):
                        return
            except OSError:
                threading.Event().wait(0.01)
        raise AssertionError("the server did not start")

    def option(self, name: str) -> str:
        """Return what an option of the command line was set to."""
        return self._command[self._command.index(name) + 1]

    def do(self, *command: object) -> Any:
        """Run one command on a connection of its own."""
        with redis.Redis(port=self.port, password=self.password, socket_timeout=20) as client:
            return client.execute_command(*command)

    def pause(self) -> None:
        """Let it stand still; its connections stay open, and no answer comes."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill it: SIGKILL, which a paused one obeys, too."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()


@contextmanager
def server_in(directory: Path, *arguments: str) -> Iterator[Server]:
    directory.mkdir(exist_ok=True)
    server = Server(directory, *arguments)
    try:
        yield server
    finally:
        server.stop()


def eventually(look: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until *look* is true, whatever it raises before that; return the seconds it took."""
    begun = time.monotonic()
    error: Exception | None = None
    while time.monotonic() - begun < seconds:
        try:
            if look():
                return time.monotonic() - begun
        except (redis.RedisError, OSError) as exc:
            error = exc
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds:g} s ({error})")


class Pair:
    """A primary and its replica."""

    def __init__(self, primary: Server, replica: Server) -> None:
        self.primary, self.replica = primary, replica

    def follow(self) -> None:
        """Let the replica follow, and wait until it has all."""
        self.replica.do("REPLICAOF", "127.0.0.1", self.primary.port)
        eventually(lambda: self.primary.do("WAIT", 1, 100) == 1, 60, "the replica follows")

    def cut(self) -> None:
        """End the replication for good; the replica becomes a primary of its own."""
        self.replica.do("REPLICAOF", "NO", "ONE")


@contextmanager
def pair_in(directory: Path, *arguments: str) -> Iterator[Pair]:
    """Start a primary and a replica that follows it."""
    options = ("--repl-diskless-sync-delay", "0", *arguments)
    with ExitStack() as stack:
        servers = [stack.enter_context(server_in(directory / n, *options)) for n in ("a", "b")]
        pair = Pair(*servers)
        pair.follow()
        yield pair
