"""Messages that were claimed before, and how they go back. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from ._envelope import claimed_id, frame_attempts, frame_id
from ._receipt import place_of, token_of
from .transport import Receipt


class Returned:
    """A message that was claimed before: its body, and what is known of it since."""

    __slots__ = ("attempts", "body", "key")

    def __init__(self, body: bytes, attempts: int, key: str) -> None:
        self.body = body
        self.attempts = attempts
        self.key = key

    def again(self, counted: bool) -> Returned:
        """Return what goes back for it."""
        return Returned(self.body, self.attempts + counted, self.key)


Message: TypeAlias = "bytes | Returned"
"""A body that nobody has claimed yet stands as it is."""


def bodies_of(messages: Iterable[Message]) -> list[bytes]:
    """Return the bodies alone."""
    return [one.body if isinstance(one, Returned) else one for one in messages]


def returned(receipt: Receipt, message: Message | None, counted: bool) -> Returned | None:
    """Return what goes back for what a receipt held; a body without a frame keeps its name."""
    if message is None or isinstance(message, Returned):
        return message and message.again(counted)
    key = frame_id(message) or claimed_id(token_of(receipt), place_of(receipt))
    return Returned(message, frame_attempts(message) + counted, key)


def lost(receipts: Iterable[Receipt], held: Iterable[Message | None]) -> list[Receipt]:
    """Return the receipts that held nothing."""
    return [receipt for receipt, one in zip(receipts, held, strict=True) if one is None]
