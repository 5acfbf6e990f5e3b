"""
redis-py connections of one event loop, each taken for one exchange at a time.

As in ``link``, the pool and the retries of redis-py are not used. The exchanges that do not wait
share a few connections; each waiting one needs its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Final

from ._wire import AsyncConnection, Command, Late, LinkBroken, LinkClosed, Reply, pack
from .client import Source

_IDLE: Final = 0.1
"""Seconds after which a connection is looked at before it is used: the server may have gone."""

_WIDTH: Final = 32
"""Exchanges that run at a time, not counting those that wait on the server."""

_Look = Callable[[], Awaitable[bool]]


class _Slot:
    """A connection within its loop."""

    __slots__ = ("connection", "id", "used")

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.id: int | None = None
        self.used = 0.0


class AsyncLink:
    """Exchanges batches with one server; the connections belong to the running loop."""

    for_asyncio: ClassVar = True

    def __init__(self, source: Source) -> None:
        self.source = source
        self.trips = 0
        """Sends so far, for tests and measurements."""
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()
        self._idle: list[_Slot] = []
        self._width = asyncio.Semaphore(_WIDTH)

    async def call(
        self, commands: Sequence[Command], *, waits: bool = False, late: Late | None = None
    ) -> list[Reply]:
        """
        Send *commands* at once and return their replies.

        *waits* says that one of them may block on the server. With *late* a cancelled call is not
        torn down: what blocks is ended, the replies are read and given to *late*, then the
        cancellation goes on.

        Raises:
            LinkBroken: The replies did not come; the connection is gone.
        """
        self._enter()
        if waits:
            return await self._call(commands, late, waits)
        async with self._width:
            return await self._call(commands, late, waits)

    async def finish(self, call: Callable[[], Awaitable[None]]) -> None:
        """Run *call* to its end, however often the task that waits for it is cancelled."""
        task = asyncio.ensure_future(call())
        while not task.done():
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                continue
        if not task.cancelled():
            task.result()

    async def aclose(self) -> None:
        """Close what is idle; a running exchange closes its own connection when it is done."""
        self._closed = True
        if self._loop is not asyncio.get_running_loop() or self._pid != os.getpid():
            self._abandon()
        while self._idle:
            await _drop(self._idle.pop(), nowait=False)

    def _enter(self) -> None:
        if self._closed:
            raise LinkClosed
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._pid != os.getpid():
            self._abandon()
            self._loop, self._pid = loop, os.getpid()
            self._width = asyncio.Semaphore(_WIDTH)

    def _abandon(self) -> None:
        """Let go of connections that belong to another loop, or to the parent process."""
        idle, self._idle = self._idle, []
        for slot in idle:
            _abandon(slot.connection, self._loop if self._pid == os.getpid() else None)

    async def _call(
        self, commands: Sequence[Command], late: Late | None, waits: bool
    ) -> list[Reply]:
        loop = self._loop
        data = pack(commands)
        slot = await self._take()
        replies: list[Reply] = []
        try:
            if late is None:
                await self._exchange(slot, data, len(commands), replies)
            else:
                if waits and slot.id is None:
                    await self._number(slot)
                await self._guarded(slot, data, len(commands), replies, late)
        except BaseException as exc:
            await _drop(slot)
            if isinstance(exc, Exception):
                raise LinkBroken(True) from exc
            raise
        await self._give(slot, loop)
        return replies

    async def _take(self) -> _Slot:
        while self._idle:
            slot = self._idle.pop()
            fresh = asyncio.get_running_loop().time() - slot.used < _IDLE
            if fresh or not await _is_stale(slot.connection):
                return slot
            await _drop(slot)
        slot = _Slot(self.source.async_connection())
        try:
            async with asyncio.timeout(self.source.connect_timeout):
                await slot.connection.connect()
        except BaseException as exc:
            await _drop(slot)
            if isinstance(exc, Exception):
                raise LinkBroken(False) from exc
            raise
        return slot

    async def _give(self, slot: _Slot, loop: asyncio.AbstractEventLoop | None) -> None:
        slot.used = asyncio.get_running_loop().time()
        if self._closed or self._loop is not loop:
            await _drop(slot)
        else:
            self._idle.append(slot)

    async def _exchange(self, slot: _Slot, data: bytes, count: int, replies: list[Reply]) -> None:
        self.trips += 1
        clock, silence = asyncio.get_running_loop().time, self.source.socket_timeout
        refusal = self.source.refusal
        async with asyncio.timeout(silence) as limit:
            await slot.connection.send_packed_command([data], check_health=False)
            while len(replies) < count:
                try:
                    replies.append(
                        await slot.connection.read_response(
                            disable_decoding=True, disconnect_on_error=False
                        )
                    )
                except refusal as exc:
                    replies.append(exc.with_traceback(None))
                if len(replies) < count:
                    limit.reschedule(clock() + silence)

    async def _number(self, slot: _Slot) -> None:
        """Learn the server's number of a connection, 0 where it does not tell."""
        numbers: list[Reply] = []
        await self._exchange(slot, pack([(b"CLIENT", b"ID")]), 1, numbers)
        slot.id = numbers[0] if isinstance(numbers[0], int) else 0

    async def _guarded(
        self, slot: _Slot, data: bytes, count: int, replies: list[Reply], late: Late
    ) -> None:
        """Exchange in a task of its own, which a cancellation ends early but never tears down."""
        task = asyncio.ensure_future(self._exchange(slot, data, count, replies))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await self.finish(lambda: self._finish(slot, task, replies, late))
            raise

    async def _finish(
        self, slot: _Slot, task: asyncio.Future[None], replies: list[Reply], late: Late
    ) -> None:
        if slot.id and not task.done():
            await self._unblock(slot.id)
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it as forgotten
        late(replies)

    async def _unblock(self, number: int) -> None:
        """Free a blocked connection of ours by another one; without it, its slice soon ends."""
        try:
            helper = await self._take()
        except LinkBroken:
            return
        try:
            command = pack([(b"CLIENT", b"UNBLOCK", number)])
            await self._exchange(helper, command, 1, [])
        except Exception:  # noqa: BLE001 - whatever it says, it is of no use
            await _drop(helper)
        else:
            await self._give(helper, self._loop)


async def _drop(slot: _Slot, *, nowait: bool = True) -> None:
    try:
        await slot.connection.disconnect(nowait=nowait)
    except Exception:  # noqa: BLE001 - whatever it says, it is of no use
        return


async def _is_stale(connection: AsyncConnection) -> bool:
    """Tell whether the server has closed an idle connection, or said something unasked."""
    names = ("can_read", "can_read_destructive")  # from redis-py 8 on, and before
    look: _Look = next(filter(None, (getattr(connection, name, None) for name in names)))
    try:
        return await look()
    except Exception:  # noqa: BLE001 - whatever it says, this connection is of no use
        return True


def _abandon(connection: AsyncConnection, loop: asyncio.AbstractEventLoop | None) -> None:
    """
    Close a connection from outside its loop.

    A loop that still runs closes it itself. Of one that is closed nobody is left to do it, and a
    parent's loop must not hear of it: there only the socket of this process is closed, which
    asyncio offers no way to do.
    """
    writer: asyncio.StreamWriter | None = getattr(connection, "_writer", None)
    if writer is None:
        return
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
