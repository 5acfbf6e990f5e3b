"""Sockets and streams over the connections of fakeredis, whose replies are objects, not bytes."""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

from ._wire import Reply


class ReadyReader:
    """Hands on replies that need no reading; each came in a tuple of one."""

    def __init__(self) -> None:
        self._replies: deque[Any] = deque()

    def feed(self, data: Any, /) -> None:
        """Take a reply."""
        self._replies.extend(data)

    def gets(self) -> Reply | Literal[False]:
        """Return the next reply, or False."""
        return self._replies.popleft() if self._replies else False


class FakeSocket:
    """What ``Line`` uses of a socket."""

    def __init__(self, fake: Any) -> None:
        self._fake = fake

    def settimeout(self, seconds: float) -> None:
        """Do nothing: a fake server is never silent."""

    def send(self, data: bytes | memoryview) -> int:
        """Let the fake server run commands."""
        self._fake.sendall(bytes(data))
        return len(data)

    def recv(self, size: int) -> Any:
        """Return the next reply in a tuple."""
        if size == 1 and self._fake.responses.empty():  # a look whether it is silent
            raise BlockingIOError
        return (self._fake.responses.get(),)


class FakeStreams:
    """What the async link uses of a reader, of a writer and of its transport."""

    def __init__(self, fake: Any) -> None:
        self._fake = fake
        self.transport = self

    async def read(self, size: int) -> Any:
        """Return the next reply in a tuple."""
        return (await self._fake.responses.get(),)

    def write(self, data: bytes) -> None:
        """Let the fake server run commands."""
        self._fake.sendall(bytes(data))

    def at_eof(self) -> bool:
        """Tell that a fake server never closes a connection."""
        return False

    is_closing = at_eof

    def get_write_buffer_size(self) -> int:
        """Return 0: everything is written."""
        return 0

    def abort(self) -> None:
        """Do nothing: there is no connection."""
