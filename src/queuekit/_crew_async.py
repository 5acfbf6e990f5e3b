"""The tasks of a worker; ``_crew`` is the twin, by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

M = TypeVar("M")


class AsyncCrew(Generic[M]):
    """Tasks that do the same work, one for each of some items."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        """The first one that ended a task, but for being cancelled."""
        self._tasks: dict[M, asyncio.Task[None]] = {}
        self._cancelled: set[M] = set()
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def start(self, items: Iterable[M], work: Callable[[M], Awaitable[None]]) -> None:
        """Begin to work."""
        for number, item in enumerate(items, 1):
            name = f"queuekit-worker-{number}"
            task = self._tasks[item] = asyncio.create_task(self._run(work, item), name=name)
            task.add_done_callback(self._ended)

    def left(self) -> list[M]:
        """Return the items whose tasks are not at their end."""
        return [item for item, task in self._tasks.items() if not task.done()]

    async def wait(self, seconds: float) -> None:
        """Return when a task has ended, at a call of ``wake``, or after *seconds*; or before."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()

    def wake(self) -> None:
        """End a wait, from any thread or signal handler."""
        with suppress(RuntimeError):  # the loop is over
            self._loop.call_soon_threadsafe(self._news.set)

    async def cancel(self, items: Iterable[M], patience: float = 0.0) -> list[M]:
        """
        Interrupt the work on some items, once; return those where that is impossible: none.

        One after the other, so that they give back in this order what they worked on: tasks that
        are cancelled at the same time do so in any order. Waits for each to end, in all for
        *patience* seconds.
        """
        new = [item for item in items if item not in self._cancelled]
        self._cancelled.update(new)
        end = self._loop.time() + patience
        try:
            while new:
                task = self._tasks[new.pop(0)]
                task.cancel()
                await asyncio.wait([task], timeout=max(0.0, end - self._loop.time()))
        finally:  # where this task is cancelled, too
            for item in new:
                self._tasks[item].cancel()
        return []

    async def _run(self, work: Callable[[M], Awaitable[None]], item: M) -> None:
        try:
            await work(item)
        except asyncio.CancelledError:
            pass
        except BaseException as exc:  # noqa: BLE001 - `run` raises it
            self.error = self.error or exc

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Also when it was cancelled before it began."""
        self._news.set()


class AsyncCanceller:
    """Interrupts one call of a handler, and knows its own interruption from others."""

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._calls = 0
        self._asked = False

    def begin(self) -> None:
        """Take note that a handler is called, in this task."""
        self._task = asyncio.current_task()
        self._calls += 1
        self._asked = False

    def cancel(self) -> None:
        """Interrupt the handler that is being called, from any thread."""
        task, call = self._task, self._calls
        if task is not None:
            with suppress(RuntimeError):  # the loop is over
                task.get_loop().call_soon_threadsafe(self._cancel, task, call)

    def over(self, error: BaseException | None = None) -> bool:
        """Take note that the call is over, and tell whether ``cancel`` has ended it."""
        task, self._task = self._task, None
        if not self._asked or task is None:
            return False
        # Cancelled by somebody else as well, that counts: the task has to end.
        return task.uncancel() == 0 and isinstance(error, asyncio.CancelledError)

    def _cancel(self, task: asyncio.Task[object], call: int) -> None:
        """In the loop: the task still waits in its handler, or is not meant any more."""
        if self._task is task and self._calls == call and not self._asked:
            self._asked = True
            task.cancel()
