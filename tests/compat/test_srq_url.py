"""The layout of SafeRedisQueue, named by a URL."""

from __future__ import annotations

import pytest
import redis

from queuekit import ConfigurationError, ReliableQueue
from queuekit.compat._srq_url import split_url
from queuekit.compat.saferedisqueue import SafeRedisQueue, SafeRedisQueueTransport


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h/0", ("redis://h/0", None)),
        ("srq+redis://h/0", ("redis://h/0", None)),
        ("SRQ+rediss://h?db=1&autoclean_interval=2.5", ("rediss://h?db=1", 2.5)),
        ("srq+unix:///s?autoclean_interval=5", ("unix:///s", 5.0)),
        ("srq+redis://h?autoclean_interval=5&db=1", ("redis://h?db=1", 5.0)),
    ],
)
def test_a_url_is_that_of_the_server_and_an_interval(
    url: str, expected: tuple[str, float | None]
) -> None:
    assert expected == split_url(url)


@pytest.mark.parametrize("value", ["", "x", "0", "-1", "nan", "1&autoclean_interval=2"])
def test_a_wrong_interval_is_refused_without_the_password(value: str) -> None:
    with pytest.raises(ConfigurationError, match="autoclean_interval") as caught:
        SafeRedisQueueTransport.from_url(f"srq+redis://:secret@h?autoclean_interval={value}")
    assert "secret" not in str(caught.value)


def test_the_interval_of_the_url_counts() -> None:
    url = "srq+redis://localhost"
    assert 60 == SafeRedisQueueTransport.from_url(url).features.max_lease
    given = SafeRedisQueueTransport.from_url(f"{url}?autoclean_interval=7", interval=9)
    assert 7 == given.features.max_lease


@pytest.mark.redis
def test_a_queue_by_its_url(redis_url: str, redis_client: redis.Redis, redis_prefix: str) -> None:
    url = f"srq+{redis_url}?prefix={redis_prefix}"
    old = SafeRedisQueue(transport=SafeRedisQueueTransport.from_url(url), name="jobs")
    uid = old.put("hello")
    with ReliableQueue("jobs", url, serializer="text", lease=5) as jobs:
        message = jobs.get()
        assert message is not None
        assert (uid, "hello") == (message.id, message.body)
        message.ack()
    assert [] == list(redis_client.scan_iter(f"{redis_prefix}:jobs:items"))
    for key in redis_client.scan_iter(f"{redis_prefix}:*"):
        redis_client.delete(key)
    old.close()
