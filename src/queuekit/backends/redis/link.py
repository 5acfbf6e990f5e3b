"""
One redis-py connection per thread: send a batch of commands at once, read the replies.

redis-py configures and connects; its pool and its retries are not used. What was sent once is
never sent again here.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from ..._forks import FORKS
from ._errors import is_elsewhere
from ._line import Line
from ._wire import Command, Connection, LinkBroken, LinkClosed, Reply, pack
from .source import Source, silence_waiting

_IDLE: Final = 0.1
"""Seconds after which a connection is looked at before it is used: the server may have gone."""


class _Slot:
    """A thread's connection; with its thread it goes, and closes."""

    __slots__ = ("__weakref__", "busy", "connection", "id", "line", "lock", "used")

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.line: Line | None = None
        self.id: int | None = None
        self.lock = threading.RLock()  # held during a call, so that close() leaves it alone
        self.busy = False  # the lock is held, and this is no signal handler within that call
        self.used = 0.0

    def drop(self) -> None:
        """Disconnect; the next call makes a new connection."""
        connection, self.connection, self.line, self.id = self.connection, None, None, None
        if connection is not None:
            connection.disconnect()


class Link:
    """Exchanges batches with one server, from any thread and after ``fork``."""

    for_asyncio: ClassVar = False

    def __init__(self, source: Source) -> None:
        self.source = source
        self.trips = 0
        """Sends so far, for tests and measurements."""
        self._waiting_silence = silence_waiting(source.socket_timeout)
        self.closed = False
        self._begin()

    def _begin(self) -> None:
        """Know no connections: a new link, or a child that never uses those of its parent."""
        self._forks = FORKS.count
        self._local = threading.local()
        self._slots: weakref.WeakSet[_Slot] = weakref.WeakSet()
        self._lock = threading.Lock()  # the parent's may have been held at the fork

    def call(
        self, commands: Sequence[Command], *, waits: bool = False, into: list[Reply] | None = None
    ) -> list[Reply]:
        """
        Send *commands* at once and return their replies.

        *waits* says that one of them may block on the server. With *into* the replies are also
        appended there, and a call that a signal interrupts is not torn down: what blocks is ended,
        the replies are read into *into*, then the interruption goes on.

        Raises:
            LinkBroken: The replies did not come, or not all; the connection is gone.
        """
        slot = self._slot()
        replies: list[Reply] = [] if into is None else into
        start = len(replies)
        with slot.lock:
            if slot.busy:  # a signal handler, within a call of its thread
                self._apart(commands, replies)
            else:
                slot.busy = True
                try:
                    self._exchange(slot, commands, replies, waits, into is not None)
                finally:
                    slot.busy = False
        if self.closed:
            self._close(slot)
        return replies if into is None else replies[start:]

    def apart(self, commands: Sequence[Command]) -> list[Reply]:
        """Exchange on a connection of its own, also when the link is closed or within a call."""
        replies: list[Reply] = []
        self._apart(commands, replies)
        return replies

    def _apart(self, commands: Sequence[Command], into: list[Reply]) -> None:
        slot = _Slot()
        try:
            self._exchange(slot, commands, into, False, False)
        finally:
            slot.drop()

    def finish(self, call: Callable[[], None]) -> None:
        """Run *call*."""
        call()

    def close(self) -> None:
        """Close what is idle; a thread within a call closes its own when it is done."""
        self.closed = True
        with self._lock:
            slots = list(self._slots)
        for slot in slots:
            self._close(slot)

    def _close(self, slot: _Slot) -> None:
        if slot.lock.acquire(blocking=False):
            try:
                if not slot.busy:
                    slot.drop()
            finally:
                slot.lock.release()

    def _slot(self) -> _Slot:
        if self.closed:
            raise LinkClosed
        if self._forks != FORKS.count:
            self._begin()
        slot: _Slot | None = getattr(self._local, "slot", None)
        if slot is None:
            slot = self._local.slot = _Slot()
            with self._lock:
                self._slots.add(slot)
        return slot

    def _exchange(
        self, slot: _Slot, commands: Sequence[Command], into: list[Reply], waits: bool, keeps: bool
    ) -> None:
        data = pack(commands)
        line = slot.line
        if line is None or time.monotonic() - slot.used > _IDLE:
            line = self._ready(slot)
        start, goal = len(into), len(into) + len(commands)
        patience = self._waiting_silence if waits else self.source.socket_timeout
        begun = False
        try:
            if keeps and waits and slot.id is None:
                slot.id = self._number(line)
            self.trips += 1
            line.begin(data, patience)
            begun = True
            line.converse(into, goal)
        except Exception as exc:  # noqa: BLE001 - it goes on, as the cause
            slot.drop()
            raise LinkBroken(begun and line.has_sent) from _plain(exc, patience)
        except BaseException:
            if not begun:
                slot.drop()
            elif line.has_sent:
                if not keeps:
                    slot.drop()
                else:
                    self._finish(slot, line, into, start, goal)
            raise
        slot.used = time.monotonic()
        for reply in into[start:]:
            if isinstance(reply, Exception) and is_elsewhere(reply):
                slot.drop()

    def _ready(self, slot: _Slot) -> Line:
        line = slot.line
        if line is not None:
            if line.is_silent():
                return line
            slot.drop()
        connection = self.source.connection()
        try:
            connection.connect()
            self.source.advice.ask(connection)
            line = Line(connection, self.source.new_reader)
        except Exception as exc:
            connection.disconnect()
            raise LinkBroken(False) from exc
        except BaseException:
            connection.disconnect()
            raise
        slot.connection, slot.line = connection, line
        return line

    def _number(self, line: Line) -> int:
        """Return the server's number of a connection, 0 where it does not tell."""
        self.trips += 1
        replies: list[Reply] = []
        line.begin(pack([(b"CLIENT", b"ID")]), self.source.socket_timeout)
        line.converse(replies, 1)
        return replies[0] if isinstance(replies[0], int) else 0

    def _finish(self, slot: _Slot, line: Line, into: list[Reply], start: int, goal: int) -> None:
        """End what blocks on the server and read the rest; a connection that fails is dropped."""
        try:
            if not line.go_back(into, start, goal):
                if slot.id:
                    self._unblock(slot.id)
                line.converse(into, goal)
        except Exception:  # noqa: BLE001 - whatever it says, it is of no use
            slot.drop()
        except BaseException:
            slot.drop()
            raise

    def _unblock(self, number: int) -> None:
        """Free a blocked connection of ours by another one; without it, its slice soon ends."""
        try:
            self.apart([(b"CLIENT", b"UNBLOCK", number)])
        except LinkBroken:
            return


def _plain(exc: Exception, patience: float) -> Exception:
    is_silence = isinstance(exc, (TimeoutError, BlockingIOError))
    return TimeoutError(f"no answer within {patience:g} s") if is_silence else exc
