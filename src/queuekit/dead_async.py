# unasync: source
"""The dead letters of a queue: what is not tried again, kept to be looked at and sent back."""

from __future__ import annotations

from ._checks import check_count
from ._envelope import unwrap_or_raw, wrap
from ._letters import DeadLetter, dead_name, own_headers, read_letter
from ._policy import RetryPolicy
from .errors import LeaseLost
from .message_async import AsyncMessage
from .reliable_async import AsyncReliableQueue
from .transport import AsyncTransport


class AsyncDeadLetters(AsyncReliableQueue[bytes]):
    """
    The queue ``<name>!dead``: a reliable queue of the bodies as they were stored.

    No number of attempts makes it give up a message. Reached as ``queue.dead``; it uses that
    queue's transport and does not close it.
    """

    def __init__(self, origin: str, transport: AsyncTransport, *, lease: float = 60.0) -> None:
        retry = RetryPolicy(max_attempts=None)
        super().__init__(dead_name(origin), transport, serializer="bytes", lease=lease, retry=retry)
        self._origin = origin

    async def letters(self, limit: int = 100) -> list[DeadLetter]:
        """Return the first *limit* dead letters with reason, attempts and times; take none."""
        found: list[DeadLetter] = []
        for data in await self._open().peek(self._name, limit=check_count("limit", limit)):
            envelope = unwrap_or_raw(data)
            found.append(read_letter(envelope.id or "", envelope.headers, envelope.body))
        return found

    def letter(self, message: AsyncMessage[bytes]) -> DeadLetter:
        """Return what a message taken from here says of its end."""
        return read_letter(message.id, message.headers, message.body)

    async def send_back(self, *messages: AsyncMessage[bytes]) -> None:
        """
        Put messages taken from here back at the tail of the queue they came from.

        Their ids, headers and bodies are as before, their attempts start again at 1.

        Raises:
            LeaseLost: Some were not held any more; the others are sent back.
        """
        moved = list(zip(self._settle(messages), map(_revived, messages), strict=True))
        lost = await self._open().move(self._name, moved, to=self._origin) if moved else []
        self._report(lost, messages, "send_back")

    async def send_all_back(self, limit: int = 1000) -> int:
        """
        Send back up to *limit* letters, oldest first, and return how many.

        What another consumer holds at the moment stays. Safe to interrupt and to repeat.
        """
        count = 0
        while count < limit:
            messages = await self.get_many(min(100, limit - count))
            if not messages:
                break
            try:
                await self.send_back(*messages)
            except LeaseLost as exc:  # somebody else settled those
                count -= len(exc.ids)
            count += len(messages)
        return count


def _revived(message: AsyncMessage[bytes]) -> bytes:
    return wrap(bytes.fromhex(message.id), message.body, own_headers(message.headers))
