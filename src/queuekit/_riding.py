# Generated from _riding_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Acks that travel with the next claim of their queue, or a moment later by themselves."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic

from ._acompat import Later, complete
from ._forks import FORKS
from .errors import TransportError, TransportUnavailable
from .serializer import T
from .transport import Receipt

if TYPE_CHECKING:
    from ._settling import SettlingQueue
    from .message import Message

_LONGEST: Final = 1.0
"""Seconds after which acks that no claim has taken along are sent by themselves."""

_log = logging.getLogger("queuekit")


class Riding(Generic[T]):
    """The acks of one queue that its loops have taken, and the store has not heard of yet."""

    def __init__(self, queue: SettlingQueue[T]) -> None:
        self._queue = queue
        self._messages: deque[Message[T]] = deque()
        self._unsure: set[Receipt] = set()  # sent, and nobody knows whether they arrived
        self._later = Later(min(_LONGEST, queue.lease / 4), self.flush)
        self._forks = FORKS.count
        self.closed = False

    def __bool__(self) -> bool:
        return bool(self._messages)

    def add(self, message: Message[T]) -> None:
        """Take the ack of a message."""
        if self._forks != FORKS.count:
            self._forget_the_parents()
        message.settled = True
        self._messages.append(message)
        if not self._later.running:
            self._later.start()

    def take(self, into: list[Message[T]]) -> None:
        """Move all to *into*, which the caller sends and reports, or puts back."""
        if self._forks != FORKS.count:
            return
        with suppress(IndexError):  # another thread (task) took some meanwhile
            into.extend(islice(iter(self._messages.popleft, None), len(self._messages)))

    def put_back(self, messages: Sequence[Message[T]]) -> None:
        """Take what may have been sent, to be sent again."""
        if messages:
            if self._forks != FORKS.count:
                self._forget_the_parents()
            self._unsure.update(message.receipt for message in messages)
            self._messages.extendleft(reversed(messages))
            if not self._later.running and not self.closed:
                self._later.start()

    def report(self, messages: list[Message[T]], lost: Sequence[Receipt]) -> None:
        """Say which messages were not held any more; empty *messages*."""
        gone = set(lost) - self._unsure
        if gone:
            ids = [message.id for message in messages if message.receipt in gone]
            _log.warning(
                "queue %r: %d acked messages were not held any more, the lease ran out before the"
                " ack was sent; raise lease=: %s",
                self._queue.name,
                len(ids),
                ", ".join(ids),
            )
        if self._unsure:
            self._unsure.difference_update(message.receipt for message in messages)
        messages.clear()

    def flush(self) -> bool:
        """Send what waits, and tell whether there was something; an error is only logged."""
        messages: list[Message[T]] = []
        try:
            self.take(messages)
            if not messages:
                return False
            receipts = [message.receipt for message in messages]
            self.report(messages, self._queue.transport.ack(self._queue.name, receipts))
        except TransportUnavailable as exc:
            self.put_back(messages)
            _log.warning("queue %r: acks wait for the store: %s", self._queue.name, exc)
        except TransportError as exc:
            _log.warning("queue %r: acks could not be sent: %s", self._queue.name, exc)
        except BaseException:
            self.put_back(messages)
            raise
        return True

    def rest(self) -> None:
        """Send what waits: a loop is at its end."""
        if self._messages:
            complete(self.flush)
        if not self._messages:
            self._later.stop()  # also where it says that it is at its end: it sends the last

    def close(self) -> None:
        """Send what waits, and take no more."""
        self.closed = True
        self.rest()

    def _forget_the_parents(self) -> None:
        """Leave to the process that this one was forked from what is its own."""
        self._messages.clear()
        self._later.forked()
        self._forks = FORKS.count
