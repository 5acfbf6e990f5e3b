"""
The frame around a body that must carry an id, an attempt count or headers. Pure.

Layout: ``C1 71``, a flags byte, an attempts byte, 16 bytes of id; then, where bit 2 of the flags is
set, a byte of length and the group in UTF-8; then, where bit 0 is set, four bytes of length
(big-endian) and the headers as a JSON object of texts; then the body. Bits 3 to 5 are the level, in
two's complement.
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

HAS_GROUP: Final = 0x04
LEVEL: Final = 0x38
"""The bits of the level: 0 is the usual one, and costs nothing."""
PLACED: Final = HAS_GROUP | LEVEL

PLAIN: Final = MAGIC + b"\x00\x00"
"""Begins a frame without headers; behind it come the id and, at ``HEAD``, the body."""
_STORE_HEAD: Final = MAGIC + bytes([BY_STORE])
_KNOWN: Final = HAS_HEADERS | BY_STORE | PLACED

NO_HEADERS: Final[Mapping[str, str]] = {}


class Place(NamedTuple):
    """Where a message stands among those of its queue."""

    level: int = 0
    """Its priority, -3 to 3; a higher one is handed out first."""
    group: str = ""
    """1 to 255 bytes of UTF-8; empty means none."""


NOWHERE: Final = Place()
"""Level 0, no group."""


class Envelope(NamedTuple):
    """What a stored body says about itself."""

    id: str | None
    """32 hexadecimal digits; None for a body without a frame."""
    headers: Mapping[str, str]
    body: bytes
    place: Place = NOWHERE


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


def wrap(
    message_id: bytes,
    body: bytes,
    headers: Mapping[str, str] = NO_HEADERS,
    place: Place = NOWHERE,
) -> bytes:
    """Put a frame around *body*."""
    if not headers and place == NOWHERE:
        return PLAIN + message_id + body
    flags, parts = (place.level & 7) << 3, [message_id]
    if place.group:
        group = place.group.encode()
        flags |= HAS_GROUP
        parts += [bytes([len(group)]), group]
    if headers:
        packed = json.dumps(dict(headers), separators=(",", ":")).encode()
        flags |= HAS_HEADERS
        parts += [len(packed).to_bytes(4, "big"), packed]
    return b"".join((MAGIC, bytes([flags, 0]), *parts, body))


def wrap_all(ids: Sequence[bytes], bodies: Sequence[bytes]) -> list[bytes]:
    """Put a frame without headers around each body."""
    return [PLAIN + each + body for each, body in zip(ids, bodies, strict=True)]


def unwrap(data: bytes) -> Envelope:
    """
    Take the frame off; a body without one comes back as it is, with id None.

    Raises:
        FrameError: Cut short, flags of a newer version, a group that is no text, or headers that
            are no JSON object.
    """
    if data[:2] != MAGIC:
        return Envelope(None, NO_HEADERS, data, NOWHERE)
    if len(data) < HEAD:
        raise FrameError(f"a frame has at least {HEAD} bytes, this one {len(data)}")
    flags = data[2]
    if flags & ~_KNOWN:
        raise FrameError(f"unknown frame flags 0x{flags:02x}, perhaps of a newer version")
    message_id = data[4:HEAD].hex()
    if not flags & ~BY_STORE:
        return Envelope(message_id, NO_HEADERS, data[HEAD:], NOWHERE)
    place, start = NOWHERE, HEAD
    if flags & PLACED:
        place = frame_place(data)
        start += 1 + data[HEAD] if place.group else 0
    if not flags & HAS_HEADERS:
        return Envelope(message_id, NO_HEADERS, data[start:], place)
    end = start + 4 + int.from_bytes(data[start : start + 4], "big")
    if len(data) < max(end, start + 4):
        raise FrameError("the frame ends within its headers")
    return Envelope(message_id, _headers(data[start + 4 : end]), data[end:], place)


def frame_place(data: bytes) -> Place:
    """
    Return the level and the group that a frame carries; of a body without one, neither.

    Raises:
        FrameError: It ends within its group, or the group is empty or no text.
    """
    if data[:2] != MAGIC or len(data) < HEAD or not data[2] & PLACED:
        return NOWHERE
    bits = (data[2] & LEVEL) >> 3
    level = bits - 8 if bits > 3 else bits
    if not data[2] & HAS_GROUP:
        return Place(level)
    end = HEAD + 1 + (data[HEAD] if len(data) > HEAD else 0)
    if end == HEAD + 1 or len(data) < end:
        raise FrameError("the frame ends within its group")
    try:
        return Place(level, data[HEAD + 1 : end].decode())
    except UnicodeDecodeError as exc:
        raise FrameError("the group of the frame is no UTF-8") from exc


def unwrap_or_raw(data: bytes) -> Envelope:
    """Take the frame off; what is no proper frame counts as a body without one."""
    try:
        return unwrap(data)
    except FrameError:
        return Envelope(None, NO_HEADERS, data, NOWHERE)


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


def frame_attempts(data: bytes) -> int:
    """Return the attempts that a frame has counted, 0 for a body without one; never raises."""
    return data[3] if data[:2] == MAGIC and len(data) >= HEAD else 0


def has_place(data: bytes) -> bool:
    """Tell whether a frame carries a level or a group; never raises."""
    return data[:2] == MAGIC and len(data) >= HEAD and bool(data[2] & PLACED)


def may_be_framed(bodies: Sequence[bytes]) -> bool:
    """
    Tell whether a frame may be among *bodies*, by the greatest: no text is as great as a frame.

    That is one call into C; to look at the beginning of each body costs four times as much.
    """
    return bool(bodies) and max(bodies) >= MAGIC


def bare(data: bytes) -> bytes:
    """Take off a frame that the store added by itself; leave every other body alone."""
    return data[HEAD:] if data[:3] == _STORE_HEAD and len(data) >= HEAD else data


def bare_all(bodies: Sequence[bytes]) -> list[bytes]:
    """Take such a frame off each."""
    return [bare(data) for data in bodies] if may_be_framed(bodies) else list(bodies)


def claimed_id(token: str, index: int) -> str:
    """
    Derive the id of a body without a frame from its first claim, as 32 hexadecimal digits.

    The store writes it into the frame that it adds when the body goes back, so every delivery
    names the message alike. It is a UUID of version 4: it carries no time.
    """
    return f"{token[:12]}4{token[13:16]}8{token[17:28]}{index:04x}"
