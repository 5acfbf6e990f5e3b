"""A serializer with its errors made ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic

from ._checks import refuse_type
from ._envelope import MAGIC, FrameError, may_be_framed, unwrap
from .errors import DecodeError, EncodeError
from .serializer import Serializer, T

_WAY_OUT = 'pass an object with dumps and loads, a module such as json, or a name such as "json"'


class Codec(Generic[T]):
    """Encodes and decodes bodies of one queue."""

    __slots__ = ("_dumps", "_loads", "label")

    def __init__(self, serializer: Serializer[T]) -> None:
        if isinstance(serializer, type):
            refuse_type("serializer must be an object", serializer, "make an instance of the class")
        if not isinstance(serializer, Serializer):
            refuse_type("serializer must have dumps and loads", serializer, _WAY_OUT)
        self._dumps = serializer.dumps
        self._loads = serializer.loads
        self.label = str(getattr(serializer, "__name__", type(serializer).__name__))

    def encode(self, body: T) -> bytes:
        """Return the bytes of *body*, or raise ``EncodeError`` with the reason and the way out."""
        return self.encode_many((body,))[0]

    def encode_many(self, bodies: Iterable[T]) -> list[bytes]:
        """Return the bytes of all *bodies*, or raise ``EncodeError`` for the first without."""
        dumps = self._dumps
        packed: list[bytes] = []
        for body in bodies:
            try:
                data = dumps(body)
                if type(data) is not bytes:
                    data = _as_bytes(data)
            except Exception as exc:
                raise EncodeError(
                    f"the serializer {self.label} cannot carry a body of type"
                    f" {type(body).__name__}: {exc}; convert it first, or build the queue with"
                    " another serializer"
                ) from exc
            packed.append(data)
        return packed

    def decode(self, data: bytes) -> T:
        """Return the body in *data*, or raise ``DecodeError`` which keeps the bytes."""
        try:
            return self._loads(data)
        except Exception as exc:  # RecursionError and MemoryError included: hostile bytes
            raise self._undecodable(data, exc) from exc

    def decode_stored(self, data: bytes) -> T:
        """Return the body in stored bytes, framed or not, or raise ``DecodeError``."""
        if data[:2] != MAGIC:
            return self.decode(data)
        try:
            body = unwrap(data).body
        except FrameError as exc:
            raise DecodeError(f"cannot read {len(data)} stored bytes: {exc}", data) from exc
        return self.decode(body)

    def decode_batch(self, stored: Sequence[bytes], into: list[T]) -> None:
        """Append the bodies in stored bytes; raise ``DecodeError`` at the first without one."""
        before = len(into)
        if may_be_framed(stored):
            into.extend(map(self.decode_stored, stored))
            return
        try:
            into.extend(map(self._loads, stored))  # those before an error are there
        except Exception as exc:
            raise self._undecodable(stored[len(into) - before], exc) from exc
        if len(into) - before < len(stored):  # one raised what ends a map in silence
            raise self._undecodable(stored[len(into) - before], StopIteration())

    def _undecodable(self, data: bytes, exc: Exception) -> DecodeError:
        return DecodeError(
            f"the serializer {self.label} cannot decode {len(data)} bytes:"
            f" {type(exc).__name__}: {exc}",
            data,
        )


def _as_bytes(data: object) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if not isinstance(data, bytes):
        raise TypeError(f"dumps returned {type(data).__name__}, not bytes or str")
    return data
