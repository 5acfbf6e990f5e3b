# unasync: source
"""Moving delayed messages from queue to queue, with their due times."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, cast

from ..._envelope import HEAD, MAGIC, bare
from ...errors import Unsupported
from ...transport import Delivery, Receipt
from . import _script
from ._claims import in_order
from ._puts import chunks
from ._tries import alike
from ._wire import Argument, Reply
from .exchange_async import AsyncExchange
from .keys import Keys

_RECEIPT: Final = re.compile(r"(\d{1,20}(?:\.\d{1,20})?):([0-9a-f]{34})", re.ASCII)
_NAME: Final = slice(3, HEAD)
"""Attempts and id: what tells apart a message that comes back with the same due time."""


class AsyncLater:
    """
    Looks and moves on one server.

    Args:
        atomic: Whether one script reaches all queues.
    """

    def __init__(self, exchange: AsyncExchange, *, atomic: bool) -> None:
        self._exchange = exchange
        self._atomic = atomic

    async def peek(self, queue: str, keys: Keys, limit: int) -> list[tuple[Delivery, float]]:
        """Return the next delayed messages and the seconds left of each."""
        self._check()
        command = _script.LATER((keys.delayed,), limit)
        (reply,) = await self._exchange.until_done(f"peek at {queue!r}", [alike(command)])
        return list(_shown(cast("list[bytes]", reply)))

    async def move(
        self, doing: str, keys: Keys, letters: Sequence[tuple[Receipt, bytes]], to: Keys
    ) -> list[Receipt]:
        """Move messages that are still delayed, in their due times; return the other receipts."""
        self._check()
        lost: list[Receipt] = []
        rest = list(letters)
        for chunk in chunks([body for _, body in letters]):
            part, rest = rest[: len(chunk)], rest[len(chunk) :]
            found: list[Receipt] = []
            arguments: list[Argument] = []
            for receipt, body in part:
                if match := _RECEIPT.fullmatch(receipt):
                    found.append(receipt)
                    arguments += [match[1], bytes.fromhex(match[2]), body]
                else:
                    lost.append(receipt)
            if not arguments:
                continue
            places = (keys.delayed, to.delayed, keys.leases)
            (reply,) = await self._exchange.once(
                doing,
                [_script.MOVE_LATER(places, *arguments)],
                unknown="the messages may or may not be moved",
            )
            lost += [found[cast("int", i) - 1] for i in cast("list[Reply]", reply)]
        return in_order([receipt for receipt, _ in letters], lost)

    def _check(self) -> None:
        if not self._atomic:
            raise Unsupported(
                "a cluster moves no delayed messages: they can be moved when they are due"
            )


def _shown(reply: Sequence[bytes]) -> Iterator[tuple[Delivery, float]]:
    for score, left, body in zip(reply[::3], reply[1::3], reply[2::3], strict=True):
        if body[:2] != MAGIC or len(body) < HEAD:  # a stranger's, without an id: not ours to move
            continue
        receipt = Receipt(f"{score.decode()}:{body[_NAME].hex()}")
        one = Delivery(bare(body), receipt, body[3] + 1, body[4:HEAD].hex())
        yield one, int(left) / 1000
