"""
Rows of SQLite and the receipts for them. Pure.

A receipt is ``token.place.end``: the end is when its claim was to expire, where its message stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from .._envelope import claimed_id, frame_attempts, frame_id
from .._receipt import place_of, token_of
from ..transport import Delivery, Receipt

TOKEN_LENGTH: Final = 32

Row = tuple[int, str | None, bytes]
"""Attempts, key and body of a message that goes back."""

_new: Final[Callable[[Any, Any], Delivery]] = tuple.__new__  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - its type says nothing of what it makes
"""Half the time of a constructor."""


def deliveries(token: str, end: float, taken: Sequence[Row]) -> list[Delivery]:
    """Return what a claim took, under its receipts."""
    suffix = f".{end!r}"
    return [
        _new(
            Delivery,
            (
                body,
                f"{token}.{i}{suffix}",
                attempts + frame_attempts(body) + 1,
                key or frame_id(body) or claimed_id(token, i),
            ),
        )
        for i, (attempts, key, body) in enumerate(taken)
    ]


def row_back(token: str, row: tuple[int, int, str | None, bytes], *, counted: bool) -> Row:
    """Turn a claimed message into one that goes back; a body without a frame keeps its name."""
    place, attempts, key, body = row
    if key is None and frame_id(body) is None:
        key = claimed_id(token, place)
    return attempts + counted, key, body


def end_of(receipt: Receipt) -> float:
    """Return when the claim of a receipt was to expire, which its message stands at; or never."""
    try:
        return float(receipt.split(".", 2)[2])
    except (IndexError, ValueError):
        return -1.0


def run_of(receipts: Sequence[Receipt]) -> tuple[float, str, int, int] | None:
    """Return expiry, token and places of receipts that stand side by side in one claim."""
    if not receipts:
        return None
    token, first = token_of(receipts[0]), place_of(receipts[0])
    suffix = receipts[0][len(f"{token}.{first}") :]
    last = first + len(receipts) - 1
    if first < 0 or len(token) != TOKEN_LENGTH:
        return None
    if list(receipts) != [f"{token}.{i}{suffix}" for i in range(first, last + 1)]:
        return None
    return end_of(receipts[0]), token, first, last
