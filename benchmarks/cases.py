"""What is measured, of whom, and what is to be reached."""

from __future__ import annotations

from typing import NamedTuple


class Operation(NamedTuple):
    """One row of the tables."""

    name: str
    """The method of the subjects."""
    title: str
    unit: int = 1
    """Messages move in multiples of this."""


OPERATIONS = (
    Operation("put", "FIFO put, one at a time"),
    Operation("put_bulk", "FIFO put, 100 per call", 100),
    Operation("get", "FIFO get, one at a time, blocking"),
    Operation("get_bulk", "FIFO get, 100 per call", 100),
    Operation("rput", "reliable put, one at a time"),
    Operation("rput_bulk", "reliable put, 100 per call", 100),
    Operation("claim_ack", "claim and ack, each ack confirmed"),
    Operation("claim_ack_next", "claim and ack, the ack rides with the next claim"),
    Operation("claim_ack_bulk", "claim and ack, 100 per call", 100),
    Operation("prefetch", "100 claimed ahead, handed over and acked one by one", 100),
    Operation("aput_1", "asyncio put, 1 task"),
    Operation("aput_16", "asyncio put, 16 tasks", 16),
    Operation("aput_64", "asyncio put, 64 tasks", 64),
    Operation("aget_1", "asyncio get, 1 task"),
    Operation("aget_64", "asyncio get, 64 tasks", 64),
    Operation("aclaim_1", "asyncio claim and ack, 1 task"),
    Operation("aclaim_64", "asyncio claim and ack, 64 tasks", 64),
    Operation("turn", "FIFO put then get, one thread"),
    Operation("rturn", "reliable put, claim, ack, one thread"),
)
"""Rates, in messages a second."""
BETWEEN = (
    Operation("wake", "FIFO: from the put to a waiting consumer"),
    Operation("rwake", "reliable: from the put to a waiting consumer"),
    Operation("two", "FIFO: two consumers at once"),
    Operation("rtwo", "reliable: two consumers at once"),
    Operation("bytes", "bytes of server memory per queued message of 100 bytes"),
)
"""What needs two processes or asks the server."""
BULK_OF = {
    "put_bulk": "put",
    "get_bulk": "get",
    "rput_bulk": "rput",
    "claim_ack_next": "claim_ack",
    "claim_ack_bulk": "claim_ack",
    "prefetch": "claim_ack",
}
"""Who has no such operation is compared by its best other way: one at a time."""


class Peer(NamedTuple):
    """Somebody who is measured."""

    name: str
    store: str
    driver: str
    """module:Class in ``drivers``."""
    requirements: tuple[str, ...]
    about: str
    """What it does, above all more than a queue."""
    quick: bool = False
    """Takes part in --quick."""


REDIS = ("redis==8.1.0", "hiredis==3.5.0")
DISTUTILS = "setuptools==80.9.0"
"""For redis-py 2.10, where Python (3.12) has no distutils of its own any more."""
KIT = (*REDIS, "msgpack==1.2.4", "typing-extensions==4.16.0")

