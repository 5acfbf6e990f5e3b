"""From what a server answers to our errors; the texts are those of real servers."""

from __future__ import annotations

import pytest
import redis
from redis._parsers.base import BaseParser

from queuekit.backends.redis._errors import broken, refusal
from queuekit.backends.redis._wire import LinkBroken
from queuekit.errors import QueueFull, TransportError, TransportUnavailable

IN_SCRIPT = "ERR Error running script (call to f_abc): @user_script:7: "


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("WRONGTYPE Operation against a key holding the wrong kind of value", TransportError),
        (IN_SCRIPT + "WRONGTYPE Operation against a key", TransportError),
        ("NOPERM this user has no permissions to run the 'evalsha' command", TransportError),
        ("NOAUTH Authentication required.", TransportError),
        ("WRONGPASS invalid username-password pair or user is disabled.", TransportError),
        ("ERR unknown command 'BLMOVE', with args beginning with: 'q'", TransportError),
        ("MOVED 3999 127.0.0.1:6381", TransportError),
        ("ERR something new", TransportError),
        ("OOM command not allowed when used memory > 'maxmemory'.", QueueFull),
        (IN_SCRIPT + "-OOM command not allowed when used memory > 'maxmemory'.", QueueFull),
        ("READONLY You can't write against a read only replica.", TransportUnavailable),
        (IN_SCRIPT + "-READONLY You can't write against a read only", TransportUnavailable),
        ("LOADING Redis is loading the dataset in memory", TransportUnavailable),
        ("BUSY Redis is busy running a script.", TransportUnavailable),
        ("MISCONF Redis is configured to save RDB snapshots", TransportUnavailable),
        ("NOREPLICAS Not enough good replicas to write.", TransportUnavailable),
        ("CLUSTERDOWN The cluster is down", TransportUnavailable),
        ("TRYAGAIN Multiple keys request during rehashing", TransportUnavailable),
        ("MASTERDOWN Link with MASTER is down", TransportUnavailable),
        ("UNBLOCKED force unblock from blocking operation", TransportUnavailable),
        ("ERR max number of clients reached", TransportUnavailable),
    ],
)
def test_an_error_reply(reply: str, kind: type[TransportError]) -> None:
    error = refusal(BaseParser.parse_error(reply), "h:1", "push to 'q'")
    assert type(error) is kind
    assert str(error).startswith("push to 'q': h:1 ")


@pytest.mark.parametrize(
    ("cause", "sent", "kind", "words"),
    [
        (redis.ConnectionError("Connection refused."), False, TransportUnavailable, "cannot conn"),
        (redis.ConnectionError("closed"), True, TransportUnavailable, "unknown"),
        (redis.TimeoutError("Timeout reading"), True, TransportUnavailable, "unknown"),
        (TimeoutError(), True, TransportUnavailable, "TimeoutError"),
        (redis.BusyLoadingError("loading"), False, TransportUnavailable, "LOADING"),
        (redis.AuthenticationError("invalid"), False, TransportError, "password"),
        (redis.ResponseError("DB index is out of range"), False, TransportError, "databases"),
        (redis.ResponseError("ERR something new"), False, TransportError, "something new"),
        (redis.ConnectionError("refused"), False, TransportUnavailable, "it is unknown"),
    ],
)
def test_a_broken_link(
    cause: Exception, sent: bool, kind: type[TransportError], words: str
) -> None:
    exc = LinkBroken(sent)
    exc.__cause__ = cause
    error = broken(exc, "h:1", "push", "it is unknown")
    assert type(error) is kind
    assert words in str(error)
    assert "h:1" in str(error)
