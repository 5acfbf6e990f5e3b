"""What the Redis tests share: a proxy that loses replies, a server of one's own, a recorder."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conftest import server_binary

from queuekit.backends.redis._script import script_of
from queuekit.backends.redis.transport import RedisTransport


class Proxy:
    """
    Stands before a server and misbehaves on request, once for each unit.

    ``lose_replies``: what was sent arrives, the answer does not, the connection ends.
    ``hold_requests``: the connection ends, and what was sent arrives when ``deliver`` is called.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "", parts.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}{parts.path}"
        self.lose_replies = 0
        self.hold_requests = 0
        self.connections = 0
        self._held: list[bytes] = []
        self._only = b""
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, replies: int = 1, *, to: bytes = b"") -> None:
        """Lose the replies to sends that contain *to*."""
        self._only, self.lose_replies = to, replies

    def hold(self, requests: int = 1, *, of: bytes = b"") -> None:
        """Hold sends that contain *of*."""
        self._only, self.hold_requests = of, requests

    def deliver(self) -> bytes:
        """Let what was held arrive now; return what the server says."""
        with socket.create_connection(self._server) as server:
            server.settimeout(5)
            server.sendall(b"".join(self._held))
            self._held.clear()
            return server.recv(65536)

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        doomed = False
        with client, socket.create_connection(self._server) as server:
            look = selectors.DefaultSelector()
            look.register(client, selectors.EVENT_READ)
            look.register(server, selectors.EVENT_READ)
            while True:
                for key, _ in look.select():
                    try:
                        data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    except OSError:
                        return
                    if not data:
                        return
                    if key.fileobj is server:
                        if doomed:
                            return
                        client.sendall(data)
                    elif self.hold_requests and self._only in data:
                        self.hold_requests -= 1
                        self._held.append(data)
                        return
                    else:
                        if self.lose_replies and self._only in data:
                            self.lose_replies -= 1
                            doomed = True
                        server.sendall(data)


@contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()


class Server:
    """A server of one's own, to stop, fill and restart."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        found = server_binary()
        assert found is not None
        self._command = [found[0], "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
        self._command += arguments
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
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


class Recorder:
    """Names the commands of each send of a transport: ``["claim"]``, ``["BLMOVE", "claim"]``."""

    def __init__(self, transport: Any) -> None:
        self.sends: list[list[str]] = []
        link = transport._link
        inner = link.call

        def call(commands: Sequence[Any], **options: Any) -> Any:
            self.sends.append([self._name(command) for command in commands])
            return inner(commands, **options)

        link.call = call

    @staticmethod
    def _name(command: Any) -> str:
        script = script_of(command)
        if script is None:
            return str(command[0].decode())
        from queuekit.backends.redis import _script

        return next(name for name, value in vars(_script).items() if value is script).lower()

    def take(self) -> list[list[str]]:
        """Return the sends since the last look."""
        sends, self.sends = self.sends, []
        return sends


@contextmanager
def transport_on(url: str, prefix: str, **options: Any) -> Iterator[RedisTransport]:
    transport = RedisTransport.from_url(url, prefix=prefix, **options)
    try:
        yield transport
    finally:
        transport.close()


def wait_until(look: Any, seconds: float = 5.0) -> None:
    """Wait for *look* to be true."""
    for _ in range(int(seconds / 0.005)):
        if look():
            return
        threading.Event().wait(0.005)
    raise AssertionError("this never came")


def sockets() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))
