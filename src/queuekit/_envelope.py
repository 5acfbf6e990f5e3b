"""
The frame around a body that must carry an id, an attempt count or headers. Pure.

Layout: ``C1 71``, a flags byte, an attempts byte, 16 bytes of id, then, where bit 0 of the flags is
set, four bytes of length (big-endian) and the headers as a JSON object of texts, then the body.
``C1`` begins no UTF-8 text, no MessagePack and no pickle, so a body without a frame is told apart
by its first two bytes. A body that must carry nothing is stored as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, cast

MAGIC: Final = b"\xc1\x71"
HEAD: Final = 20
"""Bytes of a frame before headers and body."""

HAS_HEADERS: Final = 0x01
BY_STORE: Final = 0x02
"""The store added this frame to a body that had none, to count attempts; it takes it off again."""

PLAIN: Final = MAGIC + b"\x00\x00"
"""Begins a frame without headers; behind it come the id and, at ``HEAD``, the body."""
_WITH_HEADERS: Final = MAGIC + bytes([HAS_HEADERS, 0])
_STORE_HEAD: Final = MAGIC + bytes([BY_STORE])
_KNOWN: Final = HAS_HEADERS | BY_STORE

NO_HEADERS: Final[Mapping[str, str]] = {}


class Envelope(NamedTuple):
    """What a stored body says about itself."""

    id: str | None
    """32 hexadecimal digits; None for a body without a frame."""
    headers: Mapping[str, str]
    body: bytes


class FrameError(ValueError):
    """These bytes begin like a frame and are none."""


def new_ids(count: int, *, now_ms: int, entropy: bytes) -> list[bytes]:
    """
    Make *count* ids (UUID version 7, RFC 9562) from the time and ten bytes of *entropy*.

    They ascend within the batch: the last 62 bits are a counter with a random start below 2**61
    (method 2 of RFC 9562, section 6.2), so that a batch put with one delay keeps its order.
    """
    start = int.from_bytes(entropy[2:10], "big") >> 3
    chance = int.from_bytes(entropy[:2], "big") & 0xFFF
    head = ((now_ms & 0xFFFFFFFFFFFF) << 16 | 0x7 << 12 | chance).to_bytes(8, "big")
    first = 0b10 << 62 | start
    return [head + n.to_bytes(8, "big") for n in range(first, first + count)]


def id_time_ms(message_id: str) -> int | None:
    """Return when an id was made, in milliseconds since 1970, or None if it does not say."""
    return int(message_id[:12], 16) if message_id[12:13] == "7" else None


def wrap(message_id: bytes, body: bytes, headers: Mapping[str, str] = NO_HEADERS) -> bytes:
    """Put a frame around *body*."""
    if not headers:
        return PLAIN + message_id + body
    packed = json.dumps(dict(headers), separators=(",", ":")).encode()
    return b"".join((_WITH_HEADERS, message_id, len(packed).to_bytes(4, "big"), packed, body))


def wrap_all(ids: Sequence[bytes], bodies: Sequence[bytes]) -> list[bytes]:
    """Put a frame without headers around each body."""
    return [PLAIN + each + body for each, body in zip(ids, bodies, strict=True)]


def unwrap(data: bytes) -> Envelope:
    """
    Take the frame off; a body without one comes back as it is, with id None.

    Raises:
        FrameError: Cut short, flags of a newer version, or headers that are no JSON object.
    """
    if data[:2] != MAGIC:
        return Envelope(None, NO_HEADERS, data)
    if len(data) < HEAD:
        raise FrameError(f"a frame has at least {HEAD} bytes, this one {len(data)}")
    flags = data[2]
    if flags & ~_KNOWN:
        raise FrameError(f"unknown frame flags 0x{flags:02x}, perhaps of a newer version")
    message_id = data[4:HEAD].hex()
    if not flags & HAS_HEADERS:
        return Envelope(message_id, NO_HEADERS, data[HEAD:])
    start = HEAD + 4
    end = start + int.from_bytes(data[HEAD:start], "big")
    if len(data) < end:
        raise FrameError("the frame ends within its headers")
    return Envelope(message_id, _headers(data[start:end]), data[end:])


def unwrap_or_raw(data: bytes) -> Envelope:
    """Take the frame off; what is no proper frame counts as a body without one."""
    try:
        return unwrap(data)
    except FrameError:
        return Envelope(None, NO_HEADERS, data)


def _headers(packed: bytes) -> Mapping[str, str]:
    try:
        headers: object = json.loads(packed)
    except (ValueError, RecursionError) as exc:
        raise FrameError("the headers of the frame are no JSON") from exc
    if not isinstance(headers, dict):
        raise FrameError("the headers of the frame are no JSON object")
    texts = cast("dict[str, object]", headers)
    if not all(isinstance(value, str) for value in texts.values()):
        raise FrameError("a header of the frame is no text")
    return cast("dict[str, str]", texts)


def frame_id(data: bytes) -> str | None:
    """Return the id of a framed body, None for a body without a frame; never raises."""
    return data[4:HEAD].hex() if data[:2] == MAGIC and len(data) >= HEAD else None


def strip_store_frame(data: bytes) -> bytes:
    """Take off a frame that the store added by itself; leave every other body alone."""
    return data[HEAD:] if data[:3] == _STORE_HEAD else data


def claimed_id(token: str, index: int) -> str:
    """
    Derive the id of a body without a frame from its first claim, as 32 hexadecimal digits.

    The store writes it into the frame that it adds when the body goes back, so every delivery
    names the message alike. It is a UUID of version 4: it carries no time.
    """
    return f"{token[:12]}4{token[13:16]}8{token[17:28]}{index:04x}"
