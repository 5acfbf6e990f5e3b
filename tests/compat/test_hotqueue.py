"""What users of HotQueue rely on, and what ours adds."""

from __future__ import annotations

import json
import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from queuekit import ReliableQueue
from queuekit.backends.memory import MemoryTransport
from queuekit.backends.redis.transport import RedisTransport
from queuekit.compat.hotqueue import HotQueue, key_for_name
from queuekit.compat.saferedisqueue import SafeRedisQueue
from queuekit.errors import (
    ConfigurationError,
    DecodeError,
    EncodeError,
    TransportClosed,
)

from .conftest import Place, in_own_hands, put_and_press_ctrl_c


@pytest.fixture
def memory() -> HotQueue[Any]:
    return HotQueue("jobs", transport=MemoryTransport())


@pytest.fixture
def queue(place: Place) -> Iterator[HotQueue[Any]]:
    with HotQueue[Any](place.name, **place.server) as queue:
        yield queue


def drain(queue: HotQueue[Any]) -> list[Any]:
    return list(queue.consume(block=False))


def test_any_transport_serves_in_unit_tests(tmp_path: Path) -> None:
    for url in ("memory:", "memory://", f"sqlite:///{tmp_path}/q.db"):
        with HotQueue[Any]("jobs", url=url) as queue:
            queue.put(1, "two", None)
            assert (3, [1, "two", None]) == (len(queue), drain(queue))
    with HotQueue[Any]("jobs", transport="memory:") as queue:
        queue.put(1)
        assert [1] == drain(queue)


def test_a_shared_transport_stays_open() -> None:
    store = MemoryTransport()
    with HotQueue[Any]("jobs", transport=store) as queue:
        queue.put("here")
    with pytest.raises(TransportClosed):
        queue.get()
    assert ["here"] == drain(HotQueue("jobs", transport=store))


def test_name_and_key(memory: HotQueue[Any]) -> None:
    assert ("jobs", "hotqueue:jobs") == (memory.name, memory.key)
    assert "hotqueue:5" == key_for_name(5) == HotQueue(5, transport=MemoryTransport()).key


@pytest.mark.redis
@pytest.mark.parametrize("odd", ["{x}", "100%", "a b", "ä", "a\nb"])
def test_a_name_is_used_as_it_is(place: Place, odd: str) -> None:
    name = place.name + odd
    with HotQueue[Any](name, **place.server) as queue:
        queue.put(1)
        assert [f"hotqueue:{name}"] == place.keys("hotqueue") == [queue.key]
        assert [1] == drain(queue)


def test_h16_pickle_is_the_default_and_another_may_be_assigned_at_any_time(
    memory: HotQueue[Any],
) -> None:
    memory.put({"a": 1})
    assert memory.serializer is pickle
    assert {"a": 1} == memory.get()
    memory.serializer = json
    memory.put({"b": 2})
    memory.serializer = None
    assert '{"b": 2}' == memory.get()


def test_a_class_of_static_methods_is_a_serializer() -> None:
    class Upper:
        @staticmethod
        def dumps(obj: str) -> str:
            return obj.upper()

        @staticmethod
        def loads(data: bytes) -> str:
            return data.decode() + "!"

    queue = HotQueue[str]("jobs", serializer=Upper, transport=MemoryTransport())
    queue.put("a")
    assert "A!" == queue.get()


@pytest.mark.parametrize("decode", [None, True, False])
def test_plain_text(decode: bool | None) -> None:
    store = MemoryTransport()
    queue = HotQueue[Any]("jobs", None, transport=store, decode_responses=decode)
    queue.put("ä", 4, 1.5, b"bytes", bytearray(b"more"))
    want = ["ä", "4", "1.5", "bytes", "more"]
    assert ([each.encode() for each in want] if decode is False else want) == drain(queue)
    store.push("jobs", [b"\xff"])
    if decode:
        with pytest.raises(DecodeError):
            queue.get()
    else:
        assert b"\xff" == queue.get()


@pytest.mark.parametrize("bad", [None, {}, [], True, object()])
def test_h7_what_is_no_text_is_refused(bad: object) -> None:
    queue = HotQueue[Any]("jobs", None, transport=MemoryTransport())
    with pytest.raises(EncodeError, match="text, bytes or a number"):
        queue.put("good", bad)
    assert 0 == len(queue)


