"""
redis-py connections of one event loop, each taken for one exchange at a time.

As in ``link``, the pool and the retries of redis-py are not used. The exchanges that do not wait
share a few connections; each waiting one needs its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Final

from ._errors import is_elsewhere
from ._resp import Reader
from ._wire import Command, LinkBroken, LinkClosed, Reply, pack
from .source import Source

_IDLE: Final = 0.1
"""Seconds after which a connection is looked at before it is used: the server may have gone."""

_WIDTH: Final = 32
"""Exchanges that run at a time, not counting those that wait on the server; idle connections."""

MAX_SILENCE_WAITING: Final = 3.0
"""Seconds that a server may be silent while it holds a wait of a second at most."""

_PIECE: Final = 65536


class _Slot:
    """A connection within its loop."""

    __slots__ = (
        "advice",
        "broken",
        "connection",
        "id",
        "new_reader",
        "reader",
        "sent",
        "silent",
        "timer",
        "used",
        "writer",
    )

    def __init__(self, source: Source) -> None:
        self.connection = source.async_connection()
        self.advice = source.advice
        self.new_reader: Callable[[], Reader] = source.new_reader
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter
        self.timer: asyncio.TimerHandle | None = None
        self.id: int | None = None
        self.sent = False
        self.silent = False
        self.broken = False
        self.used = 0.0

    async def connect(self) -> None:
        await self.connection.connect()
        await self.advice.ask_async(self.connection)
        self.reader = getattr(self.connection, "_reader")  # noqa: B009 - redis-py calls them
        self.writer = getattr(self.connection, "_writer")  # noqa: B009 - private
        if not hasattr(self.writer, "transport"):
            from ._fakeredis import FakeStreams, ReadyReader

            streams: Any = FakeStreams(getattr(self.connection, "_sock"))  # noqa: B009
            self.reader = self.writer = streams
            self.new_reader = ReadyReader

    async def is_silent(self) -> bool:
        """Tell whether the connection is open, and the server said nothing unasked."""
        await asyncio.sleep(0)  # a turn of the loop, for what has come
        unasked = getattr(self.reader, "_buffer", b"")
        return not (self.reader.at_eof() or self.writer.is_closing() or unasked)

    def watch(self, silence: float) -> None:
        """Break the connection after *silence* seconds in which nothing came or went."""
        self._watch(silence, self.writer.transport.get_write_buffer_size())

    def rest(self) -> None:
        """Watch no longer."""
        if self.timer is not None:
            self.timer.cancel()

    def _watch(self, silence: float, unsent: int) -> None:
        loop = asyncio.get_running_loop()
        self.timer = loop.call_later(silence, self._look, silence, unsent)

    def _look(self, silence: float, unsent: int) -> None:
        left = self.writer.transport.get_write_buffer_size()
        if left < unsent:
            self._watch(silence, left)
        else:
            self.silent = True
            self.writer.transport.abort()


class AsyncLink:
    """Exchanges batches with one server; the connections belong to the running loop."""

    for_asyncio: ClassVar = True

    def __init__(self, source: Source) -> None:
        self.source = source
        self.trips = 0
        """Sends so far, for tests and measurements."""
        self._waiting_silence = min(source.socket_timeout, MAX_SILENCE_WAITING)
        self.closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._idle: list[_Slot] = []
        self._width = asyncio.Semaphore(_WIDTH)
        self._freeing: set[asyncio.Task[None]] = set()

    async def call(
        self, commands: Sequence[Command], *, waits: bool = False, into: list[Reply] | None = None
    ) -> list[Reply]:
        """
        Send *commands* at once and return their replies.

        *waits* says that one of them may block on the server. With *into* the replies are also
        appended there, and a cancelled call is not torn down: what blocks is ended, the replies are
        read into *into*, then the cancellation goes on.

        Raises:
            LinkBroken: The replies did not come, or not all; the connection is gone.
        """
        self._enter()
        replies: list[Reply] = [] if into is None else into
        start = len(replies)
        if waits:
            await self._call(commands, replies, waits, into is not None)
        else:
            async with self._width:
                await self._call(commands, replies, waits, into is not None)
        return replies[start:]

    async def apart(self, commands: Sequence[Command]) -> list[Reply]:
        """Exchange on a connection of its own, also when the link is closed."""
        replies: list[Reply] = []
        slot = await self._connect()
        try:
            silence = self.source.socket_timeout
            await self._converse(slot, pack(commands), replies, len(commands), silence, False)
        except Exception as exc:
            raise LinkBroken(True) from exc
        finally:
            await _drop(slot)
        return replies

    async def finish(self, call: Callable[[], Awaitable[None]]) -> None:
        """
        Run *call* to its end, however often the task that waits for it is cancelled.

        The end of ``asyncio.run`` cancels the tasks within as well: then it is run once more.
        """
        while True:
            task = asyncio.ensure_future(call())
            while not task.done():
                try:
                    await asyncio.shield(task)
                except asyncio.CancelledError:
                    continue
            if not task.cancelled():
                return task.result()

    async def aclose(self) -> None:
        """Close what is idle; a running exchange closes its own connection when it is done."""
        self.closed = True
        if self._loop is not asyncio.get_running_loop() or self._pid != os.getpid():
            self._abandon()
        while self._idle:
            await _drop(self._idle.pop())

    def _enter(self) -> None:
        if self.closed:
            raise LinkClosed
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._pid != os.getpid():
            self._abandon()
            self._loop, self._pid = loop, os.getpid()
            self._width = asyncio.Semaphore(_WIDTH)
            self._freeing = set()

    def _abandon(self) -> None:
        """Let go of connections that belong to another loop, or to the parent process."""
        idle, self._idle = self._idle, []
        for slot in idle:
            _abandon(slot, self._loop if self._pid == os.getpid() else None)

    async def _call(
        self, commands: Sequence[Command], into: list[Reply], waits: bool, keeps: bool
    ) -> None:
        loop = self._loop
        data = pack(commands)
        silence = self._waiting_silence if waits else self.source.socket_timeout
        slot = await self._take()
        start = len(into)
        try:
            if keeps and waits and slot.id is None:
                await self._number(slot)
            goal = start + len(commands)
            cancelled = await self._converse(slot, data, into, goal, silence, keeps)
        except BaseException as exc:
            await _drop(slot)
            if slot.silent:  # so will the others be, each for as long
                while self._idle:
                    await _drop(self._idle.pop())
            if isinstance(exc, Exception):
                raise LinkBroken(slot.sent) from exc
            raise
        slot.broken = slot.broken or any(map(is_elsewhere, into[start:]))
        await self._give(slot, loop)
        if cancelled is not None:
            raise cancelled

    async def _take(self) -> _Slot:
        while self._idle:
            slot = self._idle.pop()
            fresh = asyncio.get_running_loop().time() - slot.used < _IDLE
            if fresh or await slot.is_silent():
                return slot
            await _drop(slot)
        return await self._connect()

    async def _connect(self) -> _Slot:
        slot = _Slot(self.source)
        try:
            async with asyncio.timeout(self.source.connect_timeout):
                await slot.connect()
        except BaseException as exc:
            await _drop(slot)
            if isinstance(exc, Exception):
                raise LinkBroken(False) from exc
            raise
        return slot

    async def _give(self, slot: _Slot, loop: asyncio.AbstractEventLoop | None) -> None:
        slot.used = asyncio.get_running_loop().time()
        is_ours = self._loop is loop and not self.closed
        if slot.broken or not is_ours or len(self._idle) >= _WIDTH:
            await _drop(slot)
        else:
            self._idle.append(slot)

    async def _converse(
        self, slot: _Slot, data: bytes, into: list[Reply], goal: int, silence: float, keeps: bool
    ) -> asyncio.CancelledError | None:
        """
        Send, and read until *into* has *goal* replies.

        If it *keeps* them, a cancellation only ends what blocks, and is returned. There is no task
        within, which the end of ``asyncio.run`` could tear.
        """
        cancelled: asyncio.CancelledError | None = None
        reader = slot.new_reader()
        self.trips += 1
        slot.sent = True
        slot.writer.write(data)
        slot.watch(silence)
        try:
            while len(into) < goal:
                try:
                    piece = await slot.reader.read(_PIECE)
                except asyncio.CancelledError as exc:
                    if not keeps:
                        raise
                    if cancelled is None:
                        cancelled = exc
                        self._free(slot)
                    continue
                if not piece:
                    raise _lost(slot, silence)
                reader.feed(piece)
                while (reply := reader.gets()) is not False:
                    into.append(reply)
                slot.rest()
                if len(into) < goal:
                    slot.watch(silence)
        except Exception:
            if cancelled is None:
                raise
            slot.broken = True
        finally:
            slot.rest()
        slot.sent = False
        return cancelled

    async def _number(self, slot: _Slot) -> None:
        """Learn the server's number of a connection, 0 where it does not tell."""
        numbers: list[Reply] = []
        command = pack([(b"CLIENT", b"ID")])
        try:
            await self._converse(slot, command, numbers, 1, self.source.socket_timeout, False)
        finally:
            slot.sent = False  # nothing of what was asked
        slot.id = numbers[0] if isinstance(numbers[0], int) else 0

    def _free(self, slot: _Slot) -> None:
        """End what a connection waits for on the server; without that, its slice soon ends."""
        if slot.id:
            task = asyncio.ensure_future(self._unblock(slot.id))
            self._freeing.add(task)
            task.add_done_callback(self._freeing.discard)

    async def _unblock(self, number: int) -> None:
        """Free a blocked connection of ours by another one."""
        try:
            await self.apart([(b"CLIENT", b"UNBLOCK", number)])
        except LinkBroken:
            return