PEERS = (
    Peer(
        "raw", "redis", "raw_redis:Raw", KIT, "the limit: a hand-written program, one socket", True
    ),
    Peer("queuekit", "redis", "queuekit:Kit", KIT, "bodies of bytes", True),
    Peer(
        "queuekit json",
        "redis",
        "queuekit:KitJson",
        KIT,
        "the default serializer, an object of the same length",
        True,
    ),
    Peer(
        "redis-py",
        "redis",
        "redis_py:Bare",
        KIT,
        "the same commands as raw, by redis-py's client",
        True,
    ),
    Peer(
        "hotqueue",
        "redis",
        "hotqueue:Hot",
        ("hotqueue==0.2.8", *REDIS),
        "FIFO: RPUSH and BLPOP of pickles; nothing more",
        True,
    ),
    Peer(
        "saferedisqueue",
        "redis",
        "saferedisqueue:Safe",
        ("saferedisqueue==3.0.0", "redis==2.10.6", DISTUTILS),
        "reliable: a hash of items, a list, a list of what is claimed; one lease for all",
        True,
    ),
    Peer(
        "redqueue",
        "redis",
        "redqueue:Red",
        ("redqueue==0.14.0", "hiredis==3.5.0"),
        "reliable; also retries, dead letters, traces, monitoring events",
        True,
    ),
    Peer(
        "kombu",
        "redis",
        "kombu:Simple",
        ("kombu==5.7.0", "packaging==26.3", *REDIS),
        "SimpleQueue: one interface to many brokers, with exchanges and routing",
    ),
    Peer(
        "huey",
        "redis",
        "huey:HueyRedis",
        ("huey==3.5.4", *REDIS),
        "job queue: calls functions, keeps results, retries, has a schedule",
    ),
    Peer(
        "rq",
        "redis",
        "rq:Rq",
        ("rq==2.12.0", "hiredis==3.5.0"),
        "job queue: a hash of state per job, results, registries, timeouts",
    ),
    Peer(
        "dramatiq",
        "redis",
        "dramatiq:Dramatiq",
        ("dramatiq==2.2.1", *REDIS),
        "job queue: middleware, retries, prefetch, 8 worker threads",
    ),
    Peer(
        "saq",
        "redis",
        "saq:Saq",
        ("saq==0.26.4", "redis<8", "hiredis==3.5.0", "typing-extensions==4.16.0"),
        "asyncio job queue: state and results per job, 10 at once",
    ),
    Peer(
        "arq",
        "redis",
        "arq:Arq",
        ("arq==0.28.0", "hiredis==3.5.0"),
        "asyncio job queue: results, schedule, job ids; polls twice a second",
    ),
    Peer(
        "taskiq",
        "redis",
        "taskiq:Taskiq",
        ("taskiq==0.13.0", "taskiq-redis==1.2.4", *REDIS),
        "asyncio job queue: middleware, results, a stream with acks",
    ),
    Peer(
        "bullmq",
        "redis",
        "bullmq:Bull",
        ("bullmq==3.4.4", "hiredis==3.5.0"),
        "job queue: state per job, events, priorities, rates, flows",
    ),
    Peer(
        "celery",
        "redis",
        "celery:Celery",
        ("celery==5.7.0", "kombu==5.7.0", "packaging==26.3", *REDIS),
        "job queue: workflows, results, routing, schedule; its solo pool",
    ),
    Peer(
        "raw",
        "asyncio",
        "raw_asyncio:RawAsync",
        KIT,
        "the limit: an own protocol, one connection for all tasks",
        True,
    ),
    Peer(
        "queuekit", "asyncio", "queuekit:KitAsync", KIT, "AsyncQueue and AsyncReliableQueue", True
    ),
    Peer(
        "redis.asyncio",
        "asyncio",
        "redis_asyncio:BareAsync",
        KIT,
        "the same commands by redis.asyncio",
        True,
    ),
    Peer(
        "raw",
        "sqlite",
        "raw_sqlite:Raw",
        KIT,
        "the limit: sqlite3 by hand, one table, WAL, synchronous=NORMAL",
        True,
    ),
    Peer(
        "queuekit", "sqlite", "queuekit:KitSQLite", KIT, "one file, WAL, synchronous=NORMAL", True
    ),
    Peer(
        "queuekit full",
        "sqlite",
        "queuekit:KitSQLiteFull",
        KIT,
        "the same with synchronous=FULL: each commit waits for the disk",
        True,
    ),
    Peer(
        "persist-queue",
        "sqlite",
        "persistqueue:Fifo",
        ("persist-queue==1.1.0",),
        "SQLiteQueue: FIFO, pickles; each commit waits for the disk",
        True,
    ),
    Peer(
        "persist-queue ack",
        "sqlite",
        "persistqueue:Ack",
        ("persist-queue==1.1.0",),
        "SQLiteAckQueue: reliable, pickles; each commit waits for the disk",
        True,
    ),
    Peer(
        "litequeue",
        "sqlite",
        "litequeue:Lite",
        ("litequeue==0.9",),
        "reliable; keeps what is done until it is pruned",
        True,
    ),
    Peer(
        "huey",
        "sqlite",
        "huey:HueySqlite",
        ("huey==3.5.4",),
        "job queue: calls functions, keeps results, retries, has a schedule",
    ),
    Peer(
        "raw",
        "memory",
        "raw_memory:Raw",
        KIT,
        "the limit: a deque and a lock, a dict of what is claimed",
        True,
    ),
    Peer("queuekit", "memory", "queuekit:KitMemory", KIT, "the memory store", True),
    Peer("queue.Queue", "memory", "raw_memory:Standard", KIT, "the standard library's FIFO", True),
)


