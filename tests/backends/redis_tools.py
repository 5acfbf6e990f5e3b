"""What the Redis tests share: a recorder of sends, and small helpers."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from queuekit.backends.redis._script import script_of
from queuekit.backends.redis.transport import RedisTransport


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


def wait_until(look: Any, seconds: float = 5.0) -> None:
    """Wait for *look* to be true."""
    for _ in range(int(seconds / 0.005)):
        if look():
            return
        threading.Event().wait(0.005)
    raise AssertionError("this never came")


def sockets() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))
