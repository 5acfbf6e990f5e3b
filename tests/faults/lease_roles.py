"""What the processes of ``test_leases`` do: a consumer each, run as a program of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

SHIFT = json.loads(sys.argv[3]).get("shift", 0) if __name__ == "__main__" else 0
if SHIFT:  # before the library is loaded: the clock on this machine's wall is wrong
    _time, _time_ns = time.time, time.time_ns
    time.time = lambda: _time() + SHIFT
    time.time_ns = lambda: _time_ns() + SHIFT * 10**9

from queuekit import (  # noqa: E402 - behind the moved clock
    AsyncReliableQueue,
    LeaseLost,
    Message,
    ReliableQueue,
    TransportUnavailable,
)

NAME = "jobs"


def say(**event: Any) -> None:
    os.write(1, json.dumps(event).encode() + b"\n")


def told() -> None:
    """Wait for the word of the test."""
    os.read(0, 1)


def held(message: Any) -> dict[str, Any]:
    return {"body": message.body, "attempt": message.attempt, "id": message.id}


def outcome_of(call: Any) -> dict[str, Any]:
    """Say how a settling ended."""
    try:
        call()
    except LeaseLost as exc:
        return {"outcome": "lost", "ids": list(exc.ids)}
    return {"outcome": "done"}


def holder(url: str, lease: float, verbs: list[str], shift: float = 0) -> None:
    """
    Take a message for each verb, wait for the word, and settle them so.

    All in one claim: between two, the lease of the first might end.
    """
    queue = ReliableQueue[Any](NAME, url, lease=lease)
    messages = queue.get_many(len(verbs), block=True)
    say(held=[held(message) for message in messages], time=time.time())
    told()
    for verb, message in zip(verbs, messages, strict=True):
        calls: dict[str, Any] = {
            "ack": message.ack,
            "fail": lambda message=message: message.fail(delay=0),
            "extend": message.extend,
            "release": message.release,
            "reject": lambda message=message: message.reject("why not"),
        }
        say(verb=verb, **outcome_of(calls[verb]))


def putter(url: str, body: Any, delay: float, shift: float = 0) -> None:
    """Put a message."""
    say(id=ReliableQueue[Any](NAME, url).put(body, delay=delay), time=time.time())


def getter(
    url: str, way: str, lease: float, stops: bool = False, slice_: float | None = None
) -> None:
    """
    Wait for a message; with *stops* be stopped when the claim is made and not yet returned.

    With *slice_*, the server is asked to wait for so many seconds at a time.
    """
    if slice_ is not None:
        from queuekit.backends.redis import transport

        transport._MAX_WAIT = slice_
        url += f"&socket_timeout={3 * slice_}"
    queue = ReliableQueue[Any](NAME, url, lease=lease)
    if stops:
        inner = queue.transport.claim

        def claim(*arguments: Any, **options: Any) -> Any:
            found = inner(*arguments, **options)
            if found:
                queue.transport.claim = inner
                os.kill(os.getpid(), signal.SIGSTOP)
            return found

        queue.transport.claim = claim
    say(ready=True)

    def take(message: Any) -> None:
        say(**held(message), **outcome_of(message.ack))

    if way == "get":
        take(queue.get(block=True))
    elif way == "get_many":
        for message in queue.get_many(5, block=True):
            take(message)
    elif way == "consume":
        for message in queue.consume(prefetch=3, timeout=2 * lease, confirm=True):
            take(message)
    else:
        queue.worker(prefetch=3, timeout=2 * lease, confirm=True)(take)()


def async_getter(url: str, way: str, lease: float, stops: bool = False) -> None:
    """As ``getter``, in asyncio, where a task that does not return the loop stops all others."""
    import asyncio

    async def main() -> None:
        queue = AsyncReliableQueue[Any](NAME, url, lease=lease)
        if stops:
            inner = queue.transport.claim

            async def claim(*arguments: Any, **options: Any) -> Any:
                found = await inner(*arguments, **options)
                if found:
                    queue.transport.claim = inner
                    os.kill(os.getpid(), signal.SIGSTOP)
                return found

            queue.transport.claim = claim
        say(ready=True)

        async def take(message: Any) -> None:
            try:
                await message.ack()
            except LeaseLost as exc:
                say(**held(message), outcome="lost", ids=list(exc.ids))
            else:
                say(**held(message), outcome="done")

        if way == "get":
            await take(await queue.get(block=True))
        elif way == "get_many":
            for message in await queue.get_many(5, block=True):
                await take(message)
        elif way == "consume":
            async for message in queue.consume(prefetch=3, timeout=2 * lease, confirm=True):
                await take(message)
        else:
            await queue.worker(prefetch=3, timeout=2 * lease, confirm=True)(take)()
        await queue.aclose()

    asyncio.run(main())


def mortal(url: str, way: str, lease: float, prefetch: int, max_attempts: int) -> None:
    """Work, and die of every body that says so; end when all is done."""
    queue = ReliableQueue[str](NAME, url, lease=lease, max_attempts=max_attempts)

    @queue.worker(prefetch=prefetch, timeout=0, confirm=True)
    def work(message: Message[str]) -> None:
        say(**held(message))
        if message.body == "killer":
            die(way)

    while sum(queue.stats()):
        work()
        time.sleep(0.02)


def die(way: str) -> None:
    if way == "exit":
        os._exit(7)
    if way == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    import ctypes
    import faulthandler

    faulthandler.disable()
    ctypes.string_at(0)


def waiter(url: str, way: str, lease: float, shift: float = 0) -> None:
    """Say what comes, and ack it."""
    queue = ReliableQueue[Any](NAME, url, lease=lease)
    say(ready=True, time=time.time())
    if way == "get":
        while True:
            message = queue.get(block=True)
            say(**held(message), **outcome_of(message.ack))
    for message in queue.consume():
        say(**held(message), **outcome_of(message.ack))


def async_waiter(url: str, way: str, lease: float) -> None:
    """As ``waiter``, in asyncio."""
    import asyncio

    async def main() -> None:
        queue = AsyncReliableQueue[Any](NAME, url, lease=lease)
        say(ready=True)
        if way == "get":
            while True:
                message = await queue.get(block=True)
                await message.ack()
                say(**held(message), outcome="done")
        async for message in queue.consume():
            await message.ack()
            say(**held(message), outcome="done")

    asyncio.run(main())


def stuck(url: str, lease: float, way: str, seconds: float = 0.0) -> None:
    """Work for so long without letting a heartbeat run; say what the log says, and what is done."""
    import logging

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(log=record.getMessage())

    logging.getLogger("queuekit").addHandler(Heard())
    if way == "loop":
        import asyncio

        async def main() -> None:
            queue = AsyncReliableQueue[Any](NAME, url, lease=lease)

            @queue.worker(timeout=0)
            async def work(message: Any) -> None:
                say(**held(message))
                time.sleep(seconds)  # noqa: ASYNC251 - the mistake that this is about

            await work()
            await queue.aclose()

        asyncio.run(main())
    else:
        import ctypes

        queue = ReliableQueue[Any](NAME, url, lease=lease)

        @queue.worker(timeout=0)
        def work(message: Any) -> None:
            say(**held(message))
            if way == "interpreter":  # until it is told, and with the GIL
                ctypes.PyDLL(None).read(0, ctypes.create_string_buffer(1), 1)
            else:
                time.sleep(seconds)

        work()
    say(over=True)


def signalled(url: str, state: str, lease: float, prefetch: int) -> None:
    """Run a worker up to a state, say so, and stay in it until a signal comes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also when started in the background
    queue = ReliableQueue[Any](NAME, url, lease=lease)
    transport: Any = queue.transport
    inner = {name: getattr(transport, name) for name in ("claim", "ack", "release")}
    told_once: list[str] = []

    def reached(name: str) -> None:
        if state == name and not told_once:
            told_once.append(name)
            say(state=name)
            time.sleep(60)

    def claim(*arguments: Any, **options: Any) -> Any:
        if state == "backoff":
            if not told_once:
                told_once.append(state)
                say(state=state)
            raise TransportUnavailable("out of reach in this test")
        if state == "idle" and not told_once:
            told_once.append(state)
            say(state=state)
        return inner["claim"](*arguments, **options)

    def ack(*arguments: Any) -> Any:
        reached("before ack")
        lost = inner["ack"](*arguments)
        reached("after ack")
        return lost

    def release(*arguments: Any, **options: Any) -> Any:
        if state == "releasing":
            say(state="releasing")
            time.sleep(60)
        return inner["release"](*arguments, **options)

    transport.claim, transport.ack, transport.release = claim, ack, release

    @queue.worker(prefetch=prefetch, confirm=True)
    def work(message: Any) -> None:
        if state == "releasing":
            say(state="handling")
            time.sleep(60)
        reached("handling")

    with queue:
        work()
    say(ended="quietly")


if __name__ == "__main__":
    role = globals()[sys.argv[1]]
    options = json.loads(sys.argv[3])
    try:
        role(sys.argv[2], **options)
    except KeyboardInterrupt:
        say(ended="by Ctrl-C")
        sys.exit(130)
