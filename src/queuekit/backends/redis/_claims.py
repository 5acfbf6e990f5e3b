"""Claims and receipts: what to send and what the answers mean. Pure but for the tokens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal, cast

from ..._entropy import entropy
from ..._envelope import BY_STORE, HEAD, MAGIC, claimed_id
from ..._receipt import by_claim, place_of
from ...transport import MAX_CLAIM, Delivery, Receipt
from . import _script
from ._wire import Argument, Command, Reply
from .keys import Keys

Verb = Literal["A", "F", "R", "D"]
"""Acked, failed, released, moved to a dead letter."""

_PLACES: Final = list(range(MAX_CLAIM))

_RECEIPT = re.compile(r"([0-9a-f]{32})\.(\d{1,4})\.(\d{1,4})(\.2)?", re.ASCII)
_FRESH: Final = MAGIC + b"\0\0"
"""A frame of ours that was never counted: its four first bytes."""
_SENT_TWICE: Final = ".2"
"""Ends the receipts of a claim that was sent more than once: its token must be marked at its end,
or what is still on its way would claim again under the same name."""


class Claim:
    """One claim call: its token, what to send, and what came."""

    __slots__ = ("_lease", "_limit", "keys", "sent", "sent_twice", "token")

    def __init__(self, keys: Keys, lease: int, limit: int) -> None:
        self.keys = keys
        self._lease = lease
        self._limit = min(limit, MAX_CLAIM)
        self.sent = False
        self.renew()

    def renew(self) -> None:
        """Take a new token, from the system's random source."""
        self.token = entropy().hex()
        self.sent_twice = False

    def command(self, again: bool) -> Command:
        """Return what to send; *again* if it may have arrived before."""
        self.sent = True
        self.sent_twice |= again
        name = (self._lease, self._limit)
        template = self.keys.templates.get(name) or self.keys.template(name, self._call)
        return template(self.token.encode())

    def _call(self, token: bytes) -> Command:
        keys = self.keys
        places = (keys.claim(token), keys.mark(token), keys.delayed)
        return _script.CLAIM(
            (keys.ready, keys.landing, keys.leases, *places), token, self._lease, self._limit
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
        ends = receipt_ends(len(bodies), self.sent_twice)
        found: list[Delivery] = []
        make = Delivery._make  # faster than the class
        for end, body in zip(ends, bodies, strict=True):
            if not isinstance(body, bytes):
                continue
            receipt = Receipt(token + end)
            if body[:4] == _FRESH:
                found.append(make((body, receipt, 1, body[4:HEAD].hex())))
            elif body[:2] != MAGIC or len(body) < HEAD:
                place = int(end[1:].partition(".")[0])
                found.append(Delivery(body, receipt, 1, claimed_id(token, place)))
            else:
                key = body[4:HEAD].hex()
                found.append(Delivery(bare(body), receipt, body[3] + 1, key))
        return found


@lru_cache(maxsize=64)
def receipt_ends(size: int, sent_twice: bool) -> tuple[str, ...]:
    """Return what the receipts of a claim have behind its token, place by place."""
    return tuple(f".{i}.{size}{_SENT_TWICE if sent_twice else ''}" for i in range(size))


class Settlement:
    """Receipts of one claim that meet the same end in one step."""

    __slots__ = ("_bodies", "_size", "_spend", "places", "receipts", "token")

    def __init__(self, token: str, size: int, spend: bool) -> None:
        self.token = token
        self._size = size
        self._spend = spend
        self.places: list[int] = []
        self._bodies: list[bytes] = []
        self.receipts: list[Receipt] = []

    def __len__(self) -> int:
        return len(self.places)

    def add(self, receipt: Receipt, place: int, body: bytes | None) -> None:
        """Add a place that is not there yet, with *body* to store in its stead."""
        self.receipts.append(receipt)
        self.places.append(place)
        if body is not None:
            self._bodies.append(body)

    def sort(self) -> None:
        """Put the places into the order of the claim."""
        order = sorted(range(len(self.places)), key=self.places.__getitem__)
        self.places = [self.places[i] for i in order]
        self.receipts = [self.receipts[i] for i in order]

    def settle(
        self, keys: Keys, verb: Verb, again: bool, target: bytes, delay: int = 0, before: int = 0
    ) -> Command:
        """Return the command that ends them."""
        places, size = self.places, self._size
        if verb == "A" and len(places) == size and places == _PLACES[:size]:
            name = (size, again, self._spend)
            template = keys.templates.get(name)
            if template is None:
                numbers = (int(again), int(self._spend), 0, 0, size, size)
                template = keys.template(
                    name, lambda token: self._call(keys, token, keys.delayed, "A", *numbers)
                )
            return template(self.token.encode())
        whole = len(places) == size and max(places) < size
        numbers = (int(again), int(self._spend), delay, before, size if whole else 0, len(places))
        token = self.token.encode()
        return self._call(keys, token, target, verb, *numbers, *places, *self._bodies)

    def _call(self, keys: Keys, token: bytes, target: bytes, *arguments: Argument) -> Command:
        lists = (keys.ready, keys.landing, keys.leases, keys.claim(token), keys.mark(token), target)
        return _script.SETTLE(lists, token, *arguments)

    def extend(self, keys: Keys, lease: int) -> Command:
        """Return the command that moves their lease."""
        token = self.token.encode()
        return _script.EXTEND((keys.leases, keys.claim(token)), token, lease, *self.places)

    def lost(self, reply: Reply) -> list[Receipt]:
        """Return the receipts that a reply says are not held."""
        return [self.receipts[cast("int", i) - 1] for i in cast("list[Reply]", reply)]


def _whole(receipts: Sequence[Receipt]) -> Settlement | None:
    """Return the settlement of a claim whose receipts are all named, in order."""
    match = _RECEIPT.fullmatch(receipts[0]) if receipts else None
    if match is None or int(match[3]) != len(receipts) or len(receipts) > MAX_CLAIM:
        return None
    token, spend = match[1], match[4] is not None
    if [token + end for end in receipt_ends(len(receipts), spend)] != list(receipts):
        return None
    whole = Settlement(token, len(receipts), spend)
    whole.receipts = list(receipts)
    whole.places = _PLACES[: len(receipts)]
    return whole


def settlements(
    receipts: Sequence[Receipt], bodies: Sequence[bytes] | None = None, *, distinct: bool = True
) -> tuple[list[Settlement], list[Receipt]]:
    """
    Group receipts by claim, and return those that name no place or, where each place must be
    *distinct*, one that was named before.

    With *bodies* (one for each) only neighbours are grouped, so that their order is kept.
    """
    whole = _whole(receipts) if bodies is None and distinct else None
    if whole is not None:
        return [whole], []
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
