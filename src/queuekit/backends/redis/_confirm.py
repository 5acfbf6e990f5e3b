"""What a put asks the server to wait for, beyond taking it, and whether it came. Pure."""

from __future__ import annotations

from typing import cast

from ...errors import NotConfirmed, TransportError, Unsupported
from ...transport import Durability
from ._errors import refusal
from ._wire import Command, Reply

WAITS_FOR: tuple[Durability, ...] = ("disk", "replicas")


def confirmation(durable: Durability, replicas: int, seconds: float) -> Command:
    """Return the command that waits for the copies of what this connection wrote before."""
    milliseconds = max(1, int(seconds * 1000))  # 0 would mean for ever
    if durable == "disk":
        return (b"WAITAOF", 1, 0, milliseconds)
    return (b"WAIT", replicas, milliseconds)


def check_offered(reply: Reply, server: str) -> None:
    """Refuse to wait for a disk that the server does not write to; *reply* is that of a trial."""
    if isinstance(reply, Exception):
        text = str(reply)
        if "appendonly" in text:
            raise Unsupported(
                f'durable="disk": {server} has no append-only file; set appendonly yes there'
            ) from reply
        if "unknown command" in text:
            raise Unsupported(
                f'durable="disk": {server} is too old for WAITAOF, which came with Redis 7.2'
            ) from reply
        raise refusal(reply, server, 'durable="disk"') from reply


def check_confirmed(
    doing: str, server: str, durable: Durability, replicas: int, reply: Reply
) -> None:
    """Raise ``NotConfirmed`` unless *reply* says that the copies are made."""
    if isinstance(reply, Exception):
        why: TransportError = refusal(reply, server, doing)
        raise NotConfirmed(f"stored, but nobody can confirm it: {why}") from reply
    if durable == "disk":
        if cast("list[int]", reply)[0] < 1:
            raise NotConfirmed(f"{doing}: stored, but {server} has not written it to its disk yet")
    elif (have := cast("int", reply)) < replicas:
        raise NotConfirmed(
            f"{doing}: stored, but {have} of {replicas} replicas of {server} have it so far"
        )
