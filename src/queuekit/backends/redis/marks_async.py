# unasync: source
"""Keys that are remembered for a time, and those of puts with a dedup key among them."""

from __future__ import annotations

from ..._checks import check_seconds
from ._limits import mark
from ._pops import milliseconds
from ._tries import alike
from ._wire import Command
from .exchange_async import AsyncExchange
from .keys import Keys


class AsyncMarks:
    """The part of ``AsyncRedisTransport`` that is ``AsyncMarking``."""

    _exchange: AsyncExchange

    def _enter(self, queue: str) -> Keys:
        raise NotImplementedError

    async def mark(self, queue: str, key: str, value: str, *, window: float) -> str | None:
        """See ``AsyncMarking.mark``."""
        place = self._enter(queue).remembered(key)
        length = max(1, milliseconds(check_seconds("window", window, positive=True)))
        part = mark(place, value, length)
        (reply,) = await self._exchange.until_done(f"mark a key of {queue!r}", [part])
        return reply.decode() if isinstance(reply, bytes) else None

    async def marked(self, queue: str, key: str) -> str | None:
        """See ``AsyncMarking.marked``."""
        command: Command = (b"GET", self._enter(queue).remembered(key))
        (reply,) = await self._exchange.until_done(f"look at a key of {queue!r}", [alike(command)])
        return reply.partition(b":")[2].decode() if isinstance(reply, bytes) else None

    async def unmark(self, queue: str, key: str) -> bool:
        """See ``AsyncMarking.unmark``. Never repeated."""
        command: Command = (b"DEL", self._enter(queue).remembered(key))
        (count,) = await self._exchange.once(
            f"unmark a key of {queue!r}", [command], unknown="the key may or may not be forgotten"
        )
        return bool(count)
