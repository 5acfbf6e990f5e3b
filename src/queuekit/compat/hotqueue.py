"""
HotQueue's calls on HotQueue's lists: each message to one consumer, at most once.

Change the import, and old and new processes share one queue. What differs from the original is
listed in ``docs/migrating.md``.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from functools import partial, wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast, overload

from .._acompat import call, check_handler
from .._checks import check_seconds
from .._lookup import open_transport
from ..backends.redis._url import is_redis_url
from ..queue import Queue
from ..serializer import Serializer, T
from ..transport import FifoTransport
from ._bodies import Assigned
from ._hotqueue_list import HotQueueTransport
from ._opening import check_decode, check_ways, open_source

if TYPE_CHECKING:
    from ..backends.redis.client import Client

__all__ = ["HotQueue", "key_for_name"]

__version__ = "0.2.8"
"""The version whose calls and data this module has."""

D = TypeVar("D")
Function = Callable[..., object]
Loop = Callable[..., None]

_PICKLE = cast("Serializer[Any]", pickle)


def key_for_name(name: object) -> str:
    """Return the key of the Redis list that holds the queue *name*."""
    return f"hotqueue:{name}"


class HotQueue(Generic[T]):
    """
    At most once: a FIFO queue in a Redis list, as HotQueue 0.2.8 keeps it.

    A message belongs to whoever got it: one that is worked on when its consumer dies or its handler
    raises is lost. That is the original's promise and kept; ``ReliableQueue`` keeps the message.
    Calls that are interrupted before they return lose nothing, and no call is repeated when its
    outcome is unknown: that raises ``TransportUnavailable``.

    The list has no place for an id, so ``put`` returns none, and no bound of its length.

    Args:
        name: The queue's name, used in the key as it is.
        serializer: A module or object with ``dumps`` and ``loads``; may be assigned at any time.
            The default is pickle, as in the original: whoever can write to the list can run code
            here. None stores text, bytes and numbers as they are and returns text (bytes where
            they are no text); with ``decode_responses=False`` it returns bytes.
        url: Any URL of queuekit, instead of *kwargs*.
        client: A client of redis-py, of which only how it connects is used.
        transport: Any transport of queuekit, which stays open; the queue is *name* there. Or a URL.
        kwargs: As for ``redis.Redis``: host, port, db, password, unix_socket_path, ...

    Raises:
        ConfigurationError: An empty name, two answers to where the store is, an option that
            redis-py does not take.
    """

    def __init__(
        self,
        name: object,
        serializer: Serializer[T] | None = _PICKLE,
        *,
        url: str | None = None,
        client: Client | None = None,
        transport: str | FifoTransport | None = None,
        decode_responses: bool | None = None,
        **kwargs: object,
    ) -> None:
        check_ways(url, client, transport, kwargs)
        if isinstance(transport, str):
            url, transport = transport, None
        opened: FifoTransport
        if transport is not None:
            opened = open_transport(transport)[0]
        elif url is not None and not is_redis_url(url):
            opened = open_transport("memory:" if url == "memory://" else url)[0]
        else:
            opened = HotQueueTransport(open_source(url, client, (), kwargs))
        self._owned = transport is None
        self._name = str(name)
        self.serializer = serializer
        codec = Assigned(self, check_decode(decode_responses), frames=True)
        self._queue: Queue[T] = Queue(self._name, opened, serializer=cast("Serializer[T]", codec))

    @property
    def name(self) -> str:
        """The name of the queue."""
        return self._name

    @property
    def key(self) -> str:
        """The key of the list in Redis."""
        return key_for_name(self._name)

    @property
    def transport(self) -> FifoTransport:
        """The store; pass it to another queue to share its connections."""
        return self._queue.transport

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r} on {self.transport!r}>"

    def __len__(self) -> int:
        """Return how many messages wait."""
        return self._queue.size()

    def __bool__(self) -> bool:
        """Be true even when empty; the original's ``if queue:`` asked for messages."""
        return True

    def clear(self) -> None:
        """Remove all messages."""
        self._queue.clear()

    def peek(self, limit: int = 1) -> list[T]:
        """Return the first *limit* messages and change nothing."""
        return self._queue.peek(limit)

    def put(self, *msgs: T) -> None:
        """
        Put messages at the tail in their order, in one call; of nothing, do nothing.

        Raises:
            EncodeError: The serializer cannot carry one of them; none is stored.
            TransportUnavailable: They may or may not be stored. Not repeated.
        """
        self._queue.put(*msgs)

    @overload
    def get(self, block: bool = ..., timeout: float | None = ...) -> T | None: ...
    @overload
    def get(self, block: bool = ..., timeout: float | None = ..., *, default: D) -> T | D: ...
    def get(
        self, block: bool = False, timeout: float | None = None, *, default: object = None
    ) -> object:
        """
        Remove the oldest message and return it, or *default* when there is none.

        Args:
            block: Wait for a message. Without it *timeout* means nothing, as in the original.
            timeout: Seconds to wait at most; None and 0 mean for ever, as in the original.
            default: What tells an empty queue from a message that is None.

        Raises:
            DecodeError: The bytes are no message: they are in the error and in the dead letters
                (the queue ``<name>!dead`` on the same transport). The next call goes on.
            ConfigurationError: A negative timeout; nothing was removed.
        """
        wait = _wait(block, timeout)
        if wait is None:
            return self._queue.get(block=True)
        return self._queue.get(timeout=wait, default=default)

    def consume(self, block: bool = True, timeout: float | None = None) -> Iterator[T]:
        """
        Return a generator over the messages as they come, None among them.

        It ends when *timeout* seconds brought none, without *block* when the queue is empty, and
        quietly on Ctrl-C while it waits. Messages are taken one at a time, so that a generator
        that is given up has lost none. While the server is out of reach it waits, within the
        timeout.

        Raises:
            DecodeError: As ``get`` does; consume again to go on.
        """
        bodies = self._queue.consume(timeout=_wait(block, timeout))

        def messages() -> Iterator[T]:
            try:
                yield from bodies
            except KeyboardInterrupt:  # the original's print of an empty line is left out
                return

        return messages()

    @overload
    def worker(
        self, function: Function, /, *, block: bool = ..., timeout: float | None = ...
    ) -> Loop: ...
    @overload
    def worker(
        self, function: None = None, /, *, block: bool = ..., timeout: float | None = ...
    ) -> Callable[[Function], Loop]: ...
    def worker(
        self,
        function: Function | None = None,
        /,
        *,
        block: bool = True,
        timeout: float | None = None,
    ) -> Loop | Callable[[Function], Loop]:
        """
        Make a function the worker of this queue: calling it runs it for each message.

        Used bare or with the arguments of ``consume``, on functions and methods. The arguments of
        the call come first and the message last; what the function returns is dropped. An
        exception in it ends the loop, and its message is lost; so does Ctrl-C.
        """
        _wait(block, timeout)  # refused here rather than in the loop

        def decorate(function: Function) -> Loop:
            check_handler(function)

            @wraps(function)
            def loop(*leading: object, **named: object) -> None:
                handler = partial(function, *leading, **named)
                for message in self.consume(block, timeout):
                    call(handler, message)

            return loop

        return decorate if function is None else decorate(function)

    enqueue = put
    """The name of ``put`` in the first documentation."""
    dequeue = get
    """The name of ``get`` in the first documentation."""

    def close(self) -> None:
        """Close the connections that this queue opened. A second call does nothing."""
        self._queue.close()
        if self._owned:
            self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


def _wait(block: bool, timeout: float | None) -> float | None:
    """Return seconds, 0 for at once, None for ever."""
    if not block:
        return 0.0
    return None if timeout is None else check_seconds("timeout", timeout) or None
