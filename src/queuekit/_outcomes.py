# Generated from _outcomes_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""The ends of messages: what a reliable queue says of them to its store, by its policy."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from ._checks import check_limit, check_seconds, refuse_type
from ._envelope import unwrap_or_raw
from ._letters import dead_name, described, letter
from ._named import NamedQueue
from ._policy import RetryPolicy
from ._tally import Outcome
from .errors import ConfigurationError, LeaseLost
from .message import Message
from .serializer import Serializer, T
from .transport import Receipt, Transport

if TYPE_CHECKING:
    from ._riding import Riding


class Outcomes(NamedQueue[Transport, T]):
    """The part of ``ReliableQueue`` that settles messages; not built by itself."""

    riding: Riding[T]

    def __init__(
        self,
        name: str,
        transport: str | Transport | None,
        serializer: Serializer[Any] | str | None,
        lease: float,
        retry: RetryPolicy,
        keep_traceback: bool,
    ) -> None:
        super().__init__(name, transport, serializer)
        if not isinstance(self._transport, Transport):
            refuse_type(
                "a reliable queue needs a transport that can claim",
                self._transport,
                "use Queue",
            )
        self._lease = check_seconds("lease", lease, positive=True)
        check_limit("lease", self._lease, self._transport.features.max_lease)
        self._retry = retry
        self._keep_traceback = keep_traceback

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
            receipts = self._settle(messages, "released")
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
            until = time.monotonic() + seconds
            lost = self._open().extend(self._name, receipts, lease=seconds)
            for message in messages:
                if isinstance(message, Message):  # those that are lost: by the report
                    message.until = max(message.until, until)
            self._report(lost, messages, "extend")

    def fail(
        self,
        *messages: Message[T],
        delay: float | None = None,
        reason: str = "",
        error: BaseException | None = None,
    ) -> None:
        """
        Say that the work on messages failed: each is tried again by the policy, or given up.

        Args:
            messages: The messages; the attempts of each decide.
            delay: Seconds to wait instead of the policy's; 0 puts them at the end of the queue.
            reason: Kept with the dead letters of those that are given up.
            error: The exception: the policy's rules look at its class. Its class and, without a
                *reason*, what it says are kept with the dead letters.

        Raises:
            LeaseLost: Some were not held any more; the others are done.
        """
        self._check_messages(messages)
        self._flush_before(messages)
        longest = self._open().features.max_delay
        seconds = None if delay is None else check_seconds("delay", delay)
        if seconds is not None:
            check_limit("delay", seconds, longest)
        policy = self._retry.after(error)
        over: list[Message[T]] = []
        waits: dict[float, list[Message[T]]] = {}
        chance = random.random()
        for message in messages:
            if policy is None or policy.gives_up(message.attempt):
                over.append(message)
                continue
            wait = policy.delay(message.attempt, chance) if seconds is None else seconds
            if longest is not None and seconds is None:
                wait = min(wait, longest)
            waits.setdefault(wait, []).append(message)
        lost = self._bury(over, reason, error) if over else []
        transport = self._open()
        for wait, group in waits.items():
            receipts = self._settle(group, "failed")
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

    def _letter(
        self,
        key: str,
        data: bytes,
        attempt: int,
        reason: str,
        error: BaseException | None = None,
    ) -> bytes:
        envelope = unwrap_or_raw(data)
        return letter(
            bytes.fromhex(envelope.id or key),
            envelope,
            queue=self._name,
            reason=reason,
            attempts=attempt,
            died_at=time.time(),
            error=error,
            keep_traceback=self._keep_traceback,
        )

    def _bury(
        self,
        messages: Sequence[Message[T]],
        reason: str,
        error: BaseException | None = None,
    ) -> list[Receipt]:
        if error is not None and not reason:
            reason = described(error)
        letters = [
            (
                message.receipt,
                self._letter(
                    message.id,
                    message.data,
                    message.attempt,
                    reason or f"attempt {message.attempt} failed",
                    error,
                ),
            )
            for message in messages
        ]
        self._settle(messages, "dead")
        return self._open().move(self._name, letters, to=dead_name(self._name))

    def _flush_before(self, messages: Sequence[Message[T] | Receipt]) -> None:
        """Send the acks on their way before more is said of messages that may be among them."""
        if self.riding and any(isinstance(one, str) or one.settled for one in messages):
            self.riding.flush()

    def _settle(
        self, messages: Sequence[Message[T] | Receipt], outcome: Outcome | None = None
    ) -> list[Receipt]:
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
                message.outcome = outcome
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
        gone, ids = set(lost), list[str]()
        for message in messages:
            if isinstance(message, Message) and message.receipt in gone:
                message.until, message.outcome = -1.0, "lost"
            if _receipt(message) in gone:
                ids.append(message.id if isinstance(message, Message) else str(message))
        raise LeaseLost(
            f"{verb}: {len(ids)} of {len(messages)} messages of {self._name!r} were not held any"
            " more: settled before, or the lease ran out; raise lease= or extend in time",
            ids,
        )


def _receipt(message: Message[T] | Receipt) -> Receipt:
    return message.receipt if isinstance(message, Message) else message
