"""From URLs and names to classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from queuekit import _lookup
from queuekit.backends.memory import AsyncMemoryTransport, MemoryTransport
from queuekit.errors import ConfigurationError

SECRET = "hunter2"


def test_a_url_means_its_transport_and_the_queue_owns_it() -> None:
    transport, owned = _lookup.open_transport("memory:")
    assert isinstance(transport, MemoryTransport)
    assert owned
    async_transport, owned = _lookup.open_async_transport("memory:")
    assert isinstance(async_transport, AsyncMemoryTransport)
    assert owned


def test_a_scheme_may_be_written_in_capitals() -> None:
    assert isinstance(_lookup.open_transport("MEMORY:")[0], MemoryTransport)


def test_a_transport_means_itself_and_stays_its_owners() -> None:
    mine = MemoryTransport()
    assert (mine, False) == _lookup.open_transport(mine)


def test_a_named_store_is_shared_by_both_colours() -> None:
    one, _ = _lookup.open_transport("memory:test-lookup")
    two, _ = _lookup.open_transport("memory:test-lookup")
    one.push("q", [b"a"])
    assert [b"a"] == two.pop("q")


def test_the_environment_names_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_lookup.ENVIRONMENT, "memory:")
    assert isinstance(_lookup.open_transport(None)[0], MemoryTransport)


def test_without_a_default_three_ways_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_lookup.ENVIRONMENT, raising=False)
    with pytest.raises(ConfigurationError, match=r"memory:.*sqlite:.*redis:"):
        _lookup.open_transport(None)


@pytest.mark.parametrize(
    "url",
    [
        f"amqp://user:{SECRET}@host",
        f"{SECRET}",
        f"//:{SECRET}@host",
        f"red is://:{SECRET}@host",
        f"http://[{SECRET}",
    ],
)
def test_an_unknown_url_is_refused_and_tells_no_secret(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _lookup.open_transport(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("given", [json, 7, b"memory:", Path("queue.db"), object()], ids=repr)
def test_what_is_no_transport_is_refused(given: object) -> None:
    for lookup in (_lookup.open_transport, _lookup.open_async_transport):
        with pytest.raises(ConfigurationError):
            lookup(given)


def test_a_transport_of_the_other_colour_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="AsyncQueue"):
        _lookup.open_transport(AsyncMemoryTransport())
    with pytest.raises(ConfigurationError, match="ThreadedTransport"):
        _lookup.open_async_transport(MemoryTransport())


@pytest.mark.parametrize("name", sorted(_lookup.SERIALIZERS))
def test_every_serializer_is_found_by_its_name(name: str) -> None:
    serializer = _lookup.find_serializer(name)
    assert hasattr(serializer, "dumps")
    assert hasattr(serializer, "loads")


def test_an_unknown_serializer_is_refused_with_the_known_names() -> None:
    with pytest.raises(ConfigurationError, match=r"'json'.*'msgpack'"):
        _lookup.find_serializer("yaml")


def test_an_object_is_taken_as_it_is() -> None:
    assert _lookup.find_serializer(json) is json


@pytest.mark.parametrize("target", sorted({*_lookup.TRANSPORTS.values()}))
def test_every_scheme_leads_to_a_class(target: str) -> None:
    assert callable(_lookup._load(target).from_url)


def test_third_parties_add_schemes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        @staticmethod
        def load() -> type[MemoryTransport]:
            class Mine(MemoryTransport):
                @classmethod
                def from_url(cls, url: str) -> Mine:
                    return cls()

            return Mine

    asked: list[dict[str, str]] = []

    def entry_points(**how: str) -> list[type[Entry]]:
        asked.append(how)
        return [Entry]

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    transport, owned = _lookup.open_transport("mine://somewhere")
    assert "Mine" == type(transport).__name__
    assert owned
    assert [{"group": "queuekit.transports", "name": "mine"}] == asked
