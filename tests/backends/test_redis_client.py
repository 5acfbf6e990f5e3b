"""URLs, clients and what they refuse; nothing here reaches a server."""

from __future__ import annotations

import subprocess
import sys

import pytest
import redis
import redis.asyncio
import redis.sentinel
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from queuekit.backends.redis.client import source_of_url
from queuekit.backends.redis.transport import RedisTransport
from queuekit.backends.redis.transport_async import AsyncRedisTransport
from queuekit.errors import ConfigurationError, Unsupported
from queuekit.transport import AsyncTransport, Transport


def shown(url: str) -> str:
    return repr(RedisTransport.from_url(url))


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("redis://", "redis://localhost:6379/0"),
        ("valkey://h/3", "redis://h:6379/3"),
        ("redis://h:1?db=3", "redis://h:1/3"),
        ("rediss://u:secret@h:1/2", "rediss://***@h:1/2"),
        ("valkeys://:secret@h", "rediss://***@h:6379/0"),
        ("unix:///run/r.sock?db=2", "unix:///run/r.sock?db=2"),
        ("redis://[::1]:7/0", "redis://::1:7/0"),
        ("redis+sentinel://a,b:1/m", "redis+sentinel://a:26379,b:1/m/0"),
        ("valkeys+sentinel://:secret@a/m/2", "rediss+sentinel://***@a:26379/m/2"),
        ("redis+sentinel://a/m?sentinel_password=secret", "redis+sentinel://***@a:26379/m/0"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, text: str) -> None:
    assert f"<RedisTransport {text} prefix='queuekit'>" == shown(url)


def test_the_prefix() -> None:
    assert "prefix='a'" in shown("redis://h?prefix=a")
    assert "prefix='b'" in repr(RedisTransport.from_url("redis://h?prefix=a", prefix="b"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://:canary@h:x/0", "port"),
        ("redis://:canary@h:99999/0", "port"),
        ("redis://:canary@h/x", "database"),
        ("redis://:canary@h/-1", "database"),
        ("redis://:canary@h/1?db=2", "twice"),
        ("redis://:canary@h?db=1&db=2", "twice"),
        ("redis://:canary@h?retry_on_timeout=yes", "socket_timeout"),
        ("redis://:canary@h?password=canary", "unknown parameter 'password'"),
        ("redis://:canary@h?socket_timeout=soon", "socket_timeout"),
        ("redis://:canary@h?socket_timeout=0", "socket_timeout"),
        ("redis://:canary@h?ssl_ca_certs=f", "TLS"),
        ("rediss://:canary@h?ssl_cert_reqs=none", "certificates"),
        ("redis://:canary@h#x", "%23"),
        ("redis://[:canary@h", "cannot be read"),
        ("redis://:canary@h?client_name=a%20b", "client_name"),
        ("http://:canary@h", "valkeys"),
        ("redis+sentinel://:canary@h", "name the service"),
        ("redis+sentinel://:canary@h:1,i:x/m", "host:port"),
        ("redis+sentinel://:canary@h/m/x", "database"),
        ("redis://h?sentinel_password=canary", "redis\\+sentinel"),
        ("unix://?db=1", "path"),
        ("redis://h?prefix=a:b", "prefix"),
    ],
)
def test_a_wrong_url_is_refused(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        RedisTransport.from_url(url)
    assert "canary" not in f"{caught.value!r}"
    assert caught.value.__cause__ is None


def test_what_redis_py_must_not_do() -> None:
    retry = Retry(ExponentialBackoff(), 9)
    client = redis.Redis(socket_timeout=None, health_check_interval=9, retry=retry)
    connection = RedisTransport(client)._link.source.connection()
    options = vars(connection)
    assert 0 == options["retry"].get_retries()
    assert (0, 2, 5.0) == (
        connection.health_check_interval,
        connection.protocol,
        connection.socket_timeout,
    )


def test_a_password_may_have_any_characters() -> None:
    source, _ = source_of_url("redis://a%40b:p%2F%23@h", for_asyncio=False)
    connection = source.connection()
    assert ("a@b", "p/#") == (connection.username, connection.password)


@pytest.mark.parametrize(
    ("transport", "client", "words"),
    [
        (RedisTransport, redis.asyncio.Redis(), "AsyncRedisTransport"),
        (AsyncRedisTransport, redis.Redis(), "RedisTransport"),
        (RedisTransport, redis.Redis(decode_responses=True), "decode_responses"),
        (RedisTransport, "redis://localhost", "from_url"),
        (RedisTransport, redis.RedisCluster, "redis.Redis"),
        (
            RedisTransport,
            redis.sentinel.Sentinel([("localhost", 1)]).slave_for("m"),
            "master_for",
        ),
    ],
)
def test_a_wrong_client_is_refused(transport: type, client: object, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        transport(client)


def test_both_are_transports() -> None:
    assert isinstance(RedisTransport(redis.Redis()), Transport)
    assert isinstance(AsyncRedisTransport(redis.asyncio.Redis()), AsyncTransport)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match="pip install"):
        RedisTransport.from_url("redis://localhost")


@pytest.mark.parametrize("name", ["transport", "transport_async"])
def test_importing_loads_nothing_heavy(name: str) -> None:
    module = f"queuekit.backends.redis.{name}"
    code = f"import sys, {module}; print(*({{'redis', 'asyncio'}} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "" == run.stdout.strip()


@pytest.mark.parametrize(
    "url",
    [
        "rediss://u:secret@h:1/2?prefix=a&replicas=2",
        "unix:///run/r.sock?db=2",
        "redis+sentinel://a,b:1/m",
        "redis+cluster://a:1,b:2",
    ],
)
def test_a_transport_for_asyncio_has_one_for_threads_of_the_same_store(url: str) -> None:
    transport = AsyncRedisTransport.from_url(url, max_body=100)
    blocking = transport.for_threads()
    assert isinstance(blocking, RedisTransport)
    assert repr(blocking) == repr(RedisTransport.from_url(url))
    assert 100 == blocking.features.max_body


def test_that_for_threads_of_a_client_connects_as_it_does() -> None:
    client = redis.asyncio.Redis(host="h", port=7, db=3, password="secret")
    blocking = AsyncRedisTransport(client, prefix="a").for_threads()
    assert "<RedisTransport redis://***@h:7/3 prefix='a'>" == repr(blocking)


def test_a_client_with_connections_of_its_own_kind_has_none_for_threads() -> None:
    class Connection(redis.asyncio.Connection):
        pass

    pool = redis.asyncio.ConnectionPool(connection_class=Connection, host="h")
    transport = AsyncRedisTransport(redis.asyncio.Redis(connection_pool=pool))
    with pytest.raises(Unsupported, match="from_url"):
        transport.for_threads()
