"""
Pairs of names for the generator of the sync twins: ``AThing`` and ``Thing`` mean the same.

Whatever differs between the colours is here, so that ``tools/unasync.py`` only renames. asyncio is
imported where it is used, since it would double the start-up time of the command line.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R")


def acheck(function: object) -> bool:
    """Tell whether *function* can be the handler of an async queue: its call is awaitable."""
    import inspect

    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__
    )


def check(function: object) -> bool:
    """Tell whether *function* can be the handler of a sync queue."""
    return not acheck(function)


async def asleep(seconds: float) -> None:
    """Wait without holding up other tasks."""
    import asyncio

    await asyncio.sleep(seconds)


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


async def afinish(call: Callable[[], Awaitable[R]]) -> R:
    """Run *call* to its end even when the task that waits for it is cancelled, then tell of it."""
    import asyncio

    task = asyncio.ensure_future(call())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.cancelled():
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # looked at, so that asyncio does not report it as forgotten
        raise


def finish(call: Callable[[], R]) -> R:
    """Run *call*."""
    return call()


class AHeartbeat:
    """Calls *beat* every *interval* seconds while it is entered: a task of the running loop."""

    def __init__(self, interval: float, beat: Callable[[], Awaitable[None]]) -> None:
        self._interval = interval
        self._beat = beat
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        import asyncio

        self._task = asyncio.ensure_future(self._run())

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        import asyncio

        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await asleep(self._interval)
            await self._beat()


class Heartbeat:
    """Calls *beat* every *interval* seconds while it is entered: a thread of its own."""

    def __init__(self, interval: float, beat: Callable[[], None]) -> None:
        self._interval = interval
        self._beat = beat
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="queuekit-heartbeat", daemon=True)
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._beat()
