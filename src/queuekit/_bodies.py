# Generated from _bodies_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""The bodies of a FIFO queue as they come."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Generic, Self

from ._acompat import Call, Handler, call
from ._deadline import Deadline
from ._outage import Outage
from .errors import TransportUnavailable
from .serializer import T


class Bodies(Generic[T]):
    """An iterator over bodies; see ``Queue.consume``."""

    def __init__(self, name: str, step: Call[Deadline, list[T]], timeout: float | None) -> None:
        self._outage = Outage(name)
        self._step = step
        self._timeout = timeout
        self._stopped = False
        self._answered = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._answered:
            self._outage.over()
        deadline = Deadline(self._timeout, time.monotonic())
        while not self._stopped:
            try:
                found = self._step(deadline)
            except TransportUnavailable as exc:
                self._answered = False
                self._outage.endure(exc, deadline)
                continue
            self._answered = True
            if found:
                return found[0]
            self._outage.over()
            if not deadline.left(time.monotonic()):
                break
        raise StopIteration

    def work(self, item: T, handler: Handler[T]) -> None:
        """Call a worker's handler; its error ends the loop, as the body cannot be given back."""
        call(handler, item)

    def stop(self) -> None:
        """End the iteration, from any thread; a wait that is under way ends within a second."""
        self._stopped = True

    def close(self) -> None:
        """End the iteration. Nothing is held back: bodies are taken one at a time."""
        self._stopped = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()
