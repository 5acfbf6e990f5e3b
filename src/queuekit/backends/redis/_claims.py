"""Claims and receipts: what to send and what the answers mean. Pure but for the tokens."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Literal, cast

from ..._envelope import BY_STORE, HEAD, MAGIC, claimed_id
from ..._receipt import by_claim, place_of
from ...transport import MAX_CLAIM, Delivery, Receipt
from . import _script
from ._wire import Argument, Command, Reply
from .keys import Keys

Verb = Literal["A", "F", "R", "D"]
"""Acked, failed, released, moved to a dead letter."""

_RECEIPT = re.compile(r"([0-9a-f]{32})\.(\d{1,4})\.(\d{1,4})(\.2)?", re.ASCII)
_SENT_TWICE: Final = ".2"
"""Ends the receipts of a claim that was sent more than once: its token must be marked at its end,
or what is still on its way would claim again under the same name."""


class Claim:
    """One claim call: its token, what to send, and what came."""

    __slots__ = ("_arguments", "keys", "sent", "sent_twice", "token")

    def __init__(self, keys: Keys, lease: int, limit: int) -> None:
        self.keys = keys
        self._arguments: tuple[Argument, ...] = (lease, min(limit, MAX_CLAIM))
        self.sent = False
        self.renew()

    def renew(self) -> None:
        """Take a new token; from the system's random source, so that no fork repeats it."""
        self.token = os.urandom(16).hex()
        self.sent_twice = False

    def command(self, again: bool) -> Command:
        """Return what to send; *again* if it may have arrived before."""
        self.sent = True
        self.sent_twice |= again
        keys, token = self.keys, self.token.encode()
        places = (keys.claim(token), keys.mark(token), keys.delayed)
        return _script.CLAIM(
            (keys.ready, keys.landing, keys.leases, *places), token, *self._arguments
        )

    def give_back(self, again: bool) -> Command:
        """Return what undoes it, wherever it stands."""
        keys, token = self.keys, self.token.encode()
        places = (keys.claim(token), keys.mark(token))
        return _script.GIVE_BACK((keys.ready, keys.landing, keys.leases, *places), token)

    def wait(self, slice_: Argument) -> Command:
        """Return what waits for a message before the claim is sent."""
        return (b"BLMOVE", self.keys.ready, self.keys.landing, b"LEFT", b"RIGHT", slice_)

    def deliveries(self, bodies: Sequence[Reply]) -> list[Delivery]:
        """Return what was claimed, without the places that were settled since."""
        token = self.token
        tail = f".{len(bodies)}{_SENT_TWICE if self.sent_twice else ''}"
        ids = claimed_id(token, 0)[:-4]
        found: list[Delivery] = []
        for place, body in enumerate(bodies):
            if not isinstance(body, bytes):
                continue
            receipt = Receipt(f"{token}.{place}{tail}")
            if body[:2] != MAGIC or len(body) < HEAD:
                found.append(Delivery(body, receipt, 1, f"{ids}{place:04x}"))
            else:
                key = body[4:HEAD].hex()
                found.append(Delivery(bare(body), receipt, body[3] + 1, key))
        return found


class Settlement:
    """Receipts of one claim that meet the same end in one step."""

    __slots__ = ("_bodies", "_places", "_size", "_spend", "receipts", "token")

    def __init__(self, token: str, size: int, spend: bool) -> None:
        self.token = token
        self._size = size
        self._spend = spend
        self._places: list[int] = []
        self._bodies: list[bytes] = []
        self.receipts: list[Receipt] = []

    def __len__(self) -> int:
        return len(self._places)

    def add(self, receipt: Receipt, place: int, body: bytes | None) -> None:
        """Add a place that is not there yet, with *body* to store in its stead."""
        self.receipts.append(receipt)
        self._places.append(place)
        if body is not None:
            self._bodies.append(body)

    def sort(self) -> None:
        """Put the places into the order of the claim."""
        order = sorted(range(len(self._places)), key=self._places.__getitem__)
        self._places = [self._places[i] for i in order]
        self.receipts = [self.receipts[i] for i in order]

    def settle(
        self, keys: Keys, verb: Verb, again: bool, target: bytes, delay: int = 0, before: int = 0
    ) -> Command:
        """Return the command that ends them."""
        places = self._places
        whole = len(places) == self._size and max(places) < self._size
        size = self._size if whole else 0
        plain = verb == "A" and whole and places == list(range(size))
        numbers = (int(again), int(self._spend), delay, before, size, len(places))
        token = self.token.encode()
        lists = (keys.ready, keys.landing, keys.leases, keys.claim(token))
        return _script.SETTLE(
            (*lists, keys.mark(token), target),
            token,
            verb,
            *numbers,
            *(() if plain else places),
            *self._bodies,
        )

    def extend(self, keys: Keys, lease: int) -> Command:
        """Return the command that moves their lease."""
        token = self.token.encode()
        return _script.EXTEND((keys.leases, keys.claim(token)), token, lease, *self._places)

    def lost(self, reply: Reply) -> list[Receipt]:
        """Return the receipts that a reply says are not held."""
        return [self.receipts[cast("int", i) - 1] for i in cast("list[Reply]", reply)]


def settlements(
    receipts: Sequence[Receipt], bodies: Sequence[bytes] | None = None, *, distinct: bool = True
) -> tuple[list[Settlement], list[Receipt]]:
    """
    Group receipts by claim, and return those that name no place or, where each place must be
    *distinct*, one that was named before.

    With *bodies* (one for each) only neighbours are grouped, so that their order is kept.
    """
    groups: list[Settlement] = []
    open_groups: dict[str, Settlement] = {}
    seen: set[tuple[str, int]] = set()
    lost: list[Receipt] = []
    last = ""
    for i, receipt in enumerate(receipts):
        match = _RECEIPT.fullmatch(receipt)
        if match is None or (distinct and (match[1], int(match[2])) in seen):
            lost.append(receipt)
            continue
        token, place = match[1], int(match[2])
        seen.add((token, place))
        group = open_groups.get(token)
        if group is None or (bodies is not None and token != last):
            group = open_groups[token] = Settlement(token, int(match[3]), match[4] is not None)
            groups.append(group)
        group.add(receipt, place, bodies[i] if bodies is not None else None)
        last = token
    return groups, lost


def in_order(receipts: Iterable[Receipt], lost: Sequence[Receipt]) -> list[Receipt]:
    """Return *lost* in the order of *receipts*."""
    if not lost:
        return []
    left = Counter(lost)
    found: list[Receipt] = []
    for receipt in reversed(list(receipts)):  # of one that was named twice the later is lost
        if left[receipt]:
            left[receipt] -= 1
            found.append(receipt)
    return found[::-1]


def by_groups(receipts: Iterable[Receipt], *, by_place: bool) -> list[Receipt]:
    """Return receipts in the order in which ``release`` takes them."""
    ordered: list[Receipt] = []
    for group in by_claim(receipts):
        ordered += sorted(group, key=place_of) if by_place else group
    return ordered


def bare(body: bytes) -> bytes:
    """Take off a frame that a script added by itself; leave every other body alone."""
    by_store = body[:2] == MAGIC and len(body) >= HEAD and body[2] == BY_STORE
    return body[HEAD:] if by_store else body


def bodies_of(reply: Reply) -> list[bytes]:
    """Return the bodies of a reply, as they are stored."""
    return [body for body in reply if isinstance(body, bytes)] if isinstance(reply, list) else []
