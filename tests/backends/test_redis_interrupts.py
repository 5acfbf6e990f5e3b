"""Signals, cancellation, forks, threads and event loops: no message goes with a caller."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
import redis

from queuekit import AsyncQueue, AsyncReliableQueue, AsyncWorker, Queue
from queuekit.backends.redis._wire import LinkBroken
from queuekit.backends.redis.source import silence_waiting
from queuekit.backends.redis.transport import RedisTransport
from queuekit.backends.redis.transport_async import AsyncRedisTransport
from queuekit.errors import TransportClosed

from .patience import LONG, SOON, until, wait_until
from .redis_tools import blocked, connected, let_wait_long, named, sockets, transport_on

pytestmark = pytest.mark.redis

LEASE = 30.0


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    let_wait_long(monkeypatch)


@pytest.fixture
def transport(redis_url: str, redis_prefix: str) -> Iterator[RedisTransport]:
    with transport_on(named(redis_url, redis_prefix), redis_prefix) as transport:
        yield transport


@pytest.fixture
def waits(redis_client: redis.Redis, redis_prefix: str) -> Callable[[], int]:
    """Return what tells how many wait on the server."""
    return lambda: blocked(redis_client, redis_prefix)


def interrupted(call: Callable[[], Any], after: float) -> FrameType:
    """
    Run *call*, and raise KeyboardInterrupt in it as Ctrl-C does.

    Return the frame in which it was raised.
    """
    frames: list[Any] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        frames.append(frame)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, after)
            call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    (frame,) = frames
    return frame


def interrupted_when(true: Callable[[], object], call: Callable[[], Any]) -> None:
    """Run *call*, and raise KeyboardInterrupt in it when something is *true*."""
    main = threading.get_ident()

    def press() -> None:
        wait_until(true)
        signal.pthread_kill(main, signal.SIGALRM)

    def run() -> None:
        thread.start()
        call()

    thread = threading.Thread(target=press)
    interrupted(run, 2 * LONG)
    thread.join()


def test_an_interrupted_pop_leaves_nobody_waiting(
    transport: RedisTransport, waits: Callable[[], int]
) -> None:
    begun = time.monotonic()
    interrupted_when(waits, lambda: transport.pop("q", timeout=LONG))
    assert time.monotonic() - begun < SOON, "the wait on the server was ended"
    assert not waits()
    transport.push("q", [b"x"])
    assert (1, 0, 0) == transport.stats("q")
    assert [b"x"] == transport.pop("q")


@pytest.mark.parametrize("limit", [1, 2])
def test_a_message_that_comes_with_the_interruption_goes_back(
    transport: RedisTransport,
    waits: Callable[[], int],
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
) -> None:
    """The nearest race there is: the message is popped after the signal, before the unblocking."""
    unblock = transport._link._unblock

    def push_first(number: int) -> None:
        with transport_on(redis_url, transport._prefix) as other:
            other.push("q", [b"1", b"2"])
            pushed.append(other.stats("q").ready)
        unblock(number)

    pushed: list[int] = []
    transport.pop("q", limit=9)
    monkeypatch.setattr(transport._link, "_unblock", push_first)
    interrupted_when(waits, lambda: transport.pop("q", limit=limit, timeout=LONG))
    assert [2 - limit] == pushed, "the wait took it"
    assert 2 == transport.stats("q").ready
    assert [b"1"] == transport.pop("q")
    assert [b"2"] == transport.pop("q")


def test_what_cannot_go_back_is_kept_for_the_next_pop(
    transport: RedisTransport, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(commands: Any) -> Any:
        raise LinkBroken(False)

    def no_time(*_: Any) -> Any:
        raise KeyboardInterrupt

    transport.push("q", [b"1", b"2"])
    monkeypatch.setattr(transport._link, "apart", broken)
    monkeypatch.setattr("queuekit.backends.redis.fifo.bare_all", no_time)
    with pytest.raises(KeyboardInterrupt):
        transport.pop("q", limit=2)
    monkeypatch.undo()
    assert 0 == transport.stats("q").ready
    assert [b"1"] == transport.pop("q", limit=1)
    assert [b"2"] == transport.pop("q", limit=2, timeout=1.0)


def test_what_came_for_an_interrupted_pop_is_kept_or_pushed_back(
    transport: RedisTransport, redis_client: redis.Redis, redis_prefix: str
) -> None:
    key = f"{redis_prefix}:q".encode()
    transport._fifo.kept.put(key, [b"2", b"3"])
    transport._fifo.kept.put(key, [b"1"])
    transport.push("q", [b"4"])
    assert [b"1"] == transport.pop("q", timeout=1.0)
    transport.close()
    assert [b"2", b"3", b"4"] == redis_client.lrange(key, 0, -1)


def test_an_interrupted_claim_gives_back_what_it_took(
    transport: RedisTransport, waits: Callable[[], int]
) -> None:
    interrupted_when(waits, lambda: transport.claim("q", lease=LEASE, timeout=LONG))
    transport.push("q", [b"x"])
    time.sleep(0.05)
    assert (1, 0, 0) == transport.stats("q")
    (held,) = transport.claim("q", lease=LEASE)
    assert 1 == held.attempt


def test_interrupted_claims_lose_nothing(transport: RedisTransport) -> None:
    count = 100
    seen: list[bytes] = []

    def push() -> None:
        for i in range(count):
            transport.push("q", [b"%d" % i])
            time.sleep(0.002)

    def consume() -> None:
        while True:
            for one in transport.claim("q", lease=LEASE, timeout=1.0):
                assert 1 == one.attempt
                held.append(one)

    pusher = threading.Thread(target=push)
    pusher.start()
    in_our_hands = 0
    while pusher.is_alive():
        held: list[Any] = []
        frame = interrupted(consume, random.uniform(0.005, 0.02))
        in_our_hands += frame.f_code is consume.__code__
        seen += [one.body for one in held]
        transport.ack("q", [one.receipt for one in held])
    while more := transport.claim("q", lease=LEASE, limit=99):
        seen += [one.body for one in more]
        transport.ack("q", [one.receipt for one in more])
    lost_in_our_hands = count - len(seen)  # claimed, and interrupted before held.append
    assert transport.stats("q") == (0, 0, lost_in_our_hands)
    assert lost_in_our_hands <= in_our_hands
    assert len(set(seen)) == len(seen)


def test_a_signal_handler_may_use_the_transport(transport: RedisTransport) -> None:
    def handler(*_: object) -> None:
        transport.push("q", [b"from the handler"])

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert [b"from the handler"] == transport.pop("q", timeout=1.0)
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_has_connections_of_its_own(
    transport: RedisTransport, redis_client: redis.Redis
) -> None:
    transport.push("q", [b"parent 1"], token="1")
    transport._fifo.kept.put(b"elsewhere", [b"kept"])
    child = os.fork()
    if not child:
        status = 1
        try:
            assert not transport.pop("elsewhere")
            for i in range(50):
                transport.push("q", [b"child"], token=f"child {i}")
                transport.ack("q", [transport.claim("q", lease=LEASE)[0].receipt])
            status = 0
        finally:
            os._exit(status)
    for i in range(50):
        transport.push("q", [b"parent"], token=f"parent {i}")
        transport.ack("q", [transport.claim("q", lease=LEASE)[0].receipt])
    assert 0 == os.waitpid(child, 0)[1]
    assert 1 == transport.stats("q").ready, "101 puts, 100 acks"
    transport._fifo.kept.take_all()


def test_a_thread_closes_its_connection_when_it_ends(transport: RedisTransport) -> None:
    transport.push("q", [b"x"] * 20)
    before = sockets()
    for _ in range(10):
        thread = threading.Thread(target=transport.pop, args=("q",))
        thread.start()
        thread.join()
    wait_until(lambda: sockets() <= before)


def test_closing_closes_every_connection(redis_url: str, redis_prefix: str) -> None:
    before = sockets()
    with transport_on(redis_url, redis_prefix) as transport:
        ready, done = threading.Barrier(4), threading.Event()

        def work() -> None:
            transport.stats("q")
            ready.wait()
            done.wait()

        def wait() -> None:
            ready.wait()
            with contextlib.suppress(TransportClosed):
                transport.claim("q", lease=LEASE, timeout=0.3)
            done.wait()

        threads = [threading.Thread(target=each) for each in (work, work, wait)]
        for thread in threads:
            thread.start()
        ready.wait()
        time.sleep(0.1)  # it waits by now, or is closed before it can
        transport.close()
        with pytest.raises(TransportClosed):
            transport.stats("q")
        wait_until(lambda: sockets() <= before)
        done.set()
        for thread in threads:
            thread.join()


def test_many_threads_share_a_transport(transport: RedisTransport) -> None:
    transport.push("q", [b"%d" % i for i in range(400)])
    got: list[bytes] = []

    def work() -> None:
        while held := transport.claim("q", lease=LEASE, limit=7):
            got.extend(one.body for one in held)
            assert [] == transport.ack("q", [one.receipt for one in held])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(b"%d" % i for i in range(400))


@pytest.mark.asyncio
@pytest.mark.parametrize("way", ["pop", "claim"])
async def test_a_storm_of_cancellations_loses_nothing(
    redis_url: str, redis_prefix: str, way: str
) -> None:
    transport = AsyncRedisTransport.from_url(redis_url, prefix=redis_prefix)
    count, got = 200, []
    hands: list[Any] = []

    async def consume() -> None:
        while True:
            if way == "pop":
                got.extend(await transport.pop("q", timeout=1.0))
                continue
            held = await transport.claim("q", lease=LEASE, timeout=1.0)
            hands.extend(held)

    async def push() -> None:
        for i in range(count):
            await transport.push("q", [b"%d" % i])
            await asyncio.sleep(0.001)

    pushing = asyncio.ensure_future(push())
    while not pushing.done():
        tasks = [asyncio.ensure_future(consume()) for _ in range(3)]
        await asyncio.sleep(random.uniform(0.001, 0.01))
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    await pushing
    while more := await transport.pop("q", limit=99):
        got.extend(more)
    got.extend(one.body for one in hands)
    assert all(one.attempt == 1 for one in hands)
    assert sorted(got) == sorted(b"%d" % i for i in range(count))
    assert [] == await transport.ack("q", [one.receipt for one in hands])
    await transport.aclose()


@pytest.mark.asyncio
async def test_a_cancelled_wait_is_ended_on_the_server(
    redis_url: str, redis_prefix: str, waits: Callable[[], int]
) -> None:
    transport = AsyncRedisTransport.from_url(named(redis_url, redis_prefix), prefix=redis_prefix)
    task = asyncio.ensure_future(transport.pop("q", timeout=LONG))
    await until(waits)
    begun = time.monotonic()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert time.monotonic() - begun < SOON
    assert not waits()
    await transport.push("q", [b"x"])
    assert (1, 0, 0) == await transport.stats("q")
    await transport.aclose()


@pytest.mark.asyncio
async def test_tasks_at_a_deadline_give_back_in_order(
    redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the first of them finds that its connection was idle, and looks at it first."""
    for patience in ("_IN_TURN", "_GRACE"):
        monkeypatch.setattr(f"queuekit._serving_async.{patience}", LONG)
    transport = AsyncRedisTransport.from_url(redis_url, prefix=redis_prefix)
    queue = AsyncReliableQueue("q", transport)
    await queue.put_many(range(12))
    begun: list[int] = []

    async def handle(message: Any) -> None:
        begun.append(message.body)
        while message.held:  # noqa: ASYNC110 - at each moment one of them is about to go on
            await asyncio.sleep(0.002)

    worker = AsyncWorker(queue, handle, concurrency=8, shutdown_timeout=0.2)
    run = asyncio.ensure_future(worker.run())
    await until(lambda: len(begun) == 8)
    worker.stop()
    assert 8 == (await run).released
    assert [*begun, 8, 9, 10, 11] == [one.body for one in await queue.get_many(12)]
    await transport.aclose()


