# unasync: source
"""The loop behind ``@queue.worker``: items come from a queue, a handler works on them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial, update_wrapper
from typing import Any, Generic, Protocol, Self, cast, overload

from typing_extensions import TypeVar

from ._acompat import AHandler, AMethod, acheck_handler
from .errors import DecodeError

_log = logging.getLogger("queuekit")

H = TypeVar("H", bound=Callable[..., object])
M = TypeVar("M")


class AsyncSource(Protocol[M]):
    """Where a worker's items come from: an iterator that can be told to end."""

    async def __anext__(self) -> M: ...

    async def work(self, item: M, handler: AHandler[M]) -> None: ...

    def stop(self) -> None: ...

    async def aclose(self) -> None: ...


class AsyncWorkerFunction(Generic[H, M]):
    """
    A handler made into a loop; what ``@queue.worker`` returns.

    Call it to run the loop, in as many threads or tasks as wanted, each with its own loop. It ends
    when no item came for the time that ``timeout`` gave, by ``stop``, or quietly on Ctrl-C while it
    waits. As a method it takes its instance like any other.
    """

    def __init__(
        self,
        handler: H,
        consume: Callable[[], AsyncSource[M]],
        queue: object,
        options: Mapping[str, object],
    ) -> None:
        acheck_handler(handler)
        update_wrapper(self, handler)  # copies the handler's attributes, so ours come after
        self._handler = handler
        self._consume = consume
        self._queue = queue
        self._options = dict(options)
        self._running: set[AsyncSource[M]] = set()

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
    def __get__(self, instance: object, owner: type) -> AsyncBoundWorker[H, M]: ...
    def __get__(self, instance: object, owner: type) -> Self | AsyncBoundWorker[H, M]:
        return self if instance is None else AsyncBoundWorker(self, instance)

    async def __call__(self, *leading: object) -> None:
        """
        Run until the queue is empty for the given time, or ``stop`` is called.

        Args:
            leading: Arguments that the handler gets before each item.
        """
        source = self._consume()
        self._running.add(source)
        call = cast(AHandler[M], partial(self._handler, *leading))
        try:
            while True:
                try:
                    item = await source.__anext__()
                except (StopAsyncIteration, KeyboardInterrupt):
                    return
                except DecodeError as exc:
                    _log.error("%s", exc)
                    continue
                await source.work(item, call)
        finally:
            self._running.discard(source)
            await source.aclose()

    def stop(self) -> None:
        """
        End the loops that run now, from any thread: each finishes the item it works on.

        A loop that waits ends within a second. Loops started later are not affected.
        """
        for source in list(self._running):
            source.stop()


class AsyncBoundWorker(Generic[H, M]):
    """A worker looked up on an instance."""

    def __init__(self, worker: AsyncWorkerFunction[H, M], instance: object) -> None:
        self._worker = worker
        self._instance = instance

    async def __call__(self, *leading: object) -> None:
        """Run the loop; the handler gets the instance first."""
        await self._worker(self._instance, *leading)

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


class AsyncDecorator(Generic[M]):
    """What ``@queue.worker(...)`` returns: it makes a function a worker."""

    def __init__(
        self,
        consume: Callable[[], AsyncSource[M]],
        queue: object,
        options: Mapping[str, object],
    ) -> None:
        self._consume = consume
        self._queue = queue
        self._options = options

    @overload
    def __call__(self, handler: AHandler[M], /) -> AsyncWorkerFunction[AHandler[M], M]: ...
    @overload
    def __call__(self, handler: AMethod[M], /) -> AsyncWorkerFunction[AMethod[M], M]: ...
    def __call__(self, handler: Callable[..., Any], /) -> Any:
        """Make *handler* a worker."""
        return AsyncWorkerFunction(handler, self._consume, self._queue, self._options)
