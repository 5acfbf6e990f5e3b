"""What users of SafeRedisQueue rely on, its recovery, and what ours adds."""

from __future__ import annotations

import json
import logging
import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.proxy import proxy_to
from faults.servers import server_in

from queuekit import ReliableQueue
from queuekit.compat.saferedisqueue import SafeRedisQueue, SafeRedisQueueTransport
from queuekit.errors import (
    ConfigurationError,
    DecodeError,
    EncodeError,
    QueueFull,
    TransportClosed,
    TransportUnavailable,
)
from queuekit.transport import QueueStats, Receipt

from .conftest import Place, in_own_hands, put_and_press_ctrl_c, somebody_waits

pytestmark = pytest.mark.redis

NOTHING = (None, None)


@pytest.fixture
def queue(place: Place) -> Iterator[SafeRedisQueue[Any]]:
    with SafeRedisQueue[Any](name=place.name, **place.server) as queue:
        yield queue


def pass_an_interval(place: Place, queue: SafeRedisQueue[Any]) -> None:
    place.client.delete(queue.BACKUP_LOCK)


def test_s5_an_item_comes_back_after_one_to_two_intervals(
    place: Place, queue: SafeRedisQueue[Any]
) -> None:
    uid = queue.put("a")
    assert (uid, "a") == queue.get(-1)
    assert NOTHING == queue.get(-1)  # a turn: now it is in backup
    ttl = place.client.pttl(queue.BACKUP_LOCK)
    assert 50_000 < ttl <= 60_000
    assert NOTHING == queue.get(-1)
    pass_an_interval(place, queue)
    assert (uid, "a") == queue.get(-1)
    queue.ack(uid)
    assert place.keys("srq") in ([], [queue.BACKUP_LOCK])


def test_an_acked_item_does_not_come_back(place: Place, queue: SafeRedisQueue[Any]) -> None:
    for turns in range(3):
        uid = queue.put("a")
        queue.get(-1)
        for _ in range(turns):
            assert NOTHING == queue.get(-1)
        queue.ack(uid)
        for _ in range(3):
            pass_an_interval(place, queue)
            assert NOTHING == queue.get(-1)


def test_a_recovery_that_is_cut_short_loses_nothing(
    place: Place, queue: SafeRedisQueue[Any]
) -> None:
    """What is in flight must not replace what is not moved yet."""
    uids = queue.put_many(range(5))
    queue.transport.claim(place.name, lease=60.0, limit=3)
    assert NOTHING != queue.get(-1)  # one more, and a turn before it
    pass_an_interval(place, queue)
    for left in (2, 1, 1):  # at the end it is the turn of the one more
        assert 1 == queue.transport.recover(place.name, limit=1)
        assert left == place.client.llen(queue.BACKUP)
        pass_an_interval(place, queue)
    found = {queue.get(-1)[0] for _ in range(5)}
    assert set(uids) == found


def test_s16_what_comes_back_goes_to_the_tail(place: Place, queue: SafeRedisQueue[Any]) -> None:
    """S16: as in the original."""
    queue.put_many(list("abcd"))
    assert 2 == len(queue.transport.claim(place.name, lease=60.0, limit=2))
    place.client.rename(queue.ACKBUF_KEY, queue.BACKUP)
    assert ["c", "d", "a", "b"] == [queue.get(-1)[1] for _ in range(4)]


def test_s3_a_stuck_lock_is_left_alone_for_a_while(
    place: Place, queue: SafeRedisQueue[Any]
) -> None:
    """An old process may be at work at this moment; only if it died somebody else goes on."""
    uid = queue.put("a")
    queue.get(-1)
    place.client.rename(queue.ACKBUF_KEY, queue.BACKUP)
    place.client.set(queue.BACKUP_LOCK, 1)
    assert NOTHING == queue.get(-1)
    assert 50_000 < place.client.pttl(queue.BACKUP_LOCK) <= 60_000
    pass_an_interval(place, queue)
    assert (uid, "a") == queue.get(-1)


def test_s5_no_recovery_without_an_interval(place: Place) -> None:
    with SafeRedisQueue[Any](name=place.name, autoclean_interval=None, **place.server) as queue:
        queue.put("a")
        queue.get(-1)
        for _ in range(3):
            pass_an_interval(place, queue)
            assert NOTHING == queue.get(-1)
        assert 1 == place.client.llen(queue.ACKBUF_KEY)
        assert None is queue.AUTOCLEAN_INTERVAL


def test_the_class_has_the_interval() -> None:
    class Mine(SafeRedisQueue[Any]):
        AUTOCLEAN_INTERVAL = 5

    assert 5 == Mine().AUTOCLEAN_INTERVAL == Mine().transport.features.max_lease
    assert 60 == SafeRedisQueue[Any]().AUTOCLEAN_INTERVAL


