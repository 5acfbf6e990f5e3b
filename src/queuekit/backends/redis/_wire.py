"""What goes over a connection: commands, replies, and what both links ask of redis-py. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

Argument: TypeAlias = "bytes | str | int"
Command: TypeAlias = "tuple[Argument, ...]"
Reply: TypeAlias = "bytes | int | list[Reply] | Exception | None"
"""An error reply stands in its place as an exception that was not raised."""

Late: TypeAlias = "Callable[[list[Reply]], None]"
"""Takes the replies of an exchange whose caller was interrupted."""


class LinkBroken(Exception):
    """
    The exchange did not come to its end; the connection is gone. ``__cause__`` says why.

    Args:
        sent: Whether the server may have got something.
    """

    def __init__(self, sent: bool) -> None:
        super().__init__("the link broke")
        self.sent = sent


class LinkClosed(Exception):
    """The link was closed before this call."""


class Connection(Protocol):
    """What the link uses of ``redis.Connection``."""

    def connect(self) -> None: ...
    def disconnect(self) -> None: ...
    def send_packed_command(self, command: Iterable[bytes], check_health: bool = True) -> None: ...
    def read_response(
        self, disable_decoding: bool = False, *, disconnect_on_error: bool = True
    ) -> Reply: ...
    def can_read(self, timeout: float = 0) -> bool: ...


class AsyncConnection(Protocol):
    """What the async link uses of ``redis.asyncio.Connection``."""

    async def connect(self) -> None: ...
    async def disconnect(self, nowait: bool = False) -> None: ...
    async def send_packed_command(
        self, command: Iterable[bytes], check_health: bool = True
    ) -> None: ...
    async def read_response(
        self, disable_decoding: bool = False, *, disconnect_on_error: bool = True
    ) -> Reply: ...


def pack(commands: Iterable[Command]) -> bytes:
    """Return the bytes of *commands*: one send, whatever encoding a client was set to."""
    parts: list[bytes] = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        for argument in command:
            data = argument if isinstance(argument, bytes) else str(argument).encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)
