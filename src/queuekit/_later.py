"""
Moving delayed messages from lanes to lanes, with their due times. Pure.

A part of ``_lanes`` in a file of its own: it reaches into the lanes as those do themselves.
"""

# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, nsmallest

from ._envelope import frame_attempts, frame_id, has_place
from ._lanes import Lanes
from ._returned import Message, Returned
from ._whole import whole
from .transport import Delivery, Receipt


def peek_delayed(lanes: Lanes, *, now: float, limit: int) -> list[tuple[Delivery, float]]:
    """Return the next delayed messages and the seconds left; see ``Delaying.peek_delayed``."""
    movable = (each for each in lanes._delayed if not has_place(_body(each[2])))
    first = nsmallest(limit, movable, key=lambda each: each[:2])
    return [(_shown(number, message), max(0.0, due - now)) for due, number, message in first]


def move_delayed(
    lanes: Lanes, letters: Sequence[tuple[Receipt, bytes]], to: Lanes
) -> list[Receipt]:
    """Move as ``Delaying.move_delayed`` does; all of it, also when it is interrupted."""
    asked: dict[Receipt, bytes] = {}
    for receipt, body in letters:
        asked.setdefault(receipt, body)
    named = {_receipt(number): (due, number) for due, number, _ in lanes._delayed}
    first = to._put_offs
    new = [
        (named[receipt][0], first + i, body)
        for i, (receipt, body) in enumerate(asked.items())
        if receipt in named
    ]
    gone = {named[receipt][1] for receipt in asked if receipt in named}
    kept = [each for each in lanes._delayed if each[1] not in gone]
    there = kept if to is lanes else list(to._delayed)
    there += new
    heapify(kept)
    heapify(there)

    def steps() -> None:
        to._put_offs = first + len(asked)
        to._delayed = there
        if to is not lanes:
            lanes._delayed = kept

    whole(steps)
    return _lost(letters, set(named))


def _shown(number: int, message: Message) -> Delivery:
    body = _body(message)
    if isinstance(message, Returned):
        return Delivery(body, _receipt(number), message.attempts + 1, message.key)
    return Delivery(body, _receipt(number), frame_attempts(body) + 1, frame_id(body) or "")


def _body(message: Message) -> bytes:
    return message.body if isinstance(message, Returned) else message


def _receipt(number: int) -> Receipt:
    return Receipt(f"delayed.{number}")


def _lost(letters: Sequence[tuple[Receipt, bytes]], found: set[Receipt]) -> list[Receipt]:
    """Return the receipts that named nothing, and of one that is there twice the second."""
    lost: list[Receipt] = []
    for receipt, _ in letters:
        if receipt in found:
            found.discard(receipt)
        else:
            lost.append(receipt)
    return lost