def test_s6_extend_keeps_an_item(place: Place, queue: SafeRedisQueue[Any]) -> None:
    kept, left = queue.put("kept"), queue.put("left")
    queue.get(-1)
    queue.get(-1)
    for _ in range(4):
        found = queue.get(-1)
        assert kept != found[0]
        queue.extend(kept)
        pass_an_interval(place, queue)
    queue.ack(kept)
    queue.ack(left)
    assert not place.client.exists(queue.ITEMS_KEY, queue.ACKBUF_KEY, queue.BACKUP)


def test_s6_extend_of_what_is_lost_is_told(
    queue: SafeRedisQueue[Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "queuekit"):
        queue.extend("nope")
    assert "nope" in caplog.text
    assert NOTHING == queue.get(-1)


def test_s7_a_late_ack_of_a_deep_queue_leaves_no_ghost_to_get(
    place: Place, queue: SafeRedisQueue[Any], caplog: pytest.LogCaptureFixture
) -> None:
    uid = queue.put("late")
    queue.get(-1)
    place.client.rpoplpush(queue.ACKBUF_KEY, queue.QUEUE_KEY)
    queue.put_many(range(1500))
    queue.ack(uid)
    assert uid in caplog.text
    assert "0" == queue.get(-1)[1]
    assert not place.client.hexists(queue.ITEMS_KEY, uid)


def test_s7_a_ghost_does_not_end_a_wait(place: Place, queue: SafeRedisQueue[Any]) -> None:
    def later() -> None:
        time.sleep(0.3)
        place.client.lpush(queue.QUEUE_KEY, "ghost")
        time.sleep(0.3)
        place.client.hset(queue.ITEMS_KEY, "uid", "item")
        place.client.lpush(queue.QUEUE_KEY, "uid")

    thread = threading.Thread(target=later)
    thread.start()
    assert ("uid", "item") == queue.get(timeout=20)
    thread.join()
    assert [b"uid"] == place.client.lrange(queue.ACKBUF_KEY, 0, -1)
    assert not place.client.exists(queue.BACKUP), "the ghost is gone"


def test_s7_the_recovery_drops_ghosts(place: Place, queue: SafeRedisQueue[Any]) -> None:
    place.client.lpush(queue.BACKUP, "ghost")
    assert 1 == queue.transport.recover(place.name)
    assert QueueStats(0, 0, 0) == queue.transport.stats(place.name)


def test_s8_and_s9_fail_tells_what_nobody_had(
    place: Place, queue: SafeRedisQueue[Any], caplog: pytest.LogCaptureFixture
) -> None:
    uid = queue.put("a")
    queue.get(-1)
    queue.fail(uid)
    assert "nobody" not in caplog.text
    queue.fail(uid, "nope")
    assert uid in caplog.text
    assert "nope" in caplog.text
    assert [uid.encode()] == place.client.lrange(queue.QUEUE_KEY, 0, -1)


def test_s11_an_undecodable_item_is_set_aside(place: Place, queue: SafeRedisQueue[Any]) -> None:
    uid = queue.put("no json")
    queue.serializer = json
    with pytest.raises(DecodeError, match=uid) as caught:
        queue.get(-1)
    assert b"no json" == caught.value.raw
    assert QueueStats(0, 0, 0) == queue.transport.stats(place.name)
    dead = SafeRedisQueue[Any](name=place.name + "!dead", transport=queue.transport)
    assert (uid, "no json") == dead.get(-1)
    dead.ack(uid)


def test_s12_fail_is_at_once_and_without_a_limit(queue: SafeRedisQueue[Any]) -> None:
    uid = queue.put("a")
    for _ in range(30):
        assert (uid, "a") == queue.get(-1)
        queue.fail(uid)


def test_s13_uids_of_old_processes_may_be_bytes(queue: SafeRedisQueue[Any]) -> None:
    uid = queue.put("a")
    queue.get(-1)
    queue.fail(uid.encode())
    assert (uid, "a") == queue.get(-1)
    queue.ack(uid.encode())
    assert NOTHING == queue.get(-1)


def test_ack_of_none_is_of_nothing(
    queue: SafeRedisQueue[Any], caplog: pytest.LogCaptureFixture
) -> None:
    queue.ack(queue.get(-1)[0])
    queue.fail(None)
    assert "nobody" not in caplog.text


@pytest.mark.parametrize("interval", [0, -1, float("nan"), True, "60"])
def test_s14_an_interval_that_cannot_be_is_refused(interval: Any) -> None:
    with pytest.raises(ConfigurationError, match="interval"):
        SafeRedisQueue(autoclean_interval=interval)


@pytest.mark.parametrize("timeout", [None, float("nan"), "1"])
def test_s14_a_timeout_that_cannot_be_is_refused(queue: SafeRedisQueue[Any], timeout: Any) -> None:
    queue.put("stays")
    with pytest.raises(ConfigurationError):
        queue.get(timeout=timeout)
    assert 1 == len(queue)


@pytest.mark.parametrize("bad", [None, {}, [], True])
def test_s15_what_is_no_text_is_refused(queue: SafeRedisQueue[Any], bad: object) -> None:
    with pytest.raises(EncodeError, match="text, bytes or a number"):
        queue.put(bad)
    with pytest.raises(EncodeError):
        queue.put_many(["good", bad])
    assert 0 == len(queue)


@pytest.mark.parametrize("decode", [None, True, False])
def test_decode_responses(place: Place, decode: bool | None) -> None:
    with SafeRedisQueue[Any](name=place.name, decode_responses=decode, **place.server) as queue:
        for item in ("ä", 4, b"bytes"):
            queue.put(item)
        found = [queue.get(-1) for _ in range(3)]
        assert {str} == {type(uid) for uid, _ in found}
        want = ["ä", "4", "bytes"]
        assert ([each.encode() for each in want] if decode is False else want) == [
            item for _, item in found
        ]
        queue.put(b"\xff")
        if decode:
            with pytest.raises(DecodeError):
                queue.get(-1)
        else:
            assert b"\xff" == queue.get(-1)[1]


@pytest.mark.parametrize("serializer", [pickle, json])
def test_serializers(place: Place, serializer: Any) -> None:
    with SafeRedisQueue[Any](name=place.name, serializer=serializer, **place.server) as queue:
        for item in ({"a": [1, None]}, None, 0, ""):
            uid = queue.put(item)
            assert (uid, item) == queue.get(-1)


def test_the_keys_and_their_ends(place: Place, queue: SafeRedisQueue[Any]) -> None:
    """Pushed left, taken right; the item under its uid."""
    first, second = queue.put("a"), queue.put("b")
    assert [second.encode(), first.encode()] == place.client.lrange(queue.QUEUE_KEY, 0, -1)
    assert {first.encode(): b"a", second.encode(): b"b"} == place.client.hgetall(queue.ITEMS_KEY)
    queue.get(-1)
    queue.get(-1)
    names = {queue.ACKBUF_KEY, queue.BACKUP}
    flight = [uid for name in names for uid in place.client.lrange(name, 0, -1)]
    assert {first.encode(), second.encode()} == set(flight)


def test_close(place: Place) -> None:
    queue = SafeRedisQueue[Any](name=place.name, **place.server)
    other = SafeRedisQueue[Any](name=place.name, transport=queue.transport)
    other.close()
    queue.put("a")
    queue.close()
    queue.close()
    with pytest.raises(TransportClosed):
        queue.get(-1)


def test_ctrl_c_in_a_wait_leaves_the_item_at_the_head(
    place: Place, queue: SafeRedisQueue[Any]
) -> None:
    for round_ in range(20):
        thread = put_and_press_ctrl_c(queue, round_, place.client)
        found: tuple[Any, Any] = NOTHING
        ours = False
        try:
            thread.start()
            found = queue.get()
            thread.join()
        except KeyboardInterrupt as exc:
            ours = in_own_hands(exc)
            thread.join()
        if found == NOTHING:
            found = queue.get(-1)
        if found == NOTHING and ours:  # between the return of get and the name for it
            uid = place.client.hkeys(queue.ITEMS_KEY)[0].decode()
            found = uid, place.client.hget(queue.ITEMS_KEY, uid).decode()
        assert str(round_) == found[1]
        queue.ack(found[0])
        assert not place.client.exists(queue.ACKBUF_KEY, queue.QUEUE_KEY, queue.ITEMS_KEY)


def test_an_interrupted_claim_goes_back_at_once(
    place: Place, queue: SafeRedisQueue[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.put_many(list("abc"))

    def fail(found: object) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("queuekit.compat._srq_claims._deliveries", fail)
        with pytest.raises(KeyboardInterrupt):
            queue.transport.claim(place.name, lease=60.0, limit=2)
    assert ["a", "b", "c"] == queue.peek(9)
    assert not place.client.exists(queue.ACKBUF_KEY)


def test_a_full_server_can_be_drained(tmp_path: Path) -> None:
    with server_in(tmp_path) as server, SafeRedisQueue[Any](name="q", url=server.url) as queue:
        uids = queue.put_many([b"x" * 1000] * 50)
        server.do("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(QueueFull):
            queue.put("more")
        for uid in uids:
            assert uid == queue.get(1)[0]
        for uid in uids[:25]:
            queue.ack(uid)
        queue.fail(*uids[25:])
        assert 25 == len(queue) == queue.clear()
        assert NOTHING == queue.get(1)


def test_a_reliable_queue_can_work_on_the_layout(place: Place) -> None:
    transport = SafeRedisQueueTransport.from_url(place.url)
    with ReliableQueue[Any](place.name, transport) as queue:
        queue.put({"to": "ada"})
        message = queue.get()
        assert message is not None
        message.fail()
        message = queue.get()
        assert message is not None
        message.ack()
        assert QueueStats(0, 0, 0) == queue.stats()
    transport.close()


def test_receipts_may_be_any_text(place: Place, queue: SafeRedisQueue[Any]) -> None:
    for text in ("\ud800", "\udcff", ""):
        assert 1 == len(queue.transport.ack(place.name, [Receipt(text)]))


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((), {"client": object()}, "redis.Redis"),
        (("localhost",), {"transport": object()}, "twice"),
        ((), {"url": "redis://h", "client": object()}, "twice"),
        ((), {"hots": "h", "password": "canary"}, "hots"),
        ((), {"name": ""}, "empty"),
    ],
)
def test_options_that_cannot_be_are_refused(
    arguments: tuple[Any, ...], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        SafeRedisQueue(*arguments, **options)
    assert "canary" not in str(caught.value)


ACL = """on >secret ~srq:* ~hotqueue:* ~{hotqueue:* -@all
    +evalsha +script|load +client|id +client|unblock +rpush +blpop +unlink
    +hset +hget +hdel +hexists +hlen +llen +lrange +lpush +rpush +lpop +rpop
    +lrem +lpos +lmove +blmove +exists +rename +set +pttl +pexpire"""


def test_the_commands_that_the_documentation_lists_are_enough(tmp_path: Path) -> None:
    with server_in(tmp_path) as server:
        server.do("ACL", "SETUSER", "worker", *ACL.split())
        url = server.url.replace("redis://", "redis://worker:secret@")
        with SafeRedisQueue[Any](name="q", url=url, autoclean_interval=0.05) as queue:
            uid = queue.put("a")
            assert (uid, "a") == queue.get(-1)
            time.sleep(0.1)
            queue.get(-1)
            queue.extend(uid)
            assert (uid, "a") == queue.get(5)
            queue.fail(uid)
            assert (1, ["a"]) == (len(queue), queue.peek())
            assert (uid, "a") == queue.get(5)
            queue.transport.give_back("q", [Receipt(uid)])
            queue.serializer = json
            with pytest.raises(DecodeError):
                queue.get(5)
            queue.put(1)
            assert 1 == queue.clear()
            server.do("LPUSH", "srq:q:backup", "ghost")
            server.do("SET", "srq:q:backuplock", "1")
            assert NOTHING == queue.get(-1)
            server.do("HSET", "srq:q:items", "uid", "1")
            server.do("LPUSH", "srq:q:queue", "uid")
            queue.ack("uid")
            assert 0 == len(queue)


@pytest.mark.slow
def test_a_lost_reply_loses_no_item(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with proxy_to(place.url) as proxy:
        port = int(proxy.url.rpartition(":")[2].partition("/")[0])
        server = {**place.server, "port": port}
        with SafeRedisQueue[Any](name=place.name, autoclean_interval=0.1, **server) as queue:
            uid = queue.put("a")
            queue.get(-1)
            proxy.lose(to=b"srq:")  # to the claim
            with pytest.raises(TransportUnavailable, match="comes back"):
                queue.transport.claim(place.name, lease=0.1)
            assert (uid, "a") == queue.get(60)
            queue.ack(uid)
            other = SafeRedisQueue[Any](name=place.name, **place.server)
            proxy.lose(to=b"BLMOVE")

            def put() -> None:
                while not somebody_waits(place.client):
                    time.sleep(0.005)
                other.put("b")

            thread = threading.Thread(target=put, daemon=True)
            thread.start()
            with pytest.raises(TransportUnavailable, match="comes back"):
                queue.get(60)
            uid, item = queue.get(60)
            thread.join()
            assert "b" == item
            proxy.lose(to=b"srq:")
            queue.ack(uid)  # is repeated
            assert not place.client.exists(queue.ITEMS_KEY, queue.ACKBUF_KEY, queue.BACKUP)
            assert "nobody" not in caplog.text, "the repeat found nothing, as it should"
            uid = queue.put("c")
            assert (uid, "c") == queue.get(60)
            proxy.lose(to=b"srq:")
            with pytest.raises(TransportUnavailable):
                queue.fail(uid)
            assert (uid, "c") == queue.get(60)
            assert 0 == len(queue), "it was put back once"
            other.close()
