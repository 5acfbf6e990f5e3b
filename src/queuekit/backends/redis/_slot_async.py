"""A connection that redis-py made, within its event loop, and its ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import Any

from ._multiplexed import Multiplexed, Tally, Waiter
from ._wire import Command, LinkBroken, Reply, pack
from .source import Source


class Slot:
    """A connection of one loop. Its ``line`` is there once it is connected."""

    __slots__ = ("_source", "_writer", "connection", "id", "line")

    def __init__(self, source: Source) -> None:
        self._source = source
        self.connection = source.async_connection()
        self.line: Multiplexed
        self.id: int | None = None
        """The server's number of it, 0 where it does not tell."""
        self._writer: Any = None

    async def connect(self, tally: Tally) -> None:
        """Let redis-py connect and log in; from then on its streams are not used."""
        await self.connection.connect()
        await self._source.advice.ask_async(self.connection)
        reader: Any = getattr(self.connection, "_reader")  # noqa: B009 - redis-py calls them
        writer: Any = getattr(self.connection, "_writer")  # noqa: B009 - private
        silence = self._source.socket_timeout
        if not hasattr(writer, "transport"):
            from ._fakeredis import FakeTransport, ReadyReader

            fake = FakeTransport(getattr(self.connection, "_sock"))  # noqa: B009 - the same
            self.line = Multiplexed(fake, ReadyReader(), silence, tally)
            fake.set_protocol(self.line)
            return
        self._writer = writer
        self.line = Multiplexed(writer.transport, self._source.new_reader(), silence, tally)
        writer.transport.set_protocol(self.line)
        if writer.is_closing() or reader.at_eof() or getattr(reader, "_buffer", b""):
            raise ConnectionError("the server closed the connection")

    def send(self, commands: Sequence[Command], into: list[Reply]) -> Waiter:
        """Send at once: nobody else uses this connection."""
        return self.line.send(pack(commands), len(commands), into, at_once=True)

    async def drop(self) -> None:
        """Close it at once, and give the loop, which may be ending, a turn to do it."""
        await self.close()
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Close it at once, in no turn of the loop: nothing can come between."""
        with contextlib.suppress(Exception):  # whatever it says, it is of no use
            if hasattr(self, "line"):
                self.line.abort()
            await self.connection.disconnect(nowait=True)

    def leave(self) -> None:
        """Let it close by itself when the calls under way have their replies."""
        self._forget()
        self.line.retire()

    def abandon(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """
        Close it from outside its loop.

        A loop that still runs closes it itself. Of one that is closed nobody is left to do it, and
        a parent's loop must not hear of it: there only the socket of this process is closed, which
        asyncio offers no way to do.
        """
        self._forget()
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self.line.retire)
            except RuntimeError:  # it was closed
                pass
            else:
                return
        if self._writer is not None:
            _close_socket(self._writer.transport)

    def _forget(self) -> None:
        """Let the finalizers of redis-py and of asyncio find nothing to warn of, or to close."""
        self.line.kept = self._writer
        _set(self.connection, "_writer", None)
        _set(self.connection, "_reader", None)


async def connected(source: Source, tally: Tally) -> Slot:
    """
    Make a connection.

    Raises:
        LinkBroken: There is none; nothing was sent.
    """
    slot = Slot(source)
    try:
        async with asyncio.timeout(source.connect_timeout):
            await slot.connect(tally)
    except BaseException as exc:
        await slot.drop()
        if isinstance(exc, Exception):
            raise LinkBroken(False) from exc
        raise
    return slot


def _close_socket(transport: Any) -> None:
    inner = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None) or transport
    sock: socket.socket | None = getattr(inner, "_sock", None)
    if sock is not None:
        sock.close()
    for each, name, value in (
        (inner, "_sock", None),
        (inner, "_closing", True),
        (transport, "_closed", True),
    ):
        _set(each, name, value)  # else the finalizers warn


def _set(owner: object, name: str, value: object) -> None:
    if hasattr(owner, name):
        with contextlib.suppress(AttributeError):  # uvloop's are its own, and closed with its loop
            setattr(owner, name, value)
