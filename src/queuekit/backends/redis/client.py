"""
The one factory of connections: from a URL, or like those of a client that the user made.

redis-py's defaults differ between its versions and between ways of building a client, and repeat
commands whose outcome is unknown; what comes from here never does. redis is imported when called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ..._checks import refuse_type
from ...errors import ConfigurationError
from ._slots import Address
from .keys import DEFAULT_PREFIX
from .source import ClusterSource, Source

if TYPE_CHECKING:
    import redis
    import redis.asyncio

Client: TypeAlias = "redis.Redis"
AsyncClient: TypeAlias = "redis.asyncio.Redis"

_SCHEMES: Final = {
    "redis": "redis",
    "valkey": "redis",
    "rediss": "rediss",
    "valkeys": "rediss",
    "unix": "unix",
    "redis+cluster": "redis",
    "valkey+cluster": "redis",
    "rediss+cluster": "rediss",
    "valkeys+cluster": "rediss",
}
_CLUSTER: Final = "+cluster"
_TLS: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OURS: Final = ("prefix", "replicas")
_KNOWN: Final = ("db", *_OURS, "socket_timeout", "socket_connect_timeout", "client_name", *_TLS)


def source_of_client(client: Client | AsyncClient, *, for_asyncio: bool) -> Source:
    """Return a source of connections like those of *client*, whose own are never used."""
    redis = _import_redis()
    right = redis.asyncio.Redis if for_asyncio else redis.Redis
    wrong = redis.Redis if for_asyncio else redis.asyncio.Redis
    if isinstance(client, wrong):
        way_out = "use AsyncRedisTransport" if not for_asyncio else "use RedisTransport"
        refuse_type(f"client= takes a {_dotted(right)}", client, f"{way_out}, or the other client")
    if "Cluster" in type(client).__name__:
        raise ConfigurationError(
            "client= takes no cluster client; build the transport with"
            ' from_url("redis+cluster://host:7000")'
        )
    if not isinstance(client, right):
        way_out = "or build the transport with from_url"
        refuse_type(f"client= takes a {_dotted(right)}", client, way_out)
    pool = client.connection_pool
    if "Sentinel" in type(pool).__name__:
        raise ConfigurationError("Redis Sentinel is not supported yet; name the server itself")
    options: dict[str, Any] = pool.connection_kwargs
    if options.get("decode_responses"):
        raise ConfigurationError(
            "this client has decode_responses=True, which destroys bodies that are no text; make"
            " it without, or build the transport with from_url"
        )
    return Source(pool.connection_class, options)


class Ours(NamedTuple):
    """What a URL says about the layout, not about the connection."""

    prefix: str
    replicas: int


def source_of_url(url: str, *, for_asyncio: bool) -> tuple[Source | ClusterSource, Ours]:
    """Return a source of connections to the server of *url*, and what else it says."""
    parts = _split(url)
    scheme = _SCHEMES[parts.scheme]
    query = _parameters(parts, scheme)
    ours = Ours(query.pop("prefix", DEFAULT_PREFIX), _count(query.pop("replicas", "1")))
    options: dict[str, Any] = {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "db": _db(parts, scheme, query),
    }
    for key in ("socket_timeout", "socket_connect_timeout"):
        if key in query:
            options[key] = _seconds(key, query.pop(key))
    options.update(query)
    if scheme == "unix":
        if not parts.path.strip("/"):
            _refuse("unix: needs the path of a socket, as in unix:///run/redis.sock")
        options["path"] = unquote(parts.path)
    elif parts.scheme.endswith(_CLUSTER):
        return _cluster_of(parts, scheme, options, for_asyncio=for_asyncio), ours
    else:
        options["host"] = unquote(parts.hostname or "localhost")
        options["port"] = _port(parts)
    return Source(_connection_type(scheme, for_asyncio), options), ours


def _cluster_of(
    parts: SplitResult, scheme: str, options: dict[str, Any], *, for_asyncio: bool
) -> ClusterSource:
    if options.pop("db"):
        _refuse("a cluster has the database 0 only")
    seeds = [_address(each) for each in parts.netloc.rpartition("@")[2].split(",")]
    return ClusterSource(_connection_type(scheme, for_asyncio), options, seeds)


def _address(text: str) -> Address:
    try:
        parts = urlsplit(f"//{text}")
        address = Address(unquote(parts.hostname or "localhost"), parts.port or 6379)
    except ValueError:
        _refuse("each node of a cluster is given as host:port, with a comma between two")
    return address


def _import_redis() -> Any:
    try:
        import redis
        import redis.asyncio as _  # noqa: F401 - makes redis.asyncio known
    except ImportError as exc:
        raise ConfigurationError(
            "redis: and valkey: need the package redis: pip install 'redis>=6.4,<9'"
        ) from exc
    return redis


def _connection_type(scheme: str, for_asyncio: bool) -> Callable[..., object]:
    redis = _import_redis()
    home = redis.asyncio if for_asyncio else redis
    kinds = {
        "redis": home.Connection,
        "rediss": home.SSLConnection,
        "unix": home.UnixDomainSocketConnection,
    }
    return cast("Callable[..., object]", kinds[scheme])


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.hostname
    except ValueError:
        _refuse("the URL cannot be read")
    if parts.scheme not in _SCHEMES:
        _refuse(f"a Redis URL begins with one of {', '.join(_SCHEMES)}, not {parts.scheme!r}")
    rest = f"{parts.path}?{parts.query}"
    if "@" in rest:  # what follows may be a password: none of it is shown
        _refuse(
            "an @ stands after a / or a ? of the URL; within a user name or password write / as"
            " %2F, ? as %3F and @ as %40"
        )
    if parts.fragment:
        _refuse("a Redis URL has no part after #; write # within a password as %23")
    return parts


def _parameters(parts: SplitResult, scheme: str) -> dict[str, str]:
    query: dict[str, str] = {}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key == "ssl_cert_reqs":
            _refuse("ssl_cert_reqs cannot be set: certificates are always checked; ssl_ca_certs="
                    " names the file of your own authority")  # fmt: skip
        if key not in _KNOWN or key in query:
            what = "twice the" if key in query else "an unknown"
            _refuse(f"{what} parameter {key!r} in the URL; known are {', '.join(_KNOWN)}")
        if key in _TLS and scheme != "rediss":
            _refuse(f"{key} needs TLS: the scheme rediss or valkeys")
        query[key] = value
    return query


def _db(parts: SplitResult, scheme: str, query: dict[str, str]) -> int:
    in_query = query.pop("db", None)
    in_path = "" if scheme == "unix" else parts.path.strip("/")
    if in_query is not None and in_path:
        _refuse("the URL names the database twice, in its path and as db=")
    text = in_path or in_query or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        _refuse("the database is a number, as in redis://localhost/0")
    return int(text)


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = -1
    if port is not None and not 0 < port < 65536:
        _refuse("the port of the URL must be a number from 1 to 65535")
    return port or 6379


def _seconds(key: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.05 <= seconds <= 3600:
        _refuse(f"{key} must be 0.05 to 3600 seconds")
    return seconds


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 100):
        _refuse("replicas must be a number from 1 to 99")
    return int(text)


def _refuse(why: str) -> NoReturn:
    raise ConfigurationError(why) from None


def _dotted(kind: type) -> str:
    return "redis.asyncio.Redis" if "asyncio" in kind.__module__ else "redis.Redis"
