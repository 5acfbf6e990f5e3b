"""Servers of a test's own, to stop, fill and restart; each on a free port, killed by its pid."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import server_binary


def free_port() -> int:
    """Return a port of this machine that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Server:
    """A server of one's own, to stop, fill and restart."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        found = server_binary()
        assert found is not None
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
        for _ in range(500):
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

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def server_in(directory: Path, *arguments: str) -> Iterator[Server]:
    server = Server(directory, *arguments)
    try:
        yield server
    finally:
        server.stop()
