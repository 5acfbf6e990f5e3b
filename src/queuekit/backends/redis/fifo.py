# Generated from fifo_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Pops, and what becomes of a body whose caller is gone: no interruption loses one."""

from __future__ import annotations

import logging
import time
from typing import Final

from ..._acompat import sleep
from ..._envelope import bare_all
from ...errors import QueueFull
from ._pops import Kept, Popped, pop, pop_waiting
from ._wire import Command, LinkBroken
from .exchange import Exchange
from .keys import Keys

_log = logging.getLogger("queuekit")

_POLL: Final = 0.05
"""Seconds between looks where the server does not let us wait, as at maxmemory."""


class Fifo:
    """
    Pops from queues of one server.

    Args:
        longest: Seconds that one wait on the server may last.
    """

    def __init__(self, exchange: Exchange, longest: float) -> None:
        self._exchange = exchange
        self._longest = longest
        self.kept = Kept()

    def pop(self, queue: str, keys: Keys, limit: int, wait: float) -> list[bytes]:
        """Pop up to *limit* bodies, waiting *wait* seconds for the first."""
        found = Popped()
        try:
            return bare_all(self._pop(queue, keys, limit, wait, found))
        except BaseException as exc:
            self._restore(keys, found, is_interrupted=not isinstance(exc, Exception))
            raise

    def _pop(self, queue: str, keys: Keys, limit: int, wait: float, found: Popped) -> list[bytes]:
        """Return what is in *found* then, too."""
        self.kept.take(keys.ready, limit, found)
        if found.kept:
            return found.bodies()
        if limit > 1 or not wait:
            self._take(queue, [pop(keys, limit)], found, waits=False)
            if found.learns(keys):
                self._take(queue, [pop(keys, limit)], found, waits=False)
            bodies = found.bodies()
            if bodies or not wait:
                return bodies
        end = time.monotonic() + wait
        while (left := end - time.monotonic()) > 0:
            commands = pop_waiting(keys, limit, min(left, self._longest))
            try:
                self._take(queue, commands, found, waits=True)
            except QueueFull:  # a full server moves no body, and gives those that there are
                if not found.lands:
                    raise
                if not found.bodies():
                    sleep(min(left, _POLL))
            found.learns(keys)
            if bodies := found.bodies():
                return bodies
        return []

    def _take(self, queue: str, commands: list[Command], found: Popped, *, waits: bool) -> None:
        found.replies.clear()
        found.waits = waits
        found.lands = commands[0][0] == b"BLMOVE"
        self._exchange.once(
            f"pop from {queue!r}",
            commands,
            unknown="what was popped, if anything, is lost",
            waits=waits,
            into=found.replies,
        )

    def _restore(self, keys: Keys, found: Popped, *, is_interrupted: bool) -> None:
        """Put back at the head what nobody gets now; where that fails, the next call has it."""
        self.kept.put(keys.ready, found.bodies())
        if is_interrupted:
            self._exchange.link.finish(self.push_back)

    def push_back(self) -> None:
        """Put what is kept back at the head of its queues, as far as the server takes it."""
        for ready, bodies in self.kept.take_all().items():
            command: Command = (b"LPUSH", ready, *reversed(bodies))
            try:
                (reply,) = self._exchange.link.apart([command])
                cause = reply if isinstance(reply, Exception) else None
                refused = cause is not None
            except LinkBroken as exc:
                refused, cause = not exc.sent, exc
            if cause is not None:
                _log.error("%d popped bodies of %r %s", len(bodies), ready, _fate(refused, cause))
            if refused:
                self.kept.put(ready, bodies)


def _fate(refused: bool, cause: Exception) -> str:
    why = cause.__cause__ or cause
    if refused:
        return f"could not be pushed back; the next pop of this object has them ({why})"
    return f"were pushed back, or are lost: there was no answer ({why})"
