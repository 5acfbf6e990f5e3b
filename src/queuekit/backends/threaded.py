"""Any blocking transport for asyncio: its calls in a few threads, its waits in the event loop."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from .._checks import check_count, check_seconds
from ..errors import TransportClosed
from ..transport import (
    MAX_BODY,
    NO_OPTIONS,
    Delivery,
    Features,
    PushOptions,
    QueueStats,
    Receipt,
    Transport,
)
from ._sqlite_store import Clock
from ._sqlite_url import PathLike, Synchronous, parse_url
from ._threaded_wait import Waiter, finish, finish_quietly
from .sqlite import SQLiteTransport

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

_R = TypeVar("_R")

_SHORTEST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05
"""Seconds between two looks of the first in line, for what others pushed."""


class ThreadedTransport:
    """
    Make an ``AsyncTransport`` of a blocking one.

    No thread ever waits for a message: calls are short ones, on a few threads of this object;
    waiting happens in the event loop. It ends at once for what this object pushed, else within
    50 ms. Belongs to the loop of its first call, and can be used in another one afterwards.

    A call that is cancelled runs to its end. What a cancelled ``claim`` brought is released,
    uncounted. What a cancelled ``pop`` brought is handed out first by the next ``pop`` on that
    queue; what is still kept when this object is closed goes back to the tail of its queue, since
    a transport has no way to the head: late rather than lost.

    Args:
        transport: The blocking transport; ``aclose`` closes it.
        threads: How many calls may run at the same time.
    """

    def __init__(self, transport: Transport, *, threads: int = 4) -> None:
        self._transport = transport
        self._threads = check_count("threads", threads)
        self._executor: ThreadPoolExecutor | None = None
        self._pid = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lines: dict[tuple[str, bool], list[Waiter]] = {}
        self._kept: dict[str, deque[bytes]] = {}
        self._closed = False

    @property
    def features(self) -> Features:
        """Those of the blocking transport."""
        return self._transport.features

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._transport!r}>"

    async def push(
        self,
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> None:
        """See ``Transport.push``."""
        push = self._transport.push
        await self._call(lambda: push(queue, bodies, options=options, token=token))
        self._wake(queue, len(bodies))

    async def pop(self, queue: str, *, limit: int = 1, timeout: float = 0.0) -> list[bytes]:
        """See ``AsyncFifoTransport.pop``."""
        check_count("limit", limit)

        async def look() -> list[bytes]:
            found = self._take_kept(queue, limit)
            if found:
                return found
            short = lambda: self._transport.pop(queue, limit=limit)  # noqa: E731
            return await self._call(short, undo=lambda bodies: self._keep(queue, bodies))

        return await self._wait(queue, look, timeout, claiming=False)

    async def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """See ``AsyncTransport.claim``."""

        def give_back(found: list[Delivery]) -> None:
            receipts = [delivery.receipt for delivery in found]
            self._transport.release(queue, receipts, counted=False)

        async def look() -> list[Delivery]:
            short = lambda: self._transport.claim(queue, lease=lease, limit=limit)  # noqa: E731
            found = await self._call(short, undo=give_back, undo_in_thread=True)
            if found and len(self._lines.get((queue, True), ())) > 1:
                self._wake(queue, 1)  # what was recovered beyond our limit is for the others
            return found

        return await self._wait(queue, look, timeout, claiming=True)

    async def peek(self, queue: str, *, limit: int = 1) -> list[bytes]:
        """See ``Transport.peek``."""
        return await self._call(lambda: self._transport.peek(queue, limit=limit))

    async def stats(self, queue: str) -> QueueStats:
        """See ``Transport.stats``."""
        return await self._call(lambda: self._transport.stats(queue))

    async def purge(self, queue: str) -> int:
        """See ``Transport.purge``."""
        return await self._call(lambda: self._transport.purge(queue))

    async def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        """See ``Transport.ack``."""
        return await self._call(lambda: self._transport.ack(queue, receipts))

    async def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        """See ``Transport.release``."""
        release = self._transport.release
        lost = await self._call(lambda: release(queue, receipts, counted=counted, delay=delay))
        self._wake(queue, len(receipts) - len(lost))
        return lost

    async def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        """See ``Transport.move``."""
        lost = await self._call(lambda: self._transport.move(queue, letters, to=to))
        self._wake(to, len(letters) - len(lost))
        return lost

    async def extend(
        self, queue: str, receipts: Sequence[Receipt], *, lease: float
    ) -> list[Receipt]:
        """See ``Transport.extend``."""
        return await self._call(lambda: self._transport.extend(queue, receipts, lease=lease))

    async def recover(self, queue: str, *, limit: int = 100) -> int:
        """See ``Transport.recover``."""
        done = await self._call(lambda: self._transport.recover(queue, limit=limit))
        if done:
            self._wake(queue, len(self._lines.get((queue, True), ())))
        return done

    async def aclose(self) -> None:
        """Give back what is kept, end the threads and close the blocking transport."""
        if self._closed:
            return
        self._closed = True
        for line in list(self._lines.values()):
            for waiter in line:
                waiter.wake()
        kept, self._kept = self._kept, {}
        executor = self._threads_of_this_process()

        def end() -> None:
            try:
                for queue, bodies in kept.items():
                    self._transport.push(queue, list(bodies))
            finally:
                self._transport.close()

        try:
            await finish(executor.submit(end))
        finally:
            executor.shutdown(wait=False)

    async def _call(
        self,
        short: Callable[[], _R],
        *,
        undo: Callable[[_R], None] | None = None,
        undo_in_thread: bool = False,
    ) -> _R:
        """Run *short* in a thread, to its end; undo what it brought if nobody wants it any more."""
        import asyncio

        if self._closed:
            raise TransportClosed("this transport was closed before this call")
        executor = self._threads_of_this_process()
        work = executor.submit(short)
        try:
            return await finish(work)
        except asyncio.CancelledError:
            if undo is not None and not work.cancelled() and work.exception() is None:
                found = work.result()
                if found and undo_in_thread:
                    await finish_quietly(executor.submit(undo, found))
                elif found:
                    undo(found)
            raise

    def _threads_of_this_process(self) -> ThreadPoolExecutor:
        self._look_for_a_fork()
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="queuekit")
        return self._executor

    def _look_for_a_fork(self) -> None:
        """Leave what is kept, and who waits, to the parent; its threads are not here."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._executor = None
            self._kept.clear()
            self._lines.clear()

    async def _wait(
        self, queue: str, look: Callable[[], Awaitable[list[_R]]], timeout: float, *, claiming: bool
    ) -> list[_R]:
        import asyncio

        seconds = min(check_seconds("timeout", timeout), self.features.max_wait)
        found = await look()
        if found or not seconds:
            return found
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # who waited in another loop waits no more
            self._loop = loop
            self._lines.clear()
        line = self._lines.setdefault((queue, claiming), [])
        waiter = Waiter(loop)
        line.append(waiter)
        try:
            end = loop.time() + seconds
            found = await self._look_again(line, waiter, look, end)
        finally:
            line.remove(waiter)
            if line:  # another one is the first now, and who was woken and leaves wakes the next
                line[0].wake()
            elif self._lines.get((queue, claiming)) is line:
                del self._lines[queue, claiming]
        return found

    async def _look_again(
        self,
        line: list[Waiter],
        waiter: Waiter,
        look: Callable[[], Awaitable[list[_R]]],
        end: float,
    ) -> list[_R]:
        """Look when woken; who is first in line looks also now and then."""
        pause = _SHORTEST_PAUSE
        while (left := end - waiter.loop.time()) > 0:
            first = line[0] is waiter
            woken = await waiter.wait(min(left, pause) if first else left)
            if woken or first:
                pause = _SHORTEST_PAUSE if woken else min(pause * 1.5, _LONGEST_PAUSE)
                if found := await look():
                    return found
        return []

    def _wake(self, queue: str, messages: int) -> None:
        """Wake as many of each kind as there are messages."""
        if self._loop is not None and self._loop.is_closed():
            self._lines.clear()  # who waited there waits no more
        for claiming in (True, False):
            left = messages
            for waiter in self._lines.get((queue, claiming), ()):
                if left <= 0:
                    break
                if not waiter.woken:
                    waiter.wake()
                    left -= 1

    def _keep(self, queue: str, bodies: list[bytes]) -> None:
        self._kept.setdefault(queue, deque()).extend(bodies)
        self._wake(queue, len(bodies))

    def _take_kept(self, queue: str, limit: int) -> list[bytes]:
        self._look_for_a_fork()
        kept = self._kept.get(queue)
        if not kept:
            return []
        if self._closed:
            raise TransportClosed("this transport was closed before this call")
        found = [kept.popleft() for _ in range(min(limit, len(kept)))]
        if not kept:
            del self._kept[queue]
        return found


class AsyncSQLiteTransport(ThreadedTransport):
    """
    Keep queues in one SQLite file, for asyncio.

    Args:
        path: As for ``SQLiteTransport``, like the following ones.
        synchronous: See there.
        clock: See there.
        max_body: See there.
        allow_network: See there.
        threads: As for ``ThreadedTransport``.
    """

    def __init__(
        self,
        path: PathLike,
        *,
        synchronous: Synchronous = "NORMAL",
        clock: Clock | None = None,
        max_body: int = MAX_BODY,
        allow_network: bool = False,
        threads: int = 4,
    ) -> None:
        transport = SQLiteTransport(
            path,
            synchronous=synchronous,
            clock=clock,
            max_body=max_body,
            allow_network=allow_network,
        )
        super().__init__(transport, threads=threads)

    @classmethod
    def from_url(cls, url: str) -> AsyncSQLiteTransport:
        """See ``SQLiteTransport.from_url``."""
        path, synchronous = parse_url(url)
        return cls(path, synchronous=synchronous)
