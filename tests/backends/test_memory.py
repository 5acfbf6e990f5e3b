"""What is special to the store in memory: loops that end, forks, and what it remembers."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from queuekit.backends import _tokens
from queuekit.backends.memory import AsyncMemoryTransport, MemoryTransport
from queuekit.backends.threaded import ThreadedTransport
from queuekit.errors import ConfigurationError
from queuekit.transport import Delivery, Receipt

from .patience import LONG, until, with_long_waits


def test_a_push_wakes_nobody_in_a_loop_that_is_closed() -> None:
    store = AsyncMemoryTransport()
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(store.pop("q", timeout=1))
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    asyncio.run(store.push("q", [b"a"]))
    assert [b"a"] == asyncio.run(store.pop("q"))
    waiting._log_destroy_pending = False


def test_a_threaded_push_wakes_nobody_in_a_loop_that_is_closed() -> None:
    transport = with_long_waits(ThreadedTransport(MemoryTransport()))
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(transport.pop("q", timeout=LONG))
    loop.run_until_complete(until(lambda: transport._lines._lines))
    loop.close()

    async def main() -> None:
        await transport.push("q", [b"a"])
        assert [b"a"] == await transport.pop("q")
        await transport.aclose()

    asyncio.run(main())
    waiting._log_destroy_pending = False


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_opens_a_named_store_of_its_own() -> None:
    parent = MemoryTransport.from_url("memory:forked")
    parent.push("q", [b"parent"])
    pid = os.fork()
    if not pid:
        status = 1
        try:
            child = MemoryTransport.from_url("memory:forked")
            child.push("q", [b"child"])
            status = 0 if child.pop("q", limit=9) == [b"child"] else 2
        finally:
            os._exit(status)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert [b"parent"] == parent.pop("q", limit=9)


def test_looking_at_a_queue_makes_none() -> None:
    transport = MemoryTransport()
    for n in range(10):
        assert [] == transport.peek(f"q{n}")
        assert (0, 0, 0) == transport.stats(f"q{n}")
        assert [] == transport.pop(f"q{n}", timeout=0.001)
        assert [] == transport.claim(f"q{n}", lease=1, timeout=0.001)
        assert 0 == transport.purge(f"q{n}") == transport.recover(f"q{n}")
    assert {} == transport.store.lanes
    assert {} == transport.store.lines.waiting


def test_only_so_many_tokens_are_remembered(monkeypatch) -> None:
    monkeypatch.setattr(_tokens, "_MOST_TOKENS", 10)
    transport = MemoryTransport()
    for n in range(100):
        transport.push("q", [b"x"], token=str(n))
    tokens = transport.store.tokens
    assert len(tokens.young) + len(tokens._old) <= 20
    transport.push("q", [b"x"], token="90")  # of the last ten: known
    assert 100 == transport.stats("q").ready
    transport.push("q", [b"x"], token="1")
    assert 101 == transport.stats("q").ready


def test_threads_without_a_lock_lose_and_repeat_nothing() -> None:
    """Each message is popped or acked by one of them, and never seen by two at a time."""
    transport, rounds, threads = MemoryTransport(), 400, 4
    popped: list[bytes] = []
    acked: list[bytes] = []

    def work(mine: int) -> None:
        for n in range(rounds):
            transport.push("q", [b"%d.%d" % (mine, n), b"%d.%d'" % (mine, n)])
            popped.extend(transport.pop("q"))
            found = transport.claim("q", lease=60, limit=1 + n % 2)
            receipts = [one.receipt for one in found]
            if n % 7 == 0:
                assert [] == transport.release("q", receipts, counted=False)
            else:
                assert [] == transport.ack("q", receipts)
                acked.extend(one.body for one in found)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=work, args=(mine,)) for mine in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    left = transport.pop("q", limit=9999)
    assert (0, 0, 0) == transport.stats("q")
    every = [
        b"%d.%d%s" % (t, n, x) for t in range(threads) for n in range(rounds) for x in (b"", b"'")
    ]
    assert sorted(every) == sorted(popped + acked + left)


def test_an_ack_goes_with_the_next_claim() -> None:
    transport = MemoryTransport()
    transport.push("q", [b"a", b"b"])
    (first,) = transport.claim("q", lease=60)
    lost, found = transport.ack_and_claim("q", [first.receipt], lease=60)
    assert [] == lost
    assert [b"b"] == [one.body for one in found]
    again = [first.receipt, found[0].receipt, Receipt("nonsense")]
    assert (again[::2], []) == transport.ack_and_claim("q", again, lease=60, limit=9, timeout=0.01)
    assert (0, 0, 0) == transport.stats("q")


def test_a_wrong_argument_acks_nothing() -> None:
    transport = MemoryTransport()
    transport.push("q", [b"a"])
    (held,) = transport.claim("q", lease=60)
    for wrong in ({"lease": 0}, {"lease": 1.0, "limit": 0}, {"lease": 1.0, "timeout": -1.0}):
        with pytest.raises(ConfigurationError):
            transport.ack_and_claim("q", [held.receipt], **wrong)
    assert 1 == transport.stats("q").claimed


def test_an_ack_goes_with_the_next_claim_of_a_task() -> None:
    async def main() -> tuple[list[Receipt], list[Delivery]]:
        transport = AsyncMemoryTransport()
        await transport.push("q", [b"a", b"b"])
        (first,) = await transport.claim("q", lease=60)
        return await transport.ack_and_claim("q", [first.receipt], lease=60)

    lost, (found,) = asyncio.run(main())
    assert ([], b"b") == (lost, found.body)
