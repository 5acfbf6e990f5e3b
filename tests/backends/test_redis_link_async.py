"""The link of asyncio: one connection for many calls, and what each of them sees of the others."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from queuekit import AsyncQueue, AsyncReliableQueue
from queuekit.backends.redis._alone_async import Alone
from queuekit.backends.redis._multiplexed import Multiplexed
from queuekit.backends.redis._silence import NoAnswer
from queuekit.backends.redis._wire import Command, LinkBroken, LinkClosed, Reply
from queuekit.backends.redis.link_async import AsyncLink
from queuekit.backends.redis.transport_async import AsyncRedisTransport

from .loop_server import SMALL, LoopServer, loop_server
from .patience import LONG, SOON, until
from .redis_tools import sockets

pytestmark = pytest.mark.asyncio

PUT = b"RPUSH"
SILENCE = 0.3


class Clock:
    """
    Stands for the loop where a line measures silences: its time passes when the test says so.

    Else a machine that stands still between two answers would make a silence of its own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.now = loop.time()
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Call:
        self.calls.append(Call(when, callback))
        return self.calls[-1]

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for call in [each for each in self.calls if each.at <= self.now]:
            self.calls.remove(call)
            if not call.is_cancelled:
                call.callback()


class Call:
    """What ``call_at`` returns."""

    def __init__(self, at: float, callback: Callable[[], None]) -> None:
        self.at, self.callback, self.is_cancelled = at, callback, False

    def when(self) -> float:
        return self.at

    def cancel(self) -> None:
        self.is_cancelled = True


def clock_of(line: Multiplexed) -> Clock:
    """Let a line that is idle measure silences by a clock of the test."""
    assert line.silence._timer is None or not line.silence._waits()
    line.silence.end()
    line.silence._timer = None
    line._loop = line.silence._loop = clock = Clock(line._loop)
    return clock


def give_up_after(seconds: float, link: AsyncLink) -> None:
    """Let a silence of *seconds* be too long, now that all is connected."""
    for slot in (link._shared.slot, *link._alone.idle):
        slot.line.silence.seconds = seconds
        slot.line.silence.end()
        slot.line.silence._timer = None


def put(number: int, body: bytes = b"x") -> Command:
    return (PUT, b"%d" % number, body)


def started(link: AsyncLink, *commands: Command, **options: Any) -> asyncio.Task[list[Reply]]:
    return asyncio.ensure_future(link.call(commands, **options))


def numbers(server: LoopServer, connection: int = 0) -> list[int]:
    """Return which puts came on a connection, in their order."""
    return [int(command[1]) for command in server.connections[connection] if command[0] == PUT]


async def outcome(task: asyncio.Task[Any]) -> Any:
    """Return what came of a task: its result, or its exception."""
    (result,) = await asyncio.gather(task, return_exceptions=True)
    return result


async def test_the_calls_of_one_turn_are_one_write() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        trips, reads = link.trips, server.reads
        replies = await asyncio.gather(*(link.call([put(i)]) for i in range(1, 65)))
        assert [[1]] * 64 == replies
        assert list(range(65)) == numbers(server)
        assert (1, 1) == (link.trips - trips, server.reads - reads)


@pytest.mark.redis
@pytest.mark.parametrize("kind", [AsyncQueue, AsyncReliableQueue])
async def test_the_puts_of_64_tasks_are_one_write(
    redis_url: str, redis_prefix: str, kind: Any
) -> None:
    transport = AsyncRedisTransport.from_url(redis_url, prefix=redis_prefix)
    queue = kind("q", transport, serializer="bytes")
    await queue.put(b"first")  # connects, and loads the script
    for _ in range(3):
        before = transport._link.trips
        await asyncio.gather(*(queue.put(b"%d" % i) for i in range(64)))
        assert 1 == transport._link.trips - before
    assert 193 == (await queue.stats()).ready
    await queue.aclose()
    await transport.aclose()


async def test_the_first_calls_of_a_link_make_one_connection() -> None:
    async with loop_server() as (server, link):
        await asyncio.gather(*(link.call([put(i)]) for i in range(64)))
        assert 1 == len(server.connections)
        assert list(range(64)) == numbers(server)


