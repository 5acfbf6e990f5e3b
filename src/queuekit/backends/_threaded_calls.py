"""The threads of one transport, and the calls that run in them: until its end, or a fork."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from .._outlast import outlast
from ..errors import TransportClosed
from ._threaded_work import Work

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

_R = TypeVar("_R")


class Calls:
    """
    A few threads, made at the first call, and the calls that run in them.

    Args:
        threads: How many calls may run at the same time.
        on_fork: Called in a child; forgets who waits in the parent.
    """

    def __init__(self, threads: int, on_fork: Callable[[], None]) -> None:
        self.closed = False
        self.later: deque[Callable[[], None]] = deque()
        """Gives back what was brought for coroutines that were thrown away; see ``Work``."""
        self._count = threads
        self._on_fork = on_fork
        self._executor: ThreadPoolExecutor | None = None
        self._pid = os.getpid()
        self._going: set[asyncio.Future[None]] = set()

    async def run(self, short: Callable[[], _R], undo: Callable[[_R], object] | None = None) -> _R:
        """Run *short* in a thread, to its end; undo what it brought if nobody wants it any more."""
        import asyncio

        if self.closed:
            raise TransportClosed("this transport was closed before this call")
        threads = self.threads()
        call = asyncio.get_running_loop().create_future()
        self._going.add(call)
        try:
            self._do_later(threads)
            return await Work(short, undo, self.later).done_in(threads)
        finally:
            self._going.discard(call)
            if not call.get_loop().is_closed():
                call.set_result(None)

    async def end(self, close: Callable[[], None]) -> None:
        """Wait for the calls of this loop, end the threads, and *close*; outlast a cancellation."""
        import asyncio

        loop, threads = asyncio.get_running_loop(), self.threads()
        calls = [call for call in self._going if call.get_loop() is loop]
        cancelled = await outlast(calls)  # each gives back what it has to before the end

        def end() -> None:
            self._do_later(threads)
            threads.shutdown(wait=True)
            close()

        closer = _new_threads(1)
        done = asyncio.wrap_future(closer.submit(end))
        cancelled = await outlast([done]) or cancelled
        closer.shutdown(wait=False)
        done.result()
        if cancelled is not None:
            raise cancelled

    def threads(self) -> ThreadPoolExecutor:
        """Return the threads of this process."""
        self.look_for_a_fork()
        if self._executor is None:
            self._executor = _new_threads(self._count)
        return self._executor

    def look_for_a_fork(self) -> None:
        """Leave who waits to the parent; its threads are not here."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._executor = None
            self._going.clear()
            self.later.clear()
            self._on_fork()

    def _do_later(self, threads: ThreadPoolExecutor) -> None:
        """Give back what was brought for coroutines that were thrown away."""
        while self.later:
            threads.submit(self.later.popleft())


def _new_threads(count: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(count, thread_name_prefix="queuekit")
