"""What a worker tells of the messages that it works on: the base for metrics and tracing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

_log = logging.getLogger("queuekit")


class Named(Protocol):
    """A queue, as far as a hook is concerned."""

    @property
    def name(self) -> str:
        """The queue's name in its store."""
        ...


class Worked(Protocol):
    """A message, of either colour, as far as a hook is concerned."""

    @property
    def queue(self) -> Named:
        """The queue that it came from."""
        ...

    @property
    def id(self) -> str:
        """The same on every delivery."""
        ...

    @property
    def body(self) -> object:
        """What was put."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """What was put with it."""
        ...

    @property
    def attempt(self) -> int:
        """1 on the first delivery."""
        ...


class Hooks:
    """
    Hear what becomes of a worker's messages: a base class whose methods do nothing.

    Called in the thread (task) of the handler, one after the other, so they should be quick; from
    several threads at the same time where a worker has several. An exception in a hook is logged
    and changes nothing. *seconds* is how long the handler had the message.
    """

    def got(self, message: Worked) -> None:
        """Hear that the handler is about to be called."""

    def done(self, message: Worked, seconds: float) -> None:
        """Hear that it was acked; its ack may still travel with the next claim."""

    def failed(self, message: Worked, error: Exception | None, seconds: float) -> None:
        """Hear that it will be tried again; *error* is None if the handler itself failed it."""

    def dead(self, message: Worked, error: Exception | None, seconds: float) -> None:
        """Hear that it went to the dead letters, by its policy or by the handler."""

    def lease_lost(self, message: Worked, seconds: float) -> None:
        """Hear that it could not be settled: others have or had it."""


def tell(hook: Callable[[], None]) -> None:
    """Call a hook; its error is only logged."""
    try:
        hook()
    except Exception:  # noqa: BLE001 - whoever listens must not end the worker
        _log.exception("a hook of the worker failed")
