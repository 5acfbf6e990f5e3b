"""Which pushes a transport object has seen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

_TOKEN_LIFE: Final = 3600.0
_MOST_TOKENS: Final = 100_000
_LOOK_EVERY: Final = 256

STORED: Final = ("stored",)
"""The mark of a push that is stored by now."""


class Tokens:
    """
    The tokens of this object's pushes: for an hour at least, but only the last 100,000 for certain.

    A call that fails has stored nothing, so a repeat follows soon or never, and rows in a file for
    them would cost each push as much as its message does. Each token has a mark, which holds
    something from the step on that stores its bodies, and is emptied when that step is undone.
    """

    def __init__(self) -> None:
        self.young: dict[tuple[str, str], Sequence[object]] = {}
        """The marks by queue and token; a push may add its own, after ``make_room``."""
        self._old: dict[tuple[str, str], Sequence[object]] = {}
        self._until = time.monotonic() + _TOKEN_LIFE

    def knows(self, queue: str, token: str) -> bool:
        """Tell whether a push with this token was stored."""
        name = queue, token
        return bool(self.young.get(name) or self._old.get(name))

    def add(self, queue: str, token: str, mark: Sequence[object]) -> None:
        """Remember a push, which counts when there is something in *mark*."""
        self.make_room()
        self.young[queue, token] = mark

    def make_room(self) -> None:
        """Forget the old tokens when the young ones are many, or old themselves."""
        young = self.young
        count = len(young)
        if count >= _MOST_TOKENS or (
            count % _LOOK_EVERY == _LOOK_EVERY - 1 and time.monotonic() > self._until
        ):
            until = time.monotonic() + _TOKEN_LIFE
            if self.young is young:  # another thread may do the same
                self._old, self.young, self._until = young, {}, until
