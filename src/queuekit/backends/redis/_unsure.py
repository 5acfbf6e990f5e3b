"""Ends of messages that had no answer: a later call for the same claim must know of them. Pure."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from ...transport import Receipt
from ._claims import Settlement, Verb, in_order
from ._wire import Command, Reply
from .keys import Keys

_LIFE: Final = 3600.0
"""Seconds: so long a token leaves a mark on the server, by which a repeat is answered."""
_MOST: Final = 1000


class Part:
    """One settlement as ``until_done`` sends it."""

    __slots__ = ("_arguments", "group", "is_unsure", "token", "verb")

    def __init__(
        self, group: Settlement, keys: Keys, verb: Verb, target: Keys, delay: int, before: int
    ) -> None:
        self.group = group
        self._arguments = (keys, verb, target, delay, before)
        self.token = group.token
        self.verb: Verb = verb
        self.is_unsure = False
        """Whether the same was asked before, and had no answer."""

    def __call__(self, again: bool) -> Command:
        keys, verb, target, delay, before = self._arguments
        return self.group.settle(keys, verb, again or self.is_unsure, target, delay, before)


class Unsure:
    """
    The settlements without an answer, by claim.

    One that is asked again is sent as a repeat, so that what the first send did is not taken for a
    lost lease. One with another verb must wait for the first one's answer: two verbs that may both
    have arrived cannot be told apart later (rule R4 of the protocol).
    """

    def __init__(self) -> None:
        self._asked: OrderedDict[str, tuple[float, dict[Verb, Part]]] = OrderedDict()

    def of(self, parts: Sequence[Part]) -> list[Part]:
        """Mark those of *parts* that are repeats; return all that their claims still wait for."""
        if not self._asked:  # nearly always
            return []
        found: list[Part] = []
        for part in parts:
            born, asked = self._asked.get(part.token, (0.0, {}))
            if time.monotonic() - born < _LIFE:
                part.is_unsure = part.verb in asked
                found += asked.values()
        return found

    def add(self, parts: Iterable[Part]) -> None:
        """Take note that *parts* may have been done, or may still be."""
        for part in parts:
            part.is_unsure = True
            _, asked = self._asked.setdefault(part.token, (time.monotonic(), {}))
            asked[part.verb] = part
        while len(self._asked) > _MOST:
            self._asked.popitem(last=False)

    def forget(self, parts: Iterable[Part]) -> None:
        """Take note that *parts* were answered."""
        if self._asked:
            for part in parts:
                self._asked.pop(part.token, None)


class Ends:
    """
    The ends of messages of several claims, as one call asks for them.

    Args:
        order: The receipts in the order in which those not held are answered.
        lost: Those that name nothing.
    """

    __slots__ = ("_earlier", "_lost", "_order", "_parts", "_unsure", "parts")

    def __init__(
        self, unsure: Unsure, parts: list[Part], order: Sequence[Receipt], lost: list[Receipt]
    ) -> None:
        earlier = [part for part in unsure.of(parts) if part.verb != parts[0].verb]
        self._unsure = unsure
        self._parts = parts
        self._earlier = len(earlier)
        self._order = order
        self._lost = lost
        self.parts = [*earlier, *parts]
        """What to send, and before it what the same claims still wait for."""

    def give_up(self) -> None:
        """Remember that nobody knows whether they were done."""
        self._unsure.add(self._parts)

    def lost(self, replies: Sequence[Reply]) -> list[Receipt]:
        """Take the replies, one for each of the parts; return the receipts that are not held."""
        lost = self._lost
        for part, reply in zip(self._parts, replies[self._earlier :], strict=True):
            if reply:
                lost += part.group.lost(reply)
        lost = in_order(self._order, lost)
        self._unsure.forget(self._parts)
        return lost
