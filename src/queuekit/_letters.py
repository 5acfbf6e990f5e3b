"""
Dead letters: what is kept of a message that is not tried again. Pure.

A dead letter is a framed message on the queue ``<name>!dead``: the id and headers of the message,
its body exactly as it was stored, and headers that begin with ``queuekit-`` for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from ._checks import DEAD
from ._envelope import Envelope, id_time_ms, wrap

_OWN: Final = "queuekit-"
_LONGEST_REASON: Final = 500
"""Characters; reasons end in listings, and a traceback belongs into a log."""


class DeadLetter(NamedTuple):
    """One dead letter, read without taking it."""

    id: str
    body: bytes
    """The body as it was stored, not decoded."""
    reason: str
    attempts: int
    queue: str
    """Where it came from."""
    died_at: datetime | None
    enqueued_at: datetime | None
    """None for a message of a program that writes no ids."""
    headers: Mapping[str, str]
    """The message's own headers."""


def dead_name(queue: str) -> str:
    """Return the name of the queue of the dead letters."""
    return queue + DEAD


def letter(
    message_id: bytes,
    envelope: Envelope,
    *,
    queue: str,
    reason: str,
    attempts: int,
    died_at: float,
) -> bytes:
    """Return the dead letter of a message, as it is stored."""
    headers = {
        **envelope.headers,
        f"{_OWN}reason": reason[:_LONGEST_REASON],
        f"{_OWN}attempts": str(attempts),
        f"{_OWN}queue": queue,
        f"{_OWN}died-at": datetime.fromtimestamp(died_at, UTC).isoformat(),
    }
    return wrap(message_id, envelope.body, headers)


def read_letter(message_id: str, headers: Mapping[str, str], body: bytes) -> DeadLetter:
    """Return what a dead letter says; what is missing or wrong reads as nothing."""
    attempts = headers.get(f"{_OWN}attempts", "")
    return DeadLetter(
        message_id,
        body,
        headers.get(f"{_OWN}reason", ""),
        int(attempts) if attempts.isascii() and attempts.isdecimal() else 0,
        headers.get(f"{_OWN}queue", ""),
        _time(headers.get(f"{_OWN}died-at", "")),
        enqueued_at(message_id),
        own_headers(headers),
    )


def own_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the message's own headers, as they were before it died."""
    return {name: value for name, value in headers.items() if not name.startswith(_OWN)}


def enqueued_at(message_id: str) -> datetime | None:
    """Return when a message was put, in UTC and by its producer's clock, or None if unknown."""
    millis = id_time_ms(message_id)
    try:
        return None if millis is None else datetime.fromtimestamp(millis / 1000, UTC)
    except (ValueError, OverflowError, OSError):  # a foreign id: beyond the year 9999
        return None


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
