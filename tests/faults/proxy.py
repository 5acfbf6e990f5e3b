"""A TCP proxy that stands before a server and loses, holds or tears what goes through it."""

from __future__ import annotations

import random
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["cut", "stall", "hold"]
"""``cut``: what was sent arrives, its answer does not (or only *keep* bytes of it), and the
connection ends. ``stall``: the answer is swallowed and the connection stays. ``hold``: the
connection ends, and what was sent arrives when ``deliver`` is called."""


@dataclass
class Fault:
    """What happens to sends that contain *to*, but for the first *skip* of them."""

    kind: Kind
    to: bytes = b""
    skip: int = 0
    times: float = 1
    keep: int = 0
    hits: int = 0
    whole: bool = False
    """Whether *keep* was enough for the whole answer, as it came from the server."""


class Proxy:
    """
    Stands before a server; all settings may change in the middle of a test.

    Clients connect to ``url``. ``latency``: seconds each way. ``rate``: bytes per second.
    ``chop``: one byte at a time. ``vanished``: nothing goes through, and nobody is told, as when a
    host has lost its power.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "", parts.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        query = f"?{parts.query}" if parts.query else ""
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}{parts.path}{query}"
        self.connections = 0
        self.seen: list[bytes] = []
        """What clients sent, as it came."""
        self.latency = 0.0
        self.rate = 0.0
        self.chop = False
        self.vanished = False
        self._faults: tuple[Fault, ...] = ()
        self._held: list[bytes] = []
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, replies: float = 1, *, to: bytes = b"") -> None:
        """Lose the replies to sends that contain *to*."""
        self.arm(Fault("cut", to, times=replies))

    def hold(self, requests: int = 1, *, of: bytes = b"") -> None:
        """Hold sends that contain *of*."""
        self.arm(Fault("hold", of, times=requests))

    def arm(self, *faults: Fault) -> None:
        """Do *faults* from now on, in place of any others; the first that fits a send has it."""
        self._faults = faults

    def deliver(self) -> bytes:
        """Let what was held arrive now; return what the server says."""
        with socket.create_connection(self._server) as server:
            server.settimeout(20)
            server.sendall(b"".join(self._held))
            self._held.clear()
            return server.recv(65536)

    def cut(self) -> None:
        """End all connections now."""
        self._shut(socket.SHUT_RDWR)

    def cut_one(self, chance: random.Random) -> None:
        """End one of the connections now."""
        pairs = sorted(self._pairs, key=lambda pair: pair[0].fileno())
        if pairs:
            _shut(chance.choice(pairs)[0], socket.SHUT_RDWR)

    def half_close(self) -> None:
        """Tell all clients that the server says no more; what they send still arrives."""
        self._shut(socket.SHUT_WR)

    def close(self) -> None:
        """Accept nobody any more, and end what is there."""
        self._listener.close()
        self.vanished = False
        self.cut()

    def _shut(self, how: int) -> None:
        for client, _ in list(self._pairs):
            _shut(client, how)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs.add((client, server))
            try:
                self._forward(client, server)
            except OSError:
                return
            finally:
                self._pairs.discard((client, server))

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        doom: Fault | None = None
        left = 0
        look = selectors.DefaultSelector()
        look.register(client, selectors.EVENT_READ)
        look.register(server, selectors.EVENT_READ)
        with look:
            while True:
                for key, _ in look.select():
                    while self.vanished:
                        time.sleep(0.01)
                    side: socket.socket = key.fileobj
                    data = side.recv(65536)
                    if not data:
                        return
                    if side is client:
                        self.seen.append(data)
                        fault = self._hit(data)
                        if fault is not None and fault.kind == "hold":
                            self._held.append(data)
                            return
                        if fault is not None:
                            doom, left = fault, fault.keep
                        self._pass(server, data)
                    elif doom is None:
                        self._pass(client, data)
                    elif doom.kind == "cut":
                        doom.whole = left >= len(data)
                        self._pass(client, data[:left])
                        left -= len(data)
                        if left <= 0:
                            return

    def _hit(self, data: bytes) -> Fault | None:
        for fault in self._faults:
            if fault.to in data and fault.hits < fault.times:
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                return fault
        return None

    def _pass(self, to: socket.socket, data: bytes) -> None:
        if self.latency or self.rate:
            time.sleep(self.latency + (len(data) / self.rate if self.rate else 0))
        if self.chop:
            for i in range(len(data)):
                to.sendall(data[i : i + 1])
        else:
            to.sendall(data)


def _shut(client: socket.socket, how: int) -> None:
    try:
        client.shutdown(how)
    except OSError:  # it has ended by itself
        pass


@contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
