"""Bytes that somebody else wrote: an error that keeps them, whatever they are."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queuekit import DecodeError, EncodeError
from queuekit._codec import Codec
from queuekit._lookup import find_serializer

HOSTILE = [
    ("json", b""),
    ("json", b"\xff"),
    ("json", b"{"),
    ("json", b"1 2"),
    ("json", b"{}\0"),
    ("json", b"'a'"),
    ("json", "[1]".encode("utf-16")),
    ("json", b"\xef\xbb\xbf{}"),
    ("json", b"[" * 200_000),
    ("json", b'{"a":' * 200_000),
    ("json", b"9" * 5000),
    ("msgpack", b""),
    ("msgpack", b"\xc1"),
    ("msgpack", b"\x01\x02"),
    ("msgpack", b"\x91" * 200_000),
    ("msgpack", b"\xdd\xff\xff\xff\xff"),
    ("msgpack", b"\xdf\xff\xff\xff\xff"),
    ("msgpack", b"\xc6\xff\xff\xff\xffx"),
    ("msgpack", b"\xdb\x7f\xff\xff\xffx"),
    ("msgpack", b"\xa2\xff\xfe"),
    ("msgpack", b"\x81\x01\x02"),
    ("msgpack", b"\x81\x90\x02"),
    ("pickle", b""),
    ("pickle", b"garbage"),
    ("pickle", pickle.dumps([1, 2])[:-1]),
    ("pickle", b"\x80\x05\x8e\xff\xff\xff\xff\xff\xff\xff\x7f"),
    ("pickle", b"cno_such_module\nname\n."),
    ("text", b"\xff"),
    ("text", b"\xed\xa0\x80"),
    ("text", b"\xc0\x80"),
]


def codec(serializer: object) -> Codec[Any]:
    return Codec(find_serializer(serializer))


@pytest.mark.parametrize(("name", "data"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bytes_are_an_error_that_keeps_them(name: str, data: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        codec(name).decode(data)
    assert data == caught.value.raw
    assert f"the serializer {name} cannot decode {len(data)} bytes: " in str(caught.value)
    assert caught.value.__cause__ is not None
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("data", [b"NaN", b"Infinity", b"-Infinity"])
def test_json_reads_the_numbers_of_other_python_programs_that_it_would_not_write(
    data: bytes,
) -> None:
    assert data == json.dumps(codec("json").decode(data)).encode()
    with pytest.raises(EncodeError):
        codec("json").encode(codec("json").decode(data))


def outcome(call: Callable[[bytes], Any], data: bytes) -> bytes | None:
    """Return what a decode error keeps, or None when there was a value."""
    try:
        call(data)
    except DecodeError as exc:
        return exc.raw
    return None


@pytest.mark.parametrize("name", ["json", "msgpack", "text", "bytes"])
@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_decode_error(name: str, data: bytes) -> None:
    assert outcome(codec(name).decode, data) in {None, data}


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_stored_bytes_are_a_value_or_a_decode_error(data: bytes) -> None:
    framed = b"\xc1\x71" + data
    assert outcome(codec("json").decode_stored, data) in {None, data}
    assert outcome(codec("json").decode_stored, framed) in {None, framed, data[18:]} or data[0] & 1


@settings(deadline=None)
@given(data=st.binary(max_size=200).filter(lambda data: data[:2] != b"\xc1\x71"))
def test_bytes_without_a_frame_are_the_body(data: bytes) -> None:
    assert data == codec("bytes").decode_stored(data)


@pytest.mark.parametrize("error", [RecursionError, MemoryError, OSError, StopIteration])
def test_whatever_loads_raises_is_a_decode_error(error: type[Exception]) -> None:
    def loads(_: bytes) -> Any:
        raise error

    with pytest.raises(DecodeError) as caught:
        codec(SimpleNamespace(dumps=json.dumps, loads=loads)).decode(b"x")
    assert isinstance(caught.value.__cause__, error)
