"""The async classes for programs that block, so that one text tests both colours."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any


class Blocking:
    """
    Stands before an async object: its methods run in one event loop until they are done.

    The loop stands still between calls. What a method returns stands behind the same loop.
    """

    def __init__(self, inner: Any, runner: asyncio.Runner) -> None:
        self._inner, self._runner = inner, runner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            async def run() -> Any:
                return await found(*(bare(one) for one in arguments), **options)

            return self._wrap(self._runner.run(run()))

        return call

    def close(self) -> None:
        """Close the async object, and the loop."""
        self._runner.run(self._inner.aclose())
        self._runner.close()

    def _wrap(self, result: Any) -> Any:
        if isinstance(result, list):
            return [self._wrap(one) for one in result]
        return Blocking(result, self._runner) if hasattr(result, "ack") else result


def bare(argument: Any) -> Any:
    """Return what stands behind an argument."""
    return argument._inner if isinstance(argument, Blocking) else argument


def reliable(name: str, url: str, *, colour: str = "sync", **options: Any) -> Any:
    """Return a reliable queue of that colour."""
    if colour == "sync":
        from queuekit import ReliableQueue

        return ReliableQueue[str](name, url, **options)
    from queuekit import AsyncReliableQueue

    return Blocking(AsyncReliableQueue[str](name, url, **options), asyncio.Runner())


def fifo(name: str, url: str, *, colour: str = "sync") -> Any:
    """Return a FIFO queue of that colour."""
    if colour == "sync":
        from queuekit import Queue

        return Queue[str](name, url)
    from queuekit import AsyncQueue

    return Blocking(AsyncQueue[str](name, url), asyncio.Runner())
