# Generated from _settling_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Claims and their ends: what a reliable queue does with deliveries, by the engine's policy."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakValueDictionary

from ._acompat import sleep
from ._checks import check_limit, check_seconds, refuse_type
from ._deadline import Deadline
from ._envelope import HEAD, NO_HEADERS, PLAIN, FrameError, unwrap, unwrap_or_raw
from ._letters import dead_name, letter
from ._named import NamedQueue
from ._policy import RetryPolicy
from ._riding import Riding
from .errors import ConfigurationError, DecodeError, LeaseLost, TransportError
from .message import Message
from .serializer import Serializer, T
from .transport import Delivery, Receipt, Transport

if TYPE_CHECKING:
    from ._messages import Messages

_CLOSING_TICK: Final = 0.005
"""Seconds between looks whether the claims of other threads (tasks) are over."""

_log = logging.getLogger("queuekit")


class SettlingQueue(NamedQueue[Transport, T]):
    """The part of ``ReliableQueue`` that claims and settles; not built by itself."""

    def __init__(
        self,
        name: str,
        transport: str | Transport | None,
        serializer: Serializer[Any] | str | None,
        lease: float,
        retry: RetryPolicy,
    ) -> None:
        super().__init__(name, transport, serializer)
        if not isinstance(self._transport, Transport):  # pyright: ignore[reportUnnecessaryIsInstance]
            refuse_type(
                "a reliable queue needs a transport that can claim",
                self._transport,
                "use Queue",
            )
        self._lease = check_seconds("lease", lease, positive=True)
        check_limit("lease", self._lease, self._transport.features.max_lease)
        self._retry = retry
        self._claiming: set[object] = set()
        self.riding: Riding[T] = Riding(self)
        self._loops: WeakValueDictionary[int, Messages[T]] = WeakValueDictionary()

    @property
    def lease(self) -> float:
        """Seconds that a consumer holds a message."""
        return self._lease

    @property
    def retry(self) -> RetryPolicy:
        """When failed messages are tried again."""
        return self._retry

    def ack(self, *messages: Message[T] | Receipt) -> None:
        """
        Forget messages, in one trip; by their receipts where the objects are elsewhere.

        Raises:
            LeaseLost: Some were not held any more; the others are done.
        """
        if messages:
            self._flush_before(messages)
            lost = self._open().ack(self._name, self._settle(messages))
            self._report(lost, messages, "ack")

    def release(self, *messages: Message[T] | Receipt) -> None:
        """
        Give messages back to the head of the queue, uncounted, in their old order.

        Raises:
            LeaseLost: Some were not held any more; the others are done.
        """
        if messages:
            self._flush_before(messages)
            receipts = self._settle(messages)
            lost = self._open().release(self._name, receipts, counted=False)
            self._report(lost, messages, "release")

    def extend(self, *messages: Message[T] | Receipt, lease: float | None = None) -> None:
        """
        Keep messages for *lease* seconds from now (default: the queue's), never shorter than now.

        Raises:
            LeaseLost: Some were not held any more; the others are extended.
        """
        seconds = self._lease if lease is None else check_seconds("lease", lease, positive=True)
        check_limit("lease", seconds, self._open().features.max_lease)
        if messages:
            self._flush_before(messages)
            receipts = self._receipts(messages)
            lost = self._open().extend(self._name, receipts, lease=seconds)
            self._report(lost, messages, "extend")

    def fail(self, *messages: Message[T], delay: float | None = None, reason: str = "") -> None:
        """
        Say that the work on messages failed: each is tried again by the policy, or given up.

        Args:
            messages: The messages; the attempts of each decide.
            delay: Seconds to wait instead of the policy's; 0 puts them at the end of the queue.
            reason: Kept with the dead letters of those that are given up.

        Raises:
            LeaseLost: Some were not held any more; the others are done.
        """
        self._check_messages(messages)
        self._flush_before(messages)
        longest = self._open().features.max_delay
        seconds = None if delay is None else check_seconds("delay", delay)
        if seconds is not None:
            check_limit("delay", seconds, longest)
        over = [message for message in messages if self._retry.gives_up(message.attempt)]
        lost = self._bury(over, reason) if over else []
        waits: dict[float, list[Message[T]]] = {}
        chance = random.random()
        for message in messages:
            if not self._retry.gives_up(message.attempt):
                wait = self._retry.delay(message.attempt, chance) if seconds is None else seconds
                if longest is not None and seconds is None:
                    wait = min(wait, longest)
                waits.setdefault(wait, []).append(message)
        transport = self._open()
        for wait, group in waits.items():
            receipts = self._settle(group)
            lost += transport.release(self._name, receipts, counted=True, delay=wait)
        self._report(lost, messages, "fail")

    def reject(self, *messages: Message[T], reason: str = "") -> None:
        """
        Give messages up: they go to the dead letters, with the reason.

        Raises:
            LeaseLost: Some were not held any more; the others are done.
        """
        if messages:
            self._check_messages(messages)
            self._flush_before(messages)
            lost = self._bury(list(messages), str(reason) or "rejected")
            self._report(lost, messages, "reject")

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
        if self._owned:
            end = Deadline(2 * self._transport.features.max_wait, time.monotonic())
            while self._claiming and end.left(time.monotonic()):
                sleep(_CLOSING_TICK)
        self.riding.close()
        for loop in self._loops.valuerefs():
            messages = loop()
            if messages is not None:
                self.give_back(messages.let_go())
        super().close()

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
                else:
                    found = transport.claim(name, lease=self._lease, limit=limit, timeout=wait)
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
            if attempt > 1:
                self._refuse_poison(delivery)
            body = self._codec.decode(packed)
        except (FrameError, DecodeError, _PoisonError) as exc:
            attempts = delivery.attempt - isinstance(exc, _PoisonError)  # this claim is none
            dead = self._letter(delivery.key, delivery.body, attempts, str(exc))
            to = dead_name(self._name)
            if not self._open().move(self._name, [(delivery.receipt, dead)], to=to):
                _log.error("queue %r: message %s is dead: %s", self._name, delivery.key, exc)
            return None
        return Message(self, message_id, body, headers, attempt, receipt, data)

    def extend_claim(self, receipt: Receipt) -> list[Receipt]:
        """Extend the claim of one receipt by the queue's lease; the answer of the transport."""
        return self._open().extend(self._name, [receipt], lease=self._lease)

    def ack_again(self, receipt: Receipt) -> None:
        """Repeat an ack that was interrupted; an error is only logged."""
        try:
            self._transport.ack(self._name, [receipt])
        except TransportError as exc:
            _log.warning("queue %r: an interrupted ack may not be done: %s", self._name, exc)

    def give_back(self, receipts: Sequence[Receipt]) -> None:
        """
        Release deliveries uncounted; what was lost meanwhile is with others, as it should.

        An error is only logged: they come back when their lease runs out.
        """
        if not receipts:
            return
        try:
            self._transport.release(self._name, receipts, counted=False)
        except TransportError as exc:
            _log.warning("queue %r: claimed messages not given back: %s", self._name, exc)

    def _refuse_poison(self, delivery: Delivery) -> None:
        if delivery.attempt > 1 and self._retry.gives_up(delivery.attempt - 1):
            raise _PoisonError(f"{delivery.attempt - 1} attempts ended in a failure or a crash")

    def _letter(self, key: str, data: bytes, attempt: int, reason: str) -> bytes:
        envelope = unwrap_or_raw(data)
        return letter(
            bytes.fromhex(envelope.id or key),
            envelope,
            queue=self._name,
            reason=reason,
            attempts=attempt,
            died_at=time.time(),
        )

    def _bury(self, messages: Sequence[Message[T]], reason: str) -> list[Receipt]:
        letters = [
            (
                message.receipt,
                self._letter(
                    message.id,
                    message.data,
                    message.attempt,
                    reason or f"attempt {message.attempt} failed",
                ),
            )
            for message in messages
        ]
        self._settle(messages)
        return self._open().move(self._name, letters, to=dead_name(self._name))

    def _flush_before(self, messages: Sequence[Message[T] | Receipt]) -> None:
        """Send the acks on their way before more is said of messages that may be among them."""
        if self.riding and any(isinstance(one, str) or one.settled for one in messages):
            self.riding.flush()

    def _settle(self, messages: Sequence[Message[T] | Receipt]) -> list[Receipt]:
        """Return the receipts, each once, and mark the messages."""
        receipts: list[Receipt] = []
        for message in messages:
            if type(message) is not Message or message.queue is not self:
                receipts = self._receipts(messages)
                break
            receipts.append(message.receipt)
        else:
            receipts = list(dict.fromkeys(receipts))
        for message in messages:
            if isinstance(message, Message):
                message.settled = True
        return receipts

    def _receipts(self, messages: Sequence[Message[T] | Receipt]) -> list[Receipt]:
        """Return the receipts, each once; refuse what is none, before anything is done."""
        for message in cast("Sequence[object]", messages):
            if isinstance(message, Message):
                message = cast("Message[object]", message)
                if message.queue.name != self._name:
                    raise ConfigurationError(
                        f"a message of {message.queue.name!r} cannot be settled on {self._name!r}"
                    )
            elif not isinstance(message, str):
                way_out = "get() returns None when nothing came"
                refuse_type("messages or their receipts are settled", message, way_out)
        return list(dict.fromkeys(_receipt(message) for message in messages))

    def _check_messages(self, messages: Sequence[Message[T]]) -> None:
        """Refuse receipts where the attempts and the body are needed."""
        self._receipts(messages)
        for message in cast("Sequence[object]", messages):
            if not isinstance(message, Message):
                way_out = "only ack, release and extend take receipts"
                refuse_type("fail and reject take messages", message, way_out)

    def _report(
        self, lost: Sequence[Receipt], messages: Sequence[Message[T] | Receipt], verb: str
    ) -> None:
        if not lost:
            return
        gone = set(lost)
        ids = [
            message.id if isinstance(message, Message) else str(message)
            for message in messages
            if _receipt(message) in gone
        ]
        raise LeaseLost(
            f"{verb}: {len(ids)} of {len(messages)} messages of {self._name!r} were not held any"
            " more: settled before, or the lease ran out; raise lease= or extend in time",
            ids,
        )


class _PoisonError(Exception):
    """A message was delivered too often."""


def _receipt(message: Message[T] | Receipt) -> Receipt:
    return message.receipt if isinstance(message, Message) else message