async def test_thousands_of_tasks() -> None:
    async with loop_server() as (server, link):
        batches = [[put(3 * i + j, b"x" * (i % 99)) for j in range(3)] for i in range(5000)]
        replies = await asyncio.gather(*map(link.call, batches))
        assert [[1, 1, 1]] * 5000 == replies
        assert list(range(15000)) == numbers(server), "batches stay together, calls in order"
        assert 1 == len(server.connections)
        assert link.trips < 50


async def test_replies_that_come_in_pieces_find_their_calls() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        calls = [started(link, put(1), put(2)), started(link, put(3)), started(link, put(4))]
        await until(lambda: len(numbers(server)) == 2)  # it answers one after the other
        server.answers[PUT] = b""
        server.mute = False
        await until(lambda: len(numbers(server)) == 5)
        for byte in b"$1\r\na\r\n:2\r\n*2\r\n:3\r\n$-1\r\n+four\r\n":
            server.say(bytes((byte,)))
            await asyncio.sleep(0.001)
        assert [[b"a", 2], [[3, None]], [b"four"]] == await asyncio.gather(*calls)


async def test_a_call_that_was_not_written_is_withdrawn() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        calls = [started(link, put(i)) for i in range(1, 6)]
        into: list[Reply] = []
        calls.append(started(link, put(6), into=into))
        await asyncio.sleep(0)  # they have begun, and the end of the turn has not come
        for i in (0, 2, 5):
            calls[i].cancel()
        results = [await outcome(call) for call in calls]
        assert [True, False, True, False, False, True] == [
            isinstance(each, asyncio.CancelledError) for each in results
        ]
        await link.call([put(9)])
        assert [0, 2, 4, 5, 9] == numbers(server)
        assert [] == into


async def test_a_cancelled_call_leaves_the_others_whole() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.answers[PUT] = b"+mine\r\n"
        server.answers[b"GET"] = b"+not mine\r\n"
        server.mute = True
        first, gone, last = started(link, put(1)), started(link, (b"GET",)), started(link, put(2))
        await until(lambda: numbers(server) == [0, 1])
        gone.cancel()
        assert isinstance(await outcome(gone), asyncio.CancelledError), "it does not wait"
        server.mute = False
        assert ([b"mine"], [b"mine"]) == (await first, await last)
        assert [b"mine"] == await link.call([put(3)])
        assert 1 == len(server.connections)


async def test_a_cancelled_call_that_keeps_its_replies_waits_for_them() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        into: list[Reply] = [b"before"]
        call = started(link, put(1), put(2), into=into)
        await until(lambda: numbers(server) == [0, 1])
        for _ in range(3):
            call.cancel()
            await asyncio.sleep(0.01)
            assert not call.done()
        server.mute = False
        assert isinstance(await outcome(call), asyncio.CancelledError)
        assert [b"before", 1, 1] == into
        assert 1 == len(server.connections)


async def test_a_cancelled_call_does_not_wait_for_replies_that_cannot_come() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        into: list[Reply] = []
        call = started(link, put(1), into=into)
        await until(lambda: numbers(server) == [0, 1])
        call.cancel()
        await asyncio.sleep(0.01)
        server.cut()
        assert isinstance(await outcome(call), asyncio.CancelledError)
        assert [] == into


