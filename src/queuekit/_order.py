"""The order in which a worker looks at its queues. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias, cast

from ._checks import refuse_type
from .errors import ConfigurationError

Order: TypeAlias = "Literal['strict', 'fair'] | Mapping[str, float]"
"""Strictly as given, in turns, or by each queue's weight."""

_REST: Final = 0.05
"""Seconds for which a queue that was empty is looked at last."""

_WAY_OUT: Final = 'use "strict", "fair" or {name: weight}'


class Turns:
    """
    Whose turn it is, of so many queues.

    With weights each queue has a clock of its own, which a message moves on by one over its weight;
    the one that is furthest behind is first. A queue that was empty saves nothing up for later.
    """

    def __init__(self, weights: Sequence[float] | None) -> None:
        self._weights = weights
        self._clocks = [0.0] * len(weights or ())
        self._empty = [-math.inf] * len(weights or ())

    def looks(self, count: int, now: float) -> list[int]:
        """Return which queues to look at, the first one first."""
        if self._weights is None:
            return list(range(count))
        rests = [now - seen < _REST for seen in self._empty]
        return sorted(range(count), key=lambda i: (rests[i], self._clocks[i]))

    def empty(self, index: int, now: float) -> None:
        """Take note that a queue had nothing."""
        if self._weights is not None:
            self._empty[index] = now

    def took(self, index: int) -> None:
        """Take note of a message."""
        if self._weights is not None:
            here = self._clocks[index]
            self._clocks = [max(clock, here) for clock in self._clocks]
            self._clocks[index] += 1 / self._weights[index]
            self._empty[index] = -math.inf


def turns(order: object, names: Sequence[str]) -> Turns:
    """Return the turns of queues, or refuse an order that is none."""
    if order == "strict":
        return Turns(None)
    if order == "fair":
        return Turns([1.0] * len(names))
    if not isinstance(order, Mapping):
        refuse_type("order= is how a worker looks at its queues", order, _WAY_OUT)
    weights = cast("Mapping[object, object]", order)
    if set(weights) != set(names):
        raise ConfigurationError(
            f"order= has weights for {_listed(weights)}, the queues are {_listed(names)}"
        )
    return Turns([_weight(name, weights[name]) for name in names])


def _weight(name: str, value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        refuse_type(f"the weight of {name!r} is a number above 0", value, _WAY_OUT)
    if not math.isfinite(value) or value <= 0:
        raise ConfigurationError(f"the weight of {name!r} is a number above 0, not {value!r}")
    return float(value)


def _listed(names: Iterable[object]) -> str:
    return ", ".join(sorted(map(repr, names)))
