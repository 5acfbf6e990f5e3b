"""A cluster whose slots move and whose nodes die: the queues go with their keys."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.children import wait_for
from faults.cluster import SLOTS, Cluster, Node, cluster_in, slot_of
from queuekit import (
    AsyncQueue,
    AsyncReliableQueue,
    ConfigurationError,
    Queue,
    ReliableQueue,
    TransportError,
    TransportUnavailable,
)
from queuekit.backends.redis.transport import RedisTransport

pytestmark = pytest.mark.redis

PREFIX = "queuekit"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_in(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def names(cluster: Cluster) -> list[str]:
    """Return names of queues on each of the three primaries."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < 3:
        number += 1
        name = f"q{time.monotonic_ns()}.{number}"
        found.setdefault(slot_of(PREFIX, name) * 3 // SLOTS, name)
    return list(found.values())


def elsewhere(cluster: Cluster, name: str) -> Node:
    """Return a primary that does not have a queue."""
    owner = cluster.owner(slot_of(PREFIX, name))
    return next(node for node in cluster.primaries if node is not owner)


def test_queues_live_on_all_nodes(cluster: Cluster, names: list[str]) -> None:
    for name in names:
        jobs: ReliableQueue[int] = ReliableQueue(name, cluster.url)
        jobs.put_many(range(3))
        jobs.get(block=True).ack()
        jobs.get(block=True).reject("no")
        assert jobs.get(block=True).attempt == 1
        assert [b"1"] == [letter.body for letter in jobs.dead.get_many(9)]
        jobs.close()
        numbers: Queue[int] = Queue(f"{name}:fifo", cluster.url)
        numbers.put(*range(5))
        assert [0, 1, 2] == numbers.get_many(3)
        assert 3 == numbers.get(timeout=1)
        assert 4 == numbers.get()
        assert numbers.get(timeout=0.05) is None
        numbers.close()


def test_queues_live_on_all_nodes_in_asyncio(cluster: Cluster, names: list[str]) -> None:
    async def use(name: str) -> None:
        jobs: AsyncReliableQueue[int] = AsyncReliableQueue(name, cluster.url)
        await jobs.put_many(range(2))
        await (await jobs.get(block=True)).ack()
        await (await jobs.get(block=True)).reject("no")
        assert 1 == await jobs.dead.size()
        await jobs.aclose()
        numbers: AsyncQueue[int] = AsyncQueue(f"{name}:fifo", cluster.url)
        await numbers.put(1)
        assert 1 == await numbers.get(timeout=1)
        await numbers.aclose()

    async def main() -> None:
        await asyncio.gather(*map(use, names))

    asyncio.run(main())


def test_each_call_is_one_trip_once_the_slots_are_known(cluster: Cluster, names: list[str]) -> None:
    transport = RedisTransport.from_url(cluster.url)
    for name in names:
        transport.push(name, [b"x"])
    before = transport._link.trips
    for name in names:
        transport.push(name, [b"x"])
        transport.claim(name, lease=60.0)
    assert 2 * len(names) == transport._link.trips - before
    transport.close()


def test_a_moved_slot_is_followed(cluster: Cluster, names: list[str]) -> None:
    jobs: ReliableQueue[int] = ReliableQueue(names[0], cluster.url)
    numbers: Queue[int] = Queue(names[0] + "!", cluster.url)
    for name in (jobs.name, numbers.name):
        numbers.put(1, 2)
        jobs.put_many([1, 2])
        held = jobs.get(block=True)
        cluster.migrate(slot_of(PREFIX, name), elsewhere(cluster, name))
        for node in cluster.primaries:
            node.do("SCRIPT", "FLUSH")
        held.ack()
        jobs.get(block=True).ack()
        assert [1, 2] == [numbers.get(), numbers.get(timeout=1)]
    jobs.close()
    numbers.close()


def test_a_waiting_consumer_goes_with_its_slot(cluster: Cluster, names: list[str]) -> None:
    jobs: ReliableQueue[int] = ReliableQueue(names[0], cluster.url)
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(jobs.get(block=True).body))
    thread.start()
    time.sleep(0.2)
    cluster.migrate(slot_of(PREFIX, jobs.name), elsewhere(cluster, jobs.name))
    jobs.put(7)
    thread.join(60)
    assert [7] == got
    jobs.close()


