"""The threads of a worker; ``_crew_async`` is the twin, by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

M = TypeVar("M")

_LONGEST: Final = 1.0
"""Seconds of one wait: on Windows a signal is not seen before its end."""


class Crew(Generic[M]):
    """Threads that do the same work, one for each of some items."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        """The first one that ended a thread."""
        self._threads: dict[M, threading.Thread] = {}
        self._over: set[M] = set()
        self._news: SimpleQueue[None] = SimpleQueue()  # unlike an Event good in signal handlers

    def start(self, items: Iterable[M], work: Callable[[M], None]) -> None:
        """
        Begin to work.

        The end of the process does not wait for these threads: nobody could end one whose handler
        hangs, and ``run`` has waited for the others.
        """
        for number, item in enumerate(items, 1):
            name = f"queuekit-worker-{number}"
            thread = threading.Thread(target=self._run, args=(work, item), name=name, daemon=True)
            self._threads[item] = thread
        for thread in self._threads.values():
            thread.start()

    def left(self) -> list[M]:
        """Return the items whose threads are not at their end."""
        return [item for item in self._threads if item not in self._over]

    def wait(self, seconds: float) -> None:
        """Return when a thread has ended, at a call of ``wake``, or after *seconds*; or before."""
        with suppress(Empty):
            self._news.get(timeout=min(seconds, _LONGEST))

    def wake(self) -> None:
        """End a wait, from any thread or signal handler."""
        self._news.put(None)

    def cancel(self, items: Iterable[M], patience: float = 0.0) -> list[M]:
        """Return those whose work cannot be interrupted: all."""
        return list(items)

    def _run(self, work: Callable[[M], None], item: M) -> None:
        try:
            work(item)
        except BaseException as exc:  # noqa: BLE001 - `run` raises it
            self.error = self.error or exc
        finally:
            self._over.add(item)
            self.wake()


class Canceller:
    """Would interrupt one call of a handler: nobody can, in a thread."""

    def begin(self) -> None:
        """Take note that a handler is called."""

    def cancel(self) -> None:
        """Interrupt the handler that is being called, from any thread."""

    def over(self, error: BaseException | None = None) -> bool:
        """Take note that the call is over, and tell whether ``cancel`` has ended it."""
        return False
