# unasync: source
"""Exchanges with the server in our errors: once, or repeated where that has no second effect."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..._acompat import asleep
from ...errors import TransportClosed
from ._errors import broken, refusal
from ._script import script_of
from ._tries import PATIENCE, PAUSES, Part, Tries
from ._wire import Command, LinkBroken, LinkClosed, Reply

if TYPE_CHECKING:
    from .cluster_async import AsyncClusterLink
    from .link_async import AsyncLink


_LOADS: Final = 3
"""Times that a missing script is loaded: after a failover the next server may miss it, too."""


class AsyncExchange:
    """The link to one server; a script that the server does not have is loaded."""

    def __init__(self, link: AsyncLink | AsyncClusterLink) -> None:
        self.link = link
        self.server = link.source.name

    async def once(
        self,
        doing: str,
        commands: Sequence[Command],
        *,
        unknown: str,
        waits: bool = False,
        into: list[Reply] | None = None,
    ) -> list[Reply]:
        """
        Send *commands*, never repeat them, and return their replies.

        With *into* the replies are also appended there, of an interrupted call and of one that
        fails, too.

        Raises:
            TransportUnavailable: With *unknown*, what cannot be known now.
            TransportError: The server refused one of them.
        """
        try:
            replies = await self._send(commands, waits, into)
        except LinkBroken as exc:
            lost = unknown if exc.sent else ""
            raise broken(exc, self.server, doing, lost) from exc.__cause__
        for reply in replies:
            if isinstance(reply, Exception):
                raise refusal(reply, self.server, doing) from reply
        return replies

    async def until_done(
        self,
        doing: str,
        parts: Sequence[Part],
        *,
        ahead: Command | None = None,
        together: bool = False,
        patience: float = PATIENCE,
    ) -> list[Reply]:
        """
        Send *parts* at once, and again those without an answer; return the replies.

        With *ahead*, which may block, that goes in front of the first try, and its reply, whatever
        it is, comes first. Parts that go *together* mean nothing one by one: all are repeated,
        behind each other on one connection, until all were answered. After *patience* seconds no
        further try begins.

        Raises:
            TransportUnavailable: No answer after some tries.
            TransportError: The server refused for good.
        """
        end = time.monotonic() + patience
        commands = [part(False) for part in parts]
        waits = ahead is not None
        if ahead is not None:
            commands.insert(0, ahead)
        try:
            replies = await self._send(commands, waits, None, together)
        except LinkBroken as exc:
            tries = Tries(doing, self.server, parts, together)
            tries.cut(exc)
            first: list[Reply] = [None] if waits else []
        else:
            if not has_refusal(replies):  # nearly always
                return replies
            tries = Tries(doing, self.server, parts, together)
            tries.take(replies[waits:])
            first = replies[:waits]
        return first + await self._again(tries, end, together)

    async def _again(self, tries: Tries, end: float, together: bool) -> list[Reply]:
        for pause in PAUSES:
            if tries.is_done or time.monotonic() > end:
                break
            if pause:
                await asleep(pause)
            try:
                tries.take(await self._send(tries.commands(), False, None, together))
            except LinkBroken as exc:
                tries.cut(exc)
        return tries.result()

    async def at_last(self, command: Command) -> None:
        """Send *command*, which runs a script, even after the link was closed."""
        script = script_of(command)
        loads: list[Command] = [] if script is None else [(b"SCRIPT", b"LOAD", script.text)]
        try:
            replies = await self.link.apart([*loads, command])
        except LinkBroken as exc:
            raise broken(exc, self.server, "close", "") from exc.__cause__
        if isinstance(replies[-1], Exception):
            raise refusal(replies[-1], self.server, "close") from replies[-1]

    async def look(self, doing: str, command: Command) -> list[Reply]:
        """
        Send what changes nothing, and return its reply, which may be a refusal.

        Raises:
            TransportUnavailable: No answer.
        """
        try:
            return await self._send([command], False, None)
        except LinkBroken as exc:
            raise broken(exc, self.server, doing, "") from exc.__cause__

    async def _send(
        self,
        commands: Sequence[Command],
        waits: bool,
        into: list[Reply] | None,
        together: bool = False,
    ) -> list[Reply]:
        """Send and, where a script was missing, load it and send those commands again."""
        try:
            replies = await self.link.call(commands, waits=waits, into=into)
            for _ in range(_LOADS if has_refusal(replies) else 0):
                missing = [i for i, reply in enumerate(replies) if is_missing(reply)]
                if not missing:
                    break
                if together:
                    missing = list(range(len(commands)))
                loads = dict.fromkeys(
                    (b"SCRIPT", b"LOAD", script.text)
                    for i in missing
                    if (script := script_of(commands[i]))
                )
                repeated = [*loads, *(commands[i] for i in missing)]
                again = await self.link.call(repeated, waits=waits, into=into)
                refused = next((r for r in again[: len(loads)] if isinstance(r, Exception)), None)
                for i, reply in zip(missing, again[len(loads) :], strict=True):
                    replies[i] = refused if refused and is_missing(reply) else reply
        except LinkClosed:
            raise TransportClosed(f"this transport of {self.server} was closed") from None
        return replies


def has_refusal(replies: Sequence[Reply]) -> bool:
    """Tell whether one of *replies* is an error."""
    for reply in replies:  # noqa: SIM110 - in every call; a generator would cost twice as much
        if isinstance(reply, Exception):
            return True
    return False


def is_missing(reply: Reply) -> bool:
    """Tell whether a script was not there: nothing of it was done."""
    return isinstance(reply, Exception) and type(reply).__name__ == "NoScriptError"
