"""
redis-py connections of one event loop: one for all that does not block, others for what does.

As in ``link``, the pool and the retries of redis-py are not used: it configures and connects.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar, Final

from ..._outlast import outlast
from ._alone_async import Alone
from ._multiplexed import Tally
from ._shared_async import Shared
from ._silence import NoAnswer
from ._slot_async import connected
from ._wire import Command, LinkBroken, LinkClosed, Reply, pack
from .source import Source

_HOLDS: Final = frozenset({b"WAIT", b"WAITAOF"})
"""They hold up their connection until the server has its copies: never the shared one."""

_forks = 0
"""How often this process was copied from another one: cheaper to look at than its number."""


class AsyncLink:
    """Exchanges batches with one server; the connections belong to the running loop."""

    for_asyncio: ClassVar = True

    def __init__(self, source: Source) -> None:
        self.source = source
        self.closed = False
        self._tally = Tally()
        self._begin(None)

    def _begin(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Know no connections: a new link, another loop, or a child of the process."""
        connect = partial(connected, self.source, self._tally)
        self._loop = loop
        self._forks = _forks
        self._shared = Shared(connect)
        self._alone = Alone(connect, self.source.socket_timeout)

    @property
    def trips(self) -> int:
        """Writes so far, for tests and measurements."""
        return self._tally.sends

    async def call(
        self, commands: Sequence[Command], *, waits: bool = False, into: list[Reply] | None = None
    ) -> list[Reply]:
        """
        Send *commands* together and return their replies.

        *waits* says that one of them may block on the server. What does not goes out in one write
        with the calls of other tasks; cancelled before that, it is withdrawn. With *into* the
        replies are also appended there, and a cancelled call is not torn down: what blocks is
        ended, the replies are read into *into*, then the cancellation goes on.

        Raises:
            LinkBroken: The replies did not come, or not all; the connection is gone.
        """
        loop = asyncio.get_running_loop()
        if self.closed or self._loop is not loop or self._forks != _forks:
            self._enter(loop)
        replies: list[Reply] = [] if into is None else into
        start = len(replies)
        keeps = into is not None
        try:
            if waits:
                await self._alone.wait(commands, replies, keeps=keeps)
            elif _holds(commands):
                await self._alone.hold(commands, replies, keeps=keeps)
            else:
                shared = self._shared
                slot = shared.slot
                if slot is None or not (slot.line.unsent or slot.line.is_ready()):
                    slot = await shared.join()
                line = slot.line
                waiter = line.send(pack(commands), len(commands), replies)
                if slot is not shared.slot:
                    slot.leave()  # the link was closed meanwhile
                try:  # as answered() does, which would be one coroutine more for every call
                    await waiter.future
                except asyncio.CancelledError as exc:
                    await line.cancelled(exc, waiter, keeps)
                if waiter.missing:
                    raise line.broken(waiter)
        except LinkBroken as exc:
            if isinstance(exc.__cause__, NoAnswer):
                await self._drop_idle()
            raise
        return replies[start:] if keeps else replies

    async def apart(self, commands: Sequence[Command]) -> list[Reply]:
        """Exchange on a connection of its own, also when the link is closed."""
        return await self._alone.apart(commands)

    async def finish(self, call: Callable[[], Awaitable[None]]) -> None:
        """
        Run *call* to its end, however often the task that waits for it is cancelled.

        The end of ``asyncio.run`` cancels the tasks within as well: then it is run once more.
        """
        while True:
            task = asyncio.ensure_future(call())
            await outlast([task])
            if not task.cancelled():
                return task.result()

    async def aclose(self) -> None:
        """Close what is idle; what is under way ends, and then closes its own connection."""
        await self.close()
        await asyncio.sleep(0)  # a turn of the loop, which may be ending, to close them

    async def close(self) -> None:
        """Do so in no turn of the loop: nothing can come between."""
        self.closed = True
        if self._loop is not asyncio.get_running_loop() or self._forks != _forks:
            self._abandon()
        self._shared.is_over = self._alone.is_over = True
        self._shared.leave()
        await self._alone.drop_idle()

    def _enter(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.closed:
            raise LinkClosed
        self._abandon()
        self._begin(loop)

    def _abandon(self) -> None:
        """Let go of connections that belong to another loop, or to the parent process."""
        shared, alone = self._shared, self._alone
        shared.is_over = alone.is_over = True
        slots, alone.idle = alone.idle, []
        if shared.slot is not None:
            slots.append(shared.slot)
            shared.slot = None
        for slot in slots:
            slot.abandon(self._loop if self._forks == _forks else None)

    async def _drop_idle(self) -> None:
        """Close what nobody uses now: where one is silent, each would be, for as long."""
        slot = self._shared.slot
        if slot is not None and slot.line.is_idle:
            self._shared.leave()
        await self._alone.drop_idle()
        await asyncio.sleep(0)


def _holds(commands: Sequence[Command]) -> bool:
    for command in commands:  # noqa: SIM110 - any() takes three times as long
        if command[0] in _HOLDS:
            return True
    return False


def _after_fork() -> None:
    global _forks  # noqa: PLW0603 - one process, one number
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
