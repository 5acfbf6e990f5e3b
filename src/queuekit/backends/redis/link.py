"""
One redis-py connection per thread: send a batch of commands at once, read the replies.

The pool and the retries of redis-py are not used: what was sent once is never sent again here.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from ._wire import Command, Connection, Late, LinkBroken, LinkClosed, Reply, pack
from .client import Source

_IDLE: Final = 0.1
"""Seconds after which a connection is looked at before it is used: the server may have gone."""

_SLICE: Final = 1.2
"""Seconds after which a wait on the server has ended by itself."""
_NEAR: Final = 0.2
"""Seconds after which the answer of a wait that was ended is here."""


class _Slot:
    """A thread's connection; with its thread it goes, and closes."""

    __slots__ = ("__weakref__", "connection", "id", "lock", "used")

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.id: int | None = None
        self.lock = threading.Lock()  # held during a call, so that close() leaves it alone
        self.used = 0.0

    def drop(self) -> None:
        """Disconnect; the next call makes a new connection."""
        connection, self.connection, self.id = self.connection, None, None
        if connection is not None:
            connection.disconnect()


class Link:
    """Exchanges batches with one server, from any thread and after ``fork``."""

    for_asyncio: ClassVar = False

    def __init__(self, source: Source) -> None:
        self.source = source
        self.trips = 0
        """Sends so far, for tests and measurements."""
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        """Know no connections: a new link, or a child that never uses those of its parent."""
        self._pid = os.getpid()
        self._local = threading.local()
        self._slots: weakref.WeakSet[_Slot] = weakref.WeakSet()
        self._lock = threading.Lock()  # the parent's may have been held at the fork

    def call(
        self, commands: Sequence[Command], *, waits: bool = False, late: Late | None = None
    ) -> list[Reply]:
        """
        Send *commands* at once and return their replies.

        *waits* says that one of them may block on the server. With *late* a call that a signal
        interrupts is not torn down: what blocks is ended, the replies are read and given to *late*,
        then the interruption goes on.

        Raises:
            LinkBroken: The replies did not come; the connection is gone.
        """
        slot = self._slot()
        if not slot.lock.acquire(blocking=False):  # a signal handler, within a call of its thread
            passing = _Slot()
            try:
                return self._exchange(passing, commands, late, waits)
            finally:
                passing.drop()
        try:
            replies = self._exchange(slot, commands, late, waits)
        finally:
            slot.lock.release()
        if self._closed:
            self._close(slot)
        return replies

    def finish(self, call: Callable[[], None]) -> None:
        """Run *call*."""
        call()

    def close(self) -> None:
        """Close what is idle; a thread within a call closes its own when it is done."""
        self._closed = True
        with self._lock:
            slots = list(self._slots)
        for slot in slots:
            self._close(slot)

    def _close(self, slot: _Slot) -> None:
        if slot.lock.acquire(blocking=False):
            try:
                slot.drop()
            finally:
                slot.lock.release()

    def _slot(self) -> _Slot:
        if self._closed:
            raise LinkClosed
        if self._pid != os.getpid():
            self._begin()
        slot: _Slot | None = getattr(self._local, "slot", None)
        if slot is None:
            slot = self._local.slot = _Slot()
            with self._lock:
                self._slots.add(slot)
        return slot

    def _exchange(
        self, slot: _Slot, commands: Sequence[Command], late: Late | None, waits: bool
    ) -> list[Reply]:
        data = pack(commands)
        connection = self._ready(slot)
        replies: list[Reply] = []
        unsent = True
        try:
            if late is not None and waits and slot.id is None:
                slot.id = self._number(connection)
            unsent = False
            self.trips += 1
            connection.send_packed_command([data], check_health=False)
            self._read(connection, len(commands), replies)
        except Exception as exc:
            slot.drop()
            raise LinkBroken(not unsent) from exc
        except BaseException:
            if late is None or unsent:
                slot.drop()
                raise
            self._finish(slot, connection, len(commands), replies)
            late(replies)
            raise
        slot.used = time.monotonic()
        return replies

    def _ready(self, slot: _Slot) -> Connection:
        connection = slot.connection
        if connection is not None:
            if time.monotonic() - slot.used < _IDLE or not _is_stale(connection):
                return connection
            slot.drop()
        connection = self.source.connection()
        try:
            connection.connect()
        except Exception as exc:
            connection.disconnect()
            raise LinkBroken(False) from exc
        except BaseException:
            connection.disconnect()
            raise
        slot.connection = connection
        return connection

    def _number(self, connection: Connection) -> int:
        """Return the server's number of a connection, 0 where it does not tell."""
        self.trips += 1
        connection.send_packed_command([pack([(b"CLIENT", b"ID")])], check_health=False)
        replies: list[Reply] = []
        self._read(connection, 1, replies)
        return replies[0] if isinstance(replies[0], int) else 0

    def _read(self, connection: Connection, count: int, replies: list[Reply]) -> None:
        refusal = self.source.refusal
        while len(replies) < count:
            try:
                replies.append(
                    connection.read_response(disable_decoding=True, disconnect_on_error=False)
                )
            except refusal as exc:
                replies.append(exc.with_traceback(None))

    def _finish(
        self, slot: _Slot, connection: Connection, count: int, replies: list[Reply]
    ) -> None:
        """End what blocks on the server and read the rest; a connection that fails is dropped."""
        try:
            patience = _SLICE
            if len(replies) < count and slot.id and self._unblock(slot.id):
                patience = _NEAR
            while len(replies) < count and connection.can_read(timeout=patience):
                self._read(connection, len(replies) + 1, replies)
            if len(replies) < count:  # the signal came between the reply and its place in the list
                slot.drop()
        except Exception:  # noqa: BLE001 - whatever it says, it is of no use
            slot.drop()
        except BaseException:
            slot.drop()
            raise

    def _unblock(self, number: int) -> bool:
        """Free a blocked connection of ours by another one; False means that its slice must end."""
        helper = self.source.connection()
        try:
            helper.connect()
            command = pack([(b"CLIENT", b"UNBLOCK", number)])
            helper.send_packed_command([command], check_health=False)
            helper.read_response(disable_decoding=True)
        except Exception:  # noqa: BLE001 - whatever it says, it is of no use
            return False
        else:
            return True
        finally:
            helper.disconnect()


def _is_stale(connection: Connection) -> bool:
    """Tell whether the server has closed an idle connection, or said something unasked."""
    try:
        return connection.can_read(timeout=0)
    except Exception:  # noqa: BLE001 - whatever it says, it is of no use
        return True
