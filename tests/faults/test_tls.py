"""TLS: it works and goes on after a cut; what can never work is said at once, with the way out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.resuming import SOON, loops_on
from faults.sentinels import SERVICE, Sentinel
from faults.servers import Server, server_in
from faults.tls import Certificate, TlsProxy, tls_before
from queuekit import AsyncQueue, Queue, TransportError

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("own"), "127.0.0.1")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("other"), "other.example")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_in(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(server: Server, own: Certificate) -> Iterator[TlsProxy]:
    with tls_before(server.port, own) as proxy:
        yield proxy


def refusals(url: str) -> list[str]:
    """Return the texts of the fatal errors that a put and a get give, in both colours."""
    texts: list[str] = []

    async def run() -> None:
        async with AsyncQueue("q", url) as queue:
            for call in (lambda: queue.put(1), queue.get):
                with pytest.raises(TransportError) as caught:
                    await call()
                texts.append(str(caught.value))
                assert type(caught.value) is TransportError, caught.value

    with Queue("q", url) as queue:
        for call in (lambda: queue.put(1), queue.get):
            with pytest.raises(TransportError) as caught:
                call()
            texts.append(str(caught.value))
            assert type(caught.value) is TransportError, caught.value
    asyncio.run(run())
    return texts


def test_the_loops_go_on_after_a_cut(proxy: TlsProxy, own: Certificate) -> None:
    with loops_on(f"rediss://127.0.0.1:{proxy.port}?ssl_ca_certs={own.file}") as loops:
        for _ in range(3):
            proxy.cut()
            loops.fresh(SOON)


def test_mistakes_are_for_good(
    proxy: TlsProxy, own: Certificate, other: Certificate, server: Server, tmp_path: Path
) -> None:
    url = f"rediss://127.0.0.1:{proxy.port}"
    trusted = f"{url}?ssl_ca_certs={own.file}"
    empty = tmp_path / "empty"
    empty.write_text("no certificate\n")
    with tls_before(server.port, other) as wrong:
        cases = {
            url: "not trusted",
            f"{url}?ssl_ca_certs={other.file}": "not trusted",
            f"rediss://127.0.0.1:{wrong.port}?ssl_ca_certs={other.file}": "for another host",
            f"{url}?ssl_ca_certs={tmp_path / 'missing'}": "ssl_ca_certs",
            f"{url}?ssl_ca_certs={empty}": "certificate",
            f"{trusted}&ssl_certfile={tmp_path / 'missing'}": "ssl_certfile",
            f"{trusted}&ssl_certfile={own.file}&ssl_keyfile={other.key}": "ssl_keyfile",
        }
        for case, words in cases.items():
            for text in refusals(case):
                assert words in text, (case, text)


def test_a_certificate_of_ours(server: Server, own: Certificate, other: Certificate) -> None:
    with tls_before(server.port, own, other) as proxy:
        url = f"rediss://127.0.0.1:{proxy.port}?ssl_ca_certs={own.file}"
        with Queue("q", url) as queue, pytest.raises(TransportError):
            queue.put(1)
        with Queue("q", f"{url}&ssl_certfile={other.file}&ssl_keyfile={other.key}") as queue:
            queue.put(1)
            assert 1 == queue.get()


def test_sentinels_and_servers_behind_tls(server: Server, own: Certificate, tmp_path: Path) -> None:
    """The sentinel names the place where TLS is spoken. It speaks none: to it, that is down."""
    with tls_before(server.port, own) as primary:
        sentinel = Sentinel(tmp_path, primary.port, 9)
        try:
            with tls_before(sentinel.port, own) as asked:
                url = f"rediss+sentinel://127.0.0.1:{asked.port}/{SERVICE}"
                with loops_on(f"{url}?ssl_ca_certs={own.file}") as loops:
                    asked.cut()
                    primary.cut()
                    loops.fresh(SOON)
                for text in refusals(url):
                    assert "not trusted" in text
        finally:
            sentinel.stop()
