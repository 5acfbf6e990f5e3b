"""What each serializer carries, and what it refuses, with a way out."""

from __future__ import annotations

import io
import json
import marshal
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queuekit import DecodeError, EncodeError
from queuekit._codec import Codec
from queuekit._lookup import SERIALIZERS, find_serializer

PLAIN = [
    None,
    True,
    False,
    0,
    -1,
    2**53,
    0.5,
    -0.0,
    1e300,
    "",
    "é😀\0",
    [],
    {},
    [[], {"a": [None]}],
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | TEXT | st.floats(allow_nan=False, allow_infinity=False)
JSONABLE = st.recursive(
    SCALARS | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
)
PACKABLE = st.recursive(
    SCALARS | st.integers(-(2**63), 2**64 - 1) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(TEXT | st.binary(), inner),
)


def codec(serializer: object) -> Codec[Any]:
    return Codec(find_serializer(serializer))


def there_and_back(name: object, body: object) -> Any:
    both = codec(name)
    return both.decode(both.encode(body))


class Point:
    """An object that pickle can carry."""

    def __init__(self, x: int) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and self.x == other.x

    def __hash__(self) -> int:
        return hash(self.x)


@pytest.mark.parametrize("name", ["json", "pickle", "msgpack"])
@pytest.mark.parametrize("body", PLAIN)
def test_plain_values_come_back_as_they_went(name: str, body: Any) -> None:
    back = there_and_back(name, body)
    assert (body, type(body)) == (back, type(back))


@settings(deadline=None)
@given(JSONABLE)
def test_json_carries_every_json_value(body: Any) -> None:
    assert body == there_and_back("json", body)


@settings(deadline=None)
@given(PACKABLE)
def test_msgpack_carries_every_msgpack_value(body: Any) -> None:
    assert body == there_and_back("msgpack", body)


@settings(deadline=None)
@given(PACKABLE)
def test_pickle_carries_them_too(body: Any) -> None:
    assert body == there_and_back("pickle", body)


@settings(deadline=None)
@given(TEXT)
def test_text_is_stored_as_it_is(body: str) -> None:
    assert body.encode() == codec("text").encode(body)
    assert body == there_and_back("text", body)


@settings(deadline=None)
@given(st.binary())
def test_bytes_are_stored_as_they_are(body: bytes) -> None:
    assert body == codec("bytes").encode(body)
    assert body == there_and_back("bytes", body)


@pytest.mark.parametrize("body", [bytearray(b"a\xff"), memoryview(b"a\xff")])
def test_what_is_like_bytes_is_copied(body: Any) -> None:
    assert (b"a\xff", bytes) == (codec("bytes").encode(body), type(codec("bytes").encode(body)))


@pytest.mark.parametrize(
    ("name", "body", "back"),
    [
        ("json", (1, (2,)), [1, [2]]),
        ("json", {1: "a", None: "b", False: "c"}, {"1": "a", "null": "b", "false": "c"}),
        ("json", {1.5: 0}, {"1.5": 0}),
        ("msgpack", (1, (2,)), [1, [2]]),
        ("msgpack", bytearray(b"x"), b"x"),
        ("msgpack", {b"k": 1}, {b"k": 1}),
        ("pickle", (1, {2: (3,)}), (1, {2: (3,)})),
        ("pickle", Point(4), Point(4)),
        ("pickle", datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_the_nearest_thing_comes_back(name: str, body: Any, back: Any) -> None:
    found = there_and_back(name, body)
    assert (back, type(back)) == (found, type(found))


def test_json_is_compact_utf8_that_people_can_read() -> None:
    assert '{"to":"Åda","n":[1,2]}'.encode() == codec("json").encode({"to": "Åda", "n": [1, 2]})


def test_pickle_is_of_protocol_5() -> None:
    assert b"\x80\x05" == codec("pickle").encode({})[:2]


@pytest.mark.parametrize("module", [json, pickle, marshal])
def test_modules_with_dumps_and_loads_fit(module: Any) -> None:
    assert {"n": [1, None]} == there_and_back(module, {"n": [1, None]})


def test_a_serializer_that_returns_text_is_stored_as_utf8() -> None:
    upper: Any = SimpleNamespace(dumps=str.upper, loads=bytes.decode)
    assert "É".encode() == codec(upper).encode("é")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("json", object()),
        ("json", b"bytes"),
        ("json", {1, 2}),
        ("json", Decimal(1)),
        ("json", datetime.now(UTC)),
        ("json", float("nan")),
        ("json", [float("inf")]),
        ("json", {"a": -float("inf")}),
        ("json", {(1, 2): 3}),
        ("json", "\ud800"),
        ("msgpack", object()),
        ("msgpack", {1: "a"}),
        ("msgpack", [({"a": [{None: 1}]},)]),
        ("msgpack", {("a",): 1}),
        ("msgpack", 2**64),
        ("msgpack", -(2**63) - 1),
        ("msgpack", {1, 2}),
        ("msgpack", "\ud800"),
        ("pickle", lambda: None),
        ("pickle", io.StringIO),
        ("text", b"bytes"),
        ("text", None),
        ("text", 5),
        ("text", "\ud800"),
        ("bytes", "text"),
        ("bytes", None),
        ("bytes", 5),
        ("bytes", [1, 2]),
    ],
)
def test_what_cannot_be_carried_is_refused_with_the_way_out(name: str, body: Any) -> None:
    if body is io.StringIO:
        body = (x for x in "generator")
    with pytest.raises(EncodeError) as caught:
        codec(name).encode(body)
    text = str(caught.value)
    assert f"the serializer {name} cannot carry a body of type {type(body).__name__}" in text
    assert "convert it first, or build the queue with another serializer" in text
    assert caught.value.__cause__ is not None


def looped(kind: str) -> Any:
    """Return a list or dict that contains itself."""
    inside: Any = [] if kind == "list" else {}
    inside.append(inside) if kind == "list" else inside.update(a=inside)
    return inside


@pytest.mark.parametrize("name", ["json", "msgpack"])
@pytest.mark.parametrize("kind", ["list", "dict"])
def test_what_contains_itself_is_refused(name: str, kind: str) -> None:
    with pytest.raises(EncodeError):
        codec(name).encode(looped(kind))


@pytest.mark.parametrize("result", [None, 5, ["x"], bytearray(b"x"), memoryview(b"x")])
def test_dumps_that_returns_neither_bytes_nor_text_is_refused(result: Any) -> None:
    wrong: Any = SimpleNamespace(dumps=lambda _: result, loads=bytes)
    with pytest.raises(EncodeError, match=f"returned {type(result).__name__}, not bytes or str"):
        codec(wrong).encode("x")


@pytest.mark.parametrize("name", SERIALIZERS)
def test_every_name_gives_a_serializer_that_knows_its_name(name: str) -> None:
    assert name == codec(name).label


@pytest.mark.parametrize("method", ["encode", "decode"])
def test_a_keyboard_interrupt_passes_through(method: str) -> None:
    def interrupt(_: object) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        getattr(codec(SimpleNamespace(dumps=interrupt, loads=interrupt)), method)(b"x")


def test_a_missing_package_is_named_with_the_command_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys

    from queuekit import ConfigurationError, Queue

    monkeypatch.setitem(sys.modules, "msgpack", None)
    with pytest.raises(ConfigurationError, match="pip install msgpack"):
        Queue("jobs", "memory:", serializer="msgpack")


def test_an_error_of_decoding_can_cross_processes() -> None:
    with pytest.raises(DecodeError) as caught:
        codec("json").decode(b"{")
    back = pickle.loads(pickle.dumps(caught.value))
    assert (str(caught.value), b"{") == (str(back), back.raw)
