"""Replies out of bytes, as the server sends them (RESP2), in whatever pieces they come. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Final, Literal, Protocol

from ._wire import Reply

Refuse = Callable[[str], Exception]
"""Makes an exception of the text of an error reply."""

_END: Final = b"\r\n"
_ARRAY, _BULK, _INTEGER, _STATUS, _ERROR = b"*$:+-"


class Reader(Protocol):
    """The part of ``hiredis.Reader`` that is used: that one is taken where it is installed."""

    def feed(self, data: bytes, /) -> object: ...
    def gets(self) -> Reply | Literal[False]: ...


class PlainReader:
    """
    Reads replies in pure Python.

    What is known to be missing is waited for before anything is looked at again, so that a long
    reply costs time with its length, in however many pieces it comes.
    """

    __slots__ = ("_at", "_data", "_have", "_need", "_open", "_pieces", "_refuse")

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse
        self._pieces: list[bytes] = []
        self._have = 0
        self._need = 1
        self._data = b""
        self._at = 0
        self._open: list[tuple[list[Reply], int]] = []  # arrays that miss elements

    def feed(self, data: bytes, /) -> None:
        """Take the next piece."""
        self._pieces.append(data)
        self._have += len(data)

    def gets(self) -> Reply | Literal[False]:
        """Return the next reply, or False while a part of it is missing."""
        if self._have < self._need:
            return False
        pieces = self._pieces
        if pieces:
            if len(pieces) == 1 and self._at == len(self._data):  # nearly always
                self._data = pieces[0]
            else:
                self._data = b"".join((self._data[self._at :], *pieces))
            self._at = 0
            pieces.clear()
        while True:
            if self._open:
                self._bulks(*self._open[-1])
            reply = self._value()
            if reply is False:
                return False
            while self._open:
                elements, count = self._open[-1]
                elements.append(reply)
                if len(elements) < count:
                    break
                self._open.pop()
                reply = elements
            else:
                return reply

    def _bulks(self, elements: list[Reply], count: int) -> None:
        """Take the texts that an array goes on with, but for its last element: most of them are."""
        data, at = self._data, self._at
        size = len(data)
        for _ in range(count - len(elements) - 1):
            end = data.find(_END, at)
            if end < 0 or data[at] != _BULK:
                break
            after = end + 2
            stop = after + int(data[at + 1 : end])
            if stop < after or stop + 2 > size:
                break
            elements.append(data[after:stop])
            at = stop + 2
        self._pass(at)

    def _value(self) -> Reply | Literal[False]:
        """Return the next value that is no array with elements; such a one is opened."""
        data = self._data
        while True:
            at = self._at
            end = data.find(_END, at)
            if end < 0:
                return self._wait_for(self._have + 1)
            kind, size = data[at], -1
            head = data[at + 1 : end]
            after = end + 2
            if kind == _BULK:
                size = int(head)
                if size >= 0:
                    stop = after + size
                    if len(data) < stop + 2:
                        return self._wait_for(stop + 2 - at)
                    self._pass(stop + 2)
                    return data[after:stop]
            elif kind == _ARRAY:
                size = int(head)
                if size > 0:
                    self._pass(after)
                    self._open.append(([], size))
                    continue
            self._pass(after)
            if kind == _BULK:
                return None
            if kind == _INTEGER:
                return int(head)
            if kind == _STATUS:
                return head
            if kind == _ERROR:
                return self._refuse(head.decode(errors="replace"))
            if kind == _ARRAY:
                return None if size < 0 else []
            raise ValueError(f"no reply begins with {bytes((kind,))!r}")

    def _pass(self, at: int) -> None:
        self._have -= at - self._at
        self._at = at
        self._need = 1

    def _wait_for(self, need: int) -> Literal[False]:
        self._need = need
        return False


def new_reader(refuse: Refuse) -> Reader:
    """Return a reader for one conversation."""
    kind = _hiredis()
    return PlainReader(refuse) if kind is None else kind(replyError=refuse)


@cache
def _hiredis() -> Callable[..., Reader] | None:
    try:
        kind: Callable[..., Reader] = import_module("hiredis").Reader
    except ImportError:
        return None
    return kind
