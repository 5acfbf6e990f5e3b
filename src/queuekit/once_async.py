# unasync: source
"""Work that is done once: a handler's memory of the messages that it is done with."""

from __future__ import annotations

from functools import wraps
from typing import Final, Generic, cast

from ._acompat import AHandler, acall, acheck_handler
from ._checks import check_seconds, refuse_type
from .abilities import AsyncMarking
from .errors import Unsupported
from .message_async import AsyncMessage
from .reliable_async import AsyncReliableQueue
from .serializer import T

_DONE: Final = "queuekit-done:"
"""Begins the keys, so that they meet none of ``put(dedup=...)``."""


class AsyncOnce(Generic[T]):
    """
    Remember in the queue's own store which messages are done.

    At least once stays at least once: a consumer that dies between its work and ``remember`` does
    the work again, and so may two that hold one message, of which the first has lost its lease.
    What this ends is the usual repetition: a message whose work was done and whose ack was not
    heard. Where the work is a change to the SQLite database that has the queue, do it in one
    transaction with ``remember``; then it counts once. See ``docs/delivery.md``.

    Used as a decorator, ``@once`` on a handler, it calls that for what was not seen, and remembers
    when it returns; a handler that settles its message itself remembers it itself.

    Args:
        queue: The queue whose messages these are.
        window: Seconds that a message is remembered: longer than it can be on its way.

    Raises:
        Unsupported: The transport remembers nothing.
    """

    def __init__(self, queue: AsyncReliableQueue[T], window: float = 86400.0) -> None:
        if not isinstance(queue.transport, AsyncMarking) or not queue.transport.features.dedup:
            raise Unsupported(
                "this transport remembers no messages: memory:, sqlite: and redis: do; or record"
                " message.id beside the effect of the work"
            )
        self._marks = cast("AsyncMarking", queue.transport)
        self._name = queue.name
        self._window = check_seconds("window", window, positive=True)

    async def seen(self, message: AsyncMessage[T] | str) -> bool:
        """Tell whether a message, or its id, is remembered as done."""
        return await self._marks.marked(self._name, _key(message)) is not None

    async def remember(self, message: AsyncMessage[T] | str) -> bool:
        """Remember a message, or its id, as done; tell whether it was not before."""
        key = _key(message)
        return await self._marks.mark(self._name, key, "1", window=self._window) is None

    async def forget(self, message: AsyncMessage[T] | str) -> bool:
        """Forget a message, or its id: its work may be done again. Tell whether it was there."""
        return await self._marks.unmark(self._name, _key(message))

    def __call__(self, handler: AHandler[AsyncMessage[T]], /) -> AHandler[AsyncMessage[T]]:
        """Make a handler one that skips what is done and remembers what it does."""
        acheck_handler(handler)

        @wraps(handler)
        async def done_once(message: AsyncMessage[T]) -> None:
            if await self.seen(message):
                return
            await acall(handler, message)
            if not message.settled:  # it may have failed
                await self.remember(message)

        return done_once


def _key(message: object) -> str:
    if isinstance(message, AsyncMessage):
        message = cast("AsyncMessage[object]", message).id
    if not isinstance(message, str):
        refuse_type("messages or their ids are remembered", message, "pass message or message.id")
    return _DONE + message