async def test_a_cancelled_wait_leaves_no_task_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a loop cancels its tasks, and does not hear of those that they make then."""
    freeing, may_end = asyncio.Event(), asyncio.Event()

    async def number(self: Alone, slot: Any) -> None:
        slot.id = 7

    async def unblock(self: Alone, number: int) -> None:
        assert 7 == number
        freeing.set()
        await may_end.wait()

    monkeypatch.setattr(Alone, "_number", number)
    monkeypatch.setattr(Alone, "_unblock", unblock)
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        call = started(link, (b"BLPOP",), waits=True, into=[])
        await until(lambda: len(server.connections) == 2 and server.connections[1])
        call.cancel()
        await freeing.wait()
        server.mute = False
        for _ in range(3):
            await asyncio.sleep(0.01)
            call.cancel()
            assert not call.done()
        may_end.set()
        assert isinstance(await outcome(call), asyncio.CancelledError)


async def test_what_was_sent_and_what_was_not_when_a_connection_breaks() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        sent = [started(link, put(i)) for i in (1, 2)]
        await until(lambda: numbers(server) == [0, 1])
        unsent = [started(link, put(i)) for i in (3, 4)]
        await asyncio.sleep(0)
        link._shared.slot.line.connection_lost(ConnectionResetError("reset"))
        for call, was_sent in (
            *((call, True) for call in sent),
            *((call, False) for call in unsent),
        ):
            broken = await outcome(call)
            assert isinstance(broken, LinkBroken), broken
            assert was_sent is broken.sent
            assert "reset" == str(broken.__cause__)
        server.mute = False
        assert [2] == await link.call([put(5)])


async def test_a_call_that_is_given_to_a_broken_connection() -> None:
    async with loop_server() as (_, link):
        await link.call([put(0)])
        slot = link._shared.slot
        assert slot is not None
        slot.line.connection_lost(None)
        for at_once in (False, True):
            waiter = slot.line.send(b"*1\r\n$4\r\nPING\r\n", 1, [], at_once=at_once)
            with pytest.raises(LinkBroken) as caught:
                await asyncio.wait_for(slot.line.answered(waiter, False), SOON)
            assert not caught.value.sent


@pytest.mark.parametrize("data", [b"", b"?what\r\n"])
async def test_a_stream_that_breaks_fails_all_who_wait(data: bytes) -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        into: list[Reply] = []
        calls = [started(link, put(1), put(2), into=into), started(link, put(3))]
        await until(lambda: numbers(server) == [0, 1])
        server.say(b"+one\r\n" + data)
        if not data:
            server.cut()
        for call in calls:
            broken = await outcome(call)
            assert isinstance(broken, LinkBroken)
            assert broken.sent
        assert [b"one"] == into, "what came is there"
        server.mute = False
        assert [2] == await link.call([put(4)])


async def test_an_exception_of_a_signal_handler_mixes_up_no_replies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may come between two steps: after a reply was taken, or a part of the bytes was sent."""

    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    class Reader:
        feed = staticmethod(bytes)
        gets = interrupted

    async with loop_server() as (server, link):
        for broken in ("_reader", "_transport"):
            await link.call([put(0)])
            server.mute = True
            slot = link._shared.slot
            assert slot is not None
            calls = [started(link, put(i)) for i in (1, 2)]
            await asyncio.sleep(0)
            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                if broken == "_reader":
                    slot.line._flush()
                    patch.setattr(slot.line, "_reader", Reader())
                    slot.line.data_received(b":1\r\n")
                else:
                    patch.setattr(slot.line._transport, "write", interrupted)
                    slot.line._flush()
            for call in calls:
                result = await outcome(call)
                assert isinstance(result, LinkBroken)
                assert result.sent
                assert "signal handler" in str(result.__cause__)
            server.mute = False
        assert [3] == await link.call([put(3)])


async def test_what_nobody_asked_for_is_no_reply_to_the_next_call() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.say(b"-ERR you again\r\n")
        await until(lambda: not server.open)
        assert [2] == await link.call([put(1)])


@pytest.mark.parametrize("waits", [False, True])
async def test_a_connection_that_ended_while_the_loop_stood_is_not_used(waits: bool) -> None:
    async with loop_server() as (server, link):
        for number in (1, 2, 3):
            assert [number] == await link.call([put(0)], waits=waits)
            server.cut()
            await asyncio.sleep(0)
            time.sleep(0.12)  # noqa: ASYNC251 - the loop is to hear nothing meanwhile


async def test_a_silent_server_fails_all_who_wait() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        await link.call([put(0)], waits=True)
        server.mute = True
        give_up_after(SILENCE, link)
        begun = time.monotonic()
        calls = [started(link, put(i)) for i in range(3)]
        for call in calls:
            broken = await outcome(call)
            assert isinstance(broken, LinkBroken), broken
            assert broken.sent
            assert isinstance(broken.__cause__, NoAnswer)
        assert time.monotonic() - begun >= SILENCE
        assert not link._alone.idle, "they would wait for as long"


async def test_calls_that_keep_coming_do_not_prolong_a_silence() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        give_up_after(SILENCE, link)
        first = started(link, put(1))
        others: list[asyncio.Task[Any]] = []
        end = time.monotonic() + SOON
        while not first.done() and time.monotonic() < end:
            others.append(started(link, put(2)))
            await asyncio.sleep(SILENCE / 20)
        assert isinstance(first.exception(), LinkBroken)
        server.mute = False
        await asyncio.wait(others)


