"""Which pushes a transport object has seen."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

_TOKEN_LIFE: Final = 3600.0
_MOST_TOKENS: Final = 100_000


class Tokens:
    """
    The tokens of this object's pushes: for an hour, and the last 100,000 only.

    A call that fails has stored nothing, so a repeat follows soon or never, and rows in a file for
    them would cost each push as much as its message does. Needs no lock, which a fork might copy
    while it is held: each step on the containers is one of the interpreter's.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], object] = {}
        self._order: deque[tuple[float, tuple[str, str]]] = deque()

    def add(self, queue: str, token: str) -> bool:
        """Remember a token of a queue; False means that it was known."""
        mine, name = object(), (queue, token)
        if self._known.setdefault(name, mine) is not mine:
            return False
        now = time.monotonic()
        self._order.append((now, name))
        for _ in range(2):
            if len(self._order) > _MOST_TOKENS or self._order[0][0] < now - _TOKEN_LIFE:
                self._known.pop(self._order.popleft()[1], None)
        return True

    def discard(self, queue: str, token: str) -> None:
        """Forget a token whose push failed."""
        self._known.pop((queue, token), None)
