# unasync: source
"""The reliable engine: at least once, a message stays until its consumer says that it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, overload

from ._acompat import AHandler, AMethod
from ._bounds_async import WhenFull
from ._checks import (
    check_count,
    check_unknown,
    refuse_type,
)
from ._deadline import Deadline, consuming_time, waiting_time
from ._messages_async import AsyncMessages
from ._policy import RetryPolicy
from ._putting_async import AsyncPuttingQueue
from ._solo_async import AsyncSolo
from .abilities import Limits
from .errors import ConfigurationError
from .message_async import AsyncMessage
from .serializer import Serializer, T
from .transport import AsyncTransport
from .worker_async import AsyncDecorator, AsyncWorkerFunction

if TYPE_CHECKING:
    from .dead_async import AsyncDeadLetters

DEFAULT_RETRY = RetryPolicy()


class AsyncReliableQueue(AsyncPuttingQueue[T]):
    """
    At least once: a FIFO queue whose messages are kept until they are acked.

    A message is handed out under a lease. A consumer that crashes, or forgets, loses the lease, and
    the message comes back at the head of the queue; so make handlers repeatable, with the help of
    ``message.id``. What fails too often ends in ``dead``. Safe to share between threads (tasks).

    Args:
        name: The queue's name in the store: any text of 1 to 250 bytes in UTF-8.
        transport: A URL (``sqlite:///jobs.db``, ``redis://localhost:6379/0``, ``memory:``), a
            transport, or None for the URL in the environment variable ``QUEUEKIT_URL``.
        serializer: ``"json"`` (the default), ``"pickle"``, ``"msgpack"``, ``"text"``, ``"bytes"``,
            or anything with ``dumps`` and ``loads``, such as the modules ``json`` and ``pickle``.
        lease: Seconds that a consumer may hold a message before it counts as crashed.
        retry: When failed messages are tried again; the policy belongs to this object, not to the
            store.
        max_attempts: Short for ``retry=RetryPolicy(max_attempts=...)``.
        keep_traceback: Keep with a dead letter also the end of the traceback of its error. It may
            show what your code holds, to everybody who can read the letters.
        limits: How fast all consumers of the queue together take its messages; each of them gives
            the same. Then each ack is sent by itself.
        max_length: Messages that the queue has at most, those that consumers hold not counted, nor
            what comes back from them. Every producer gives the same.
        when_full: What ``put`` does then: ``"block"`` (the default) waits for room, ``"raise"``
            raises ``QueueFull``, ``"drop"`` sends what is next in line to the dead letters.

    Raises:
        ConfigurationError: A bad name, URL or option, a transport of the other colour or one that
            cannot claim, no transport.
        Unsupported: A lease longer than the transport can keep; limits or a bound that it lacks.
    """

    @overload
    def __init__(
        self: AsyncReliableQueue[str],
        name: str,
        transport: str | AsyncTransport | None = ...,
        *,
        serializer: Literal["text"],
        lease: float = ...,
        retry: RetryPolicy | None = ...,
        max_attempts: int | None = ...,
        keep_traceback: bool = ...,
        limits: Limits | None = ...,
        max_length: int | None = ...,
        when_full: WhenFull | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: AsyncReliableQueue[bytes],
        name: str,
        transport: str | AsyncTransport | None = ...,
        *,
        serializer: Literal["bytes"],
        lease: float = ...,
        retry: RetryPolicy | None = ...,
        max_attempts: int | None = ...,
        keep_traceback: bool = ...,
        limits: Limits | None = ...,
        max_length: int | None = ...,
        when_full: WhenFull | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        name: str,
        transport: str | AsyncTransport | None = ...,
        *,
        serializer: Serializer[T] | Literal["json", "pickle", "msgpack"] | None = ...,
        lease: float = ...,
        retry: RetryPolicy | None = ...,
        max_attempts: int | None = ...,
        keep_traceback: bool = ...,
        limits: Limits | None = ...,
        max_length: int | None = ...,
        when_full: WhenFull | None = ...,
    ) -> None: ...
    def __init__(
        self,
        name: str,
        transport: str | AsyncTransport | None = None,
        *,
        serializer: Serializer[Any] | str | None = None,
        lease: float = 60.0,
        retry: RetryPolicy | None = None,
        max_attempts: int | None = None,
        keep_traceback: bool = False,
        limits: Limits | None = None,
        max_length: int | None = None,
        when_full: WhenFull | None = None,
        **unknown: object,
    ) -> None:
        check_unknown(unknown)
        if retry is not None and max_attempts is not None:
            raise ConfigurationError(
                "both retry= and max_attempts= were given: put it in the policy"
            )
        if retry is not None and not isinstance(retry, RetryPolicy):
            refuse_type("retry= must be a RetryPolicy", retry, "use RetryPolicy(max_attempts=3)")
        if max_attempts is not None:
            retry = RetryPolicy(max_attempts=max_attempts)
        super().__init__(
            name,
            transport,
            serializer,
            lease,
            retry or DEFAULT_RETRY,
            keep_traceback,
            limits,
            max_length,
            when_full,
        )

    @property
    def dead(self) -> AsyncDeadLetters:
        """The dead letters of this queue: itself a reliable queue, on the same transport."""
        from .dead_async import AsyncDeadLetters

        return AsyncDeadLetters(self._name, self._open(), lease=self._lease)

    @overload
    async def get(self, *, block: Literal[True]) -> AsyncMessage[T]: ...
    @overload
    async def get(
        self, *, block: bool = ..., timeout: float | None = ...
    ) -> AsyncMessage[T] | None: ...
    async def get(
        self, *, block: bool | None = None, timeout: float | None = None
    ) -> AsyncMessage[T] | None:
        """
        Claim the oldest ready message for ``lease`` seconds; None if there is none.

        At once; with *timeout* wait up to so many seconds, with ``block=True`` for ever. What
        cannot be decoded or was delivered too often goes to the dead letters, is logged, and the
        next one is taken. At least half of the lease is left on return, though the process were
        stopped on the way. The message is the caller's to settle and to extend.

        Raises:
            TransportUnavailable: The store cannot be reached; whatever was claimed comes back when
                its lease runs out.
        """
        found = await self.get_many(1, block=block, timeout=timeout)
        return found[0] if found else None

    async def get_many(
        self, limit: int, *, block: bool | None = None, timeout: float | None = None
    ) -> list[AsyncMessage[T]]:
        """
        Claim up to *limit* ready messages (at most 1000), oldest first, under one lease.

        Waits for the first as ``get`` does; ``[]`` means none came.
        """
        check_count("limit", limit)
        deadline = Deadline(self._wait(waiting_time(block, timeout)), time.monotonic())
        while True:
            deliveries, until = await self.claim_slice(limit, deadline)
            messages: list[AsyncMessage[T]] = []
            try:
                for delivery in deliveries:
                    message = await self.open_delivery(delivery)
                    if message is not None:
                        messages.append(message)
                if messages:
                    held = await self.hold(messages[0].receipt, until)
                    if held is None:
                        messages.clear()  # the lease ran out on the way: others have them
                    for message in messages:
                        message.until = held or 0.0
            except BaseException:  # nobody gets them: they go back to where they were
                await self.give_back([delivery.receipt for delivery in deliveries])
                raise
            if messages or not (deliveries or deadline.left(time.monotonic())):
                return messages

    def consume(
        self, *, timeout: float | None = None, prefetch: int = 1, confirm: bool = False
    ) -> AsyncMessages[T]:
        """
        Return an iterator over the messages as they come; settle each one.

        It ends when none came for *timeout* seconds (0: when the queue is empty; None: never), by
        its ``stop`` or ``aclose``; after its timeout, the next step waits again. An error does not
        end it either. Leave it by ``with`` or ``aclose``: then what was claimed ahead is given
        back, uncounted, at once, else when its lease runs out. The lease is renewed before a
        message is handed out with less than half of it left. While the store is out of
        reach it waits and tries again, within the timeout.

        Args:
            timeout: Seconds.
            prefetch: Messages claimed at a time; more save trips to the store. If this process
                dies, an attempt is counted for each that it holds. So a message on its last attempt
                is taken alone: none ends in the dead letters for the crash of another.
            confirm: False lets ``message.ack()`` return at once, and sends the ack with the next
                claim, at the end of the loop, or by itself within a second; a crash before that
                brings the message again, as a crash before the ack would. That the lease was lost
                meanwhile is then logged. True waits for the store's answer to each ack.
        """
        check_count("prefetch", prefetch)
        wait = self._wait(consuming_time(timeout))
        return AsyncMessages(self, timeout=wait, prefetch=prefetch, confirm=confirm)

    @overload
    def worker(
        self, handler: AHandler[AsyncMessage[T]], /
    ) -> AsyncWorkerFunction[AHandler[AsyncMessage[T]], AsyncMessage[T]]: ...
    @overload
    def worker(
        self, handler: AMethod[AsyncMessage[T]], /
    ) -> AsyncWorkerFunction[AMethod[AsyncMessage[T]], AsyncMessage[T]]: ...
    @overload
    def worker(
        self,
        handler: None = None,
        /,
        *,
        timeout: float | None = ...,
        prefetch: int = ...,
        confirm: bool = ...,
    ) -> AsyncDecorator[AsyncMessage[T]]: ...
    def worker(
        self,
        handler: Callable[..., Any] | None = None,
        /,
        *,
        timeout: float | None = None,
        prefetch: int = 1,
        confirm: bool = False,
    ) -> Any:
        """
        Make a function the worker of this queue: calling it runs it for each message.

        Used bare or with arguments, on functions and methods. When the function returns, the
        message is acked; when it raises, the error is logged, the message fails, and the loop goes
        on. It may settle the message itself. The lease is renewed while it runs. Ctrl-C in the
        function releases the message uncounted and propagates.

        Args:
            timeout: End after so many seconds without a message; 0 when empty, None never.
            prefetch: Messages claimed at a time; see ``consume``.
            confirm: Wait for the store's answer to each ack; see ``consume``.
        """
        check_count("prefetch", prefetch)
        wait = self._wait(consuming_time(timeout))
        decorate: AsyncDecorator[AsyncMessage[T]] = AsyncDecorator(
            lambda: AsyncSolo(self, timeout=wait, prefetch=prefetch, confirm=confirm),
            self,
            {"timeout": timeout, "prefetch": prefetch, "confirm": confirm},
        )
        return decorate if handler is None else decorate(handler)