def test_a_message_that_cannot_be_dumped_stores_nothing(memory: HotQueue[Any]) -> None:
    with pytest.raises(EncodeError):
        memory.put(1, lambda: None, 2)
    assert 0 == len(memory)


def test_no_message_begins_like_a_frame() -> None:
    queue = HotQueue[Any]("jobs", None, transport=MemoryTransport())
    with pytest.raises(EncodeError, match="frame"):
        queue.put(b"\xc1q" + b"x" * 40)


def test_decode_responses_gives_text_to_loads() -> None:
    class Words:
        @staticmethod
        def dumps(obj: list[str]) -> str:
            return " ".join(obj)

        @staticmethod
        def loads(data: Any) -> list[str]:
            return data.split(" ")  # of bytes this is a TypeError

    queue = HotQueue[list[str]]("jobs", Words, transport=MemoryTransport(), decode_responses=True)
    queue.put(["a", "b"])
    assert ["a", "b"] == queue.get()


def test_h1_get_tells_none_from_empty(memory: HotQueue[Any]) -> None:
    nothing = object()
    memory.put(None)
    assert None is memory.get(default=nothing)
    assert nothing is memory.get(default=nothing)
    assert None is memory.get()


def test_h4_an_undecodable_message_is_in_the_dead_letters(memory: HotQueue[Any]) -> None:
    memory.transport.push("jobs", [b"no pickle"])
    memory.put("next")
    with pytest.raises(DecodeError) as caught:
        memory.get()
    assert b"no pickle" == caught.value.raw
    assert "next" == memory.get()
    dead = ReliableQueue[bytes]("jobs", memory.transport, serializer="bytes").dead
    assert [b"no pickle"] == [message.body for message in dead.get_many(9)]


def test_consume_goes_on_after_an_undecodable_message(memory: HotQueue[Any]) -> None:
    memory.put(1)
    memory.transport.push("jobs", [b"no pickle"])
    memory.put(2)
    seen: list[Any] = []
    with pytest.raises(DecodeError):
        seen.extend(memory.consume(block=False))
    assert [2] == drain(memory)


def test_h9_a_timeout_means_something_with_block_only(memory: HotQueue[Any]) -> None:
    start = time.monotonic()
    assert None is memory.get(timeout=60)
    assert time.monotonic() - start < 30
    assert None is memory.get(block=True, timeout=0.1)


def test_h9_timeout_0_waits_for_ever(memory: HotQueue[Any]) -> None:
    threading.Timer(0.3, memory.put, ["late"]).start()
    assert "late" == memory.get(block=True, timeout=0)


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1"])
def test_h9_a_timeout_that_cannot_be_is_refused(memory: HotQueue[Any], timeout: Any) -> None:
    memory.put("stays")
    with pytest.raises(ConfigurationError):
        memory.get(block=True, timeout=timeout)
    with pytest.raises(ConfigurationError):
        memory.worker(timeout=timeout)
    assert ["stays"] == memory.peek()


def test_an_abandoned_generator_has_lost_nothing(memory: HotQueue[Any]) -> None:
    memory.put(1, 2, 3)
    for message in memory.consume():
        assert 1 == message
        break
    assert [2, 3] == drain(memory)


def test_worker_bare_with_arguments_and_on_methods(memory: HotQueue[Any]) -> None:
    seen: list[Any] = []

    @memory.worker(block=False)
    def function(message: Any) -> str:
        """Say something."""
        seen.append(message)
        return "dropped"

    class Shop:
        name = "shop"

        @memory.worker(timeout=0.1)
        def method(self, first: Any, message: Any) -> None:
            seen.append((self.name, first, message))

    memory.put(1, 2)
    assert None is function()
    memory.put(3)
    Shop().method("first")
    assert [1, 2, ("shop", "first", 3)] == seen
    assert ("function", "Say something.") == (function.__name__, function.__doc__)


def test_h3_worker_ends_with_an_error_of_its_function(memory: HotQueue[Any]) -> None:
    """H3: the message in its hands is lost, as in the original; the others wait."""

    @memory.worker(block=False)
    def handle(message: Any) -> None:
        raise LookupError(message)

    memory.put(1, 2)
    with pytest.raises(LookupError):
        handle()
    assert [2] == drain(memory)


