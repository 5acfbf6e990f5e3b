"""A reader of replies by hand, for where hiredis is not installed: the same two methods."""

from __future__ import annotations

from typing import Any


class Reader:
    """Feed it bytes, get replies; False while none is complete."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes | bytearray, start: int = 0, size: int | None = None) -> None:
        self._data += data[start : None if size is None else start + size]

    def gets(self) -> Any:
        try:
            reply, end = self._parse(0)
        except IndexError:
            return False
        del self._data[:end]
        return reply

    def _parse(self, at: int) -> tuple[Any, int]:
        """Return the reply that begins there and its end; IndexError where more must come."""
        stop = self._data.find(b"\r\n", at)
        if stop < 0:
            raise IndexError
        kind, text, end = self._data[at : at + 1], bytes(self._data[at + 1 : stop]), stop + 2
        if kind == b"+":
            return text, end
        if kind == b"-":
            return RuntimeError(text.decode()), end
        size = int(text)
        if kind == b":":
            return size, end
        if size < 0:
            return None, end
        if kind == b"$":
            if len(self._data) < end + size + 2:
                raise IndexError
            return bytes(self._data[end : end + size]), end + size + 2
        found: list[Any] = []
        for _ in range(size):
            reply, end = self._parse(end)
            found.append(reply)
        return found, end