class Goal(NamedTuple):
    """What queuekit is to reach on one core, with bodies of 100 bytes."""

    store: str
    operation: str
    against: str
    """A peer, or "" for a rate of its own."""
    least: float
    """The ratio to the peer, or messages a second; of times and bytes, the most."""


GOALS = (
    Goal("redis", "put", "raw", 0.80),
    Goal("redis", "put", "hotqueue", 2.5),
    Goal("redis", "get", "raw", 0.80),
    Goal("redis", "get", "hotqueue", 2.5),
    Goal("redis", "put_bulk", "raw", 0.75),
    Goal("redis", "put_bulk", "hotqueue", 1.7),
    Goal("redis", "get_bulk", "raw", 0.75),
    Goal("redis", "get_bulk", "hotqueue", 1.7),
    Goal("redis", "rput", "raw", 0.75),
    Goal("redis", "rput", "saferedisqueue", 2.5),
    Goal("redis", "rput", "rq", 15),
    Goal("redis", "rput_bulk", "raw", 0.75),
    Goal("redis", "rput_bulk", "saferedisqueue", 35),
    Goal("redis", "rput_bulk", "rq", 15),
    Goal("redis", "claim_ack", "raw", 0.75),
    Goal("redis", "claim_ack", "saferedisqueue", 1.9),
    Goal("redis", "claim_ack_next", "raw", 0.75),
    Goal("redis", "claim_ack_next", "saferedisqueue", 2.6),
    Goal("redis", "prefetch", "", 400_000),
    Goal("redis", "prefetch", "saferedisqueue", 25),
    *[
        Goal("redis", "prefetch", name, 100)
        for name in ("huey", "rq", "dramatiq", "saq", "arq", "taskiq", "bullmq", "celery")
    ],
    Goal("redis", "claim_ack_bulk", "raw", 0.70),
    Goal("redis", "claim_ack_bulk", "saferedisqueue", 50),
    Goal("redis", "wake", "raw", 1.5),
    Goal("redis", "wake", "hotqueue", 0.5),
    Goal("redis", "rwake", "raw", 1.5),
    Goal("asyncio", "aput_64", "raw", 0.5),
    Goal("asyncio", "aput_64", "redis.asyncio", 8),
    Goal("sqlite", "rput", "raw", 0.75),
    Goal("sqlite", "rput", "litequeue", 2),
    Goal("sqlite", "rput", "persist-queue ack", 15),
    Goal("sqlite", "rput_bulk", "raw", 0.75),
    Goal("sqlite", "rput_bulk", "litequeue", 4),
    Goal("sqlite", "rput_bulk", "persist-queue ack", 15),
    Goal("sqlite", "claim_ack", "raw", 0.75),
    Goal("sqlite", "claim_ack", "litequeue", 2),
    Goal("sqlite", "claim_ack", "persist-queue ack", 15),
    Goal("sqlite", "claim_ack_bulk", "raw", 0.75),
    Goal("sqlite", "claim_ack_bulk", "litequeue", 4),
    Goal("sqlite", "claim_ack_bulk", "persist-queue ack", 15),
    Goal("memory", "turn", "", 1_000_000),
    Goal("memory", "turn", "queue.Queue", 1.2),
    Goal("memory", "rturn", "", 600_000),
    Goal("redis", "bytes", "", 125),
    Goal("redis", "bytes", "saferedisqueue", 0.5),
    Goal("redis", "scale", "", 1.1),
)
LESS_IS_BETTER = ("wake", "rwake", "bytes", "scale")
