"""
From a URL's scheme or a serializer's name to the class that serves it, imported when asked for.

Third parties add schemes through the entry-point group ``queuekit.transports``: the entry named
``scheme`` loads a class with ``from_url`` for the sync queues, ``async+scheme`` one for the async.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Final, NoReturn, cast
from urllib.parse import urlsplit

from ._checks import refuse_type
from .errors import ConfigurationError
from .serializer import Serializer
from .transport import AsyncFifoTransport, FifoTransport

_REDIS = "queuekit.backends.redis.transport:RedisTransport"
_ASYNC_REDIS = "queuekit.backends.redis.transport_async:AsyncRedisTransport"
_REDIS_SCHEMES = (
    *("redis", "rediss", "valkey", "valkeys", "unix"),
    *("redis+cluster", "rediss+cluster", "valkey+cluster", "valkeys+cluster"),
    *("redis+sentinel", "rediss+sentinel", "valkey+sentinel", "valkeys+sentinel"),
)

_SAFE_REDIS_QUEUE = "queuekit.compat._srq_transport:SafeRedisQueueTransport"

TRANSPORTS: Final = {
    "memory": "queuekit.backends.memory:MemoryTransport",
    "async+memory": "queuekit.backends.memory:AsyncMemoryTransport",
    "sqlite": "queuekit.backends.sqlite:SQLiteTransport",
    "async+sqlite": "queuekit.backends.async_sqlite:AsyncSQLiteTransport",
    **dict.fromkeys(_REDIS_SCHEMES, _REDIS),
    **{f"async+{scheme}": _ASYNC_REDIS for scheme in _REDIS_SCHEMES},
    **{f"srq+{scheme}": _SAFE_REDIS_QUEUE for scheme in _REDIS_SCHEMES},
}

SERIALIZERS: Final = {
    "json": "queuekit.serializers.json:JsonSerializer",
    "pickle": "queuekit.serializers.pickle:PickleSerializer",
    "msgpack": "queuekit.serializers.msgpack:MsgpackSerializer",
    "text": "queuekit.serializers.text:TextSerializer",
    "bytes": "queuekit.serializers.text:BytesSerializer",
}

ENVIRONMENT: Final = "QUEUEKIT_URL"

_CHOICES = (
    'pass "memory:" (this process only, for tests), "sqlite:///jobs.db" (one file, several'
    ' processes) or "redis://localhost:6379/0" (a server)'
)


def open_transport(given: object) -> tuple[FifoTransport, bool]:
    """Return the transport that *given* means, and whether the queue owns it (made from a URL)."""
    if isinstance(given, str) or given is None:
        return cast("FifoTransport", _from_url(given, "")), True
    if isinstance(given, type) or not isinstance(given, FifoTransport):
        if isinstance(given, AsyncFifoTransport):
            way_out = "use AsyncQueue or AsyncReliableQueue, or the sync twin"
            refuse_type("a sync queue needs a sync transport", given, way_out)
        _refuse(given)
    return given, False


def open_async_transport(given: object) -> tuple[AsyncFifoTransport, bool]:
    """Return the async transport that *given* means, and whether the queue owns it."""
    if isinstance(given, str) or given is None:
        return cast("AsyncFifoTransport", _from_url(given, "async+")), True
    if isinstance(given, type) or not isinstance(given, AsyncFifoTransport):
        if isinstance(given, FifoTransport):
            way_out = "use Queue or ReliableQueue, the async twin, or ThreadedTransport(transport)"
            refuse_type("an async queue needs an async transport", given, way_out)
        _refuse(given)
    return given, False


def find_serializer(given: object) -> Serializer[object]:
    """Return the serializer that *given* means: an object or module as it is, or by its name."""
    if given is None:
        given = "json"
    if not isinstance(given, str):
        return cast("Serializer[object]", given)
    target = SERIALIZERS.get(given)
    if target is None:
        known = ", ".join(map(repr, SERIALIZERS))
        raise ConfigurationError(f"no serializer is named {given!r}; known are {known}")
    return cast("Serializer[object]", _load(target)())


def _from_url(given: str | None, colour: str) -> object:
    url = os.environ.get(ENVIRONMENT, "") if given is None else given
    if not url:
        raise ConfigurationError(f"a queue needs a transport or ${ENVIRONMENT}: {_CHOICES}")
    scheme = url.partition(":")[0].lower() if ":" in url else ""
    target = TRANSPORTS.get(colour + scheme)
    if target is not None:
        loaded = _load(target)
    else:
        from importlib.metadata import entry_points  # a fifth of the start-up time

        found = entry_points(group="queuekit.transports", name=colour + scheme)
        if not found:
            raise ConfigurationError(f"no transport serves {_shown(url)}; {_CHOICES}")
        loaded = next(iter(found)).load()
    return loaded.from_url(url)


def _shown(url: str) -> str:
    """Return what may be shown of a URL: never what stands before an @ or after the path."""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    return f"the scheme {scheme!r}" if scheme else "a text without a scheme"


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def _refuse(given: object) -> NoReturn:
    if hasattr(given, "dumps"):
        refuse_type("transport must be a transport or a URL", given, "pass it as serializer=")
    refuse_type("transport must be a transport or a URL", given, _CHOICES)
