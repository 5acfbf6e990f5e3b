"""Connections of a loop that one call has for itself at a time: it blocks on the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from ._slot_async import Slot
from ._wire import Command, LinkBroken, Reply
from .source import silence_waiting

_WIDTH: Final = 32
"""Calls at a time that wait for the copies of a put; idle connections."""


class Alone:
    """
    Exchanges batches, each on a connection of its own meanwhile.

    Args:
        patience: Seconds that a server may be silent.
    """

    __slots__ = ("_connect", "_patience", "_width", "idle", "is_over")

    def __init__(self, connect: Callable[[], Awaitable[Slot]], patience: float) -> None:
        self._connect = connect
        self._patience = patience
        self._width = asyncio.Semaphore(_WIDTH)
        self.idle: list[Slot] = []
        self.is_over = False
        """Whether the link was closed, or has another loop: nothing is kept then."""

    async def wait(self, commands: Sequence[Command], into: list[Reply], *, keeps: bool) -> None:
        """Exchange what a message ends, or a second."""
        await self._call(commands, into, silence_waiting(self._patience), keeps, keeps)

    async def hold(self, commands: Sequence[Command], into: list[Reply], *, keeps: bool) -> None:
        """Exchange what waits for the server's own copies."""
        async with self._width:
            await self._call(commands, into, self._patience, keeps, False)

    async def apart(self, commands: Sequence[Command]) -> list[Reply]:
        """Exchange on a new connection."""
        replies: list[Reply] = []
        slot = await self._connect()
        try:
            await slot.line.answered(slot.send(commands, replies), False)
        finally:
            await slot.drop()
        return replies

    async def drop_idle(self) -> None:
        """Close what nobody uses now, all before a turn of the loop, which may be the last."""
        while self.idle:
            await self.idle.pop().close()

    async def _call(
        self,
        commands: Sequence[Command],
        into: list[Reply],
        patience: float,
        keeps: bool,
        is_freed: bool,
    ) -> None:
        slot = await self._take()
        try:
            if is_freed and slot.id is None:
                await self._number(slot)
            slot.line.silence.seconds = patience
            end = partial(self._free, slot) if is_freed else None
            await slot.line.answered(slot.send(commands, into), keeps, end)
        finally:
            await self._give(slot)

    async def _take(self) -> Slot:
        while self.idle:
            slot = self.idle.pop()
            try:
                if not slot.line.is_ready():
                    await slot.line.get_ready()
            except BaseException:
                await slot.drop()
                raise
            if slot.line.is_open:
                return slot
            await slot.drop()
        return await self._connect()

    async def _give(self, slot: Slot) -> None:
        """Keep a connection for the next one, unless something is still to come."""
        is_whole = slot.line.is_open and slot.line.is_idle
        if is_whole and not self.is_over and len(self.idle) < _WIDTH:
            self.idle.append(slot)
        else:
            await slot.drop()

    async def _number(self, slot: Slot) -> None:
        """Learn the server's number of a connection, 0 where it does not tell."""
        numbers: list[Reply] = []
        slot.line.silence.seconds = self._patience
        try:
            await slot.line.answered(slot.send([(b"CLIENT", b"ID")], numbers), False)
        except LinkBroken as exc:  # nothing of what was asked was sent
            raise LinkBroken(False) from exc.__cause__
        slot.id = numbers[0] if isinstance(numbers[0], int) else 0

    async def _free(self, slot: Slot) -> None:
        """End what a connection waits for on the server; without that, its slice soon ends."""
        if slot.id:
            await self._unblock(slot.id)

    async def _unblock(self, number: int) -> None:
        """Free a blocked connection of ours by another one."""
        try:
            await self.apart([(b"CLIENT", b"UNBLOCK", number)])
        except LinkBroken:
            return