def _lost(slot: _Slot, silence: float) -> Exception:
    if slot.silent:
        return TimeoutError(f"no answer within {silence:g} s")
    return ConnectionError("the server closed the connection")


async def _drop(slot: _Slot) -> None:
    """Close a connection at once, and give the loop, which may be ending, a turn to do it."""
    writer = getattr(slot, "writer", None)
    with contextlib.suppress(Exception):  # whatever it says, it is of no use
        if writer is not None:
            writer.transport.abort()
        await slot.connection.disconnect(nowait=True)
    await asyncio.sleep(0)


def _abandon(slot: _Slot, loop: asyncio.AbstractEventLoop | None) -> None:
    """
    Close a connection from outside its loop.

    A loop that still runs closes it itself. Of one that is closed nobody is left to do it, and a
    parent's loop must not hear of it: there only the socket of this process is closed, which
    asyncio offers no way to do.
    """
    connection, writer = slot.connection, slot.writer
    _set(connection, "_writer", None)  # or its finalizer would warn
    _set(connection, "_reader", None)
    if loop is not None:
        try:
            loop.call_soon_threadsafe(_abort, writer)
        except RuntimeError:  # it was closed
            pass
        else:
            return
    transport = writer.transport
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
        setattr(owner, name, value)


def _abort(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
