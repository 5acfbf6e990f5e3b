"""What goes over a connection: commands, replies, and what both links ask of redis-py. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol, TypeAlias, cast

Argument: TypeAlias = "bytes | str | int"
Command: TypeAlias = "tuple[Argument, ...]"
Reply: TypeAlias = "bytes | int | list[Reply] | Exception | None"
"""An error reply stands in its place as an exception that was not raised."""


PACKED: Final = b""
"""Begins a command that is packed already: ``(PACKED, hash of its script, its bytes, its key)``."""


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
    """What the link uses of ``redis.Connection``, beside its socket."""

    def connect(self) -> None: ...
    def disconnect(self) -> None: ...


class AsyncConnection(Protocol):
    """What the async link uses of ``redis.asyncio.Connection``, beside its streams."""

    async def connect(self) -> None: ...
    async def disconnect(self, nowait: bool = False) -> None: ...


_MOST: Final = 512
_LENGTHS: Final = tuple(b"\r\n$%d\r\n" % length for length in range(_MOST))
"""What stands before an argument of so many bytes."""


def pack(commands: Iterable[Command]) -> bytes:
    """Return the bytes of *commands*: one send, whatever encoding a client was set to."""
    parts: list[bytes] = []
    for command in commands:
        if command[0] == PACKED:
            parts.append(cast("bytes", command[2]))
            continue
        parts.append(b"*%d" % len(command))
        for argument in command:
            data = argument if isinstance(argument, bytes) else str(argument).encode()
            size = len(data)
            parts += (_LENGTHS[size] if size < _MOST else b"\r\n$%d\r\n" % size, data)
        parts.append(b"\r\n")
    return b"".join(parts)