def test_a_fifo_goes_through_a_slot_on_its_way(cluster: Cluster, names: list[str]) -> None:
    """While its key is there and when it is gone: ASK, and TRYAGAIN for two keys."""
    name = names[1]
    slot, to = slot_of(PREFIX, name), elsewhere(cluster, name)
    source = cluster.owner(slot)
    numbers: Queue[int] = Queue(name, cluster.url)
    numbers.put(1)
    to.do("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
    numbers.put(2)
    source.do("MIGRATE", "127.0.0.1", to.port, f"{PREFIX}:{name}", 0, 5000)
    numbers.put(3)
    for node in (to, source):
        node.do("CLUSTER", "SETSLOT", slot, "NODE", to.id)
    assert [1, 2, 3] == numbers.get_many(9)
    numbers.close()


def test_a_script_is_asked_for_elsewhere_and_unknown_there(
    cluster: Cluster, names: list[str]
) -> None:
    """The landing list and the list have both gone, the slot not yet."""
    name = names[2]
    slot, to = slot_of(PREFIX, name), elsewhere(cluster, name)
    source = cluster.owner(slot)
    transport = RedisTransport.from_url(cluster.url)
    transport.push(name, [b"2", b"3"])
    source.client.rpush(f"{{{PREFIX}:{name}}}:w", b"0", b"1")
    to.do("SCRIPT", "FLUSH")
    to.do("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
    for key in source.do("CLUSTER", "GETKEYSINSLOT", slot, 9):
        source.do("MIGRATE", "127.0.0.1", to.port, key, 0, 5000)
    transport.push(name, [b"4"])
    assert [b"0"] == transport.pop(name)
    assert [b"1"] == transport.pop(name, timeout=0.5)
    for node in (to, source):
        node.do("CLUSTER", "SETSLOT", slot, "NODE", to.id)
    assert [b"2", b"3", b"4"] == transport.pop(name, limit=9)
    transport.close()


def test_a_move_to_another_slot_leaves_stale_receipts_alone(
    cluster: Cluster, names: list[str]
) -> None:
    source, target = names[0], names[1]
    transport = RedisTransport.from_url(cluster.url)
    assert not transport.features.atomic_move
    transport.push(source, [b"1", b"2", b"3"])
    held = [one.receipt for one in transport.claim(source, lease=60.0, limit=3)]
    transport.ack(source, held[1:2])
    letters = [(receipt, b"dead %d" % i) for i, receipt in enumerate(held)]
    assert held[1:2] == transport.move(source, letters, to=target)
    assert [b"dead 0", b"dead 2"] == transport.peek(target, limit=9)
    assert held == transport.move(source, letters, to=target)
    assert [b"dead 0", b"dead 2"] == transport.peek(target, limit=9)
    assert (0, 0, 0) == transport.stats(source)
    transport.close()


def test_a_move_that_is_cut_between_its_steps_is_in_both_and_repeated_once(
    cluster: Cluster, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = names[0], names[1]
    transport = RedisTransport.from_url(cluster.url)
    transport.push(source, [b"x"])
    (held,) = transport.claim(source, lease=60.0)

    def cut(*_: object, **__: object) -> None:
        raise TransportUnavailable("cut")

    monkeypatch.setattr(transport._claims, "settle", cut)
    with pytest.raises(TransportUnavailable):
        transport.move(source, [(held.receipt, b"dead")], to=target)
    assert (1, 1) == (transport.stats(target).ready, transport.stats(source).claimed)
    monkeypatch.undo()
    assert [] == transport.move(source, [(held.receipt, b"dead")], to=target)
    assert (1, 0) == (transport.stats(target).ready, transport.stats(source).claimed)
    transport.close()


def test_a_plain_url_at_a_cluster_says_so(cluster: Cluster, names: list[str]) -> None:
    url = f"redis://127.0.0.1:{elsewhere(cluster, names[0]).port}"
    jobs: ReliableQueue[int] = ReliableQueue(names[0], url)
    with pytest.raises(TransportError, match=r"redis\+cluster://"):
        jobs.put(1)
    jobs.close()


def test_a_cluster_url_at_a_plain_server_says_so(redis_url: str) -> None:
    place = redis_url.split("//")[1].split("/", maxsplit=1)[0]
    jobs: ReliableQueue[int] = ReliableQueue("q", f"redis+cluster://{place}")
    with pytest.raises(TransportError, match=r"no cluster; use redis://"):
        jobs.put(1)
    jobs.close()


@pytest.mark.parametrize(
    "url", ["redis+cluster://a:b,c", "redis+cluster://a/1", "redis+cluster://a?db=1"]
)
def test_a_cluster_url_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        ReliableQueue("q", url)


def test_a_cluster_url_shows_no_secret() -> None:
    jobs: ReliableQueue[int] = ReliableQueue("q", "redis+cluster://me:canary@h1:7000,h2:7001")
    assert "canary" not in repr(jobs)
    assert "h1:7000,h2:7001" in repr(jobs)
    jobs.close()


def counted(queue: ReliableQueue[int], done: Counter[int], over: Callable[[], bool]) -> None:
    with queue.consume(timeout=0.5) as messages:
        while not over():
            for message in messages:
                message.ack()
                done[message.body] += 1


@pytest.mark.t2
def test_slots_move_back_and_forth_under_load(cluster: Cluster, names: list[str]) -> None:
    name, count = names[0], 3000
    slot = slot_of(PREFIX, name)
    done: Counter[int] = Counter()
    jobs: ReliableQueue[int] = ReliableQueue(name, cluster.url, lease=10.0)
    end = time.monotonic() + 90
    over = lambda: len(done) == count or time.monotonic() > end
    workers = [threading.Thread(target=counted, args=(jobs, done, over)) for _ in range(4)]
    for worker in workers:
        worker.start()

    def produce() -> None:
        for i in range(count):
            ids: tuple[str, ...] = ()
            while True:
                try:
                    jobs.put(i, id=ids[0]) if ids else jobs.put(i)
                except TransportUnavailable as exc:
                    ids = exc.ids
                else:
                    break

    producer = threading.Thread(target=produce)
    producer.start()
    moves = 0
    while producer.is_alive() or moves < 4:
        cluster.migrate(slot, elsewhere(cluster, name), pause=0.002)
        moves += 1
        time.sleep(0.2)
    for worker in workers:
        worker.join()
    assert sorted(done) == list(range(count))
    assert count == done.total(), "no message was acked twice"
    jobs.close()


def caught_up(node: Node) -> bool:
    """Tell whether the replicas of a node have all that it has."""
    info = node.client.info("replication")
    each = [info[f"slave{i}"] for i in range(info["connected_slaves"])]
    return all(one["offset"] == info["master_repl_offset"] for one in each)


@pytest.mark.t2
@pytest.mark.timeout(300)
@pytest.mark.parametrize("replicas", [1, 0])
def test_a_dead_primary_is_waited_for_or_replaced(tmp_path: Path, replicas: int) -> None:
    with cluster_in(tmp_path, replicas, timeout=2.0) as cluster:
        jobs: ReliableQueue[str] = ReliableQueue("q", f"{cluster.url}?socket_timeout=1")
        got: list[tuple[float, str]] = []

        def consume() -> None:
            for message in jobs.consume(timeout=60):
                message.ack()
                got.append((time.monotonic(), message.body))
                if message.body == "last":
                    break

        jobs.put("first")
        thread = threading.Thread(target=consume)
        thread.start()
        owner = cluster.owner(slot_of(PREFIX, "q"))
        wait_for(lambda: got and jobs.stats() == (0, 0, 0))
        wait_for(lambda: caught_up(owner))  # or its successor has the message once more
        owner.server.stop()
        stopped = time.monotonic()
        if not replicas:
            time.sleep(2.5)
            owner.server.start()
        begun = 0.0
        while not begun:
            try:
                jobs.put("last")
            except TransportUnavailable:
                assert time.monotonic() - stopped < 60, "nobody took over"
                time.sleep(0.05)
            else:
                begun = time.monotonic()
        thread.join(60)
        assert ["first", "last"] == [body for _, body in got]
        assert got[-1][0] - begun < 15.0
        jobs.close()
