# Generated from test_building_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Building a queue: what is taken as a transport, as a serializer, as an option."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from queuekit import (
    ConfigurationError,
    MemoryTransport,
    Queue,
    ReliableQueue,
    RetryPolicy,
    Unsupported,
)
from queuekit.serializers.json import JsonSerializer

from .colour import MARKS
from .rig import NAME, Rig, take

pytestmark = MARKS
ENGINES = pytest.mark.parametrize("engine", [Queue, ReliableQueue])


class FifoOnly:
    """A transport that cannot claim."""

    def __init__(self) -> None:
        self.inner = MemoryTransport()
        self.features = self.inner.features
        self.pop, self.peek = self.inner.pop, self.inner.peek
        self.stats, self.purge = self.inner.stats, self.inner.purge
        self.close = self.inner.close

    def push(self, queue: str, bodies: Any) -> None:
        self.inner.push(queue, bodies)


@ENGINES
def test_a_url_makes_a_transport(engine: Any) -> None:
    queue = engine("jobs", "memory:")
    assert isinstance(queue.transport, MemoryTransport)


@ENGINES
def test_the_environment_names_the_default_transport(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUEKIT_URL", "memory:from-the-environment")
    engine("jobs").put("x")
    assert 1 == engine("jobs", "memory:from-the-environment").clear()


@ENGINES
@pytest.mark.parametrize("given", [None, ""])
def test_without_a_transport_the_error_shows_three_choices(
    engine: Any, given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QUEUEKIT_URL", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        engine("jobs", given)
    for choice in ("QUEUEKIT_URL", '"memory:"', '"sqlite:///', '"redis://'):
        assert choice in str(caught.value)


@ENGINES
def test_an_unknown_scheme_is_refused_without_showing_a_password(engine: Any) -> None:
    with pytest.raises(ConfigurationError, match="'amqp'") as caught:
        engine("jobs", "amqp://ada:secret@host/")
    assert "secret" not in str(caught.value)


@ENGINES
def test_a_serializer_in_the_place_of_the_transport_is_told_where_it_goes(
    engine: Any,
) -> None:
    for given in (json, JsonSerializer()):
        with pytest.raises(ConfigurationError, match="serializer="):
            engine("jobs", given)


@ENGINES
@pytest.mark.parametrize("given", [5, b"memory:", Path("jobs.db"), object()])
def test_what_is_no_transport_is_refused(engine: Any, given: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a transport or a URL, not"):
        engine("jobs", given)


@ENGINES
def test_a_transport_class_in_the_place_of_an_instance_is_refused(engine: Any) -> None:
    with pytest.raises(ConfigurationError, match="not the class"):
        engine("jobs", MemoryTransport)


def test_a_transport_that_cannot_claim_is_enough_for_a_fifo_queue_only() -> None:
    queue = Queue[Any]("jobs", FifoOnly())
    queue.put("x")
    assert "x" == queue.get()
    wrong: Any = FifoOnly()
    with pytest.raises(ConfigurationError, match="transport that can claim, not FifoOnly"):
        ReliableQueue("jobs", wrong)


@ENGINES
@pytest.mark.parametrize("name", ["", "a" * 251, "é" * 126, b"jobs", None, 5, "\ud800"])
def test_a_name_that_cannot_be_is_refused(engine: Any, name: Any) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        engine(name, "memory:")


@ENGINES
@pytest.mark.parametrize("name", ["a" * 250, "a b/c:{d}%\n", "!dead", "é" * 125])
def test_any_text_is_a_name(engine: Any, name: str) -> None:
    queue = engine(name, "memory:")
    queue.put("x")
    assert name == queue.name
    assert 1 == queue.size()


@ENGINES
@pytest.mark.parametrize("given", [json, pickle, JsonSerializer(), "json", "pickle", "msgpack"])
def test_a_serializer_is_a_module_an_object_or_a_name(engine: Any, given: Any) -> None:
    transport = MemoryTransport()
    engine("jobs", transport, serializer=given).put({"n": [1, "é", None]})
    found = Queue("jobs", transport, serializer=given).get()
    assert {"n": [1, "é", None]} == found


@ENGINES
def test_json_is_the_default(engine: Any) -> None:
    transport = MemoryTransport()
    transport.push("jobs", [b'{"n":1}'])
    assert [{"n": 1}] == engine("jobs", transport).peek()


@ENGINES
def test_an_unknown_serializer_name_lists_the_known_ones(engine: Any) -> None:
    with pytest.raises(ConfigurationError, match="'yaml'") as caught:
        engine("jobs", "memory:", serializer="yaml")
    for name in ("json", "pickle", "msgpack", "text", "bytes"):
        assert repr(name) in str(caught.value)


@ENGINES
def test_a_serializer_class_in_the_place_of_an_instance_is_refused(engine: Any) -> None:
    with pytest.raises(ConfigurationError, match="make an instance"):
        engine("jobs", "memory:", serializer=JsonSerializer)


@ENGINES
@pytest.mark.parametrize("given", [5, b"json", object(), Path])
def test_what_has_no_dumps_and_loads_is_no_serializer(engine: Any, given: Any) -> None:
    with pytest.raises(ConfigurationError, match="serializer must"):
        engine("jobs", "memory:", serializer=given)


@pytest.mark.parametrize("lease", [0, -1, float("nan"), float("inf"), "60", None, True])
def test_a_lease_that_is_no_time_is_refused(lease: Any) -> None:
    with pytest.raises(ConfigurationError, match="lease"):
        ReliableQueue("jobs", "memory:", lease=lease)


def test_a_lease_longer_than_the_transport_can_keep_is_refused() -> None:
    store = MemoryTransport()
    store._features = store.features._replace(max_lease=3600.0)
    assert 3600.0 == ReliableQueue("jobs", store, lease=3600).lease
    with pytest.raises(Unsupported, match="lease of at most 3600 s"):
        ReliableQueue("jobs", store, lease=3601)


def test_the_lease_is_a_minute_by_default_and_is_what_a_claim_gets() -> None:
    rig = Rig()
    for lease, jobs in ((60.0, rig.jobs()), (5.0, rig.jobs(lease=5))):
        assert lease == jobs.lease
        jobs.put("x")
        take(jobs)
        rig.clock.advance(lease - 0.1)
        assert jobs.get() is None
        rig.clock.advance(0.2)
        (take(jobs)).ack()


def test_retry_and_max_attempts_together_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"retry= and max_attempts="):
        ReliableQueue("jobs", "memory:", retry=RetryPolicy(), max_attempts=3)


def test_max_attempts_is_short_for_a_policy() -> None:
    rig = Rig()
    policy = RetryPolicy(base=1)
    assert RetryPolicy() == rig.jobs().retry
    assert RetryPolicy(max_attempts=3) == rig.jobs(max_attempts=3).retry
    assert policy is rig.jobs(retry=policy).retry


@pytest.mark.parametrize("count", [0, -1])
def test_max_attempts_below_one_is_refused(count: int) -> None:
    with pytest.raises(ConfigurationError, match="max_attempts"):
        ReliableQueue("jobs", "memory:", max_attempts=count)


def test_a_queue_and_its_messages_name_themselves() -> None:
    rig = Rig()
    jobs = rig.jobs()
    message_id = jobs.put("x")
    message = take(jobs)
    assert repr(NAME) in repr(jobs)
    assert repr(rig.flaky) in repr(jobs)
    assert message_id in repr(message)
    assert "settled" not in repr(message)
    message.ack()
    assert "settled" in repr(message)
