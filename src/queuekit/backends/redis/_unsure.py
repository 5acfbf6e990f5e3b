"""Ends of messages that had no answer: a later call for the same claim must know of them. Pure."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from ._claims import Verb

_LIFE: Final = 3600.0
"""Seconds: so long a token leaves a mark on the server, by which a repeat is answered."""
_MOST: Final = 1000


class Asked(Protocol):
    """A settlement of one claim."""

    is_unsure: bool

    @property
    def token(self) -> str: ...
    @property
    def verb(self) -> Verb: ...


A = TypeVar("A", bound=Asked)


class Unsure(Generic[A]):
    """
    The settlements without an answer, by claim.

    One that is asked again is sent as a repeat, so that what the first send did is not taken for a
    lost lease. One with another verb must wait for the first one's answer: two verbs that may both
    have arrived cannot be told apart later (rule R4 of the protocol).
    """

    def __init__(self) -> None:
        self._asked: OrderedDict[str, tuple[float, dict[Verb, A]]] = OrderedDict()

    def of(self, parts: Sequence[A]) -> list[A]:
        """Mark those of *parts* that are repeats; return all that their claims still wait for."""
        if not self._asked:  # nearly always
            return []
        found: list[A] = []
        for part in parts:
            born, asked = self._asked.get(part.token, (0.0, {}))
            if time.monotonic() - born < _LIFE:
                part.is_unsure = part.verb in asked
                found += asked.values()
        return found

    def add(self, parts: Iterable[A]) -> None:
        """Take note that *parts* may have been done, or may still be."""
        for part in parts:
            part.is_unsure = True
            _, asked = self._asked.setdefault(part.token, (time.monotonic(), {}))
            asked[part.verb] = part
        while len(self._asked) > _MOST:
            self._asked.popitem(last=False)

    def forget(self, parts: Iterable[A]) -> None:
        """Take note that *parts* were answered."""
        if self._asked:
            for part in parts:
                self._asked.pop(part.token, None)
