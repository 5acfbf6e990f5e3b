# Generated from worker_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""The loop behind ``@queue.worker``: items come from a queue, a handler works on them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial, update_wrapper
from typing import Any, Generic, Protocol, Self, cast, overload

from typing_extensions import TypeVar

from ._acompat import Handler, Method, check_handler
from .errors import DecodeError

_log = logging.getLogger("queuekit")

H = TypeVar("H", bound=Callable[..., object])
M = TypeVar("M")


class Source(Protocol[M]):
    """Where a worker's items come from: an iterator that can be told to end."""

    def __next__(self) -> M: ...

    def work(self, item: M, handler: Handler[M]) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


class WorkerFunction(Generic[H, M]):
    """
    A handler made into a loop; what ``@queue.worker`` returns.

    Call it to run the loop, in as many threads or tasks as wanted, each with its own loop. It ends
    when no item came for the time that ``timeout`` gave, by ``stop``, or quietly on Ctrl-C while it
    waits. As a method it takes its instance like any other.
    """

    def __init__(
        self,
        handler: H,
        consume: Callable[[], Source[M]],
        queue: object,
        options: Mapping[str, object],
    ) -> None:
        check_handler(handler)
        update_wrapper(self, handler)  # copies the handler's attributes, so ours come after
        self._handler = handler
        self._consume = consume
        self._queue = queue
        self._options = dict(options)
        self._running: set[Source[M]] = set()

    @property
    def handler(self) -> H:
        """The function itself, to be called in tests."""
        return self._handler

    @property
    def queue(self) -> object:
        """The queue whose worker it is."""
        return self._queue

    @property
    def options(self) -> Mapping[str, object]:
        """What ``@queue.worker`` was told, by name."""
        return self._options

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> BoundWorker[H, M]: ...
    def __get__(self, instance: object, owner: type) -> Self | BoundWorker[H, M]:
        return self if instance is None else BoundWorker(self, instance)

    def __call__(self, *leading: object) -> None:
        """
        Run until the queue is empty for the given time, or ``stop`` is called.

        Args:
            leading: Arguments that the handler gets before each item.
        """
        source = self._consume()
        self._running.add(source)
        call = cast(Handler[M], partial(self._handler, *leading))
        try:
            while True:
                try:
                    item = source.__next__()
                except (StopIteration, KeyboardInterrupt):
                    return
                except DecodeError as exc:
                    _log.error("%s", exc)
                    continue
                source.work(item, call)
        finally:
            self._running.discard(source)
            source.close()

    def stop(self) -> None:
        """
        End the loops that run now, from any thread: each finishes the item it works on.

        A loop that waits ends within a second. Loops started later are not affected.
        """
        for source in list(self._running):
            source.stop()


class BoundWorker(Generic[H, M]):
    """A worker looked up on an instance."""

    def __init__(self, worker: WorkerFunction[H, M], instance: object) -> None:
        self._worker = worker
        self._instance = instance

    def __call__(self, *leading: object) -> None:
        """Run the loop; the handler gets the instance first."""
        self._worker(self._instance, *leading)

    @property
    def handler(self) -> Callable[..., Any]:
        """The method itself, bound."""
        return partial(self._worker.handler, self._instance)

    @property
    def queue(self) -> object:
        """The queue whose worker it is."""
        return self._worker.queue

    @property
    def options(self) -> Mapping[str, object]:
        """What ``@queue.worker`` was told, by name."""
        return self._worker.options

    def stop(self) -> None:
        """End the loops that run now, those of other instances included."""
        self._worker.stop()


class Decorator(Generic[M]):
    """What ``@queue.worker(...)`` returns: it makes a function a worker."""

    def __init__(
        self,
        consume: Callable[[], Source[M]],
        queue: object,
        options: Mapping[str, object],
    ) -> None:
        self._consume = consume
        self._queue = queue
        self._options = options

    @overload
    def __call__(self, handler: Handler[M], /) -> WorkerFunction[Handler[M], M]: ...
    @overload
    def __call__(self, handler: Method[M], /) -> WorkerFunction[Method[M], M]: ...
    def __call__(self, handler: Callable[..., Any], /) -> Any:
        """Make *handler* a worker."""
        return WorkerFunction(handler, self._consume, self._queue, self._options)
