"""From what ``pkg.module:handler`` named to a worker that can run."""

from __future__ import annotations

import inspect
import logging
from typing import Any, Final, TypeAlias, cast

from .. import (
    AsyncReliableQueue,
    AsyncWorker,
    AsyncWorkerFunction,
    Hooks,
    ReliableQueue,
    Worker,
    WorkerFunction,
)
from ..errors import ConfigurationError
from ..worker import BoundWorker
from ..worker_async import AsyncBoundWorker
from .main import store_url
from .worker_options import OPTIONS, read_order
from .worker_settings import Settings

AnyWorker: TypeAlias = Worker[Any] | AsyncWorker[Any]

_Decorated: TypeAlias = (
    WorkerFunction[Any, Any]
    | AsyncWorkerFunction[Any, Any]
    | BoundWorker[Any, Any]
    | AsyncBoundWorker[Any, Any]
)
_log = logging.getLogger("queuekit")
_OF_QUEUES: Final = ("serializer", "lease", "max_attempts")
"""Options of the queues that -Q names."""
_OF_WORKERS: Final = (
    *("concurrency", "prefetch", "order", "confirm", "burst", "timeout"),
    *("max_messages", "max_seconds", "max_time", "shutdown_timeout"),
)
"""Options that a ``Worker`` brings along."""


def build(found: object, named: str, settings: Settings, hooks: Hooks) -> AnyWorker:
    """
    Return the worker that *found* is, or one that works with it as its handler.

    Args:
        found: What the module had.
        named: What the user called it, for errors.
        settings: What else the user said.
        hooks: For a worker that is built here.

    Raises:
        ConfigurationError: It is no handler or has no queue, or an option makes no sense with it.
    """
    worker = cast("AnyWorker | None", found)  # what the module had may be anything
    if isinstance(worker, Worker | AsyncWorker):
        _refuse(settings, ("queue", *_OF_QUEUES, *_OF_WORKERS), f"{named} is a Worker with its own")
        return worker
    decorated = _decorated(found)
    handler = found if decorated is None else decorated.handler
    _check(handler, named)
    options = _options(settings)
    if settings.queue:
        queues = _build_queues(settings, is_async=_is_async(handler))
    elif decorated is None:
        raise ConfigurationError(
            f"{named} belongs to no queue: name the queues by -Q, or put it under @queue.worker"
        )
    else:
        _refuse(settings, _OF_QUEUES, f"the queue of {named} has its own")
        queues = [_reliable(decorated.queue, named)]
        options = {**decorated.options, **options}
    kind: Any = AsyncWorker if isinstance(queues[0], AsyncReliableQueue) else Worker
    return cast("AnyWorker", kind(queues, handler, hooks=hooks, **options))


def _decorated(found: object) -> _Decorated | None:
    work = cast("_Decorated | None", found)
    if isinstance(work, WorkerFunction | AsyncWorkerFunction | BoundWorker | AsyncBoundWorker):
        return work
    return None


def _build_queues(settings: Settings, *, is_async: bool) -> list[Any]:
    kind: Any = AsyncReliableQueue if is_async else ReliableQueue
    given = {name: getattr(settings, name) for name in _OF_QUEUES}
    options = {name: value for name, value in given.items() if value is not None}
    first = kind(settings.queue[0], store_url(settings.url, _log.info), **options)
    return [first, *(kind(name, first.transport, **options) for name in settings.queue[1:])]


def _reliable(queue: object, named: str) -> object:
    if not isinstance(queue, ReliableQueue | AsyncReliableQueue):
        raise ConfigurationError(
            f"{named} works on a {type(queue).__name__}, which forgets messages when it hands"
            " them out; queuekit worker is for a ReliableQueue: call the function in a program"
            " of your own"
        )
    return cast("object", queue)


def _options(settings: Settings) -> dict[str, Any]:
    """Return the arguments of a worker that the user gave."""
    given = {name: getattr(settings, name) for name in _OF_WORKERS}
    options = {name: value for name, value in given.items() if value is not None}
    if options.pop("burst", False):
        options["timeout"] = 0.0
    if "order" in options:
        options["order"] = read_order(options["order"])
    return options


def _refuse(settings: Settings, names: tuple[str, ...], why: str) -> None:
    """Refuse options that would do nothing."""
    for option in OPTIONS:
        if option.name in names and getattr(settings, option.name) not in (None, (), False):
            raise ConfigurationError(
                f"{why} {option.name.replace('_', ' ')}: leave out {option.flags[-1]}"
                f" (${option.variable})"
            )


def _check(handler: object, named: str) -> None:
    """Refuse what cannot be called with a message; the rest is the worker's to refuse."""
    if isinstance(handler, ReliableQueue | AsyncReliableQueue):
        raise ConfigurationError(f"{named} is a queue: name the function that works on it")
    if isinstance(handler, type) or not callable(handler):
        what = "a class" if isinstance(handler, type) else f"a {type(handler).__name__}"
        raise ConfigurationError(f"{named} is {what}, not a function that takes a message")
    try:
        signature = inspect.signature(handler)
    except (ValueError, TypeError):  # of something built in: nobody can tell
        return
    try:
        signature.bind("message")
    except TypeError as exc:
        raise ConfigurationError(
            f"{named}{signature} cannot be called with one argument, the message: {exc}"
        ) from None


def _is_async(handler: object) -> bool:
    call = getattr(handler, "__call__", None)  # noqa: B004 - an object with an async __call__
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)
