"""TLS in front of a plain server, by certificates made on the spot."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class Certificate:
    """A certificate that signs itself, and its key."""

    def __init__(self, directory: Path, host: str) -> None:
        if shutil.which("openssl") is None:
            pytest.fail("no openssl for the certificates: install the package openssl")
        self.file, self.key = directory / f"{host}.pem", directory / f"{host}.key"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        names = f"subjectAltName={'IP' if host[0].isdigit() else 'DNS'}:{host}"
        command += ["-keyout", str(self.key), "-out", str(self.file), "-subj", f"/CN={host}"]
        subprocess.run([*command, "-addext", names], check=True, capture_output=True, timeout=60)


class TlsProxy:
    """Speaks TLS with the clients and plainly with the server; ``client`` must show its own."""

    def __init__(self, port: int, own: Certificate, client: Certificate | None = None) -> None:
        self._port = port
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(own.file, own.key)
        if client is not None:
            self._context.load_verify_locations(client.file)
            self._context.verify_mode = ssl.CERT_REQUIRED
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda loop, context: None)  # clients that break off
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._links: set[asyncio.StreamWriter] = set()
        self._server = self._do(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        )
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End all connections."""
        self._do(self._cut())

    def close(self) -> None:
        self._do(self._cut(stop=True))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _cut(self, *, stop: bool = False) -> None:
        if stop:
            self._server.close()
        for writer in list(self._links):
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        near, far = await asyncio.open_connection("127.0.0.1", self._port)
        self._links |= {writer, far}
        await asyncio.gather(_copy(reader, far), _copy(near, writer))
        self._links -= {writer, far}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    writer.transport.abort()


@contextmanager
def tls_before(
    port: int, own: Certificate, client: Certificate | None = None
) -> Iterator[TlsProxy]:
    proxy = TlsProxy(port, own, client)
    try:
        yield proxy
    finally:
        proxy.close()
