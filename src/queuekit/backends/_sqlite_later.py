"""Moving delayed messages with their due times: what ``_later`` does, as SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from .._envelope import frame_attempts, frame_id
from ..transport import Delivery, Receipt
from ._sqlite_lanes import Lane
from ._sqlite_places import SPAN

_PEEK: Final = (
    "SELECT due, seq, attempts, key, body FROM queuekit_delayed WHERE queue = ?"
    # bits 2 to 5 of the flags of a frame: it carries a place
    " AND (substr(body, 1, 2) <> x'C171' OR length(body) < 20"
    " OR (substr(hex(substr(body, 3, 1)), 1, 1) IN ('0', '4', '8', 'C')"
    " AND substr(hex(substr(body, 3, 1)), 2) IN ('0', '1', '2', '3')))"
    " ORDER BY due, seq LIMIT ?"
)
_ONE: Final = "SELECT key, body FROM queuekit_delayed WHERE queue = ? AND due = ? AND seq = ?"
_TAKE: Final = "DELETE FROM queuekit_delayed WHERE queue = ? AND due = ? AND seq = ?"
_STORE: Final = (
    "INSERT INTO queuekit_delayed (queue, due, seq, attempts, body) VALUES (?, ?,"
    " coalesce((SELECT seq + 1 FROM queuekit_delayed WHERE queue = ? AND due = ?"
    " ORDER BY seq DESC LIMIT 1), 0), 0, ?)"
)


def peek_delayed(
    cur: sqlite3.Cursor, lane: Lane, *, now: float, limit: int
) -> list[tuple[Delivery, float]]:
    """Return the next delayed messages and the seconds left; see ``Delaying.peek_delayed``."""
    found: list[tuple[Delivery, float]] = []
    rows = cur.execute(_PEEK, (lane.number, min(limit, SPAN))).fetchall()
    for due, seq, attempts, key, body in rows:
        name = key or frame_id(body) or ""
        attempt = attempts + frame_attempts(body) + 1
        one = Delivery(body, Receipt(f"{due!r}:{seq}:{name}"), attempt, name)
        found.append((one, max(0.0, due - now)))
    return found


def move_delayed(
    cur: sqlite3.Cursor, lane: Lane, letters: Sequence[tuple[Receipt, bytes]], to: Lane
) -> list[Receipt]:
    """Move as ``Delaying.move_delayed`` does."""
    lost: list[Receipt] = []
    for receipt, body in letters:
        due, seq, name = _place(receipt)
        old = cur.execute(_ONE, (lane.number, due, seq)).fetchall()
        if not old or name != (old[0][0] or frame_id(old[0][1]) or ""):
            lost.append(receipt)
            continue
        cur.execute(_TAKE, (lane.number, due, seq))
        cur.execute(_STORE, (to.number, due, to.number, due, body))
    return lost


def _place(receipt: Receipt) -> tuple[float, int, str]:
    """Return due time, number and key that a receipt names; of nonsense, what is never there."""
    due, _, rest = receipt.partition(":")
    seq, _, name = rest.partition(":")
    try:
        return float(due), int(seq) if len(seq) < 19 else -1, name
    except ValueError:
        return -1.0, -1, name
