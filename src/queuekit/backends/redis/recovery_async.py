# unasync: source
"""Recovery: expired claims and due messages become ready again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import cast

from ..._lanes import CLAIM_WINDOW
from ...transport import MAX_CLAIM
from . import _script
from ._tries import alike
from ._wire import Command, Reply
from .exchange_async import AsyncExchange
from .keys import SIGN, Keys

_log = logging.getLogger("queuekit")


async def recover(exchange: AsyncExchange, queue: str, keys: Keys, limit: int) -> int:
    """Make expired claims, then due messages ready; return how many."""
    doing = f"recover {queue!r}"
    done = 0
    while done < limit:
        most = min(CLAIM_WINDOW, limit - done) + keys.is_placed
        command = _script.DUE((keys.leases,), most)
        (reply,) = await exchange.until_done(doing, [alike(command)])
        tokens = [token for token in cast("list[Reply]", reply) if token != SIGN]
        if reply != tokens and not keys.is_placed:
            keys.is_placed = True
            continue
        if not tokens:
            break
        command = recovery_of(keys, tokens)
        (reply,) = await exchange.until_done(doing, [alike(command)])
        warn_of_broken(doing, reply)
        done += cast("int", cast("list[Reply]", reply)[0])
    while done < limit:
        most = min(limit - done, MAX_CLAIM)
        command = _script.PROMOTE((keys.ready, keys.delayed, keys.leases), most)
        if keys.is_placed:
            command = _script.PLACED_PROMOTE(keys.places, most)
        (count,) = await exchange.until_done(doing, [alike(command)])
        if cast("int", count) < 0:
            keys.is_placed = True
            continue
        done += cast("int", count)
        if cast("int", count) < most:
            break
    return done


def recovery_of(keys: Keys, tokens: Sequence[Reply]) -> Command:
    """Return what makes the claims with these *tokens* ready, if they are still expired."""
    names = cast("Sequence[bytes]", tokens)
    places = [key for name in names for key in (keys.claim(name), keys.mark(name))]
    if keys.is_placed:
        return _script.PLACED_RECOVER((*keys.places, *places), *names)
    return _script.RECOVER((keys.ready, keys.landing, keys.leases, *places), *names)


def warn_of_broken(doing: str, reply: Reply) -> None:
    """Log the claims that were no lists, as the reply to ``recovery_of`` names them."""
    _, *broken = cast("list[Reply]", reply)
    for token in broken:
        _log.warning("%s: the claim %r is no list; its lease was removed", doing, token)
