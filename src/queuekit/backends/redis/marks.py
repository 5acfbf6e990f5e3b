# Generated from marks_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Keys that are remembered for a time, and those of puts with a dedup key among them."""

from __future__ import annotations

from ..._checks import check_seconds
from ._limits import mark
from ._pops import milliseconds
from ._tries import alike
from ._wire import Command
from .exchange import Exchange
from .keys import Keys


class Marks:
    """The part of ``RedisTransport`` that is ``Marking``."""

    _exchange: Exchange

    def _enter(self, queue: str) -> Keys:
        raise NotImplementedError

    def mark(self, queue: str, key: str, value: str, *, window: float) -> str | None:
        """See ``Marking.mark``."""
        place = self._enter(queue).remembered(key)
        length = max(1, milliseconds(check_seconds("window", window, positive=True)))
        part = mark(place, value, length)
        (reply,) = self._exchange.until_done(f"mark a key of {queue!r}", [part])
        return reply.decode() if isinstance(reply, bytes) else None

    def marked(self, queue: str, key: str) -> str | None:
        """See ``Marking.marked``."""
        command: Command = (b"GET", self._enter(queue).remembered(key))
        (reply,) = self._exchange.until_done(f"look at a key of {queue!r}", [alike(command)])
        return reply.partition(b":")[2].decode() if isinstance(reply, bytes) else None

    def unmark(self, queue: str, key: str) -> bool:
        """See ``Marking.unmark``. Never repeated."""
        command: Command = (b"DEL", self._enter(queue).remembered(key))
        (count,) = self._exchange.once(
            f"unmark a key of {queue!r}", [command], unknown="the key may or may not be forgotten"
        )
        return bool(count)
