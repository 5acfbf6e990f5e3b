# unasync: source
"""The bodies of a FIFO queue as they come."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Generic, Self

from ._acompat import ACall, AHandler, acall
from ._deadline import Deadline
from ._outage_async import AsyncOutage
from .errors import TransportUnavailable
from .serializer import T


class AsyncBodies(Generic[T]):
    """An iterator over bodies; see ``AsyncQueue.consume``."""

    def __init__(self, name: str, step: ACall[Deadline, list[T]], timeout: float | None) -> None:
        self._outage = AsyncOutage(name)
        self._step = step
        self._timeout = timeout
        self._stopped = False
        self._answered = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self._answered:
            self._outage.over()
        deadline = Deadline(self._timeout, time.monotonic())
        while not self._stopped:
            try:
                found = await self._step(deadline)
            except TransportUnavailable as exc:
                self._answered = False
                await self._outage.endure(exc, deadline)
                continue
            self._answered = True
            if found:
                return found[0]
            self._outage.over()
            if not deadline.left(time.monotonic()):
                break
        raise StopAsyncIteration

    async def work(self, item: T, handler: AHandler[T]) -> None:
        """Call a worker's handler; its error ends the loop, as the body cannot be given back."""
        await acall(handler, item)

    def stop(self) -> None:
        """End the iteration, from any thread; a wait that is under way ends within a second."""
        self._stopped = True

    async def aclose(self) -> None:
        """End the iteration. Nothing is held back: bodies are taken one at a time."""
        self._stopped = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()
