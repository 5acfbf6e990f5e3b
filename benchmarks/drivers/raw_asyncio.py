"""The limit in asyncio: a protocol of our own, one connection shared by all tasks."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import hiredis

from .raw_redis import Raw, pack
from .subject import TaskSubject, share_out


class Wire(asyncio.Protocol):
    """What is called in one turn of the loop goes out in one send."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._unsent: list[bytes] = []
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def call(self, packed: bytes) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self._loop.create_future()
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(packed)
        self._waiting.append(future)
        return future

    def _flush(self) -> None:
        self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        reader.feed(data)
        while (reply := reader.gets()) is not False:
            waiting.popleft().set_result(reply)


class RawAsync(TaskSubject):
    """RPUSH, LPOP, and the claim and ack of ``raw_redis``."""

    distributions = ("hiredis",)

    def __init__(self, url: str, folder: str) -> None:
        self._raw = Raw(url, folder)
        self._loop = asyncio.new_event_loop()
        address = urlsplit(url)
        _, self._wire = self._loop.run_until_complete(
            self._loop.create_connection(Wire, address.hostname, address.port)
        )
        self._loop.run_until_complete(self._select(address.path[1:]))

    async def _select(self, database: str) -> None:
        await self._wire.call(pack(b"SELECT", database.encode()))

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self._raw.fill(operation.removeprefix("a"), count, body)

    def clear(self) -> None:
        self._raw.clear()

    def size(self) -> int:
        return self._raw.size()

    def put_tasks(self, count: int, body: bytes, tasks: int) -> None:
        async def some() -> None:
            call = self._wire.call
            for _ in range(count // tasks):
                await call(b"*3\r\n$5\r\nRPUSH\r\n$3\r\nraw\r\n$%d\r\n%b\r\n" % (len(body), body))

        self._loop.run_until_complete(share_out(some, tasks))

    def get_tasks(self, count: int, body: bytes, tasks: int) -> None:
        async def some() -> None:
            call, packed = self._wire.call, pack(b"LPOP", b"raw")
            for _ in range(count // tasks):
                await call(packed)

        self._loop.run_until_complete(share_out(some, tasks))

    def claim_tasks(self, count: int, body: bytes, tasks: int) -> None:
        claiming = self._raw.claiming()

        async def some() -> None:
            call = self._wire.call
            for _ in range(count // tasks):
                claim, delete, remove = claiming()
                (await call(claim))[20:]
                call(delete)
                await call(remove)

        self._loop.run_until_complete(share_out(some, tasks))
