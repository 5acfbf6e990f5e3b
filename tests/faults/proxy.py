"""A TCP proxy that stands before a server and loses, holds or tears what goes through it."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


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
