# Generated from dead_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""The dead letters of a queue: what is not tried again, kept to be looked at and sent back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from ._acompat import Call
from ._checks import check_bodies, check_count, check_seconds
from ._envelope import Place, unwrap_or_raw, wrap
from ._letters import DeadLetter, dead_name, own_headers, place_of, read_letter
from ._policy import RetryPolicy
from .errors import ConfigurationError, LeaseLost
from .message import Message
from .reliable import ReliableQueue
from .transport import Features, Transport

_STEP: Final = 100
"""Letters that are held at a time."""


class DeadLetters(ReliableQueue[bytes]):
    """
    The queue ``<name>!dead``: a reliable queue of the bodies as they were stored.

    No number of attempts makes it give up a message. Reached as ``queue.dead``; it uses that
    queue's transport and does not close it.
    """

    def __init__(self, origin: str, transport: Transport, *, lease: float = 60.0) -> None:
        retry = RetryPolicy(max_attempts=None)
        super().__init__(dead_name(origin), transport, serializer="bytes", lease=lease, retry=retry)
        self._origin = origin

    def letters(self, limit: int = 100) -> list[DeadLetter]:
        """Return the first *limit* dead letters with reason, attempts and times; take none."""
        found: list[DeadLetter] = []
        for data in self._open().peek(self._name, limit=check_count("limit", limit)):
            envelope = unwrap_or_raw(data)
            found.append(read_letter(envelope.id or "", envelope.headers, envelope.body))
        return found

    def letter(self, message: Message[bytes]) -> DeadLetter:
        """Return what a message taken from here says of its end."""
        return read_letter(message.id, message.headers, message.body)

    def find(self, message_id: str, limit: int = 1000) -> DeadLetter | None:
        """Return the letter of one message, if it is among the first *limit*; take none."""
        for letter in self.letters(limit):
            if letter.id == message_id:
                return letter
        return None

    def take(self, message_id: str, limit: int = 1000) -> Message[bytes] | None:
        """
        Claim the letter of one message, if it is among the first *limit*.

        Those before it are held on the way, and given back to their places.
        """
        left = check_count("limit", limit)
        held: list[Message[bytes]] = []
        found: Message[bytes] | None = None
        try:
            while left and not found and (messages := self.get_many(min(_STEP, left))):
                left -= len(messages)
                held += messages
                found = next((one for one in messages if one.id == message_id), None)
            self.give_back([one.receipt for one in held if one is not found])
        except BaseException:
            self.give_back([one.receipt for one in held])
            raise
        return found

    def send_back(self, *messages: Message[bytes], body: bytes | None = None) -> None:
        """
        Put messages taken from here back at the tail of the queue they came from.

        Their ids, headers, places and bodies are as before, their attempts start again at 1; they
        do not expire any more.

        Args:
            messages: What ``get`` or ``get_many`` returned.
            body: Instead of that of the one message: stored as it is, so ``queue.encode(value)``
                makes it.

        Raises:
            LeaseLost: Some were not held any more; the others are sent back.
        """
        if body is not None and len(messages) != 1:
            raise ConfigurationError(f"a new body is for one message, not for {len(messages)}")
        features = self._open().features
        revived = [_revived(message, body, features) for message in messages]
        if body is not None:
            check_bodies(self._origin, revived, features.max_body)
        moved = list(zip(self._settle(messages), revived, strict=True))
        lost = self._open().move(self._name, moved, to=self._origin) if moved else []
        self._report(lost, messages, "send_back")

    def send_all_back(self, limit: int = 1000) -> int:
        """
        Send back up to *limit* letters, oldest first, and return how many.

        What another consumer holds at the moment stays. Safe to interrupt and to repeat.
        """
        count = 0
        while count < limit:
            messages = self.get_many(min(100, limit - count))
            if not messages:
                break
            count += self._settle_all(messages, lambda some: self.send_back(*some))
        return count

    def trim(self, *, max_length: int | None = None, max_age: float | None = None) -> int:
        """
        Throw the oldest letters away, until the rest is within the limits; return how many.

        What another consumer holds at the moment stays. Safe to interrupt and to repeat.

        Args:
            max_length: Letters that may stay.
            max_age: Seconds, by the clocks of who wrote the letters and of this machine, that a
                message may have been dead. One that does not tell stays.
        """
        count = 0
        if max_length is not None:
            count += self._trim_to(check_count("max_length", max_length, least=0))
        if max_age is not None:
            count += self._trim_before(time.time() - check_seconds("max_age", max_age))
        return count

    def _trim_to(self, length: int) -> int:
        count = 0
        while (over := (self.stats()).ready - length) > 0:
            messages = self.get_many(min(_STEP, over))
            if not messages:
                break
            count += self._settle_all(messages, lambda some: self.ack(*some))
        return count

    def _trim_before(self, moment: float) -> int:
        count, young = 0, False
        staying: list[Message[bytes]] = []
        try:
            while not young and (messages := self.get_many(_STEP)):
                old: list[Message[bytes]] = []
                for message in messages:
                    died = self.letter(message).died_at
                    is_old = died is not None and died.timestamp() < moment
                    (old if is_old else staying).append(message)
                    young = young or (died is not None and not is_old)
                count += self._settle_all(old, lambda some: self.ack(*some))
        finally:
            self.give_back([message.receipt for message in staying])
        return count

    def _settle_all(
        self,
        messages: Sequence[Message[bytes]],
        settle: Call[Sequence[Message[bytes]], None],
    ) -> int:
        """Settle messages and tell how many; when that is interrupted, give them back."""
        try:
            settle(messages)
        except LeaseLost as exc:  # somebody else settled those
            return len(messages) - len(exc.ids)
        except Exception:
            raise
        except BaseException:
            self.give_back([message.receipt for message in messages])
            raise
        return len(messages)


def _revived(message: Message[bytes], body: bytes | None, features: Features) -> bytes:
    """Return the frame of a message that comes back, with its place where the store honours it."""
    level, group = place_of(message.headers)
    place = Place(level if features.priorities else 0, group if features.groups else "")
    new = message.body if body is None else body
    return wrap(bytes.fromhex(message.id), new, own_headers(message.headers), place)