@pytest.mark.asyncio
async def test_many_tasks_share_one_connection(
    redis_url: str, redis_prefix: str, redis_client: redis.Redis
) -> None:
    transport = AsyncRedisTransport.from_url(named(redis_url, redis_prefix), prefix=redis_prefix)
    pushes = [transport.push("q", [b"%d" % i], token=f"{i}") for i in range(300)]
    await asyncio.gather(*pushes)
    assert 1 == connected(redis_client, redis_prefix)
    assert 300 == (await transport.stats("q")).ready
    await transport.aclose()


def test_another_event_loop_gets_new_connections(redis_url: str, redis_prefix: str) -> None:
    transport = AsyncRedisTransport.from_url(redis_url, prefix=redis_prefix)
    before = sockets()

    async def use() -> None:
        await transport.push("q", [b"x"])
        assert [b"x"] == await transport.pop("q", timeout=1.0)

    for _ in range(3):
        asyncio.run(use())
    assert sockets() <= before + 2, "those of a loop that ended were closed"

    async def close() -> None:
        await transport.aclose()

    asyncio.run(close())
    gc.collect()
    assert sockets() <= before


def test_a_claim_that_came_after_close_goes_back(
    redis_url: str, redis_prefix: str, waits: Callable[[], int]
) -> None:
    transport = RedisTransport.from_url(named(redis_url, redis_prefix), prefix=redis_prefix)
    with transport_on(redis_url, redis_prefix) as other:
        raised: list[BaseException] = []

        def wait() -> None:
            try:
                transport.claim("q", lease=LEASE, timeout=LONG)
            except TransportClosed as exc:
                raised.append(exc)

        thread = threading.Thread(target=wait)
        thread.start()
        wait_until(waits)
        transport.close()
        other.push("q", [b"x"])
        thread.join()
        assert raised
        assert (1, 0, 0) == other.stats("q")
        assert 1 == other.claim("q", lease=LEASE)[0].attempt


