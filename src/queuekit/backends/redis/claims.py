# Generated from claims_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""The claim protocol: claims and their ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final, cast

from ..._acompat import sleep
from ..._deadline import Deadline
from ...errors import TransportClosed, TransportError
from ...transport import Delivery, Receipt
from ._claiming import Claim
from ._claims import Verb, by_groups, in_order, settlements
from ._errors import refusal, why_no_wait
from ._pops import timeout as server_timeout
from ._tries import Part as Request
from ._tries import alike
from ._unsure import Ends, Part, Unsure
from ._wire import Reply
from .exchange import Exchange
from .keys import SIGN, Keys
from .recovery import recovery_of, warn_of_broken

_log = logging.getLogger("queuekit")

_SHORT: Final = 1.0
"""Seconds after which a claim that need not wait is not tried again."""

_FRESH: Final = 0.1
"""Seconds for which an answer that there is nothing saves a look."""

_POLL: Final = 0.05
"""Seconds between looks where the server does not let us wait, as at maxmemory."""


class Claims:
    """
    Claims and settles on one server.

    Args:
        longest: Seconds that one wait on the server may last.
    """

    def __init__(self, exchange: Exchange, longest: float) -> None:
        self._exchange = exchange
        self._longest = longest
        self._unsure = Unsure()

    def claim(
        self,
        queue: str,
        keys: Keys,
        receipts: Sequence[Receipt],
        lease: int,
        limit: int,
        timeout: float,
        limits: tuple[str, int, int] | None = None,
    ) -> tuple[list[Receipt], list[Delivery]]:
        """
        Ack *receipts* and claim, and wait for the first message.

        Interrupted, give back what was claimed.
        """
        call = Claim(keys, lease, limit, limits)
        doing = f"claim from {queue!r}"
        ends = self._ends(keys, receipts, "A") if receipts else None
        try:
            lost: list[Receipt] = []
            found: list[Delivery] = []
            event = time_to_event(keys) if timeout and ends is None else 0.0
            if event == 0:
                lost, found, event = self._look(doing, call, ends)
            if timeout and not found:
                found = self._wait(doing, call, event, timeout)
            if found and self._exchange.link.closed:
                raise TransportClosed(f"this transport was closed while it claimed from {queue!r}")
            if not found and call.sent_twice:  # a send that is still on its way must find it over
                self._give_back(call)
        except Exception as exc:
            if isinstance(exc, TransportClosed):
                self._give_back_apart(call)
            raise
        except BaseException:
            if call.sent:
                self._exchange.link.finish(lambda: self._give_back(call))
            raise
        return lost, found

    def _look(
        self, doing: str, call: Claim, ends: Ends | None
    ) -> tuple[list[Receipt], list[Delivery], float | None]:
        """Send the acks and the claim, without a wait."""
        if ends is None:
            replies = self._exchange.until_done(doing, [call.command], patience=_SHORT)
            return [], *(self._resolve(doing, call, replies))
        parts: list[Request] = [*ends.parts, call.command]
        try:
            replies = self._exchange.until_done(doing, parts, patience=_SHORT)
            lost = ends.lost(replies[:-1])
        except BaseException:
            ends.give_up()
            raise
        return lost, *(self._resolve(doing, call, replies))

    def _wait(self, doing: str, call: Claim, event: float | None, timeout: float) -> list[Delivery]:
        """Wait for a message, or for what becomes due, and claim."""
        deadline = Deadline(timeout, time.monotonic())
        found: list[Delivery] = []
        while not found:
            now = time.monotonic()
            left = deadline.slice(now, self._longest)
            if not left:
                break
            if call.pause is not None:  # no turn yet; a wait for a message would find one
                sleep(min(left, call.pause))
                replies = self._exchange.until_done(doing, [call.command], patience=_SHORT)
                found, event = self._resolve(doing, call, replies)
                continue
            wait = left if event is None else min(left, event)
            ahead = call.wait(server_timeout(wait))
            replies = self._exchange.until_done(doing, [call.command], ahead=ahead, patience=_SHORT)
            found, event = self._resolve(doing, call, replies[1:])
            if not found and not isinstance(replies[0], bytes):
                if (why := why_no_wait(replies[0])) is not None:
                    raise refusal(why, self._exchange.server, doing) from why
                rest = min(wait, _POLL) - (time.monotonic() - now)
                if rest > 0:  # refused, or answered at once
                    sleep(rest)
        return found

    def _resolve(
        self, doing: str, call: Claim, replies: Sequence[Reply]
    ) -> tuple[list[Delivery], float | None]:
        """Return what was claimed, else the seconds to the next event if there is one."""
        call.pause = None
        while True:
            *values, status = cast("list[Reply]", replies[-1])
            if status in {b"GOT", b"AGAIN"}:
                return call.deliveries(values), None
            if status == b"EMPTY":
                event = cast("int", values[0])
                call.keys.looked = time.monotonic()
                call.keys.event = None if event < 0 else event / 1000
                return [], call.keys.event
            if status == b"LIMITED":
                turn = cast("int", values[0])
                call.pause = _POLL if turn < 0 else max(turn, 1) / 1000
                return [], None
            if status == b"SPENT":
                call.renew()
                replies = self._exchange.until_done(doing, [call.command])
            elif values[0] == SIGN:
                call.keys.is_placed = True
                replies = self._exchange.until_done(doing, [call.command])
            else:
                command = recovery_of(call.keys, values)
                replies = self._exchange.until_done(doing, [alike(command), call.command])
                warn_of_broken(doing, replies[0])

    def _give_back(self, call: Claim) -> None:
        """Undo a claim; where that fails, its lease brings the messages back."""
        try:
            self._exchange.until_done("give back a claim", [call.give_back])
        except TransportClosed:
            self._give_back_apart(call)
        except TransportError as exc:
            _log.warning("a claim could not be given back; its lease will run out: %s", exc)

    def _give_back_apart(self, call: Claim) -> None:
        """Undo a claim on a transport that was closed."""
        if not call.sent:
            return
        try:
            self._exchange.at_last(call.give_back(True))
        except TransportError as exc:
            _log.warning("a claim could not be given back; its lease will run out: %s", exc)

    def settle(
        self,
        doing: str,
        keys: Keys,
        receipts: Sequence[Receipt],
        verb: Verb,
        *,
        bodies: Sequence[bytes] | None = None,
        target: Keys | None = None,
        delay: int = 0,
    ) -> list[Receipt]:
        """End messages and return the receipts that are not held, in the order of *receipts*."""
        ends = self._ends(keys, receipts, verb, bodies, target, delay)
        if not ends.parts:
            return ends.lost([])
        try:
            return ends.lost(self._exchange.until_done(doing, ends.parts))
        except BaseException:
            ends.give_up()
            raise

    def _ends(
        self,
        keys: Keys,
        receipts: Sequence[Receipt],
        verb: Verb,
        bodies: Sequence[bytes] | None = None,
        target: Keys | None = None,
        delay: int = 0,
    ) -> Ends:
        """Return what to send, and behind what that has no answer yet."""
        groups, lost = settlements(receipts, bodies)
        order: Sequence[Receipt] = receipts
        if verb in {"F", "R"}:
            to_head = verb == "R" and not delay
            order = by_groups(receipts, by_place=to_head)
            if to_head:
                for group in groups:
                    group.sort()
                groups.reverse()  # so that the messages of the first claim end in front
        before = 0
        parts: list[Part] = []
        for group in groups:
            parts.append(Part(group, keys, verb, target or keys, delay, before))
            before += len(group)
        return Ends(self._unsure, parts, order, lost)

    def extend(
        self, queue: str, keys: Keys, receipts: Sequence[Receipt], lease: int
    ) -> list[Receipt]:
        """Move leases and return the receipts that are not held."""
        groups, lost = settlements(receipts, distinct=False)
        parts = [alike(group.extend(keys, lease)) for group in groups]
        if parts:
            replies = self._exchange.until_done(f"extend a lease on {queue!r}", parts)
            for group, reply in zip(groups, replies, strict=True):
                lost += group.lost(reply)
        return in_order(receipts, lost)


def time_to_event(keys: Keys) -> float | None:
    """
    Return how long one may wait for a message without a look before, None for as long as one likes.

    Whoever has just found nothing need not look again. 0 says that a look is due.
    """
    age = time.monotonic() - keys.looked
    if age > _FRESH:
        return 0.0
    return None if keys.event is None else max(0.0, keys.event - age)
