"""One conversation on a socket, which may be interrupted anywhere and goes on where it stood."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

from ._resp import Reader
from ._wire import Connection, Reply

_PIECE: Final = (65536,)
"""Bytes of one read, as the arguments of ``map``."""

_HAS_TIMEVAL: Final = sys.platform != "win32"  # there the option takes milliseconds


class Line:
    """
    Sends bytes and reads replies on the socket of a connection that redis-py made.

    An exception may come between any two steps of the interpreter, from a signal handler or from
    another thread. So what a system call returns is put into a list by the same step (``map`` and
    ``extend`` run in C) and stays there until the next conversation: ``go_on`` needs no more.
    """

    __slots__ = (
        "_clean",
        "_data",
        "_fed",
        "_in_kernel",
        "_inbox",
        "_new_reader",
        "_patience",
        "_reader",
        "_recv",
        "_send",
        "_sent",
        "_sock",
    )

    def __init__(self, connection: Connection, new_reader: Callable[[], Reader]) -> None:
        self._sock: Any = getattr(connection, "_sock")  # noqa: B009 - redis-py calls it private
        if not hasattr(self._sock, "recv"):
            from ._fakeredis import FakeSocket, ReadyReader

            self._sock, new_reader = FakeSocket(self._sock), ReadyReader
        inner = getattr(self._sock, "_sslobj", None)  # an SSLSocket's own methods are not in C
        self._recv: Callable[[int], bytes] = self._sock.recv if inner is None else inner.read
        self._send: Callable[[bytes | memoryview], int] = (
            self._sock.send if inner is None else inner.write
        )
        self._in_kernel = isinstance(self._sock, socket.socket) and inner is None and _HAS_TIMEVAL
        self._new_reader = new_reader
        self._patience = -1.0
        self._sent: list[int] = []
        self._data = b""
        self._inbox: list[bytes] = []
        self._reader = new_reader()
        self._clean = True
        self._fed = 0

    @property
    def has_sent(self) -> bool:
        """Whether the server may have got something of this conversation."""
        return bool(self._sent)

    def begin(self, data: bytes, patience: float) -> None:
        """Take the bytes to send, and the seconds that the server may then be silent."""
        self._sent = []  # first: nothing of the last conversation is ever sent again
        self._inbox = []
        self._data = data
        self._fed = 0
        if not self._clean:
            self._reader = self._new_reader()
        self._clean = False  # until all replies were read: there may be a part of one in it
        if patience != self._patience:
            self._set_patience(patience)

    def converse(self, into: list[Reply], goal: int) -> None:
        """Send what was begun, and read until *into* has *goal* replies."""
        self._flush()
        if not self._inbox:
            self._inbox.extend(map(self._recv, _PIECE))
        while not self._parse(into, goal):
            self._inbox.extend(map(self._recv, _PIECE))
        self._clean = len(into) == goal

    def go_back(self, into: list[Reply], start: int, goal: int) -> bool:
        """
        Read anew what came for a conversation that was interrupted, and send its rest.

        After that ``converse`` goes on. Return whether all is here already.
        """
        del into[start:]
        self._flush()
        self._reader = self._new_reader()
        self._fed = 0
        return self._parse(into, goal)

    def is_silent(self) -> bool:
        """Tell whether an idle connection is open, and the server said nothing unasked."""
        self._patience = -1.0
        self._sock.settimeout(0)
        try:
            self._recv(1)
        except BlockingIOError:
            return True
        except OSError as exc:
            return type(exc).__name__ == "SSLWantReadError"
        return False

    def _set_patience(self, seconds: float) -> None:
        """
        Let a call of the system end after so many seconds, with an ``OSError``.

        The system itself can watch the time; with a timeout of Python each call would be two,
        since it polls before.
        """
        if self._in_kernel:
            whole = int(seconds)
            time = struct.pack("ll", whole, max(1, int((seconds - whole) * 1e6)))
            self._sock.settimeout(None)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, time)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, time)
        else:
            self._sock.settimeout(seconds)
        self._patience = seconds

    def _flush(self) -> None:
        data, sent = self._data, self._sent
        while (done := sum(sent)) < len(data):
            rest = memoryview(data)[done:] if done else data
            sent.extend(map(self._send, (rest,)))

    def _parse(self, into: list[Reply], goal: int) -> bool:
        inbox, reader = self._inbox, self._reader
        while self._fed < len(inbox):
            piece = inbox[self._fed]
            self._fed += 1
            if not piece:
                raise ConnectionError("the server closed the connection")
            reader.feed(piece)
            while (reply := reader.gets()) is not False:
                into.append(reply)
        return len(into) >= goal