@pytest.mark.asyncio
async def test_a_claim_that_came_after_aclose_goes_back(
    redis_url: str, redis_prefix: str, waits: Callable[[], int]
) -> None:
    transport = AsyncRedisTransport.from_url(named(redis_url, redis_prefix), prefix=redis_prefix)
    task = asyncio.ensure_future(transport.claim("q", lease=LEASE, timeout=LONG))
    await until(waits)
    await transport.aclose()
    with transport_on(redis_url, redis_prefix) as other:
        other.push("q", [b"x"])
        with pytest.raises(TransportClosed):
            await task
        assert (1, 0, 0) == other.stats("q")
        assert 1 == other.claim("q", lease=LEASE)[0].attempt


@pytest.mark.parametrize("way", ["pop", "claim"])
def test_the_end_of_asyncio_run_loses_nothing(redis_url: str, redis_prefix: str, way: str) -> None:
    """It cancels all tasks at once, also those that belong to the transport."""
    transport = AsyncRedisTransport.from_url(redis_url, prefix=redis_prefix)
    got: list[bytes] = []

    async def consume() -> None:
        while True:
            if way == "pop":
                got.extend(await transport.pop("q", timeout=1.0))
                continue
            held = await transport.claim("q", lease=LEASE, timeout=1.0)
            assert all(1 == one.attempt for one in held)
            got.extend(one.body for one in held)
            receipts.extend(one.receipt for one in held)

    async def main(first: int, delay: float) -> None:
        tasks = [asyncio.ensure_future(consume()) for _ in range(4)]
        await asyncio.sleep(0.02)
        for i in range(first, first + 5):
            await transport.push("q", [b"%d" % i])
        await asyncio.sleep(delay)
        del tasks

    async def drain() -> None:
        while more := await transport.pop("q", limit=99):
            got.extend(more)
        assert [] == await transport.ack("q", receipts)
        assert (0, 0, 0) == await transport.stats("q")
        await transport.aclose()

    receipts: list[Any] = []
    for run in range(25):
        asyncio.run(main(5 * run, random.uniform(0, 0.002)))
    asyncio.run(drain())
    assert sorted(got) == sorted(b"%d" % i for i in range(125))


