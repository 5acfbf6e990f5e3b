"""
What a process did, in an append-only file of its own: one line before each call, one after.

A line is written by one ``write`` at once, so SIGKILL loses nothing that was said. The words of a
line: monotonic nanoseconds (one clock for all processes of a machine), an event, and its words.

====================  ============================================================
``lease SECONDS``     what this process claims with
``put KEY ...``       answered by ``stored``, ``unknown`` or ``rejected``
``later KEY ...``     these are delayed, and keep no order
``get LIMIT``         answered by ``got KEY:ATTEMPT ...`` (or ``got``), or ``unknown``
``end VERB KEY ...``  answered by ``done`` and the refused KEYs, or ``unknown``
``killed LEDGER``     by who kills: the owner of that ledger is dead from here on
``cut``               by who cuts connections: one more
``failed ERROR``      an error that nobody expected
``up``                by who breaks things: from here on they work again
``left KEY ...``      at the end, by who looks: what the store still holds
``dead KEY ...``      at the end, by who looks: the dead letters
====================  ============================================================

A ledger belongs to one thread: its calls follow each other. Bodies are their own keys.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from queuekit.errors import LeaseLost, TransportError, TransportUnavailable


class Ledger:
    """One process's own file."""

    def __init__(self, path: Path | str, *, lease: float | None = None) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if lease is not None:
            self.write("lease", str(lease))

    def write(self, *words: str) -> None:
        """Append one line."""
        os.write(self._file, f"{time.monotonic_ns()} {' '.join(words)}\n".encode())

    def close(self) -> None:
        os.close(self._file)


def put(ledger: Ledger, queue: Any, keys: Sequence[str], **options: Any) -> bool:
    """Put *keys* as bodies in one call; False if the outcome is unknown or a refusal."""
    if options.get("delay"):
        ledger.write("later", *keys)
    ledger.write("put", *keys)
    try:
        queue.put_many(keys, **options)
    except TransportError as exc:
        ledger.write("unknown" if isinstance(exc, TransportUnavailable) else "rejected")
        return False
    ledger.write("stored")
    return True


def get(ledger: Ledger, queue: Any, limit: int = 1, *, timeout: float = 0.0) -> list[Any]:
    """Take up to *limit* messages; of a FIFO queue these are bodies."""
    ledger.write("get", str(limit))
    try:
        found: list[Any] = queue.get_many(limit, timeout=timeout)
    except TransportUnavailable:
        ledger.write("unknown")
        return []
    ledger.write("got", *(f"{key_of(one)}:{getattr(one, 'attempt', 1)}" for one in found))
    return found


def end(ledger: Ledger, verb: str, messages: Iterable[Any], **options: Any) -> None:
    """Ack, fail, release, reject or extend *messages*, one call each."""
    for message in messages:
        ledger.write("end", verb, key_of(message))
        try:
            getattr(message, verb)(**options)
        except LeaseLost:
            ledger.write("done", key_of(message))
        except TransportUnavailable:
            ledger.write("unknown")
        else:
            ledger.write("done")


def end_together(ledger: Ledger, queue: Any, verb: str, messages: Sequence[Any]) -> None:
    """Ack, release ... *messages* in one call."""
    ledger.write("end", verb, *map(key_of, messages))
    try:
        getattr(queue, verb)(*messages)
    except LeaseLost as exc:
        ledger.write("done", *(key_of(one) for one in messages if one.id in exc.ids))
    except TransportUnavailable:
        ledger.write("unknown")
    else:
        ledger.write("done")


def key_of(message: Any) -> str:
    """Return the key of a message, or of a body that stands alone."""
    return str(getattr(message, "body", message))
