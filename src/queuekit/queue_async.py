# unasync: source
"""The FIFO engine: at most once, nothing kept about a message once it was handed out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar, cast, overload

from ._acompat import AHandler, AMethod
from ._bodies_async import AsyncBodies
from ._bounds_async import WhenFull, bound_of, check_patience
from ._checks import check_count, check_many, check_unknown
from ._deadline import Deadline, consuming_time, waiting_time
from ._envelope import MAGIC, may_be_framed, unwrap_or_raw, wrap
from ._letters import dead_name, letter
from ._named_async import AsyncNamedQueue, fresh_ids
from .errors import DecodeError, TransportError
from .serializer import Serializer, T
from .transport import AsyncFifoTransport, AsyncTransport, PushOptions
from .worker_async import AsyncDecorator, AsyncWorkerFunction

D = TypeVar("D")

_log = logging.getLogger("queuekit")


class AsyncQueue(AsyncNamedQueue[AsyncFifoTransport, T]):
    """
    At most once: a FIFO queue that hands each message to one consumer and forgets it.

    A consumer that dies with a message in its hands has lost it; ``AsyncReliableQueue`` keeps it.
    Safe to share between threads (tasks).

    Args:
        name: The queue's name in the store: any text of 1 to 250 bytes in UTF-8.
        transport: A URL (``memory:``, ``sqlite:///jobs.db``, ``redis://localhost:6379/0``), a
            transport, or None for the URL in the environment variable ``QUEUEKIT_URL``.
        serializer: ``"json"`` (the default), ``"pickle"``, ``"msgpack"``, ``"text"``, ``"bytes"``,
            or anything with ``dumps`` and ``loads``, such as the modules ``json`` and ``pickle``.
        max_length: Messages that the queue has at most. Every producer gives the same.
        when_full: What ``put`` does then: ``"block"`` (the default) waits for room, ``"raise"``
            raises ``QueueFull``, ``"drop"`` throws the oldest away.

    Raises:
        ConfigurationError: A bad name or URL, a transport of the other colour, no transport.
        Unsupported: The transport keeps no bound.
    """

    @overload
    def __init__(
        self: AsyncQueue[str],
        name: str,
        transport: str | AsyncFifoTransport | None = ...,
        *,
        serializer: Literal["text"],
        max_length: int | None = ...,
        when_full: WhenFull | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: AsyncQueue[bytes],
        name: str,
        transport: str | AsyncFifoTransport | None = ...,
        *,
        serializer: Literal["bytes"],
        max_length: int | None = ...,
        when_full: WhenFull | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        name: str,
        transport: str | AsyncFifoTransport | None = ...,
        *,
        serializer: Serializer[T] | Literal["json", "pickle", "msgpack"] | None = ...,
        max_length: int | None = ...,
        when_full: WhenFull | None = ...,
    ) -> None: ...
    def __init__(
        self,
        name: str,
        transport: str | AsyncFifoTransport | None = None,
        *,
        serializer: Serializer[Any] | str | None = None,
        max_length: int | None = None,
        when_full: WhenFull | None = None,
        **unknown: object,
    ) -> None:
        check_unknown(unknown)
        super().__init__(name, transport, serializer)
        self._bound = bound_of(name, self._transport, max_length, when_full, self._drop)
        self._kept: list[bytes] = []  # popped for a call that was interrupted

    async def put(self, *bodies: T, timeout: float | None = None) -> None:
        """
        Put bodies at the tail, in their order, in one call; of nothing, do nothing.

        Returns when they are stored.

        Args:
            bodies: What the serializer can carry.
            timeout: Seconds that it waits for room in a queue with ``max_length``; None for ever.

        Raises:
            EncodeError: The serializer cannot carry one of them; none is stored.
            BodyTooLarge: One is over the transport's limit; none is stored.
            QueueFull: The store has no room; none is stored, or the first of a large batch. Or the
                queue has its ``max_length``; none is stored.
            TransportUnavailable: They may or may not be stored. Not repeated.
        """
        await self._push(self._codec.encode_many(bodies), timeout)

    async def put_many(self, bodies: Iterable[T], *, timeout: float | None = None) -> None:
        """Put all bodies of an iterable, as ``put`` does."""
        check_many(bodies)
        await self._push(self._codec.encode_many(bodies), timeout)

    async def _push(self, packed: list[bytes], timeout: float | None) -> None:
        if timeout is not None:
            check_patience(self._bound, timeout)
        if may_be_framed(packed):
            for i, data in enumerate(packed):
                if data[:2] == MAGIC:  # would be read as a frame, so it gets one
                    packed[i] = wrap(fresh_ids(1)[0], data)
        transport = self._open()
        if not packed:
            return
        if self._bound is None:
            await transport.push(self._name, packed)
            return
        options = PushOptions(max_length=self._bound.max_length)
        token = fresh_ids(1)[0].hex()
        await self._bound.push(self._reliable, packed, options, token, timeout)

    def _reliable(self) -> AsyncTransport:
        """Return the transport of a queue with a bound: one that knows options of a push."""
        return cast("AsyncTransport", self._open())

    async def _drop(self, count: int) -> int:
        """Make room: what is next in line is lost."""
        return len(await self._open().pop(self._name, limit=count))

    @overload
    async def get(self, *, block: Literal[True]) -> T: ...
    @overload
    async def get(self, *, block: bool = ..., timeout: float | None = ...) -> T | None: ...
    @overload
    async def get(self, *, block: bool = ..., timeout: float | None = ..., default: D) -> T | D: ...
    async def get(
        self, *, block: bool | None = None, timeout: float | None = None, default: object = None
    ) -> object:
        """
        Remove the oldest ready body and return it.

        At once; with *timeout* wait up to so many seconds, with ``block=True`` for ever.

        Args:
            block: True waits without end; False together with a timeout is an error.
            timeout: Seconds.
            default: Returned when nothing came, so that ``None`` can be a body like any other.

        Raises:
            DecodeError: The bytes are no body; they are in the error and in the dead letters
                (``ReliableQueue(name).dead``). The next call goes on with the next message.
            TransportUnavailable: The store cannot be reached; a body on its way may be lost.
        """
        wait: float | None = 0.0
        if block or timeout is not None:
            wait = self._wait(waiting_time(block, timeout))
        found = await self._get_one(wait)
        return found[0] if found else default

    async def get_many(
        self, limit: int, *, block: bool | None = None, timeout: float | None = None
    ) -> list[T]:
        """
        Remove and return up to *limit* ready bodies, oldest first.

        Waits for the first as ``get`` does; ``[]`` means none came. What cannot be decoded goes to
        the dead letters, is logged, and is left out.
        """
        wait = Deadline(self._wait(waiting_time(block, timeout)), time.monotonic())
        check_count("limit", limit)
        while True:
            found = await self._take(limit, wait.remaining(time.monotonic()))
            bodies: list[T] = []
            is_empty = not found
            try:
                while len(bodies) < len(found):
                    try:
                        self._codec.decode_batch(found[len(bodies) :], bodies)
                    except DecodeError as exc:
                        _log.error("%s", await self._bury(found[len(bodies)], exc))
                        del found[len(bodies)]
                if bodies or is_empty:
                    return bodies
            except BaseException:  # nobody gets them now, so the next call does
                self._kept[:0] = found
                raise

    async def aclose(self) -> None:
        """
        Close the queue, and its transport if it was opened from a URL.

        What an interrupted call had taken goes back, to the tail. A second call does nothing; every
        other call then raises ``TransportClosed``.
        """
        if self._kept and not self._closed:
            await self._transport.push(self._name, self._take_kept(len(self._kept)))
        await super().aclose()

    def consume(self, *, timeout: float | None = None) -> AsyncBodies[T]:
        """
        Return an iterator over the bodies as they come.

        It ends when none came for *timeout* seconds (0: when the queue is empty; None: never), by
        its ``stop`` or ``aclose``. An error does not end it: the next step goes on. While the store
        is out of reach it waits and tries again, within the timeout; what was on its way when the
        store went is lost.
        """
        return AsyncBodies(self._name, self._step, self._wait(consuming_time(timeout)))

    @overload
    def worker(self, handler: AHandler[T], /) -> AsyncWorkerFunction[AHandler[T], T]: ...
    @overload
    def worker(self, handler: AMethod[T], /) -> AsyncWorkerFunction[AMethod[T], T]: ...
    @overload
    def worker(
        self, handler: None = None, /, *, timeout: float | None = ...
    ) -> AsyncDecorator[T]: ...
    def worker(
        self, handler: Callable[..., Any] | None = None, /, *, timeout: float | None = None
    ) -> Any:
        """
        Make a function the worker of this queue: calling it runs it for each body.

        Used bare or with arguments, on functions and methods. An error in the function ends the
        loop and propagates; its body is lost. ``AsyncReliableQueue.worker`` would keep it. What
        cannot be decoded is logged and goes to the dead letters.

        Args:
            timeout: End after so many seconds without a body; 0 when empty, None never.
        """
        wait = self._wait(consuming_time(timeout))
        decorate: AsyncDecorator[T] = AsyncDecorator(
            lambda: AsyncBodies(self._name, self._step, wait), self, {"timeout": timeout}
        )
        return decorate if handler is None else decorate(handler)

    async def _take(self, limit: int, timeout: float | None) -> list[bytes]:
        pop = self._open().pop
        if self._kept:
            return self._take_kept(limit)
        if timeout == 0:
            return await pop(self._name, limit=limit)
        longest = self._transport.features.max_wait
        begun = time.monotonic()
        first = longest if timeout is None else min(timeout, longest)
        found = await pop(self._name, limit=limit, timeout=first)
        if found:
            return found
        deadline = Deadline(timeout, begun)
        while deadline.left(time.monotonic()):
            wait = deadline.slice(time.monotonic(), longest)
            # closed by another thread meanwhile, it says so
            found = await self._open().pop(self._name, limit=limit, timeout=wait)
            if found:
                return found
        return []

    async def _step(self, deadline: Deadline) -> list[T]:
        """Wait once, at most for a slice; return one body or none."""
        wait = deadline.slice(time.monotonic(), self._transport.features.max_wait)
        return await self._get_one(wait)

    async def _get_one(self, timeout: float | None) -> list[T]:
        """
        Return one body or none; if that is interrupted, keep what was popped for the next call.

        From a pop to the ``try``, and from there to the caller, nothing may be called: a signal
        handler could come in between, and the body would be lost.
        """
        found = await self._take(1, timeout)
        if not found:
            return []
        try:
            try:
                return [self._codec.decode_stored(found[0])]
            except DecodeError as exc:
                named = await self._bury(found[0], exc)
                found.clear()
                raise named from exc.__cause__
        except BaseException:
            self._kept[:0] = found
            raise

    def _take_kept(self, limit: int) -> list[bytes]:
        kept = self._kept
        found = kept[:limit]
        del kept[:limit]
        return found

    async def _bury(self, data: bytes, cause: DecodeError) -> DecodeError:
        """Make stored bytes that are no body a dead letter; return the error, with the queue."""
        error = DecodeError(f"queue {self._name!r}: {cause}", cause.raw)
        envelope = unwrap_or_raw(data)
        body = letter(
            bytes.fromhex(envelope.id) if envelope.id else fresh_ids(1)[0],
            envelope,
            queue=self._name,
            reason=str(error),
            attempts=1,
            died_at=time.time(),
        )
        if len(body) > self._transport.features.max_body:  # by its headers alone
            body = data
        try:
            await self._transport.push(dead_name(self._name), [body])
        except TransportError as exc:  # the bytes still reach the caller, in the error
            _log.error("queue %r: no dead letter could be written: %s", self._name, exc)
        return error
