# Generated from puts_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Puts that store nothing twice, and those that wait for disks or replicas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...transport import Durability
from . import _script
from ._confirm import check_confirmed, check_offered, confirmation
from ._placing import PLAIN, Placing
from ._puts import Tickets, put_call
from ._tries import Part, Repeatable, alike
from ._wire import Reply
from .exchange import Exchange
from .keys import Keys

_CONFIRMED: Final = 2.0
"""Seconds that a put waits for disks or replicas."""


class Puts:
    """
    Puts batches into queues of one server, by numbers in lanes.

    Args:
        replicas: How many must have what is put with ``durable="replicas"``.
        silence: Seconds that the server may be silent.
    """

    def __init__(self, exchange: Exchange, replicas: int, silence: float) -> None:
        self._exchange = exchange
        self._replicas = replicas
        self._patience = min(_CONFIRMED, silence / 2)
        self._has_disk = False
        self.tickets = Tickets()

    def put(
        self,
        doing: str,
        keys: Keys,
        batch: Sequence[Sequence[bytes]],
        delay: int,
        token: str | None,
        durable: Durability | None,
        placing: Placing = PLAIN,
    ) -> str | None:
        """
        Put the chunks of a batch, once however often they are sent.

        Returns None, or the token of the push that has the key.
        """
        if not batch:
            return None
        if durable == "disk" and not self._has_disk:
            self._try_disk(doing)
        name = None if token is None else (keys.ready, token)
        ticket, is_new = self.tickets.begin(name, len(batch))
        places = (keys.delayed, keys.lane(ticket.lane_id))
        before = 0
        for number, chunk in enumerate(batch, ticket.first):
            if placing is not PLAIN:
                command = placing.call(keys, ticket.lane_id, number, delay, before, chunk)
            elif delay:
                command = _script.PUT(places, number, delay, before, *chunk)
            else:
                command = put_call(keys, ticket.lane_id, number, chunk)
            call = Repeatable(command)
            if durable is None:
                (reply,) = self._exchange.until_done(doing, [call])
            else:
                reply = self._put_durably(doing, call, durable)
            if isinstance(reply, list):
                if is_new and not before and not call.was_repeated:
                    self.tickets.unused(ticket, name)
                return placing.known(doing, reply)
            before += len(chunk)
        self.tickets.done(ticket, name, is_new=is_new)
        return None

    def _put_durably(self, doing: str, call: Part, durable: Durability) -> Reply:
        wait = confirmation(durable, self._replicas, self._patience)
        parts = [call, alike(wait)]
        done, reply = self._exchange.until_done(doing, parts, together=True)
        check_confirmed(doing, self._exchange.server, durable, self._replicas, reply)
        return done

    def _try_disk(self, doing: str) -> None:
        """Ask for what is written already, before something is stored that nobody can confirm."""
        (reply,) = self._exchange.look(doing, confirmation("disk", 0, self._patience))
        check_offered(reply, self._exchange.server)
        self._has_disk = True
