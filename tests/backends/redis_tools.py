"""What the Redis tests share: a recorder of sends, and small helpers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from queuekit.backends.redis._script import script_of
from queuekit.backends.redis.transport import RedisTransport

from . import patience
from .patience import LONG

wait_until = patience.wait_until


class Recorder:
    """Names the commands of each send of a transport: ``["claim"]``, ``["BLMOVE", "claim"]``."""

    def __init__(self, transport: Any) -> None:
        self.sends: list[list[str]] = []
        link = transport._link
        inner = link.call

        def call(commands: Sequence[Any], **options: Any) -> Any:
            self.sends.append([self._name(command) for command in commands])
            return inner(commands, **options)

        link.call = call

    @staticmethod
    def _name(command: Any) -> str:
        script = script_of(command)
        if script is None:
            return str(command[0].decode())
        from queuekit.backends.redis import _script

        return next(name for name, value in vars(_script).items() if value is script).lower()

    def take(self) -> list[list[str]]:
        """Return the sends since the last look."""
        sends, self.sends = self.sends, []
        return sends


@contextmanager
def transport_on(url: str, prefix: str, **options: Any) -> Iterator[RedisTransport]:
    transport = RedisTransport.from_url(url, prefix=prefix, **options)
    try:
        yield transport
    finally:
        transport.close()


def named(url: str, name: str, **options: object) -> str:
    """Return *url* with a name for its connections, by which the server counts them."""
    words = [f"client_name={name}", *(f"{key}={value}" for key, value in options.items())]
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(words)}"


def connected(client: redis.Redis, name: str) -> int:
    """Return how many connections of that name the server has."""
    return sum(each["name"] == name for each in client.client_list())


def blocked(client: redis.Redis, name: str) -> int:
    """Return how many connections of that name wait on the server just now."""
    return sum(each["name"] == name and "b" in each["flags"] for each in client.client_list())


def let_wait_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the transports that are made from now on wait for ``LONG``, and no server be silent."""
    for name in ("transport", "transport_async"):
        monkeypatch.setattr(f"queuekit.backends.redis.{name}._MAX_WAIT", LONG)
    monkeypatch.setattr("queuekit.backends.redis.source._LONGEST_SILENCE", 3 * LONG)
    monkeypatch.setattr("queuekit.backends.redis.source.SOCKET_TIMEOUT", 2 * LONG)


def let_answers_stay_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an answer that there is nothing save the next look, however late that comes."""
    for name in ("claims", "claims_async"):
        monkeypatch.setattr(f"queuekit.backends.redis.{name}._FRESH", 1000.0)


def sockets() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))
