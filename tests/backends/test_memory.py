"""What is special to the store in memory: loops that end, forks, and what it remembers."""

from __future__ import annotations

import asyncio
import os

from queuekit.backends import _tokens
from queuekit.backends.memory import AsyncMemoryTransport, MemoryTransport
from queuekit.backends.threaded import ThreadedTransport


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
    transport = ThreadedTransport(MemoryTransport())
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(transport.pop("q", timeout=1))
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()

    async def main() -> None:
        await transport.push("q", [b"a"])
        assert [b"a"] == await transport.pop("q")
        await transport.aclose()

    asyncio.run(main())
    waiting._log_destroy_pending = False


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
    assert {} == transport.store.lines._waiting


def test_only_so_many_tokens_are_remembered(monkeypatch) -> None:
    monkeypatch.setattr(_tokens, "_MOST_TOKENS", 10)
    transport = MemoryTransport()
    for n in range(100):
        transport.push("q", [b"x"], token=str(n))
    assert len(transport.store.tokens._known) <= 11
