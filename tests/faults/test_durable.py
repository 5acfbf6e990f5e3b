"""``durable=``: what returned is on the disk or on the replicas, what is not there is said."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import redis
from backends.redis_tools import wait_until

from faults.proxy import Proxy, proxy_to
from faults.servers import Server, server_in
from queuekit import NotConfirmed, ReliableQueue, TransportUnavailable, Unsupported

pytestmark = pytest.mark.redis

TIMEOUT = 1.5
"""Seconds of a connection that waits in vain for its replicas, and is answered."""


@contextlib.contextmanager
def pair_in(directory: Path) -> Iterator[tuple[Server, Server, Proxy]]:
    """Yield a primary, its replica, and the proxy that the replica is fed through."""
    (directory / "1").mkdir()
    (directory / "2").mkdir()
    with contextlib.ExitStack() as stack:
        quick = ("--repl-diskless-sync-delay", "0")
        primary = stack.enter_context(server_in(directory / "1", *quick))
        feed = stack.enter_context(proxy_to(primary.url))
        port = feed.url.rsplit(":", 1)[1].split("/")[0]
        following = ("--replicaof", "127.0.0.1", port)
        replica = stack.enter_context(server_in(directory / "2", *following))
        client = stack.enter_context(redis.Redis.from_url(replica.url))
        wait_until(lambda: client.info("replication")["master_link_status"] == "up", 60)
        yield primary, replica, feed


def bodies(url: str, name: str = "q") -> list[object]:
    """Return what a consumer gets from a server."""
    queue: ReliableQueue[object] = ReliableQueue(name, url)
    found = [message.body for message in queue.get_many(1000)]
    queue.close()
    return found


def test_disk_needs_an_append_only_file(tmp_path: Path) -> None:
    with server_in(tmp_path) as server:
        queue: ReliableQueue[int] = ReliableQueue("q", server.url)
        with pytest.raises(Unsupported, match="appendonly yes"):
            queue.put(1, durable="disk")
        assert 0 == queue.size()
        queue.close()


def test_what_returned_from_disk_survives(tmp_path: Path) -> None:
    options = ("--appendonly", "yes", "--appendfsync", "everysec")
    with server_in(tmp_path, *options) as server:
        queue: ReliableQueue[int] = ReliableQueue("q", server.url)
        for i in range(3):
            queue.put(i, durable="disk")
        queue.put_many(range(3, 6), durable="disk", delay=0.0)
        with redis.Redis.from_url(server.url) as client:
            reply = client.execute_command("WAITAOF", 1, 0, 1)
        assert 1 == reply[0]
        server.stop()
        server.start()
        assert list(range(6)) == bodies(server.url)
        queue.close()


def test_without_a_replica_nothing_is_confirmed(tmp_path: Path) -> None:
    with server_in(tmp_path) as server:
        url = f"{server.url}?socket_timeout={TIMEOUT}"
        queue: ReliableQueue[int] = ReliableQueue("q", url)
        with pytest.raises(NotConfirmed, match="stored, but 0 of 1 replicas") as caught:
            queue.put(1, durable="replicas")
        with pytest.raises(NotConfirmed):
            queue.put(1, id=caught.value.ids[0], durable="replicas")
        assert 1 == queue.size(), "the repeat stored nothing"
        queue.close()


def test_a_repeat_waits_for_what_the_first_call_wrote(tmp_path: Path) -> None:
    """A repeat that writes nothing would be confirmed at once: WAIT looks at its connection."""
    with pair_in(tmp_path) as (primary, _, feed):
        queue: ReliableQueue[int] = ReliableQueue("q", primary.url)
        queue.put(0, durable="replicas")
        queue.close()
        queue = ReliableQueue("q", f"{primary.url}?socket_timeout={TIMEOUT}")
        feed.vanished = True
        with pytest.raises(NotConfirmed) as caught:
            queue.put(1, durable="replicas")
        raised: list[BaseException] = []

        def repeat() -> None:
            try:
                queue.put(1, id=caught.value.ids[0], durable="replicas")
            except NotConfirmed as exc:
                raised.append(exc)

        thread = threading.Thread(target=repeat)  # which has a connection of its own
        thread.start()
        thread.join()
        assert raised
        feed.vanished = False
        wait_until(lambda: is_put(queue, 1, caught.value.ids[0]), 30)
        assert 2 == queue.size()
        queue.close()


def is_put(queue: ReliableQueue[int], body: int, message_id: str) -> bool:
    try:
        queue.put(body, id=message_id, durable="replicas")
    except NotConfirmed:
        return False
    return True


def test_a_failover_takes_back_nothing_that_was_confirmed(tmp_path: Path) -> None:
    with pair_in(tmp_path) as (primary, replica, feed):
        confirmed: list[int] = []
        doubtful: list[int] = []

        def put(numbers: Iterable[int], url: str) -> None:
            with ReliableQueue[int]("q", url) as queue:
                for number in numbers:
                    try:
                        queue.put(number, durable="replicas")
                    except TransportUnavailable:
                        doubtful.append(number)
                    else:
                        confirmed.append(number)

        put(range(1, 50), primary.url)
        feed.vanished = True
        put(range(50, 53), f"{primary.url}?socket_timeout=0.4")
        primary.stop()
        with redis.Redis.from_url(replica.url) as client:
            client.replicaof("NO", "ONE")
        found = bodies(replica.url)
        assert list(range(1, 50)) == confirmed[:49]
        assert doubtful, "the cut was felt"
        assert set(confirmed) <= set(found)
        assert sorted(set(found)) == sorted(found), "none is there twice"
