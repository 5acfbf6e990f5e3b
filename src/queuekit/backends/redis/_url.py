"""URLs of Redis and Valkey: what they say, and what they are refused for. Pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, NoReturn
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ...errors import ConfigurationError
from ._slots import Address
from .keys import DEFAULT_PREFIX

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


class Ours(NamedTuple):
    """What a URL says about the layout, not about the connection."""

    prefix: str
    replicas: int


class RedisUrl(NamedTuple):
    """What a URL says."""

    scheme: str
    """How to connect: redis, rediss or unix."""
    options: dict[str, Any]
    """For connections to whoever keeps the queues."""
    nodes: list[Address]
    """Nodes of a cluster, or sentinels; none where the options say whom to connect to."""
    service: str
    """The name that the sentinels know; empty without sentinels."""
    sentinel_options: dict[str, Any]
    """For connections to the sentinels."""
    ours: Ours


def is_redis_url(url: str) -> bool:
    """Tell whether *url* is one for ``read_url``."""
    return url.partition(":")[0].lower() in _SCHEMES


def read_url(url: str) -> RedisUrl:
    """
    Return what *url* says.

    Raises:
        ConfigurationError: A part of it is wrong, unknown or there twice.
    """
    parts = _split(url)
    scheme = _SCHEMES[parts.scheme]
    query = _parameters(parts, scheme)
    ours = Ours(query.pop("prefix", DEFAULT_PREFIX), _count(query.pop("replicas", "1")))
    options: dict[str, Any] = {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
    }
    sentinel_options: dict[str, Any] = {}
    service, path = "", "" if scheme == "unix" else parts.path.strip("/")
    if parts.scheme.endswith(_SENTINEL):
        service, _, path = path.partition("/")
        sentinel_options = {key[len("sentinel_") :]: query.pop(key, None) for key in _LOGIN}
    options["db"] = _db(path, query)
    for key in ("socket_timeout", "socket_connect_timeout"):
        if key in query:
            options[key] = _seconds(key, query.pop(key))
    options.update(query)
    nodes: list[Address] = []
    if scheme == "unix":
        if not parts.path.strip("/"):
            _refuse("unix: needs the path of a socket, as in unix:///run/redis.sock")
        options["path"] = unquote(parts.path)
    elif parts.scheme.endswith(_CLUSTER):
        if options.pop("db"):
            _refuse("a cluster has the database 0 only")
        nodes = _addresses(parts, 6379)
    elif parts.scheme.endswith(_SENTINEL):
        if not service:
            _refuse("name the service, as in redis+sentinel://host1:26379,host2:26379/mymaster")
        nodes = _addresses(parts, 26379)
        sentinel_options.update((key, options[key]) for key in _TLS if key in options)
    else:
        options["host"] = unquote(parts.hostname or "localhost")
        options["port"] = _port(parts)
    return RedisUrl(scheme, options, nodes, unquote(service), sentinel_options, ours)


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


def _addresses(parts: SplitResult, port: int) -> list[Address]:
    return [_address(each, port) for each in parts.netloc.rpartition("@")[2].split(",")]


def _address(text: str, port: int) -> Address:
    try:
        parts = urlsplit(f"//{text}")
        address = Address(unquote(parts.hostname or "localhost"), parts.port or port)
    except ValueError:
        _refuse("each node is given as host:port, with a comma between two")
    return address


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
