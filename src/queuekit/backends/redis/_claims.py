"""Receipts and what ends them: what to send and what the answers mean. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal, cast

from ..._envelope import has_place
from ..._receipt import by_claim, place_of
from ...transport import MAX_CLAIM, Receipt
from . import _script
from ._wire import Argument, Command, Reply
from .keys import Keys

Verb = Literal["A", "F", "R", "D"]
"""Acked, failed, released, moved to a dead letter."""

_PLACES: Final = list(range(MAX_CLAIM))

_RECEIPT = re.compile(r"([0-9a-f]{32})\.(\d{1,4})\.(\d{1,4})(\.2)?(\.p)?", re.ASCII)
_SENT_TWICE: Final = ".2"
"""Ends the receipts of a claim that was sent more than once: its token must be marked at its end,
or what is still on its way would claim again under the same name."""
_IS_PLACED: Final = ".p"
"""Ends the receipts of a claim of a queue that keeps places: whoever settles must know of them."""


@lru_cache(maxsize=64)
def receipt_ends(size: int, sent_twice: bool, is_placed: bool) -> tuple[str, ...]:
    """Return what the receipts of a claim have behind its token, place by place."""
    end = (_SENT_TWICE if sent_twice else "") + (_IS_PLACED if is_placed else "")
    return tuple(f".{i}.{size}{end}" for i in range(size))


class Settlement:
    """Receipts of one claim that meet the same end in one step."""

    __slots__ = ("_bodies", "_is_placed", "_size", "_spend", "places", "receipts", "token")

    def __init__(self, token: str, size: int, spend: bool, is_placed: bool) -> None:
        self.token = token
        self._size = size
        self._spend = spend
        self._is_placed = is_placed
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
            self._is_placed |= has_place(body)

    def sort(self) -> None:
        """Put the places into the order of the claim."""
        order = sorted(range(len(self.places)), key=self.places.__getitem__)
        self.places = [self.places[i] for i in order]
        self.receipts = [self.receipts[i] for i in order]

    def settle(
        self, keys: Keys, verb: Verb, again: bool, target: Keys, delay: int = 0, before: int = 0
    ) -> Command:
        """Return the command that ends them."""
        places, size = self.places, self._size
        is_placed = self._is_placed or keys.is_placed
        if verb == "A" and len(places) == size and places == _PLACES[:size]:
            name = (size, again, self._spend, is_placed)
            template = keys.templates.get(name)
            if template is None:
                numbers = (int(again), int(self._spend), 0, 0, size, size)
                call = self._call_placed if is_placed else self._call
                template = keys.template(name, lambda token: call(keys, token, keys, "A", *numbers))
            return template(self.token.encode())
        whole = len(places) == size and max(places) < size
        numbers = (int(again), int(self._spend), delay, before, size if whole else 0, len(places))
        token = self.token.encode()
        call = self._call_placed if is_placed else self._call
        return call(keys, token, target, verb, *numbers, *places, *self._bodies)

    @staticmethod
    def _call(keys: Keys, token: bytes, target: Keys, verb: Verb, *arguments: Argument) -> Command:
        last = target.ready if verb == "D" else keys.delayed
        lists = (keys.ready, keys.landing, keys.leases, keys.claim(token), keys.mark(token), last)
        return _script.SETTLE(lists, token, verb, *arguments)

    @staticmethod
    def _call_placed(
        keys: Keys, token: bytes, target: Keys, verb: Verb, *arguments: Argument
    ) -> Command:
        lists = (*keys.places, keys.claim(token), keys.mark(token), *target.places)
        return _script.PLACED_SETTLE(lists, token, verb, *arguments)

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
    token, spend, is_placed = match[1], match[4] is not None, match[5] is not None
    if [token + end for end in receipt_ends(len(receipts), spend, is_placed)] != list(receipts):
        return None
    whole = Settlement(token, len(receipts), spend, is_placed)
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
            flags = (match[4] is not None, match[5] is not None)
            group = open_groups[token] = Settlement(token, int(match[3]), *flags)
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


def bodies_of(reply: Reply) -> list[bytes]:
    """Return the bodies of a reply that has nothing else, as they are stored."""
    return cast("list[bytes]", reply) if isinstance(reply, list) else []
