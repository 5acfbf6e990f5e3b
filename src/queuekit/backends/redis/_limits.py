"""Limits of claims and marks of keys, as their scripts take them. No I/O."""

from __future__ import annotations

from ..._checks import check_limits
from ..._entropy import entropy
from ...abilities import Limits
from . import _script
from ._tries import Part


def turns_of(limits: Limits) -> tuple[str, int, int]:
    """Return microseconds between two turns, turns saved up, claims at a time; 0: no limit."""
    check_limits(limits)
    interval = 0.0 if limits.rate is None else limits.per * 1e6 / limits.rate
    return f"{interval:.6f}", limits.burst, limits.in_flight or 0


def mark(place: bytes, value: str, window: int) -> Part:
    """Return what marks a key for *window* milliseconds; a repeat knows its own first send."""
    name = entropy().hex()
    return lambda again: _script.MARK((place,), name, value.encode(), window, int(again))
