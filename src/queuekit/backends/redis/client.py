"""
The one factory of connections: from a URL, or like those of a client that the user made.

redis-py's defaults differ between its versions and between ways of building a client, and repeat
commands whose outcome is unknown; what comes from here never does. redis is imported when called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
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
    "redis+sentinel": "redis",
    "valkey+sentinel": "redis",
    "rediss+sentinel": "rediss",
    "valkeys+sentinel": "rediss",
}
_CLUSTER: Final = "+cluster"
_SENTINEL: Final = "+sentinel"
_TLS: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OURS: Final = ("prefix", "replicas")
_LOGIN: Final = ("sentinel_username", "sentinel_password")
_KNOWN: Final = (
    *("db", *_OURS, "socket_timeout", "socket_connect_timeout", "client_name"),
    *(*_TLS, *_LOGIN),
)


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
    options: dict[str, Any] = pool.connection_kwargs
    if options.get("decode_responses"):
        raise ConfigurationError(
            "this client has decode_responses=True, which destroys bodies that are no text; make"
            " it without, or build the transport with from_url"
        )
    if "Sentinel" in type(pool).__name__:
        return _sentinel_of_pool(pool, for_asyncio=for_asyncio)
    kind = pool.connection_class
    source = Source(kind, options)
    name = getattr(kind, "__name__", "")
    if for_asyncio and kind is getattr(redis.asyncio, name, None) and hasattr(redis, name):
        source.blocking = partial(Source, getattr(redis, name), options)
    return source


def source_of_options(
    args: Sequence[object], options: Mapping[str, object], url: str | None = None
) -> Source | ClusterSource:
    """
    Return a source of connections as ``redis.Redis(*args, **options)`` would make them.

    With *url* the positional arguments mean nothing, and *options* go to ``redis.Redis.from_url``;
    without any, every URL of ``source_of_url`` is understood.

    Raises:
        ConfigurationError: redis-py does not know or take an option.
    """
    if url is not None and not options:
        return source_of_url(url, for_asyncio=False)[0]
    redis = _import_redis()
    make = partial(redis.Redis, *args) if url is None else partial(redis.Redis.from_url, url)
    try:
        source = source_of_client(make(**options), for_asyncio=False)
        source.connection()  # some options are looked at here only
    except ConfigurationError:
        raise
    except (TypeError, ValueError, redis.RedisError) as exc:
        why = str(exc) if url is None else type(exc).__name__  # a URL may hold a password
        raise ConfigurationError(f"redis.Redis does not take these options: {why}") from None
    return source


def is_redis_url(url: str) -> bool:
    """Tell whether *url* is one for ``source_of_url``."""
    return url.partition(":")[0].lower() in _SCHEMES


def _sentinel_of_pool(pool: Any, *, for_asyncio: bool) -> Source:
    if not pool.is_master:
        raise ConfigurationError("this client is for replicas; make it with master_for")
    options = {**pool.connection_kwargs}
    del options["connection_pool"]
    if options.pop("redis_connect_func", None) is not None:
        raise ConfigurationError("redis_connect_func does not work together with Sentinel")
    asked = [client.connection_pool for client in pool.sentinel_manager.sentinels]
    sentinels = [_sentinel(each.connection_class, each.connection_kwargs) for each in asked]
    make = _sentinel_module(for_asyncio=for_asyncio).sentinel_source
    return cast("Source", make(pool.connection_class, options, pool.service_name, sentinels))


class Ours(NamedTuple):
    """What a URL says about the layout, not about the connection."""

    prefix: str
    replicas: int


def source_of_url(url: str, *, for_asyncio: bool) -> tuple[Source | ClusterSource, Ours]:
    """Return a source of connections to the server of *url*, and what else it says."""
    source, ours = _source_of_url(url, for_asyncio=for_asyncio)
    if for_asyncio:
        source.blocking = lambda: _source_of_url(url, for_asyncio=False)[0]
    return source, ours


def _source_of_url(url: str, *, for_asyncio: bool) -> tuple[Source | ClusterSource, Ours]:
    parts = _split(url)
    scheme = _SCHEMES[parts.scheme]
    query = _parameters(parts, scheme)
    ours = Ours(query.pop("prefix", DEFAULT_PREFIX), _count(query.pop("replicas", "1")))
    options: dict[str, Any] = {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
    }
    if parts.scheme.endswith(_SENTINEL):
        service, _, path = parts.path.strip("/").partition("/")
        login = {key[len("sentinel_") :]: query.pop(key, None) for key in _LOGIN}
    else:
        service, path, login = "", "" if scheme == "unix" else parts.path.strip("/"), {}
    options["db"] = _db(path, query)
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
    elif parts.scheme.endswith(_SENTINEL):
        source = _sentinel_of(parts, scheme, options, service, login, for_asyncio=for_asyncio)
        return source, ours
    else:
        options["host"] = unquote(parts.hostname or "localhost")
        options["port"] = _port(parts)
    return Source(_connection_type(scheme, for_asyncio), options), ours


def _cluster_of(
    parts: SplitResult, scheme: str, options: dict[str, Any], *, for_asyncio: bool
) -> ClusterSource:
    if options.pop("db"):
        _refuse("a cluster has the database 0 only")
    seeds = _addresses(parts, 6379)
    return ClusterSource(_connection_type(scheme, for_asyncio), options, seeds)


def _sentinel_of(
    parts: SplitResult,
    scheme: str,
    options: dict[str, Any],
    service: str,
    login: dict[str, Any],
    *,
    for_asyncio: bool,
) -> Source:
    if not service:
        _refuse("name the service, as in redis+sentinel://host1:26379,host2:26379/mymaster")
    module = _sentinel_module(for_asyncio=for_asyncio)
    kind = _connection_type(scheme, for_asyncio)
    tls = {key: value for key, value in options.items() if key in _TLS}
    sentinels = [
        _sentinel(kind, {**tls, **login, "host": host, "port": port})
        for host, port in _addresses(parts, 26379)
    ]
    managed = _sentinel_type(scheme, for_asyncio)
    options = {**module.PRIMARY_TIMEOUTS, **options}
    return cast("Source", module.sentinel_source(managed, options, unquote(service), sentinels))


def _sentinel(kind: Callable[..., object], options: dict[str, Any]) -> Source:
    """Return a source of connections to one sentinel, which need not wait long."""
    return Source(kind, {**options, "socket_timeout": 1.0, "socket_connect_timeout": 1.0})


def _sentinel_module(*, for_asyncio: bool) -> Any:
    from importlib import import_module

    return import_module(f"{__package__}.sentinel{'_async' if for_asyncio else ''}")


def _addresses(parts: SplitResult, port: int) -> list[Address]:
    return [_address(each, port) for each in parts.netloc.rpartition("@")[2].split(",")]


def _address(text: str, port: int) -> Address:
    try:
        parts = urlsplit(f"//{text}")
        address = Address(unquote(parts.hostname or "localhost"), parts.port or port)
    except ValueError:
        _refuse("each node is given as host:port, with a comma between two")
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


def _sentinel_type(scheme: str, for_asyncio: bool) -> Callable[..., object]:
    redis = _import_redis()
    home = redis.asyncio.sentinel if for_asyncio else redis.sentinel
    is_tls = scheme == "rediss"
    kind = home.SentinelManagedSSLConnection if is_tls else home.SentinelManagedConnection
    return cast("Callable[..., object]", kind)


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
        if key in _LOGIN and not parts.scheme.endswith(_SENTINEL):
            _refuse(f"{key} needs sentinels: the scheme redis+sentinel")
        query[key] = value
    return query


def _db(in_path: str, query: dict[str, str]) -> int:
    in_query = query.pop("db", None)
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
