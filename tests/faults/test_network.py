"""Replies torn at every byte (N2), hosts that vanish while they wait (N3), slow lines (N4)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from queuekit import AsyncMessage, AsyncReliableQueue, Message, ReliableQueue
from queuekit.backends.redis import exchange, exchange_async
from queuekit.errors import TransportUnavailable

from .accounts import Account
from .blocking import fifo, reliable
from .cells import scripts, warm
from .checker import check
from .children import wait_for
from .ledger import Ledger, end, get, put
from .proxy import Fault, Proxy, proxy_to

pytestmark = pytest.mark.redis

COLOURS = pytest.mark.parametrize("colour", ["sync", "async"])
Accept = Callable[[str, Account], None]


@pytest.fixture
def url(redis_url: str, redis_prefix: str) -> str:
    return f"{redis_url}?prefix={redis_prefix}"


@pytest.fixture
def proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    warm(url)
    for module in (exchange, exchange_async):  # the repeats need no pause, the server is there
        monkeypatch.setattr(module, "PAUSES", (0.0, 0.0))
    with proxy_to(url) as proxy:
        yield proxy


def sha(script: str) -> bytes:
    return next(sha for sha, (name, _) in scripts().items() if name == script)


def torn(proxy: Proxy, script: str) -> Iterator[int]:
    """Cut the reply of *script* after 0, 1, 2 ... bytes, until it came whole."""
    for keep in range(1000):
        fault = Fault("cut", sha(script), keep=keep)
        proxy.arm(fault)
        yield keep
        proxy.arm()
        assert fault.hits == 1
        if fault.whole:
            assert keep > 150, "the reply was too short to show anything"
            return
    raise AssertionError("the reply never came whole")


@COLOURS
def test_a_claim_torn_at_any_byte_is_asked_again(proxy: Proxy, url: str, colour: str) -> None:
    with closing(reliable("q", proxy.url, colour=colour)) as queue, closing(
        reliable("q", url)
    ) as other:  # fmt: skip
        queue.stats()
        for i in torn(proxy, "CLAIM"):
            bodies = [f"{i} one {'x' * 40}", f"{i} two {'y' * 40}"]
            other.put_many(bodies)
            found = queue.get_many(2)
            assert bodies == [one.body for one in found]
            assert (0, 0, 2) == queue.stats(), "no reply is taken for another's"
            queue.ack(*found)
            assert (0, 0, 0) == queue.stats()


@COLOURS
def test_a_pop_torn_at_any_byte_loses_that_and_no_more(proxy: Proxy, url: str, colour: str) -> None:
    with closing(fifo("q", proxy.url, colour=colour)) as queue, closing(fifo("q", url)) as other:
        queue.stats()
        for i in torn(proxy, "POP"):
            bodies = [f"{i} one {'x' * 180}", f"{i} two"]
            other.put_many(bodies)
            try:
                found = queue.get_many(1)
            except TransportUnavailable:
                pass
            else:
                assert bodies[:1] == found, "it came whole"
                proxy.arm()
                proxy.cut()  # its connection may or may not have ended
                queue.stats()  # which is repeated on a new one
            assert bodies[1] == queue.get(), "no reply is taken for another's"
            assert (0, 0, 0) == queue.stats()


@pytest.mark.t2
@COLOURS
@pytest.mark.parametrize("way", ["FIFO", "reliable"])
def test_consumers_that_vanish_while_they_wait_take_nothing_along(
    proxy: Proxy, url: str, colour: str, way: str, ledgers: Path, accept: Accept
) -> None:
    make = fifo if way == "FIFO" else reliable
    lease = 0.0 if way == "FIFO" else 1.0
    options = {} if way == "FIFO" else {"lease": lease}
    through = f"{proxy.url}&socket_timeout=2.5"

    def consume(number: int) -> None:
        book = Ledger(ledgers / f"vanished-{number}", lease=lease)
        with closing(make("q", through, colour=colour, **options)) as queue:
            ready.wait()
            get(book, queue, timeout=4.0)  # ends when the client sees that the server is gone
        book.close()

    ready = threading.Barrier(6)
    threads = [threading.Thread(target=consume, args=(i,)) for i in range(5)]
    for thread in threads:
        thread.start()
    ready.wait()
    with redis.Redis.from_url(url.partition("?")[0]) as client:
        wait_for(lambda: client.info("clients")["blocked_clients"] >= 5)
        proxy.vanished = True
        if way == "FIFO":
            wait_for(lambda: client.info("clients")["blocked_clients"] == 0)
    with closing(make("q", url, **options)) as queue:
        book = Ledger(ledgers / "who stays", lease=lease)
        keys = [f"m{i}" for i in range(20)]
        put(book, queue, keys)
        deadline = time.monotonic() + lease + 30
        count = 0
        while count < 20 and time.monotonic() < deadline:
            found = get(book, queue, 10, timeout=0.2)
            count += len(found)
            if way == "reliable":
                end(book, "ack", found)
        book.close()
    proxy.close()
    for thread in threads:
        thread.join()
    account = check(ledgers.iterdir(), fifo=way == "FIFO")
    assert count == 20, account
    assert not account.maybe_lost
    accept(f"five waiting consumers vanish, {colour}, {way}", account)


@pytest.mark.t2
@COLOURS
@pytest.mark.parametrize(
    ("line", "setting"),
    [
        ("40 ms each way", {"latency": 0.04}),
        ("8 kB/s", {"rate": 8000.0}),
        ("single bytes", {"chop": True}),
    ],
)
def test_a_slow_line_ends_no_lease(
    proxy: Proxy, url: str, colour: str, line: str, setting: dict[str, Any]
) -> None:
    """Handlers that outlast their lease keep it: the renewals come through in time."""
    lease = 3.0  # renewed each second, so that it may stand still for two
    times = {"1": 1.5 * lease, "2": 0.0}
    attempts: list[int] = []
    vars(proxy).update(setting)
    with closing(ReliableQueue[str]("q", url, lease=lease)) as rival:
        rival.put_many(["1", "2"])
        stop = threading.Event()
        stolen: list[object] = []

        def steal() -> None:
            while not stop.wait(0.02):
                stolen.extend(rival.get_many(1))

        def handle(message: Message[str]) -> None:
            if not thread.is_alive():
                thread.start()
            attempts.append(message.attempt)
            time.sleep(times[message.body])

        async def handle_async(message: AsyncMessage[str]) -> None:
            if not thread.is_alive():
                thread.start()
            attempts.append(message.attempt)
            await asyncio.sleep(times[message.body])

        async def run_async() -> None:
            queue = AsyncReliableQueue[str]("q", proxy.url, lease=lease)
            await queue.worker(timeout=0, prefetch=2)(handle_async)()
            await queue.aclose()

        thread = threading.Thread(target=steal)
        try:
            if colour == "sync":
                with closing(ReliableQueue[str]("q", proxy.url, lease=lease)) as queue:
                    queue.worker(timeout=0, prefetch=2)(handle)()
            else:
                asyncio.run(run_async())
        finally:
            stop.set()
            thread.join()
        assert ([1, 1], []) == (attempts, stolen), line
        assert (0, 0, 0) == rival.stats()
