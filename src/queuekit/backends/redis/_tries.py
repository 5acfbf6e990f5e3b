"""A batch that is sent until each command has its answer: what is left to send, and how. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ...errors import TransportError, TransportUnavailable
from ._errors import broken, refusal
from ._wire import Command, LinkBroken, Reply

Part = Callable[[bool], Command]
"""Makes a command that may be repeated; called with whether it may have arrived before."""


def alike(command: Command) -> Part:
    """Return a part that is the same every time."""
    return lambda again: command


class Repeatable:
    """A part that is the same every time, and knows whether it may have arrived before."""

    __slots__ = ("_command", "was_repeated")

    def __init__(self, command: Command) -> None:
        self._command = command
        self.was_repeated = False

    def __call__(self, again: bool) -> Command:
        self.was_repeated |= again
        return self._command


PAUSES: Final = (0.05, 0.4)
"""Seconds before each further try."""
PATIENCE: Final = 6.0
"""Seconds after which no further try begins: one that ran into the timeout has a second."""

_UNKNOWN = "it was repeated and had no answer; whether it was done is unknown"


class Tries:
    """The state of such a batch between two sends."""

    def __init__(
        self, doing: str, server: str, parts: Sequence[Part], together: bool = False
    ) -> None:
        self._doing = doing
        self._together = together
        self._server = server
        self._parts = parts
        self._replies: list[Reply] = [None] * len(parts)
        self._pending = list(range(len(parts)))
        self._sent: set[int] = set()
        self._failure: TransportError | None = None

    def commands(self) -> list[Command]:
        """Return what has no answer yet."""
        return [self._parts[i](i in self._sent) for i in self._pending]

    def take(self, replies: Sequence[Reply]) -> None:
        """Take the replies; what was refused for now stays to be sent."""
        pending: list[int] = []
        self._failure = None
        if self._together:
            self._sent.update(self._pending)
        for i, reply in zip(self._pending, replies, strict=True):
            self._replies[i] = reply
            if isinstance(reply, Exception):
                failure = refusal(reply, self._server, self._doing)
                is_passing = isinstance(failure, TransportUnavailable)
                if self._together and i and not is_passing:
                    continue  # the first one was done, and what the others ask cannot be had
                pending.append(i)
                self._fail(failure, reply)
        self._pending = list(self._pending) if pending and self._together else pending

    def cut(self, exc: LinkBroken) -> None:
        """Take note that the link broke."""
        if exc.sent:
            self._sent.update(self._pending)
        unknown = _UNKNOWN if self._sent else ""
        self._fail(broken(exc, self._server, self._doing, unknown), exc.__cause__)

    @property
    def is_done(self) -> bool:
        """Whether another send would not help."""
        failure = self._failure
        return not self._pending or (
            failure is not None and not isinstance(failure, TransportUnavailable)
        )

    def result(self) -> list[Reply]:
        """Return the replies, or raise why there are none."""
        if self._failure is not None:
            raise self._failure
        return self._replies

    def _fail(self, failure: TransportError, cause: BaseException | None) -> None:
        failure.__cause__ = cause
        if self._failure is None or isinstance(self._failure, TransportUnavailable):
            self._failure = failure  # what is for good outweighs what may pass
