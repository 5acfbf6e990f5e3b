"""
Receipts: a claim's token and a place in it, ``token.index``, and what a transport appends. Pure.

A receipt is the caller's to keep and may come back as any text: nonsense is answered like a lost
lease, never obeyed.
"""

from __future__ import annotations

from collections.abc import Iterable

from .transport import Receipt


def token_of(receipt: Receipt) -> str:
    """Return the token of the claim that a receipt belongs to."""
    return receipt.partition(".")[0]


def place_of(receipt: Receipt) -> int:
    """Return the place that a receipt names in its claim, -1 for nonsense."""
    index = receipt.partition(".")[2].partition(".")[0]
    return int(index) if index.isascii() and index.isdecimal() and len(index) < 5 else -1


def by_claim(receipts: Iterable[Receipt]) -> list[list[Receipt]]:
    """Group receipts by their claims, in the order in which the claims first appear."""
    groups: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        groups.setdefault(token_of(receipt), []).append(receipt)
    return list(groups.values())
