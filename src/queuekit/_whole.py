"""Steps that are done whole, wherever a signal handler cuts them short. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import repeat, starmap
from typing import TypeVar

_T = TypeVar("_T")


def moving(line: deque[_T]) -> Iterator[_T]:
    """Return what empties *line* from its front into the one call that it is given to."""
    return starmap(line.popleft, repeat((), len(line)))


def moving_back(line: deque[_T]) -> Iterator[_T]:
    """Return what empties *line* from its end."""
    return starmap(line.pop, repeat((), len(line)))


def whole(steps: Callable[[], None]) -> None:
    """Run *steps*, and once more where an interruption cut them short; each may be done twice."""
    try:
        steps()
    except BaseException:
        steps()
        raise
