"""
Dead letters: what is kept of a message that is not tried again. Pure.

A dead letter is a framed message on the queue ``<name>!dead``: the id and headers of the message,
its body exactly as it was stored, and headers that begin with ``queuekit-`` for the rest.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from ._checks import DEAD
from ._envelope import NOWHERE, Envelope, Place, id_time_ms, wrap

OWN: Final = "queuekit-"
"""Begins the names of the headers that are the library's own."""
EXPIRES: Final = f"{OWN}expires"
"""When a message expires, in milliseconds since 1970 by its producer's clock."""
EXPIRED: Final = f"{OWN}expired"
"""``drop`` for what is to be forgotten then, and leaves no dead letter."""

_LONGEST_REASON: Final = 500
"""Characters; reasons end in listings, and a traceback belongs into a log."""
_LONGEST_TRACEBACK: Final = 8000
"""Characters, those at the end: where the error was raised, and what it says."""


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
    error: str = ""
    """The class of the exception that it failed with, as ``module.Name``; empty without one."""
    traceback: str = ""
    """The end of its traceback, where the queue keeps them (``keep_traceback=True``)."""
    priority: int = 0
    group: str | None = None
    """Its place, which it gets back when it is sent back."""


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
    error: BaseException | None = None,
    keep_traceback: bool = False,
) -> bytes:
    """Return the dead letter of a message, as it is stored: without a place, which is a header."""
    headers = {
        **envelope.headers,
        f"{OWN}reason": reason[:_LONGEST_REASON],
        f"{OWN}attempts": str(attempts),
        f"{OWN}queue": queue,
        f"{OWN}died-at": datetime.fromtimestamp(died_at, UTC).isoformat(),
    }
    headers.pop(EXPIRES, None)  # a letter does not expire
    headers.pop(EXPIRED, None)
    if error is not None:
        headers[f"{OWN}error"] = _class_of(error)
    if error is not None and keep_traceback:
        headers[f"{OWN}traceback"] = _traceback_of(error)
    if envelope.place.level:
        headers[f"{OWN}priority"] = str(envelope.place.level)
    if envelope.place.group:
        headers[f"{OWN}group"] = envelope.place.group
    return wrap(message_id, envelope.body, headers)


def read_letter(message_id: str, headers: Mapping[str, str], body: bytes) -> DeadLetter:
    """Return what a dead letter says; what is missing or wrong reads as nothing."""
    attempts = headers.get(f"{OWN}attempts", "")
    place = place_of(headers)
    return DeadLetter(
        message_id,
        body,
        headers.get(f"{OWN}reason", ""),
        int(attempts) if attempts.isascii() and attempts.isdecimal() else 0,
        headers.get(f"{OWN}queue", ""),
        _time(headers.get(f"{OWN}died-at", "")),
        enqueued_at(message_id),
        own_headers(headers),
        headers.get(f"{OWN}error", ""),
        headers.get(f"{OWN}traceback", ""),
        place.level,
        place.group or None,
    )


def place_of(headers: Mapping[str, str]) -> Place:
    """Return the place that a dead letter keeps for its message."""
    level, group = headers.get(f"{OWN}priority", ""), headers.get(f"{OWN}group", "")
    if not level and not group:
        return NOWHERE
    known = level in ("-3", "-2", "-1", "1", "2", "3")
    return Place(int(level) if known else 0, group if len(group.encode()) <= 255 else "")


def own_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the message's own headers, as they were before it died."""
    return {name: value for name, value in headers.items() if not name.startswith(OWN)}


def enqueued_at(message_id: str) -> datetime | None:
    """Return when a message was put, in UTC and by its producer's clock, or None if unknown."""
    millis = id_time_ms(message_id)
    try:
        return None if millis is None else datetime.fromtimestamp(millis / 1000, UTC)
    except (ValueError, OverflowError, OSError):  # a foreign id: beyond the year 9999
        return None


def expired(headers: Mapping[str, str], now: float) -> str | None:
    """
    Return what becomes of a message that expired before *now* (seconds since 1970), else None.

    ``dead`` or ``drop``. What is no number of milliseconds says nothing.
    """
    millis = headers.get(EXPIRES, "")
    if not (millis.isascii() and millis.isdecimal() and len(millis) <= 18):
        return None
    if int(millis) > now * 1000:
        return None
    return "drop" if headers.get(EXPIRED) == "drop" else "dead"


def described(error: BaseException) -> str:
    """Return an exception as a reason: its class and what it says."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - its __str__ may be broken
        return type(error).__name__


def _class_of(error: BaseException) -> str:
    kind = type(error)
    where = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return where + kind.__qualname__


def _traceback_of(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    return text if len(text) <= _LONGEST_TRACEBACK else "…" + text[1 - _LONGEST_TRACEBACK :]


def _time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