def test_h13_a_worker_is_a_function(memory: HotQueue[Any]) -> None:
    with pytest.raises(ConfigurationError, match="function"):
        memory.worker(5)
    with pytest.raises(TypeError):
        memory.worker(nonsense=1)


@pytest.mark.redis
def test_h14_ctrl_c_in_a_wait_ends_quietly_and_loses_nothing(
    place: Place, queue: HotQueue[Any]
) -> None:
    for round_ in range(20):
        thread = put_and_press_ctrl_c(queue, round_, place.client)
        seen: list[Any] = []
        ours = False
        try:
            thread.start()
            for message in queue.consume():
                seen.append(message)
        except KeyboardInterrupt as exc:  # it came between two waits
            ours = in_own_hands(exc)
        thread.join()
        seen += drain(queue)
        assert [round_] == seen or (ours and not seen)


def test_h14_ctrl_c_in_a_wait_ends_quietly(
    memory: HotQueue[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pop(*arguments: object, **options: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(memory.transport, "pop", pop)
    try:
        assert [] == list(memory.consume())
    except KeyboardInterrupt:
        pytest.fail("it went on")


def test_h14_ctrl_c_in_the_handler_propagates(memory: HotQueue[Any]) -> None:
    @memory.worker
    def handle(message: Any) -> None:
        raise KeyboardInterrupt

    memory.put(1)
    with pytest.raises(KeyboardInterrupt):
        handle()


@pytest.mark.redis
def test_h12_ready_clients_and_sockets(place: Place) -> None:
    with HotQueue[Any](place.name, client=place.client) as queue:
        queue.put(1)
    import redis

    pool = redis.ConnectionPool.from_url(place.url)
    with HotQueue[Any](place.name, connection_pool=pool) as queue:
        assert [1] == drain(queue)
    assert "unix://" in repr(HotQueue("jobs", unix_socket_path="/tmp/r.sock"))
    assert "rediss://" in repr(HotQueue("jobs", ssl=True))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "memory:", "transport": MemoryTransport()}, "twice"),
        ({"transport": MemoryTransport(), "host": "h"}, "twice"),
        ({"hots": "localhost", "password": "canary"}, "hots"),
        ({"url": "redis://:canary@h", "portt": 1}, "options"),
        ({"url": 5}, "text"),
        ({"decode_responses": "yes"}, "decode_responses"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        HotQueue("jobs", **options)
    assert "canary" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.redis
def test_h11_and_s18_nothing_is_repeated_by_any_way_to_connect(place: Place) -> None:
    from redis import Redis
    from redis.backoff import ExponentialBackoff
    from redis.retry import Retry

    retry = Retry(ExponentialBackoff(), 5)
    queue = HotQueue[Any](place.name, retry=retry, **place.server)
    source = queue.transport._link.source
    assert 0 == source._options["retry"]._retries
    assert isinstance(place.client, Redis)


@pytest.mark.redis
def test_a_reliable_queue_can_take_over_the_list(place: Place, queue: HotQueue[Any]) -> None:
    """With the same transport, when no original consumes any more."""
    queue.put("a", "b")
    better = ReliableQueue[Any](place.name, queue.transport, serializer="pickle")
    message = better.get()
    assert message is not None
    message.fail(delay=0)
    assert ["b", "a"] == drain(queue), "a message that was tried before has a frame, and is read"


@pytest.mark.redis
def test_a_reliable_queue_reads_the_lists_as_they_are(place: Place, queue: HotQueue[Any]) -> None:
    queue.put("a", {"b": 1})
    transport = RedisTransport.from_url(place.url, prefix="hotqueue")
    with ReliableQueue[Any](place.name, transport, serializer="pickle") as better:
        for want in ("a", {"b": 1}):
            message = better.get()
            assert message is not None
            assert want == message.body
            message.ack()
    transport.close()
    assert 0 == len(queue)


@pytest.mark.redis
def test_messages_may_be_as_large_as_before(place: Place, queue: HotQueue[Any]) -> None:
    large = b"x" * (17 * 2**20)
    queue.put(large)
    assert large == queue.get()
    with SafeRedisQueue[Any](name=place.name, decode_responses=False, **place.server) as safe:
        uid = safe.put(large)
        assert (uid, large) == safe.get(-1)
        safe.ack(uid)
