"""What the tests of the suite are fed with."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any, Final, Protocol

import pytest

from ..._envelope import NO_HEADERS, Place, new_ids, unwrap, wrap
from ...transport import Delivery, Features, PushOptions, Receipt


class HasFeatures(Protocol):
    """A transport of either colour."""

    @property
    def features(self) -> Features: ...


QUEUE: Final = "q"
OTHER: Final = "other"
ONCE: Final = "once"
"""A token of a push."""

LEASE: Final = 60.0
WITHIN: Final = 40.0
"""Seconds that pass without ending a lease or delay of ``LEASE``, however slow the machine is."""
BEYOND: Final = 61.0
"""Seconds that end it."""

PLACED: Final = PushOptions(placed=True)
"""A push of frames that carry a level or a group."""

ODD_NAMES: Final = [
    "plain", "a", "a:w", "{a}:w", "{a}:leases", "{a}:delayed", "{a", "a}", "%", "%7B", "%%",
    "q!dead", "*", "?", "[a]", " ", " a", "a ", "a\nb", "a\0b", "a\0", "\x7f", "'", '"', "a;--",
    "\\", "/", "../a", ".", "ä", "a\u0308", "Ä", "A", "消息", "🐇", "\ufeff", "\u202e", "None",
    "0", "-", "x" * 200,
]  # fmt: skip

BAD_NAMES: Final[list[Any]] = ["", "x" * 300, "é" * 150, "\ud800", b"bytes", 7, None]

BAD_SECONDS: Final[list[Any]] = [
    -1, -0.001, float("nan"), float("inf"), float("-inf"), True, "1", None, 1e300,
]  # fmt: skip

BAD_COUNTS: Final[list[Any]] = [0, -1, 1.5, True, "1", None]

_NONSENSE: Final = [
    "", " ", "x", ".", "..", "x.", ".0", "x.y", "x.0", "x.0.1", "x.-1", "-1", "0", "é.0", "x.٣",
    "\0", "x.1e3", "*", "%s", "{}", "{q}:leases", "'; --", "\n",
    "🐇.0", "x" * 3000, "x." + "9" * 3000,
]  # fmt: skip


def nonsense(real: Receipt) -> list[Receipt]:
    """Return texts that were never handed out, some of them close to a receipt that was."""
    token = real.partition(".")[0]
    ends = [
        "",
        ".",
        "..",
        ".-1",
        ".7",
        ".999",
        ".9999",
        ".65536",
        f".{2**32}",
        f".{2**64}",
        ".x",
        ".٣",
    ]
    return [Receipt(text) for text in [*_NONSENSE, *(token + end for end in ends)] if text != real]


def numbered(count: int) -> list[bytes]:
    """Return so many distinct bodies, in order."""
    return [b"%d" % n for n in range(count)]


def framed(*bodies: bytes) -> list[bytes]:
    """Put frames with ids around *bodies*, as an engine does: what is delayed must be distinct."""
    ids = new_ids(len(bodies), now_ms=int(time.time() * 1000), entropy=os.urandom(10))
    return [wrap(message_id, body) for message_id, body in zip(ids, bodies, strict=True)]


def placed(body: bytes, *, level: int = 0, group: str = "") -> bytes:
    """Put a frame around *body* that carries its place, as an engine does."""
    (message_id,) = new_ids(1, now_ms=int(time.time() * 1000), entropy=os.urandom(10))
    return wrap(message_id, body, NO_HEADERS, Place(level, group))


def inner(found: Iterable[Delivery | bytes]) -> list[bytes]:
    """Return what is in the frames: a store may count attempts in them."""
    return [unwrap(one if isinstance(one, bytes) else one.body).body for one in found]


def receipts(deliveries: Iterable[Delivery]) -> list[Receipt]:
    """Return their receipts."""
    return [delivery.receipt for delivery in deliveries]


def bodies(deliveries: Iterable[Delivery]) -> list[bytes]:
    """Return their bodies."""
    return [delivery.body for delivery in deliveries]


def attempts(deliveries: Iterable[Delivery]) -> list[int]:
    """Return which attempt each is."""
    return [delivery.attempt for delivery in deliveries]


def tried(transport: HasFeatures, attempt: int) -> int:
    """Return what a delivery says that is the *attempt*-th of its message."""
    return attempt if transport.features.counts_attempts else 1


def needs(feature: object, reason: str) -> None:
    """Skip the test, visibly, on a transport without the feature."""
    if not feature:
        pytest.skip(f"the transport does not declare {reason}")