async def test_replies_that_keep_coming_are_no_silence() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.answers[PUT] = b""
        clock = clock_of(link._shared.slot.line)
        into: list[Reply] = []
        call = started(link, *map(put, range(12)), into=into)
        await until(lambda: len(numbers(server)) == 13)
        for i in range(12):
            clock.advance(LONG / 8)
            server.say(b":%d\r\n" % i)
            await until(lambda i=i: len(into) > i)
        assert list(range(12)) == await call
        call = started(link, put(13))
        await until(lambda: len(numbers(server)) == 14)
        clock.advance(LONG)
        assert isinstance(await outcome(call), LinkBroken), "that is one"


async def test_a_body_that_goes_out_slowly_is_no_silence() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        assert link._shared.slot is not None
        line = link._shared.slot.line
        transport: Any = line._transport
        left = transport.get_write_buffer_size
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        server.pause = 0.002
        clock = clock_of(line)
        begun = clock.now
        call = started(link, put(1, bytes(12_000_000)))
        await until(left)
        while before := left():
            await until(lambda before=before: left() < before)
            clock.advance(LONG / 4)
        assert [1] == await call
        assert clock.now - begun > 3 * LONG, "it was too fast to show anything"


async def test_a_server_that_does_not_read_lets_calls_wait() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.deaf = True
        body = bytes(1_000_000)
        calls = [started(link, put(i, body)) for i in range(1, 41)]
        for _ in range(20):
            await asyncio.sleep(0.005)
        line = link._shared.slot.line
        assert line._transport.get_write_buffer_size() < 2 * len(body)
        into: list[Reply] = []
        gone = started(link, put(99), into=into)
        await asyncio.sleep(0.01)
        gone.cancel()
        assert isinstance(await outcome(gone), asyncio.CancelledError), "it was not sent"
        server.deaf = False
        assert [[1]] * 40 == await asyncio.gather(*calls)
        assert list(range(41)) == numbers(server)


async def test_who_waits_for_room_is_told_of_the_silence() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.deaf = True
        give_up_after(SILENCE, link)
        calls = [started(link, put(i, bytes(1_000_000))) for i in range(40)]
        broken = [await outcome(call) for call in calls]
        assert {LinkBroken} == set(map(type, broken))
        assert {True, False} == {each.sent for each in broken}
        assert {NoAnswer} == {type(each.__cause__) for each in broken}
        assert 1 == len(server.connections)


@pytest.mark.parametrize("name", [b"WAIT", b"WAITAOF"])
async def test_what_holds_up_a_connection_has_its_own(name: bytes) -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        held = started(link, put(1), (name, 1, 0))
        await until(lambda: len(server.connections) == 2 and server.connections[1])
        other = started(link, put(2))
        server.mute = False
        assert ([2, 2], [1]) == (await held, await other)
        assert [[PUT], [name]] == [command[:1] for command in server.connections[1]]
        await link.call([put(3), (name, 1, 0)])
        assert 2 == len(server.connections), "it is used again"


async def test_each_wait_has_its_own_connection() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        waits = [started(link, (b"BLPOP",), waits=True) for _ in range(3)]
        await until(lambda: len(server.connections) == 4)
        server.mute = False
        assert [[2], [3], [4]] == sorted([await wait for wait in waits])
        assert [1] == await link.call([put(1)])


@pytest.mark.parametrize("code", [b"READONLY", b"LOADING", b"UNBLOCKED"])
async def test_a_server_that_is_no_primary_is_left(code: bytes) -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.answers[b"GET"] = b"-%b not here\r\n" % code
        calls = [started(link, put(1)), started(link, (b"GET",), put(2)), started(link, put(3))]
        first, (refused, second), third = await asyncio.gather(*calls)
        assert isinstance(refused, Exception)
        assert ([1], 1, [1]) == (first, second, third), "what was under way has its replies"
        assert [2] == await link.call([put(4)])
        await until(lambda: server.open == 1)


async def test_one_failure_to_connect_is_for_all_who_wait_for_it() -> None:
    async with loop_server() as (server, link):
        server.answers[b"CLIENT"] = b"-WRONGPASS no\r\n"
        link.source._options["username"] = "me"
        link.source._options["password"] = "secret"
        server.answers[b"AUTH"] = b"-WRONGPASS no\r\n"
        broken = [await outcome(call) for call in [started(link, put(i)) for i in range(20)]]
        assert {(LinkBroken, False)} == {(type(each), each.sent) for each in broken}
        assert 1 == len(server.connections)


