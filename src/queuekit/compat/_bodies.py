"""Messages and their bytes as both originals write them: by a serializer, or as plain text."""

from __future__ import annotations

import pickle
from typing import Any, Final, Protocol

from .._envelope import MAGIC

MAX_BODY: Final = 512 * 2**20
"""Bytes: what Redis takes; the originals set no limit of their own."""


class HasSerializer(Protocol):
    """A queue whose serializer may be assigned at any time."""

    @property
    def serializer(self) -> Any: ...


class Assigned:
    """
    The serializer that a queue has at the moment, as the engines' codec wants one.

    Args:
        queue: Whose serializer is used; None there means plain text.
        decode: What the queue was given as ``decode_responses``: with True ``loads`` gets text and
            messages without a serializer must be text; with False those are bytes; with None they
            are text where they can be, and bytes where they are none.
        frames: Whether the queue's readers know frames, so that no other body may begin like one.
    """

    __name__ = "of this queue"

    def __init__(self, queue: HasSerializer, decode: bool | None, *, frames: bool) -> None:
        self._queue = queue
        self._decode = decode
        self._frames = frames

    def dumps(self, obj: object, /) -> bytes:
        """Return the bytes that the original would have stored."""
        serializer = self._queue.serializer
        data = _plain(obj if serializer is None else serializer.dumps(obj))
        if self._frames and data.startswith(MAGIC):
            raise ValueError("it begins like a frame of queuekit (C1 71), and would be read as one")
        return data

    def loads(self, data: bytes, /) -> object:
        """Return what the original would have returned."""
        serializer = self._queue.serializer
        if serializer is None:
            return data if self._decode is False else self._text(data)
        if self._decode and serializer is not pickle:
            return serializer.loads(data.decode())
        return serializer.loads(data)

    def _text(self, data: bytes) -> str | bytes:
        try:
            return data.decode()
        except UnicodeDecodeError:
            if self._decode:
                raise
            return data


def _plain(value: object) -> bytes:
    """Return what redis-py would send: ``4`` is ``b"4"``."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, memoryview):
        return value.tobytes()
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (repr(value) if isinstance(value, float) else str(int(value))).encode()
    raise TypeError(
        "without a serializer a message is text, bytes or a number"
        f" ({type(value).__name__} was given to be stored)"
    )
