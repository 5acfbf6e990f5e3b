"""The proxy is proven first, before a server that answers each line with its own text."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from .proxy import Fault, Proxy, proxy_to

SILENT = 0.3
"""Seconds after which no answer is silence, where none shall come."""


@pytest.fixture
def heard() -> list[bytes]:
    return []


@pytest.fixture
def proxy(heard: list[bytes]) -> Iterator[Proxy]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(client,), daemon=True).start()

    def answer(client: socket.socket) -> None:
        with suppress(OSError), client, client.makefile("rb") as lines:
            for line in lines:
                heard.append(line)
                with contextlib.suppress(OSError):  # the proxy may have closed it
                    client.sendall(b"re:" + line)

    threading.Thread(target=serve, daemon=True).start()
    with proxy_to(f"redis://127.0.0.1:{listener.getsockname()[1]}/0") as proxy:
        yield proxy
    listener.close()


class Client:
    def __init__(self, proxy: Proxy) -> None:
        port = int(proxy.url.split(":")[2].split("/")[0])
        self.socket = socket.create_connection(("127.0.0.1", port))

    @classmethod
    def once(cls, proxy: Proxy, line: bytes, seconds: float = 20.0) -> bytes:
        """Ask on a connection of its own."""
        client = cls(proxy)
        with client.socket:
            return client.ask(line, seconds)

    def ask(self, line: bytes, seconds: float = 20.0) -> bytes:
        """Return the answer, what came of it before the end, or ``silence``."""
        found = b""
        self.socket.settimeout(seconds)
        try:
            self.socket.sendall(line + b"\n")
            while not found.endswith(b"\n"):
                data = self.socket.recv(99)
                if not data:
                    return found + b"end"
                found += data
        except TimeoutError:
            return b"silence"
        except OSError:
            return b"end"
        return found


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    client = Client(proxy)
    yield client
    client.socket.close()


def test_all_goes_through(proxy: Proxy, client: Client) -> None:
    assert b"re:1\n" == client.ask(b"1")
    assert [b"1\n"] == proxy.seen
    assert 1 == proxy.connections


@pytest.mark.parametrize("skip", [0, 1])
def test_an_answer_is_cut_off(proxy: Proxy, client: Client, heard: list[bytes], skip: int) -> None:
    proxy.arm(Fault("cut", b"b", skip=skip, keep=2))
    assert b"re:a\n" == client.ask(b"a")
    for _ in range(skip):
        assert b"re:b\n" == client.ask(b"b")
    assert b"reend" == client.ask(b"b")
    assert b"b\n" == heard[-1], "it arrived"
    assert b"re:b\n" == Client.once(proxy, b"b"), "once only"


def test_an_answer_is_swallowed(proxy: Proxy, client: Client, heard: list[bytes]) -> None:
    proxy.arm(Fault("stall", times=float("inf")))
    for _ in range(2):
        assert b"silence" == Client.once(proxy, b"a", SILENT)
    assert [b"a\n", b"a\n"] == heard
    proxy.arm()
    assert b"re:a\n" == client.ask(b"a")


def test_a_send_is_held(proxy: Proxy, client: Client, heard: list[bytes]) -> None:
    proxy.hold()
    assert b"end" == client.ask(b"a")
    assert [] == heard
    assert b"re:a\n" == proxy.deliver()


def test_a_host_vanishes_and_nobody_is_told(
    proxy: Proxy, client: Client, heard: list[bytes]
) -> None:
    client.ask(b"a")
    proxy.vanished = True
    assert b"silence" == client.ask(b"b", SILENT)
    assert b"silence" == Client.once(proxy, b"c", SILENT)
    assert [b"a\n"] == heard


def test_a_half_closed_connection_still_carries_what_is_sent(
    proxy: Proxy, client: Client, heard: list[bytes]
) -> None:
    client.ask(b"a")
    proxy.half_close()
    assert b"end" == client.ask(b"b")
    deadline = time.monotonic() + 20
    while heard != [b"a\n", b"b\n"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [b"a\n", b"b\n"] == heard


def test_connections_are_cut(proxy: Proxy, client: Client) -> None:
    client.ask(b"a")
    proxy.cut()
    assert b"end" == client.ask(b"b")
    assert b"re:c\n" == Client.once(proxy, b"c")


@pytest.mark.parametrize("setting", [{"latency": 0.05}, {"rate": 100.0}])
def test_a_slow_line_is_slow(proxy: Proxy, client: Client, setting: dict[str, float]) -> None:
    vars(proxy).update(setting)
    begun = time.monotonic()
    assert b"re:12\n" == client.ask(b"12")
    assert time.monotonic() - begun >= 0.09


def test_a_chopped_line_brings_all(proxy: Proxy, client: Client, heard: list[bytes]) -> None:
    proxy.chop = True
    assert b"re:123456789\n" == client.ask(b"123456789")
