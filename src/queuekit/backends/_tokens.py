"""Which pushes a transport object has seen."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Final

_TOKEN_LIFE: Final = 3600.0
_MOST_TOKENS: Final = 100_000

STORED: Final = ("stored",)
"""The mark of a push that is stored by now."""


class Tokens:
    """
    The tokens of this object's pushes: for an hour, and the last 100,000 only.

    A call that fails has stored nothing, so a repeat follows soon or never, and rows in a file for
    them would cost each push as much as its message does. Each token has a mark, which holds
    something from the step on that stores its bodies, and is emptied when that step is undone.
    To be used under the store's own lock: then nobody sees the mark of a push on its way.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Sequence[object]] = {}
        self._order: deque[tuple[float, tuple[str, str], Sequence[object]]] = deque()

    def knows(self, queue: str, token: str) -> bool:
        """Tell whether a push with this token was stored."""
        return bool(self._known.get((queue, token)))

    def add(self, queue: str, token: str, mark: Sequence[object]) -> None:
        """Remember a push, which counts when there is something in *mark*."""
        name, now = (queue, token), time.monotonic()
        self._known[name] = mark
        self._order.append((now, name, mark))
        for _ in range(2):
            if len(self._order) > _MOST_TOKENS or self._order[0][0] < now - _TOKEN_LIFE:
                _, old, its = self._order.popleft()
                if self._known.get(old) is its:
                    self._known.pop(old, None)
