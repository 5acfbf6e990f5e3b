# unasync: source
"""A link to a cluster: one link per node, and each call to the node that has its queue's keys."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar, Final

from ..._acompat import asleep
from ...errors import TransportError
from ._script import script_of
from ._slots import Address, SlotTable, is_out_of_date, is_try_again, key_of, redirection
from ._wire import Command, LinkBroken, LinkClosed, Reply
from .link_async import AsyncLink
from .source import ClusterSource

_PATIENCE: Final = 2.0
"""Seconds for which a command is sent again while its slot moves: a refusal has done nothing."""
_PAUSE: Final = 0.02
_ASKING: Final[Command] = (b"ASKING",)


class AsyncClusterLink:
    """
    Exchanges batches with a cluster, as ``AsyncLink`` does with one server.

    What a node refuses because it does not have the keys was not done, so it is sent to the right
    one; that is no repeat. The commands of a call belong to one queue, and so to one slot.
    """

    for_asyncio: ClassVar = AsyncLink.for_asyncio

    def __init__(self, source: ClusterSource) -> None:
        self.source = source
        self.closed = False
        self._links: dict[Address, AsyncLink] = {}
        self._table = SlotTable(source.seeds)
        self.finish = self._link(source.seeds[0]).finish

    @property
    def trips(self) -> int:
        """Sends so far, for tests and measurements."""
        return sum(link.trips for link in list(self._links.values()))

    async def call(
        self, commands: Sequence[Command], *, waits: bool = False, into: list[Reply] | None = None
    ) -> list[Reply]:
        """
        Send *commands* to the node that has their keys, as ``AsyncLink.call`` does.

        Raises:
            LinkBroken: The replies did not come, or not all; the connection is gone.
        """
        if self.closed:
            raise LinkClosed
        replies: list[Reply] = [] if into is None else into
        start = len(replies)
        address = await self._owner(commands)
        await self._ask(address, commands, replies, waits)
        end = time.monotonic() + (_PATIENCE / 2 if waits else _PATIENCE)
        while refused := self._refused(commands, replies[start:], address):
            if time.monotonic() > end:
                break
            await self._send_again(commands, replies, start, refused, waits)
        return replies[start:]

    async def apart(self, commands: Sequence[Command]) -> list[Reply]:
        """Exchange on a connection of its own, also when the link is closed."""
        address = await self._owner(commands)
        replies = await self._link(address).apart(commands)
        others = {other.address for each in replies if (other := redirection(each, address))}
        return await self._link(others.pop()).apart(commands) if others else replies

    async def aclose(self) -> None:
        """Close what is idle; a running exchange closes its own connection when it is done."""
        self.closed = True
        for link in self._links.values():
            await link.close()
        await asleep(0)  # a turn of the loop, which may be ending, to close them

    def _link(self, address: Address) -> AsyncLink:
        link = self._links.get(address)
        if link is None:
            link = self._links.setdefault(address, AsyncLink(self.source.at(address)))
            if self.closed:
                link.closed = True
        return link

    async def _ask(
        self, address: Address, commands: Sequence[Command], into: list[Reply], waits: bool
    ) -> None:
        try:
            replies = await self._link(address).call(commands, waits=waits, into=into)
        except LinkBroken:
            self._table.is_stale = True
            raise
        if any(map(is_out_of_date, replies)):
            self._table.is_stale = True

    def _refused(
        self, commands: Sequence[Command], replies: Sequence[Reply], asked: Address
    ) -> dict[int, tuple[Address, bool]]:
        """Return which commands were refused for want of their keys, where to, and if by ASK."""
        found: dict[int, tuple[Address, bool]] = {}
        for i, reply in enumerate(replies):
            if (other := redirection(reply, asked)) is not None:
                found[i] = (other.address, not other.is_for_good)
            elif is_try_again(reply):
                found[i] = (asked, False)
        if all(commands[i][0] == b"BLMOVE" for i in found):
            found.clear()  # it only waits, and whoever waits looks again by itself
        return found

    async def _send_again(
        self,
        commands: Sequence[Command],
        replies: list[Reply],
        start: int,
        refused: dict[int, tuple[Address, bool]],
        waits: bool,
    ) -> None:
        """Send what was refused, as far as it goes to one node, and put the replies in place."""
        address, is_asking = next(iter(refused.values()))
        chosen = [i for i, target in refused.items() if target == (address, is_asking)]
        if any(is_try_again(replies[start + i]) for i in chosen):
            await asleep(_PAUSE)
        slot = self._slot(commands)
        if not is_asking and slot is not None:
            self._table.moved(slot, address)
        again: list[Command] = []
        places: list[int] = []
        for i in chosen:
            script = script_of(commands[i])
            if script is not None:  # that node may never have seen it
                again.append((b"SCRIPT", b"LOAD", script.text))
            if is_asking:
                again.append(_ASKING)
            places.append(len(again))
            again.append(commands[i])
        more: list[Reply] = []
        try:
            await self._ask(address, again, more, waits)
        finally:  # what an interrupted call brought has its place, too
            for i, place in zip(chosen, places, strict=True):
                if place < len(more):
                    replies[start + i] = more[place]

    async def _owner(self, commands: Sequence[Command]) -> Address:
        slot = self._slot(commands)
        if self._table.is_stale:
            await self._read_table()
        owner = None if slot is None else self._table.owner(slot)
        return owner or self._table.nodes()[0]

    def _slot(self, commands: Sequence[Command]) -> int | None:
        key = key_of(commands)
        return None if key is None else self.source.slot(key)

    async def _read_table(self) -> None:
        """Ask one node after the other until one answers."""
        error: Exception = LinkClosed()
        for address in self._table.nodes():
            try:
                (reply,) = await self._link(address).apart([(b"CLUSTER", b"SLOTS")])
            except LinkBroken as exc:
                error = exc
                continue
            if isinstance(reply, list):
                self._table.read(reply, address)
                return
            if "cluster support disabled" in str(reply):
                raise TransportError(
                    f"{address} is no cluster; use redis:// in place of redis+cluster://"
                )
            error = LinkBroken(False)
            error.__cause__ = reply if isinstance(reply, Exception) else None
        raise error
