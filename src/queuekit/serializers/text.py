"""Texts and bytes as they are: for programs in other languages, and for bodies packed elsewhere."""

from __future__ import annotations


class TextSerializer:
    """Store a ``str`` as UTF-8, and nothing else."""

    __name__ = "text"

    def dumps(self, obj: str, /) -> bytes:
        """Return the text in UTF-8."""
        if not isinstance(obj, str):
            raise TypeError("only a str can be stored as text")
        return obj.encode()

    def loads(self, data: bytes, /) -> str:
        """Return the text; UnicodeDecodeError for other bytes."""
        return data.decode()


class BytesSerializer:
    """Store ``bytes`` as they are, and nothing else."""

    __name__ = "bytes"

    def dumps(self, obj: bytes, /) -> bytes:
        """Return the bytes; a bytearray or memoryview is copied."""
        if type(obj) is bytes:  # nearly always
            return obj
        if not isinstance(obj, (bytes, bytearray, memoryview)):
            raise TypeError("only bytes can be stored as bytes")
        return bytes(obj)

    def loads(self, data: bytes, /) -> bytes:
        """Return the bytes."""
        return data
