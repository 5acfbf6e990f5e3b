"""What a message takes along to another store: its body, in a frame where it needs one. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ._envelope import FrameError, frame_attempts, unwrap, wrap
from .transport import Delivery

_UID: Final = 36
"""Length of an id with dashes, as SafeRedisQueue writes them."""
_ID: Final = 16
"""Bytes."""


def carried(
    delivery: Delivery, *, counts: bool = True, new_id: Callable[[], bytes] | None = None
) -> bytes:
    """
    Return a body with the attempts of its delivery and, where its store gave it one, the id.

    A frame stays as it is but for the attempts, so it keeps its headers and its place. A body
    without one stays bare unless it has something to keep. What is no proper frame is left alone.

    Args:
        delivery: As it was claimed.
        counts: Whether the new store counts attempts; one that does not gets no frames by this.
        new_id: Makes an id for a body that must have a frame and has none.
    """
    body, attempts = delivery.body, delivery.attempt - 1
    try:
        framed = unwrap(body).id is not None
    except FrameError:
        return body
    if not framed:
        needed = counts and (attempts > 0 or len(delivery.key) == _UID)
        message_id = _id_of(delivery.key) or (new_id() if new_id else b"")
        if not message_id or not (needed or new_id):
            return body
        body = wrap(message_id, body)
    count = min(max(attempts, frame_attempts(body)), 255)
    return body[:3] + bytes([count]) + body[4:]


def _id_of(key: str) -> bytes:
    try:
        found = bytes.fromhex(key.replace("-", ""))
    except ValueError:
        return b""
    return found if len(found) == _ID else b""
