# Generated from _settling_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Claims: what a reliable queue does with deliveries, by the engine's policy."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakValueDictionary

from ._acompat import complete, sleep
from ._checks import check_limits, refuse_type
from ._deadline import Deadline
from ._envelope import HEAD, NO_HEADERS, PLAIN, FrameError, unwrap
from ._letters import EXPIRES, dead_name, expired, own_headers
from ._outcomes import Outcomes
from ._policy import RetryPolicy
from ._riding import Riding
from .abilities import Limiting, Limits
from .errors import DecodeError, TransportError, Unsupported
from .message import Message
from .serializer import Serializer, T
from .transport import Delivery, Receipt, Transport

if TYPE_CHECKING:
    from ._messages import Messages

_CLOSING_TICK: Final = 0.005
"""Seconds between looks whether the claims of other threads (tasks) are over."""

_log = logging.getLogger("queuekit")


class SettlingQueue(Outcomes[T]):
    """The part of ``ReliableQueue`` that claims; not built by itself."""

    def __init__(
        self,
        name: str,
        transport: str | Transport | None,
        serializer: Serializer[Any] | str | None,
        lease: float,
        retry: RetryPolicy,
        keep_traceback: bool,
        limits: Limits | None,
    ) -> None:
        super().__init__(name, transport, serializer, lease, retry, keep_traceback)
        self._limits = limits if limits is None else _checked(limits, self._transport)
        self._claiming: set[object] = set()
        self._leaving: dict[Receipt, None] = {}  # what an interrupted call would give back
        self.riding: Riding[T] = Riding(self)
        self.riding.closed = limits is not None  # an ack on its way would keep a turn taken
        self._loops: WeakValueDictionary[int, Messages[T]] = WeakValueDictionary()

    def close(self) -> None:
        """
        Close the queue, and its transport if it was opened from a URL.

        Afterwards it claims nothing: what its loops had claimed ahead goes back, uncounted, and so
        does what a claim brings that is under way, for which this waits up to two seconds. A
        message that a consumer has can no longer be settled by this queue and comes back when its
        lease runs out; so ``stop`` the workers and let them end before. A second call does nothing;
        every other call then raises ``TransportClosed``.
        """
        if self._closed:
            return
        self._closed = True
        try:
            complete(self._hand_back)
        finally:
            super().close()

    def _hand_back(self) -> None:
        """Wait for the claims under way, send the acks that travel, give back what is held."""
        if self._owned:
            end = Deadline(2 * self._transport.features.max_wait, time.monotonic())
            while self._claiming and end.left(time.monotonic()):
                sleep(_CLOSING_TICK)
        self.riding.close()
        for loop in self._loops.valuerefs():
            messages = loop()
            if messages is not None:
                self.give_back(messages.let_go())
        self.give_back([])

    def add_loop(self, messages: Messages[T]) -> None:
        """Remember a loop while it lives: ``close`` gives back what it has claimed ahead."""
        self._loops[id(messages)] = messages

    def claim_slice(self, limit: int, deadline: Deadline) -> tuple[list[Delivery], float]:
        """
        Claim once, waiting at most for a slice of what is left: the loop is the caller's.

        Also returns until when the claim is held for certain, on this process's monotonic clock:
        the lease counts from before the claim was sent.
        """
        sent = time.monotonic()
        wait = deadline.slice(sent, self._transport.features.max_wait)
        mark = object()
        self._claiming.add(mark)  # before the look at whether it is closed; see ``close``
        found: list[Delivery] = []
        acks: list[Message[T]] = []
        try:
            try:
                transport, name = self._open(), self._name
                if self.riding:
                    self.riding.take(acks)
                    receipts = [message.receipt for message in acks]
                    lost, found = transport.ack_and_claim(
                        name, receipts, lease=self._lease, limit=limit, timeout=wait
                    )
                    self.riding.report(acks, lost)
                elif self._limits is None:
                    found = transport.claim(name, lease=self._lease, limit=limit, timeout=wait)
                else:
                    found = cast("Limiting", transport).claim_within(
                        name, limits=self._limits, lease=self._lease, limit=limit, timeout=wait
                    )
                if self._closed:
                    self.give_back([delivery.receipt for delivery in found])
                    self._open()
            finally:
                self._claiming.discard(mark)
        except Exception:
            self.riding.put_back(acks)
            raise
        except BaseException:  # nobody gets them: they go back to where they were
            self.riding.put_back(acks)
            self.give_back([delivery.receipt for delivery in found])
            raise
        return found, sent + self._lease

    def hold(self, receipt: Receipt, until: float) -> float | None:
        """
        Have a claim held for half a lease, before its messages are handed out.

        Whoever was stopped since the claim was sent may hold nothing any more, and the messages
        may be with others: the store is asked, by an extension. Returns until when the claim is
        held for certain; None says that it is lost.
        """
        now = time.monotonic()
        if until - now >= self._lease / 2:
            return until
        while not self.extend_claim(receipt):
            until = now + self._lease
            now = time.monotonic()
            if now < until:  # else stopped while the store was asked
                return until
        return None

    def open_delivery(self, delivery: Delivery) -> Message[T] | None:
        """Return the message in a delivery; None if it had to go to the dead letters."""
        data, receipt, attempt, message_id = delivery
        headers, packed = NO_HEADERS, data[HEAD:]
        try:
            if data[:4] == PLAIN:  # nearly always
                message_id = data[4:HEAD].hex()
            else:
                envelope = unwrap(data)
                message_id = envelope.id or message_id
                headers, packed = envelope.headers, envelope.body
                if EXPIRES in headers:
                    if self._expire(delivery, message_id, headers):
                        return None
                    headers = own_headers(headers)
            if attempt > 1:
                self._refuse_poison(delivery)
            body = self._codec.decode(packed)
        except (FrameError, DecodeError, _PoisonError) as exc:
            attempts = delivery.attempt - isinstance(exc, _PoisonError)  # this claim is none
            error = exc if isinstance(exc, DecodeError) else None
            dead = self._letter(delivery.key, delivery.body, attempts, str(exc), error)
            to = dead_name(self._name)
            if not self._open().move(self._name, [(delivery.receipt, dead)], to=to):
                _log.error("queue %r: message %s is dead: %s", self._name, delivery.key, exc)
            return None
        return Message(self, message_id, body, headers, attempt, receipt, data)

    def _expire(self, delivery: Delivery, message_id: str, headers: Mapping[str, str]) -> bool:
        """Put away a message whose time is over; tell whether it was."""
        fate, name = expired(headers, time.time()), self._name
        if fate == "drop":
            if not self._open().ack(name, [delivery.receipt]):
                _log.info("queue %r: message %s expired and was dropped", name, message_id)
        elif fate == "dead":
            attempts = delivery.attempt - 1  # this claim is none
            dead = self._letter(delivery.key, delivery.body, attempts, "expired")
            if not self._open().move(name, [(delivery.receipt, dead)], to=dead_name(name)):
                _log.info("queue %r: message %s expired and is dead", name, message_id)
        return fate is not None

    def extend_claim(self, receipt: Receipt) -> list[Receipt]:
        """Extend the claim of one receipt by the queue's lease; the answer of the transport."""
        return self._open().extend(self._name, [receipt], lease=self._lease)

    def ack_again(self, *messages: Message[T]) -> None:
        """Repeat an ack that was interrupted: now or, interrupted again, with the next acks."""
        self.riding.put_back(messages)
        self.riding.rest()

    def give_back(self, receipts: Sequence[Receipt]) -> None:
        """
        Release deliveries uncounted; what was lost meanwhile is with others, as it should.

        An error is only logged: they come back when their lease runs out. Interrupted, this does it
        once more before it ends; interrupted again, the next call does it, the last in ``close``.
        """
        left = list(self._leaving)
        receipts = [*left, *receipts]
        if not receipts:
            return
        try:
            self._release(receipts)
        except BaseException:
            self._leaving.update(dict.fromkeys(receipts))
            self._release(receipts)
            self._have_left(receipts)
            raise
        self._have_left(left)

    def _release(self, receipts: Sequence[Receipt]) -> None:
        try:
            self._transport.release(self._name, receipts, counted=False)
        except TransportError as exc:
            _log.warning("queue %r: claimed messages not given back: %s", self._name, exc)

    def _have_left(self, receipts: Sequence[Receipt]) -> None:
        for receipt in receipts:
            self._leaving.pop(receipt, None)

    def _refuse_poison(self, delivery: Delivery) -> None:
        if delivery.attempt > 1 and self._retry.exhausted(delivery.attempt - 1):
            raise _PoisonError(f"{delivery.attempt - 1} attempts ended in a failure or a crash")


def _checked(limits: object, transport: Transport) -> Limits:
    """Return the limits of a queue, or refuse them."""
    if not isinstance(limits, Limits):
        refuse_type("limits= are Limits", limits, "use Limits(rate=10, per=1.0)")
    check_limits(limits)
    if not isinstance(transport, Limiting):
        raise Unsupported(
            "this transport cannot limit how fast messages are taken: memory:, sqlite: and redis:"
            " can"
        )
    return limits


class _PoisonError(Exception):
    """A message was delivered too often."""
