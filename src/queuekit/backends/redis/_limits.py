"""Limits of claims and marks of keys, as their scripts take them. No I/O."""

from __future__ import annotations

from ..._checks import check_count, check_seconds
from ..._entropy import entropy
from ...abilities import Limits
from ...errors import ConfigurationError
from . import _script
from ._tries import Part


def turns_of(limits: Limits) -> tuple[str, int, int]:
    """Return microseconds between two turns, turns saved up, claims at a time; 0: no limit."""
    in_flight = 0 if limits.in_flight is None else check_count("in_flight", limits.in_flight)
    burst = check_count("burst", limits.burst)
    per = check_seconds("per", limits.per, positive=True)
    if limits.rate is None:
        return "0", burst, in_flight
    rate = check_seconds("rate", limits.rate) if not isinstance(limits.rate, bool) else 0.0
    if not rate:
        raise ConfigurationError(f"a rate is a number above 0, not {limits.rate!r}")
    return f"{per * 1e6 / rate:.3f}", burst, in_flight


def mark(place: bytes, value: str, window: int) -> Part:
    """Return what marks a key for *window* milliseconds; a repeat knows its own first send."""
    name = entropy().hex()
    return lambda again: _script.MARK((place,), name, value.encode(), window, int(again))
