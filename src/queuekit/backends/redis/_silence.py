"""How long a server was silent while somebody waited for it: one timer for a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class NoAnswer(TimeoutError):
    """A server was silent for too long: on its other connections it will be, too."""


class Silence:
    """
    Calls *broken* after *seconds* in which nothing came or went although somebody *waits*.

    The timer is not moved by what comes: when it is due it looks, and is set for the rest.
    """

    __slots__ = (
        "_broken",
        "_gone",
        "_left",
        "_loop",
        "_timer",
        "_transport",
        "_waits",
        "_written",
        "seconds",
        "since",
    )

    def __init__(
        self,
        transport: Any,
        seconds: float,
        waits: Callable[[], bool],
        broken: Callable[[Exception], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self.seconds = seconds
        self._waits = waits
        self._broken = broken
        self.since = self._loop.time()
        """When the server was last heard, or the wait for it began."""
        self._timer: asyncio.TimerHandle | None = None
        self._written = 0
        self._left = 0
        self._gone = 0

    def begin(self) -> None:
        """Take note that somebody waits from now on."""
        self.since = self._loop.time()
        self._watch()

    def wrote(self, size: int) -> None:
        """Take note that so many bytes were given to the transport."""
        self._written += size
        self._weigh()

    def end(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _watch(self) -> None:
        due = self.since + self.seconds
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._waits():
            return
        self._weigh()
        if self._loop.time() - self.since < self.seconds:
            self._watch()
        else:
            self._broken(NoAnswer(f"no answer within {self.seconds:g} s"))

    def _weigh(self) -> None:
        """See what went out of what could not go at once: that is no silence."""
        left = self._transport.get_write_buffer_size()
        gone = self._written - left
        if self._left and gone > self._gone:
            self.since = self._loop.time()
        self._left, self._gone = left, gone
