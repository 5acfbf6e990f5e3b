"""Sockets and transports on connections of fakeredis, whose replies are objects, not bytes."""

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


class FakeTransport:
    """What a ``Multiplexed`` uses of a transport; the replies come while it writes, or later."""

    def __init__(self, fake: Any) -> None:
        self._fake = fake
        self._protocol: Any = None

    def set_protocol(self, protocol: Any) -> None:
        """Hand the replies to *protocol* from now on."""
        self._protocol = protocol
        self._fake.responses = self

    def put_nowait(self, reply: Any) -> None:
        """Take a reply of the fake server, as its queue did."""
        self._protocol.data_received((reply,))

    def write(self, data: bytes) -> None:
        """Let the fake server run commands."""
        self._fake.sendall(bytes(data))

    def get_write_buffer_size(self) -> int:
        """Return 0: everything is written."""
        return 0

    def abort(self) -> None:
        """Do nothing: there is no connection."""
