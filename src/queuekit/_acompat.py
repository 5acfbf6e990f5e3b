"""
Pairs of names for the generator of the sync twins: ``AThing`` and ``Thing`` mean the same.

Whatever differs between the colours is here, so that ``tools/unasync.py`` only renames. asyncio is
imported where it is used, since it would double the start-up time of the command line.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from ._outlast import outlast
from .errors import ConfigurationError

if TYPE_CHECKING:
    import asyncio

A = TypeVar("A")
M = TypeVar("M")
R = TypeVar("R")

ACall = Callable[[A], Awaitable[R]]
"""A function of an async queue that takes one argument."""
Call = Callable[[A], R]
"""A function of a sync queue that takes one argument."""

AHandler = Callable[[M], Awaitable[object]]
"""What works on the items of an async queue."""
Handler = Callable[[M], object]
"""What works on the items of a sync queue."""
AMethod = Callable[[Any, M], Awaitable[object]]
"""The same as a method: the instance comes first."""
Method = Callable[[Any, M], object]
"""The same as a method: the instance comes first."""


async def acall(handler: AHandler[M], item: M) -> None:
    """Call the handler of an async queue and wait for it."""
    await handler(item)


def call(handler: Handler[M], item: M) -> None:
    """Call the handler of a sync queue; what it only promises to do is an error, not done."""
    result = handler(item)
    if result is not None and (hasattr(result, "__await__") or hasattr(result, "gi_frame")):
        close = getattr(result, "close", None)
        if close is not None:
            close()  # or Python would complain that nobody awaited it
        raise ConfigurationError(
            f"the handler returned a {type(result).__name__}, so its work is not done: a sync queue"
            " cannot wait for it; use AsyncQueue or AsyncReliableQueue"
        )


def _is_async(function: object) -> bool:
    import inspect

    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__
    )


def acheck_handler(handler: object) -> None:
    """Refuse what an async queue cannot call and wait for."""
    _check_function(handler)
    if not _is_async(handler):
        raise ConfigurationError(
            f"the handler of an async queue is an `async def`, {_name(handler)} is not; write it"
            " so, or use Queue or ReliableQueue"
        )


def check_handler(handler: object) -> None:
    """Refuse what a sync queue cannot call."""
    _check_function(handler)
    if _is_async(handler):
        raise ConfigurationError(
            f"a sync queue cannot wait for the `async def` {_name(handler)}; use AsyncQueue or"
            " AsyncReliableQueue"
        )


def _check_function(handler: object) -> None:
    import inspect

    if not callable(handler):
        raise ConfigurationError(f"a handler is a function, not {handler!r}")
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        raise ConfigurationError(
            f"the handler {_name(handler)} yields, so calling it does nothing; write it without"
        )


def _name(handler: object) -> str:
    return repr(getattr(handler, "__qualname__", handler))


async def asleep(seconds: float) -> None:
    """Wait without holding up other tasks."""
    import asyncio

    await asyncio.sleep(seconds)


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


async def acomplete(work: Callable[[], Awaitable[R]]) -> R:
    """
    Do *work* to its end, however often this task is cancelled, which it is then.

    The end of ``asyncio.run`` cancels what works within as well: then it is done once more.
    """
    import asyncio

    if _running_loop() is None:  # thrown away with its loop: what needs no turn of it is done
        return await work()
    task = asyncio.ensure_future(work())
    cancelled = await outlast([task])
    if cancelled is not None and task.cancelled():
        task = asyncio.ensure_future(work())
        await outlast([task])
    if cancelled is not None and not task.cancelled() and task.exception() is None:
        raise cancelled
    return task.result()


def complete(work: Callable[[], R]) -> R:
    """Do *work*: a thread is not cancelled."""
    return work()


def awithin(seconds: float) -> AbstractAsyncContextManager[object]:
    """Return a block that ends with ``TimeoutError`` when it takes longer."""
    import asyncio

    return asyncio.timeout(seconds)


def within(seconds: float) -> AbstractContextManager[object]:
    """Return a block that sets no limit: blocking calls have timeouts of their own."""
    return nullcontext()


def alock() -> AbstractAsyncContextManager[object]:
    """Return a lock for tasks."""
    import asyncio

    return asyncio.Lock()


def lock() -> AbstractContextManager[object]:
    """Return a lock for threads."""
    return threading.Lock()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class ALater:
    """
    Does *work* so many seconds after ``start``, again while there was something to do: a task.

    The end of the loop does not take it along: cancelled, it does the work at once.
    """

    def __init__(self, seconds: float, work: Callable[[], Awaitable[bool]]) -> None:
        self._seconds = seconds
        self._work = work
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a start is still to come to its end, in the running loop."""
        task = self._task
        return task is not None and not task.done() and task.get_loop() is _running_loop()

    def start(self) -> None:
        """Begin, in the running loop; without one, as where a coroutine is thrown away, do not."""
        loop = _running_loop()
        if loop is not None:
            self._task = loop.create_task(self._run())

    async def stop(self) -> None:
        """End now."""
        import asyncio

        task, self._task = self._task, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.wait([task])

    def forked(self) -> None:
        """Leave the task to the parent."""
        self._task = None

    async def _run(self) -> None:
        try:
            while True:
                await asleep(self._seconds)
                if not await self._work():
                    return
        finally:
            await acomplete(self._work)


class Later:
    """
    Does *work* so many seconds after ``start``, again while there was something to do: a thread.

    The end of the process does not take it along: it does the work at once.
    """

    def __init__(self, seconds: float, work: Callable[[], bool]) -> None:
        self._seconds = seconds
        self._work = work
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self.running = False
        """Whether a start is still to come to its end."""

    def start(self) -> None:
        """Begin."""
        self.running = True
        self._over = over = threading.Event()
        _unfinished.add(self)
        name = "queuekit-acks"
        thread = threading.Thread(target=self._run, args=(over,), name=name, daemon=True)
        thread.start()
        self._thread = thread  # not before: another loop may be at its end, and would join it

    def stop(self) -> None:
        """End now."""
        thread, self._thread = self._thread, None
        self.running = False
        self._over.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def forked(self) -> None:
        """Leave the thread to the parent."""
        self._thread = None
        self.running = False

    def finish(self) -> None:
        """Do it now, where it is still to be done."""
        if self.running:
            self._work()

    def _run(self, over: threading.Event) -> None:
        while not over.wait(self._seconds):
            if not self._work():
                self.running = False
                self._work()  # what came in between saw a thread that runs
                return


_unfinished: WeakSet[Later] = WeakSet()


@atexit.register
def _finish() -> None:
    for later in list(_unfinished):
        later.finish()
