"""A server in the event loop of a test, which says what it got and answers when it is told to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from queuekit.backends.redis._resp import PlainReader
from queuekit.backends.redis.link_async import AsyncLink
from queuekit.backends.redis.source import Source

from .patience import LONG

Command = list[bytes]

SMALL = 65536
"""Bytes that the system holds for the server: what it does not read soon stays with the client."""


class LoopServer:
    """
    Answers every command with the number of its connection.

    ``answers`` has other answers, by the name of the command. What comes while it is ``mute`` is
    answered when it speaks again; while it is ``deaf`` nothing is read.
    """

    def __init__(self) -> None:
        self.connections: list[list[Command]] = []
        """What came on each, without what redis-py says when it connects."""
        self.answers: dict[bytes, bytes] = {}
        self._speaks = asyncio.Event()
        self._hears = asyncio.Event()
        self.mute = self.deaf = False
        self.open = 0
        self.reads = 0
        """Pieces that came, whatever their size."""
        self.pause = 0.0
        """Seconds between two reads."""
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def mute(self) -> bool:
        return not self._speaks.is_set()

    @mute.setter
    def mute(self, value: bool) -> None:
        (self._speaks.clear if value else self._speaks.set)()

    @property
    def deaf(self) -> bool:
        return not self._hears.is_set()

    @deaf.setter
    def deaf(self, value: bool) -> None:
        (self._hears.clear if value else self._hears.set)()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands: list[Command] = []
        self.connections.append(commands)
        self._writers.append(writer)
        self.open += 1
        number = len(self.connections)
        parser = PlainReader(Exception)
        try:
            while True:
                await self._hears.wait()
                piece = await reader.read(1 << 18)
                if not piece:
                    return
                self.reads += 1
                await asyncio.sleep(self.pause)
                parser.feed(piece)
                while isinstance(command := parser.gets(), list):
                    name: Any = command[0]
                    if name != b"CLIENT":
                        commands.append(command)
                        await self._speaks.wait()
                    writer.write(self.answers.get(name, b":%d\r\n" % number))
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            writer.close()

    def say(self, data: bytes) -> None:
        """Send *data* on all connections."""
        for writer in self._writers:
            writer.write(data)

    def cut(self) -> None:
        """End all connections."""
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def loop_server(**options: Any) -> AsyncIterator[tuple[LoopServer, AsyncLink]]:
    """Start one, and yield it with a link to it."""
    from redis.asyncio import Connection

    ours = LoopServer()
    ours.answers[b"CLIENT"] = b"+OK\r\n"
    server = await asyncio.start_server(ours.serve, "127.0.0.1", 0)
    server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    port = server.sockets[0].getsockname()[1]
    options.setdefault("socket_timeout", LONG)
    source = Source(Connection, {"host": "127.0.0.1", "port": port, **options})
    source.advice.is_given = True  # it has no settings
    link = AsyncLink(source)
    try:
        yield ours, link
    finally:
        ours.mute = ours.deaf = False
        await link.aclose()
        server.close()
        ours.cut()
        for _ in range(2000):
            if not ours.open:
                break
            await asyncio.sleep(0.005)
