"""
The one factory of connections: from a URL, or like those of a client that the user made.

redis-py's defaults differ between its versions and between ways of building a client, and repeat
commands whose outcome is unknown; what comes from here never does. redis is imported when called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ..._checks import refuse_type
from ...errors import ConfigurationError
from ._url import Ours, RedisUrl, read_url
from .source import ClusterSource, Source

if TYPE_CHECKING:
    import redis
    import redis.asyncio

Client: TypeAlias = "redis.Redis"
AsyncClient: TypeAlias = "redis.asyncio.Redis"


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


def source_of_url(url: str, *, for_asyncio: bool) -> tuple[Source | ClusterSource, Ours]:
    """Return a source of connections to the server of *url*, and what else it says."""
    source, ours = _source_of_url(url, for_asyncio=for_asyncio)
    if for_asyncio:
        source.blocking = lambda: _source_of_url(url, for_asyncio=False)[0]
    return source, ours


def _source_of_url(url: str, *, for_asyncio: bool) -> tuple[Source | ClusterSource, Ours]:
    said = read_url(url)
    if said.service:
        return _sentinel_of_url(said, for_asyncio=for_asyncio), said.ours
    kind = _connection_type(said.scheme, for_asyncio)
    if said.nodes:
        return ClusterSource(kind, said.options, said.nodes), said.ours
    return Source(kind, said.options), said.ours


def _sentinel_of_url(said: RedisUrl, *, for_asyncio: bool) -> Source:
    module = _sentinel_module(for_asyncio=for_asyncio)
    kind = _connection_type(said.scheme, for_asyncio)
    sentinels = [
        _sentinel(kind, {**said.sentinel_options, "host": host, "port": port})
        for host, port in said.nodes
    ]
    managed = _sentinel_type(said.scheme, for_asyncio)
    options = {**module.PRIMARY_TIMEOUTS, **said.options}
    return cast("Source", module.sentinel_source(managed, options, said.service, sentinels))


def _sentinel(kind: Callable[..., object], options: dict[str, Any]) -> Source:
    """Return a source of connections to one sentinel, which need not wait long."""
    return Source(kind, {**options, "socket_timeout": 1.0, "socket_connect_timeout": 1.0})


def _sentinel_module(*, for_asyncio: bool) -> Any:
    from importlib import import_module

    return import_module(f"{__package__}.sentinel{'_async' if for_asyncio else ''}")


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


def _dotted(kind: type) -> str:
    return "redis.asyncio.Redis" if "asyncio" in kind.__module__ else "redis.Redis"
