# unasync: source
"""Moving claimed messages into a queue of another slot of a cluster, which no script reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..._envelope import has_place
from ...transport import Receipt
from ._claims import in_order
from ._placing import PLAIN, Placing
from ._puts import chunks
from .claims_async import AsyncClaims
from .keys import Keys
from .puts_async import AsyncPuts

_MOVING: Final = 10_000
"""Milliseconds that a claim is held at the least while its messages go to another slot."""


class AsyncCrossSlot:
    """Moves from slot to slot: one step there, and then one here."""

    def __init__(self, claims: AsyncClaims, puts: AsyncPuts) -> None:
        self._claims = claims
        self._puts = puts

    async def move(
        self,
        doing: str,
        queue: str,
        keys: Keys,
        letters: Sequence[tuple[Receipt, bytes]],
        to: Keys,
    ) -> list[Receipt]:
        """
        Put the bodies there and ack here; return the receipts that are not held.

        A crash in between leaves a message in both. Extending first tells what is not held, and
        leaves the time for the rest.
        """
        held: dict[Receipt, bytes] = {}
        lost: list[Receipt] = []
        for receipt, body in letters:
            if receipt in held:
                lost.append(receipt)
            else:
                held[receipt] = body
        for receipt in await self._claims.extend(queue, keys, list(held), _MOVING):
            lost.append(receipt)
            del held[receipt]
        if held:
            token = f"{doing} {len(held)} {next(iter(held))}"
            bodies = list(held.values())
            placing = Placing(True) if any(map(has_place, bodies)) else PLAIN
            await self._puts.put(doing, to, list(chunks(bodies)), 0, token, None, placing)
            lost += await self._claims.settle(doing, keys, list(held), "A")
        return in_order([receipt for receipt, _ in letters], lost)