async def test_who_connects_for_the_others_may_be_cancelled() -> None:
    async with loop_server() as (server, link):
        calls = [started(link, put(i)) for i in range(5)]
        await asyncio.sleep(0)
        calls[0].cancel()
        calls[2].cancel()
        results = [await outcome(call) for call in calls]
        assert [[2], [2], [2]] == [each for each in results if isinstance(each, list)]
        assert [1, 3, 4] == numbers(server, 1)


async def test_calls_under_way_when_the_link_is_closed() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        calls = [started(link, put(1)), started(link, (b"BLPOP",), waits=True)]
        await until(lambda: len(server.connections) == 2 and server.connections[1])
        await link.aclose()
        with pytest.raises(LinkClosed):
            await link.call([put(2)])
        server.mute = False
        assert [[1], [2]] == await asyncio.gather(*calls)
        await until(lambda: not server.open)
        assert [3] == await link.apart([put(3)])


async def test_a_close_that_is_cancelled_has_closed_all() -> None:
    """The end of a loop may cancel it in its first turn, and nobody closes the rest."""
    async with loop_server() as (server, link):
        server.mute = True
        waits = [started(link, (b"BLPOP",), waits=True) for _ in range(3)]
        await until(lambda: len(server.connections) == 3 and all(server.connections))
        server.mute = False
        await asyncio.gather(*waits)
        closing = asyncio.ensure_future(link.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        assert isinstance(await outcome(closing), asyncio.CancelledError)
        await until(lambda: server.open == 0)


async def test_a_call_that_connects_when_the_link_is_closed() -> None:
    async with loop_server() as (server, link):
        call = started(link, put(1))
        await asyncio.sleep(0)
        await link.aclose()
        assert [1] == await call
        await until(lambda: not server.open)


async def test_a_cancelled_call_does_not_keep_a_closed_link_open() -> None:
    async with loop_server() as (server, link):
        await link.call([put(0)])
        server.mute = True
        call = started(link, put(1))
        await until(lambda: numbers(server) == [0, 1])
        call.cancel()
        await outcome(call)
        del call  # and what its traceback holds
        await link.aclose()
        gc.collect()
        await asyncio.sleep(0.05)
        assert server.open, "the reply is still to come"
        server.mute = False
        await until(lambda: not server.open)


async def test_a_link_that_is_forgotten_closes() -> None:
    async with loop_server() as (server, link):
        with pytest.warns(ResourceWarning, match="unclosed"):
            await _forgotten(AsyncLink(link.source))
        await until(lambda: not server.open)


async def _forgotten(link: AsyncLink) -> None:
    await link.call([put(0)])


class Transport:
    """What an event loop in C has: nothing of it can be set."""

    @property
    def _closing(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return True


async def test_a_loop_that_is_gone_may_have_been_of_another_kind() -> None:
    async with loop_server() as (_, link):
        await link.call([put(0)])
        slot = link._shared.slot
        assert slot is not None
        slot._writer._transport, transport = Transport(), slot._writer.transport
        gone = asyncio.get_running_loop().__class__()
        gone.close()
        link._loop = gone
        assert [2] == await link.call([put(1)])
        transport.abort()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
async def test_a_child_leaves_the_connections_of_its_parent() -> None:
    async with loop_server() as (_, link):
        await link.call([put(0)])
        await link.call([put(0)], waits=True)
        child = os.fork()
        if not child:
            try:
                before = sockets()
                asyncio.run(_uses(link))
                os._exit(0 if sockets() == before - 2 else 2)
            finally:
                os._exit(1)
        ended = (0, 1)
        for _ in range(6000):
            ended = os.waitpid(child, os.WNOHANG)  # noqa: ASYNC222 - it does not wait
            if ended[0]:
                break
            await asyncio.sleep(0.01)
        assert (child, 0) == ended, "512: those of the parent are still open in the child"
        assert [1] == await link.call([put(1)])
        assert [2] == await link.call([put(1)], waits=True)


async def _uses(link: AsyncLink) -> None:
    assert [3] == await link.call([put(2)])
    assert [4] == await link.call([put(2)], waits=True)
    await link.aclose()
