"""One connection of an event loop: the sends of many calls in one write, the replies in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn

from ..._outlast import outlast
from ._errors import is_elsewhere
from ._resp import Reader
from ._silence import Silence
from ._wire import LinkBroken, Reply

_IDLE: Final = 0.1
"""Seconds after which a connection is looked at before it is used: the server may have gone."""

_MOST: Final = 65536
"""Bytes that wait for the end of a turn; with more the write comes at once, and may push back."""


_INTERRUPTED: Final = "an exception of a signal handler came while bytes were on their way"


class Tally:
    """The writes of all connections of a link."""

    sends = 0


class Waiter:
    """A call on its way. When its future is done, ``missing`` says whether all replies came."""

    __slots__ = ("data", "future", "into", "missing", "sent")

    def __init__(
        self, data: bytes, count: int, into: list[Reply], future: asyncio.Future[None]
    ) -> None:
        self.data = data
        self.missing = count
        self.into = into
        self.future = future
        self.sent = False
        """Whether the server may have got something, when the connection breaks."""


class Multiplexed(asyncio.Protocol):
    """
    Sends what calls give it, in their order, and hands the replies to them.

    What is given in one turn of the loop goes out in one write. There are no tasks within, which
    the end of ``asyncio.run`` could tear.
    """

    def __init__(self, transport: Any, reader: Reader, seconds: float, tally: Tally) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._reader = reader
        self._tally = tally
        self.silence = Silence(transport, seconds, lambda: bool(self._waiters), self._fail)
        self.is_open = True
        """Whether it takes calls."""
        self.lost: Exception | None = None
        """Why it broke."""
        self.kept: object = None
        """What must live as long, or its finalizer closes the connection."""
        self._waiters: deque[Waiter] = deque()
        self.unsent: list[Waiter] = []
        """Calls of this turn: while there are some, another may be sent, too."""
        self._size = 0
        self._is_full = False
        self._cramped: list[asyncio.Future[None]] = []

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for anything, nor anything for being sent."""
        return not (self._waiters or self.unsent)

    def is_ready(self) -> bool:
        """Tell whether a call may be sent at once."""
        if not self.is_open or self._is_full:
            return False
        return bool(self._waiters or self.unsent or self._loop.time() - self.silence.since < _IDLE)

    async def get_ready(self) -> None:
        """Wait until it takes calls, or never will again."""
        while self._is_full and self.lost is None:
            future: asyncio.Future[None] = self._loop.create_future()
            self._cramped.append(future)
            await future
        if not self.is_ready():
            for _ in range(2):  # in the first turn the loop hears that the server has gone, in the
                await asyncio.sleep(0)  # second we do
            self.silence.since = self._loop.time()

    def send(self, data: bytes, count: int, into: list[Reply], *, at_once: bool = False) -> Waiter:
        """Take the bytes of a call that has *count* replies, for the end of this turn as a rule."""
        waiter = Waiter(data, count, into, self._loop.create_future())
        self.unsent.append(waiter)
        self._size += len(data)
        if at_once or self._size > _MOST:
            self._flush()
        elif len(self.unsent) == 1:
            self._loop.call_soon(self._flush)
        return waiter

    async def answered(
        self, waiter: Waiter, keeps: bool, end: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """
        Wait for all replies to a call; ``cancelled`` says what a cancellation does.

        Raises:
            LinkBroken: They did not come, or not all.
        """
        try:
            await waiter.future
        except asyncio.CancelledError as exc:
            await self.cancelled(exc, waiter, keeps, end)
        if waiter.missing:
            raise self.broken(waiter)

    async def cancelled(
        self,
        exc: asyncio.CancelledError,
        waiter: Waiter,
        keeps: bool,
        end: Callable[[], Awaitable[None]] | None = None,
    ) -> NoReturn:
        """
        Let a cancellation go on.

        Of a call that was not written nothing will be. Of another one the replies are read for
        nobody, unless it *keeps* them: then what blocks on the server is ended by *end*, and both
        are waited for before.
        """
        is_ended: asyncio.Future[None] | None = None
        if keeps and end is not None and waiter.missing:
            is_ended = asyncio.ensure_future(end())
        while keeps and waiter.missing and self.lost is None:
            waiter.future = self._loop.create_future()
            with contextlib.suppress(asyncio.CancelledError):
                await waiter.future
        if is_ended is not None:  # the end of a loop would destroy it
            await outlast([is_ended])
        raise exc

    def broken(self, waiter: Waiter) -> LinkBroken:
        """Return what a call raises whose replies did not come, or not all."""
        exc = LinkBroken(waiter.sent)
        exc.__cause__ = self.lost
        return exc

    def retire(self) -> None:
        """Take no more calls, and close when those under way have their replies."""
        self.is_open = False
        if self.is_idle:
            self.abort()

    def abort(self) -> None:
        """Close at once."""
        self.is_open = False
        self.silence.end()
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Hand on replies."""
        self.silence.since = self._loop.time()
        waiters, gets = self._waiters, self._reader.gets
        try:
            self._reader.feed(data)
            while (reply := gets()) is not False:
                if not waiters:
                    raise ConnectionError("the server said something that nobody asked for")
                waiter = waiters[0]
                waiter.into.append(reply)
                waiter.missing -= 1
                if not waiter.missing:
                    waiters.popleft()
                    if not waiter.future.done():
                        waiter.future.set_result(None)
                if isinstance(reply, Exception) and is_elsewhere(reply):
                    self.is_open = False
        except Exception as exc:  # noqa: BLE001 - it goes on, as the cause
            self._fail(exc)
        except BaseException:  # of a signal handler: a reply may be gone, and the next one is not
            self._fail(ConnectionError(_INTERRUPTED))  # the first that is waited for
            raise
        if not self.is_open and self.is_idle:
            self.abort()

    def eof_received(self) -> bool:
        """Hear that nothing will come any more."""
        self._fail(ConnectionError("the server closed the connection"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Hear that the connection is gone."""
        self._fail(exc or ConnectionError("the server closed the connection"))

    def pause_writing(self) -> None:
        """Let further calls wait: what was written is still here."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Let them go on."""
        self._is_full = False
        _wake(self._cramped)

    def _flush(self) -> None:
        """Write what was taken, but for the calls that were cancelled since."""
        if self.lost is not None:
            self._fail(self.lost)
        calls = [waiter for waiter in self.unsent if not waiter.future.cancelled()]
        if len(calls) < len(self.unsent):
            for waiter in set(self.unsent).difference(calls):
                waiter.missing = 0
        self.unsent = []
        self._size = 0
        if calls:
            if not self._waiters:
                self.silence.begin()
            self._waiters.extend(calls)
            data = b"".join([waiter.data for waiter in calls])
            self._tally.sends += 1
            try:
                self._transport.write(data)
            except BaseException:  # a part may be gone
                self._fail(ConnectionError(_INTERRUPTED))
                raise
            self.silence.wrote(len(data))
        elif not self.is_open and self.is_idle:
            self.abort()

    def _fail(self, cause: Exception) -> None:
        """Break, and tell everybody who waits."""
        if self.lost is None:
            self.lost = cause
        self.abort()
        for waiter in self._waiters:
            waiter.sent = True
        _wake([waiter.future for waiter in (*self._waiters, *self.unsent)])
        self._waiters.clear()
        self.unsent.clear()
        _wake(self._cramped)


def _wake(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
    futures.clear()