@pytest.mark.parametrize("seconds", [0.05, 0.2])
def test_a_short_socket_timeout_does_not_cut_waits(
    redis_url: str, redis_prefix: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A server ends waits a tenth of a second late.

    That it is given half a second for it is seen in what a wait may last and how long the server
    may be silent meanwhile; a machine that stands still for longer does not matter here.
    """
    assert seconds / 2 + 0.45 < silence_waiting(seconds)
    monkeypatch.setattr("queuekit.backends.redis.source._LATE", LONG)
    url = f"{redis_url}?prefix={redis_prefix}"
    slices: list[float] = []

    def patient(transport: Any) -> Any:
        source = transport._link.source
        source.socket_timeout = LONG  # that of what does not wait
        source._options["socket_timeout"] = LONG  # and of connecting
        inner = transport._link.call

        def call(commands: Any, **options: Any) -> Any:
            if options.get("waits"):
                slices.append(float(commands[0][-1]))
            return inner(commands, **options)

        transport._link.call = call
        return transport

    transport = patient(RedisTransport.from_url(f"{url}&socket_timeout={seconds}"))
    with Queue("q", transport) as queue:
        assert queue.get(timeout=0.5) is None
    transport.close()

    async def wait() -> None:
        transport = patient(AsyncRedisTransport.from_url(f"{url}&socket_timeout={seconds}"))
        async with AsyncQueue("q", transport) as queue:
            assert await queue.get(timeout=0.5) is None
        await transport.aclose()

    asyncio.run(wait())
    assert max(slices) <= seconds / 2
    assert len(slices) > 4
