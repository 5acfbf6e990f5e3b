"""The frame: what goes in comes out, and hostile bytes end in ``FrameError`` or a plain body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuekit import _envelope as frame

ID = bytes(range(16))
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.binary(), st.dictionaries(texts, texts))
def test_a_frame_gives_back_what_went_in(body: bytes, headers: dict[str, str]) -> None:
    data = frame.wrap(ID, body, headers)
    assert frame.Envelope(ID.hex(), headers, body) == frame.unwrap(data)
    assert ID.hex() == frame.frame_id(data)


@given(st.binary())
def test_a_body_without_a_frame_stays_as_it_is(body: bytes) -> None:
    if body[:2] != frame.MAGIC:
        assert frame.Envelope(None, {}, body) == frame.unwrap(body)
        assert frame.frame_id(body) is None
        assert body == frame.bare(body)


@given(st.binary())
def test_hostile_bytes_end_in_an_error_of_ours(rest: bytes) -> None:
    try:
        frame.unwrap(frame.MAGIC + rest)
    except frame.FrameError:
        pass
    frame.frame_id(frame.MAGIC + rest)
    frame.bare(frame.MAGIC + rest)


@pytest.mark.parametrize("size", range(2, 20))
def test_a_frame_cut_short_is_an_error(size: int) -> None:
    whole = frame.wrap(ID, b"")
    with pytest.raises(frame.FrameError):
        frame.unwrap(whole[:size])


@pytest.mark.parametrize("size", range(20, 32))
def test_a_frame_cut_within_its_headers_is_an_error(size: int) -> None:
    whole = frame.wrap(ID, b"", {"a": "b"})
    with pytest.raises(frame.FrameError):
        frame.unwrap(whole[:size])


@pytest.mark.parametrize("packed", [b"", b"[]", b"1", b'{"a":1}', b"{", b"\xff", b"[" * 100_000])
def test_headers_that_are_no_object_of_texts_are_an_error(packed: bytes) -> None:
    head = frame.MAGIC + bytes([frame.HAS_HEADERS, 0]) + ID
    with pytest.raises(frame.FrameError):
        frame.unwrap(head + len(packed).to_bytes(4, "big") + packed)


@pytest.mark.parametrize("flags", [0x40, 0x80, 0xFF])
def test_flags_of_a_newer_version_are_an_error(flags: int) -> None:
    with pytest.raises(frame.FrameError, match="newer"):
        frame.unwrap(frame.MAGIC + bytes([flags, 0]) + ID + b"body")


def test_the_attempts_are_no_part_of_the_message() -> None:
    data = bytearray(frame.wrap(ID, b"body"))
    data[3] = 200
    assert frame.Envelope(ID.hex(), {}, b"body") == frame.unwrap(bytes(data))


def test_only_the_stores_own_frame_is_stripped() -> None:
    store = frame.MAGIC + bytes([frame.BY_STORE, 3]) + ID + b"body"
    assert b"body" == frame.bare(store)
    mine = frame.wrap(ID, b"body")
    assert mine == frame.bare(mine)


@given(st.binary(min_size=10, max_size=10), st.integers(1, 300), st.integers(0, 2**48 - 1))
def test_ids_ascend_differ_and_tell_their_time(entropy: bytes, count: int, now: int) -> None:
    ids = frame.new_ids(count, now_ms=now, entropy=entropy)
    assert sorted(set(ids)) == ids
    assert count == len(ids)
    for one in (ids[0], ids[-1]):
        assert 16 == len(one)
        assert now == frame.id_time_ms(one.hex())
        assert "7" == one.hex()[12]
        assert one.hex()[16] in "89ab"


@given(st.integers(0, 999), st.text("0123456789abcdef", min_size=32, max_size=32))
def test_ids_of_claimed_bodies_are_distinct_and_carry_no_time(index: int, token: str) -> None:
    mine = frame.claimed_id(token, index)
    assert 32 == len(mine)
    assert bytes.fromhex(mine)
    assert frame.id_time_ms(mine) is None
    assert mine != frame.claimed_id(token, index + 1)


@pytest.mark.parametrize("level", range(-3, 4))
@pytest.mark.parametrize("group", ["", "g", "\u00e4" * 127])
@pytest.mark.parametrize("headers", [{}, {"a": "b"}])
def test_a_place_travels_in_the_frame(level: int, group: str, headers: dict[str, str]) -> None:
    place = frame.Place(level, group)
    data = frame.wrap(ID, b"body", headers, place)
    assert (ID.hex(), headers, b"body", place) == frame.unwrap(data)
    assert place == frame.frame_place(data)
    assert level or group or headers or data == frame.PLAIN + ID + b"body"


def test_a_group_cut_short_or_no_text_is_an_error() -> None:
    whole = frame.wrap(ID, b"", {}, frame.Place(1, "group"))
    for size in range(frame.HEAD, len(whole)):
        with pytest.raises(frame.FrameError, match="group"):
            frame.unwrap(whole[:size])
    with pytest.raises(frame.FrameError, match="UTF-8"):
        frame.unwrap(whole[:-1] + b"\xff")
    with pytest.raises(frame.FrameError, match="group"):
        frame.unwrap(whole[: frame.HEAD] + b"\0")
