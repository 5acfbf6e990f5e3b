"""Calls in threads that a task waits for, or nobody any more."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from .._outlast import outlast
from ..errors import QueueKitError

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Executor, Future

_R = TypeVar("_R")

_log = logging.getLogger("queuekit")


class Work(Generic[_R]):
    """
    A call in a thread. When nobody wants what it brings, it is undone, also after its loop's end.

    Takes no lock: the collector may throw the waiting coroutine away in the middle of anything.
    Who gives back takes the only element of a list, which two cannot do.

    Args:
        short: The call.
        undo: Gives back what it brought.
        later: Gets the undoing that has to wait for the next call, because it was found by the
            collector that nobody waits.
    """

    def __init__(
        self,
        short: Callable[[], _R],
        undo: Callable[[_R], object] | None,
        later: deque[Callable[[], None]],
    ) -> None:
        self._short = short
        self._undo = [] if undo is None else [undo]
        self._later = later
        self._brought: list[_R] = []
        self._wanted = True
        self._loop: asyncio.AbstractEventLoop | None = None

    async def done_in(self, executor: Executor) -> _R:
        """
        Run the call in a thread; a cancellation waits for its end, unless it has not begun.

        Raises:
            asyncio.CancelledError: It was cancelled, and undone.
        """
        import asyncio

        self._loop = asyncio.get_running_loop()
        future = executor.submit(self._run)
        undoing: list[Future[None]] = []
        try:
            done = asyncio.wrap_future(future)
            cancelled = await outlast([done], lambda: self._abandon(future, executor, undoing))
            if cancelled is None:
                return done.result()
            if not done.cancelled():
                done.exception()  # looked at, so that asyncio does not report it as forgotten
            await outlast(map(asyncio.wrap_future, undoing))
            raise cancelled
        except GeneratorExit:  # thrown away: its loop has ended without it
            self._wanted = False
            if self._brought:
                self._later.append(self._give_back)
            raise
        except BaseException:
            self._abandon(future, executor, undoing)
            raise

    def _run(self) -> _R:
        found = self._short()
        self._brought.append(found)
        if not self._wanted or (self._loop is not None and self._loop.is_closed()):
            self._give_back()
        return found

    def _abandon(self, future: Future[_R], executor: Executor, undoing: list[Future[None]]) -> None:
        """Say that nobody waits: the thread gives back, or another one if it is done already."""
        if self._wanted and not future.cancel():
            self._wanted = False
            if self._brought:
                undoing += undo_late(executor, self._give_back)

    def _give_back(self) -> None:
        try:
            undo = self._undo.pop()
        except IndexError:  # there is nothing to undo, or somebody does it
            return
        if found := self._brought[0]:
            _quietly(partial(undo, found))


def undo_late(executor: Executor, undo: Callable[[], object]) -> list[Future[None]]:
    """Give back in a thread, or here and now when the threads have ended before."""
    try:
        return [executor.submit(_quietly, undo)]
    except RuntimeError:
        _quietly(undo)
        return []


def _quietly(undo: Callable[[], object]) -> None:
    """Run what gives back; an error is only logged, since nobody waits for it."""
    try:
        undo()
    except QueueKitError as exc:
        _log.error("what a cancelled call had taken could not be given back: %s", exc)
