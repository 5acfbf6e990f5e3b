"""
Where connections are made: to one server, or to the nodes of a cluster.

redis-py's defaults differ between its versions and between ways of building a client, and repeat
commands whose outcome is unknown; what comes from here never does. redis is imported when called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, cast

from ...errors import ConfigurationError, Unsupported
from ._advice import Advice
from ._resp import Refuse, new_reader
from ._slots import Address
from ._wire import AsyncConnection, Connection

_LATE: Final = 0.5
_LONGEST_SILENCE: Final = 3.0

SOCKET_TIMEOUT: Final = 5.0
"""Seconds that a server may be silent; waits are cut into slices well below."""

_CLIENT_NAME: Final = re.compile(r"[!-~]*")


def silence_waiting(socket_timeout: float) -> float:
    """
    Return how many seconds a server may be silent while it holds a wait of a second at most.

    A server looks ten times a second which waits are over, so a short timeout needs some more.
    """
    return min(socket_timeout + _LATE, _LONGEST_SILENCE)


class Source:
    """Makes connections to one server. ``str()`` of it names the server and no secrets."""

    __slots__ = (
        "_options",
        "_type",
        "advice",
        "blocking",
        "connect_timeout",
        "name",
        "new_reader",
        "shown",
        "socket_timeout",
    )

    def __init__(self, kind: Callable[..., object], options: Mapping[str, Any]) -> None:
        """Take how redis-py would connect, and set what must not differ."""
        from redis._parsers import BaseParser
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        fixed: dict[str, object] = {
            "decode_responses": False,
            "health_check_interval": 0,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            "retry_on_error": [],
            "retry_on_timeout": False,
        }
        ours = {key: value for key, value in options.items() if not _is_internal(key)}
        if not _CLIENT_NAME.fullmatch(ours.get("client_name") or ""):
            raise ConfigurationError("client_name must have ASCII characters only, and no spaces")
        self.socket_timeout = float(ours.get("socket_timeout") or SOCKET_TIMEOUT)
        self.connect_timeout = float(ours.get("socket_connect_timeout") or SOCKET_TIMEOUT)
        fixed["socket_timeout"] = self.socket_timeout
        fixed["socket_connect_timeout"] = self.connect_timeout
        self._type = kind
        self._options = {**ours, **fixed}
        refuse = cast("Refuse", getattr(BaseParser, "parse_error"))  # noqa: B009 - it has no types
        self.new_reader = partial(new_reader, refuse)
        """Makes a reader of replies; error replies become redis-py's exceptions."""
        self.name = _server(self._options)
        """The server, for errors."""
        self.advice = Advice(self.name)
        """Asked by whoever connects."""
        self.shown = _url(kind, self._options)
        """The server as a URL without secrets, for ``repr()``."""
        self.blocking: Blocking | None = None

    def for_threads(self) -> Source | ClusterSource:
        """Return a source of connections for threads, where this one is for asyncio."""
        return _for_threads(self.blocking, self.name, self.advice)

    def connection(self) -> Connection:
        """Make a connection; it connects later."""
        return cast("Connection", self._type(**self._options))

    def async_connection(self) -> AsyncConnection:
        """
        Make a connection for asyncio; it connects later.

        It has no timeout: redis-py's (a ``wait_for``) swallows cancellations before Python 3.12, so
        the link sets its own.
        """
        options = {**self._options, "socket_timeout": None}
        return cast("AsyncConnection", self._type(**options))


class ClusterSource:
    """Makes sources for the nodes of a cluster, of which some are known at first."""

    __slots__ = (
        "_kind",
        "_options",
        "advice",
        "blocking",
        "name",
        "seeds",
        "shown",
        "slot",
        "socket_timeout",
    )

    def __init__(
        self, kind: Callable[..., object], options: Mapping[str, Any], seeds: list[Address]
    ) -> None:
        from redis.crc import key_slot

        self._kind = kind
        self._options = options
        self.seeds = seeds
        self.name = f"the cluster of {seeds[0]}"
        """The cluster, for errors."""
        self.advice = Advice(self.name)
        first = self.at(seeds[0])
        self.socket_timeout = first.socket_timeout
        nodes = ",".join(map(str, seeds))
        scheme, _, rest = first.shown.partition("://")
        secret = "***@" if "@" in rest else ""
        self.shown = f"{scheme}+cluster://{secret}{nodes}"
        """The cluster as a URL without secrets, for ``repr()``."""
        self.slot: Callable[[bytes], int] = key_slot
        self.blocking: Blocking | None = None

    def for_threads(self) -> Source | ClusterSource:
        """See ``Source.for_threads``."""
        return _for_threads(self.blocking, self.name, self.advice)

    def at(self, address: Address) -> Source:
        """Return a source of connections to one node."""
        source = Source(self._kind, {**self._options, "host": address.host, "port": address.port})
        source.advice = self.advice
        return source


Blocking = Callable[[], "Source | ClusterSource"]
"""Makes a source for threads; set by whoever knows how the one for asyncio was made."""


def _for_threads(blocking: Blocking | None, name: str, advice: Advice) -> Source | ClusterSource:
    if blocking is None:
        raise Unsupported(f"how to reach {name} from a thread is not known: use from_url")
    source = blocking()
    source.advice = advice  # which is given once
    return source


def _is_internal(key: str) -> bool:
    """Tell what a pool adds for itself, bound to that pool and its own connections."""
    return key.startswith(("maint", "orig_", "oss_cluster", "himport", "event_")) or key == "cache"


def _server(options: Mapping[str, Any]) -> str:
    path = options.get("path")
    return str(path) if path else f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"


def _url(kind: Callable[..., object], options: Mapping[str, Any]) -> str:
    secret = any(options.get(key) for key in ("username", "password", "credential_provider"))
    who = "***@" if secret else ""
    db = options.get("db") or 0
    if options.get("path"):
        return f"unix://{who}{options['path']}?db={db}"
    scheme = "rediss" if "SSL" in getattr(kind, "__name__", "") else "redis"
    return f"{scheme}://{who}{_server(options)}/{db}"
