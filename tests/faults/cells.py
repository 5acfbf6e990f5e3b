"""The calls of the proxy matrix, and one cell of it: a call, made a few times under a fault."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import redis

from queuekit import RetryPolicy
from queuekit._envelope import NO_HEADERS, Place, wrap
from queuekit.abilities import Limits
from queuekit.backends.redis import _script
from queuekit.errors import TransportUnavailable
from queuekit.transport import NO_OPTIONS, PushOptions

from .accounts import Account
from .beside import beside
from .blocking import bare, fifo, reliable
from .checker import check
from .ledger import Ledger, end, get, key_of, put
from .proxy import Fault, Proxy

LEASE = 5.0
"""Seconds; longer than all tries of a call."""
SHORT = 0.05
WAITS = (b"BLMOVE", b"BLPOP")
TIMEOUT = 0.15
"""Seconds that a client waits for a swallowed reply."""
PATIENT = 10.0
"""Seconds that it waits where none is swallowed: what is late is not lost."""

Step = Callable[["Cell", int], None]


class _Refused(logging.Handler):
    """Hears of acks that rode and were refused."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "were not held" in record.msg:
            self.texts.append(record.getMessage())


REFUSED = _Refused()
logging.getLogger("queuekit").addHandler(REFUSED)


class Call(NamedTuple):
    """One kind of call."""

    run: Step
    before: Step | None = None
    """What each needs first, without faults."""
    fifo: bool = False
    loaded: bool = True
    """Whether there is a message for each call."""
    sends_once: bool = False
    """Whether each call sends one command and never repeats it."""
    cold: bool = False
    """Whether the server forgets its scripts before each call."""
    place: Place | None = None
    """Where the messages stand: then the queue keeps places, has a bound, and limits claims."""


class Cell:
    """A queue of its own: one party calls through the proxy, another looks past it."""

    def __init__(
        self, call: Call, colour: str, url: str, folder: Path, *, timeout: float = PATIENT
    ) -> None:
        folder.mkdir()
        self.call, self.folder, self.url = call, folder, url
        self.proxy = Proxy(url)
        self.queue = self._queue(f"{self.proxy.url}&socket_timeout={timeout}", colour)
        self.direct = self._queue(url, "sync")
        self.book = Ledger(folder / "caller", lease=LEASE)
        self.other = Ledger(folder / "other", lease=LEASE)
        self.held: list[Any] = []
        self.wrong: list[str] = []

    def _queue(self, url: str, colour: str, lease: float = LEASE) -> Any:
        if self.call.fifo:
            return fifo(self.folder.name, url, colour=colour)
        retry = RetryPolicy(max_attempts=99)
        queue = reliable(self.folder.name, url, colour=colour, lease=lease, retry=retry)
        if self.call.place is not None:
            _keep(bare(queue).transport, self.call.place)
        return queue

    def run(self, faults: Sequence[Fault], count: int) -> list[bytes]:
        """Make *count* calls under *faults*, and return what commands they sent."""
        if self.call.loaded:
            put(self.other, self.direct, [f"m{i}" for i in range(count)])
        for i in range(count):
            if self.call.before is not None:
                self.call.before(self, i)
        del self.proxy.seen[:]
        self.proxy.arm(*faults)
        for i in range(count):
            if self.call.cold:
                with redis.Redis.from_url(self.url.partition("?")[0]) as client:
                    client.script_flush()
            self.call.run(self, i)
        self.proxy.arm()
        found = list(commands(self.proxy.seen))
        own = [command for command in found if command not in (SET_UP, *ASKED)]
        if self.call.sends_once and len(own) != count:
            self.wrong.append(f"{count} calls sent {found}")
        return found

    def account(self) -> Account:
        """Drain past the proxy, and check."""
        if not self.call.fifo:
            end(self.book, "ack", [one for one in self.held if not one.settled])
        self.queue.close()
        deadline = time.monotonic() + LEASE + 20
        while any(self.direct.stats()) and time.monotonic() < deadline:
            found = get(self.other, self.direct, 10, timeout=0.2)
            if not self.call.fifo:
                end(self.other, "ack", found)
        if not self.call.fifo:
            self.other.write("dead", *map(json.loads, self.direct.dead.peek(99)))
        self.direct.close()
        self.proxy.close()
        self.book.close()
        self.other.close()
        account = check(self.folder.iterdir(), fifo=self.call.fifo)
        account.faults += self.wrong
        account.faults += [text for text in REFUSED.texts if repr(self.folder.name) in text]
        if account.stale:
            account.faults.append(
                f"{account.stale} ends were refused, though nobody else was there"
            )
        return account

    def take(self, **options: Any) -> None:
        """Claim through the proxy; a claim that answered holds what it brought, and no more."""
        known = "unknown" in (self.folder / "caller").read_text()
        before = self.direct.stats().claimed
        found = get(self.book, self.queue, **options)
        unknown = "unknown" in (self.folder / "caller").read_text()
        if not unknown and not known and self.direct.stats().claimed != before + len(found):
            self.wrong.append(f"a claim brought {found} and left {self.direct.stats()}")
        self.held += found

    @contextmanager
    def later(self, key: str) -> Iterator[None]:
        """Put *key* past the proxy once the caller was seen to wait, or at the end."""

        def run(over: threading.Event) -> None:
            while not any(word in one for one in self.proxy.seen[before:] for word in WAITS):
                if over.wait(0.005):
                    break
            over.wait(0.02)  # until the server has it
            put(self.other, self.direct, [key])

        before = len(self.proxy.seen)
        with beside(run):
            yield

    def read(self, expected: object, look: Callable[[], object]) -> None:
        """Look at the queue; it may be out of reach, but not wrong."""
        try:
            found = look()
        except TransportUnavailable:
            return
        if found != expected:
            self.wrong.append(f"{found} is not {expected}")


def _keep(transport: Any, place: Place) -> None:
    """Let a transport put all messages to *place* in a bounded queue, and limit its claims."""
    push = transport.push
    limits = Limits(rate=1e5, burst=99, in_flight=99)

    def push_placed(
        queue: str,
        bodies: Sequence[bytes],
        *,
        options: PushOptions = NO_OPTIONS,
        token: str | None = None,
    ) -> Any:
        if queue.endswith("!dead"):
            return push(queue, bodies, options=options, token=token)
        frames = [wrap(body[4:20], body[20:], NO_HEADERS, place) for body in bodies]
        asked = replace(options, placed=True, max_length=99)
        return push(queue, frames, options=asked, token=token)

    transport.push = push_placed
    transport.claim = partial(transport.claim_within, limits=limits)


def _in_turn(cell: Cell, i: int) -> None:
    """Take the next of a group, and let another follow."""
    found = get(cell.book, cell.queue, timeout=0.1)
    cell.held += found
    end(cell.book, ("ack", "ack", "release")[i], found)


def _wait(cell: Cell, i: int) -> None:
    with cell.later(f"late{i}"):
        cell.held += get(cell.book, cell.queue, timeout=0.4)


def _expire(cell: Cell, i: int) -> None:
    book = Ledger(cell.folder / f"short{i}", lease=SHORT)
    queue = cell._queue(cell.url, "sync", SHORT)
    get(book, queue)
    queue.close()
    book.close()
    time.sleep(SHORT)


def _clear(cell: Cell, i: int) -> None:
    cell.direct.put("not in the ledgers")
    cell.read(1, cell.queue.clear)
    cell.direct.clear()


def _claim(cell: Cell, i: int) -> None:
    cell.held += get(cell.book, cell.queue)


def _settle(verb: str, **options: Any) -> Call:
    return Call(lambda cell, i: end(cell.book, verb, [cell.held[i]], **options), before=_claim)


def _ride(cell: Cell, i: int) -> None:
    """Claim, and let the ack of an earlier message travel along, as a loop does."""
    message = bare(cell.held[i])
    message.settled = True
    cell.queue.riding._messages.append(message)
    cell.held += get(cell.book, cell.queue)
    cell.book.write("end", "ack", key_of(message))
    cell.book.write("unknown" if cell.queue.riding else "done")


def _put(count: int = 1, **options: Any) -> Step:
    def run(cell: Cell, i: int) -> None:
        put(cell.book, cell.queue, [f"p{i}-{n}" for n in range(count)], **options)

    return run


CALLS = {
    "put": Call(_put(), loaded=False),
    "bulk put": Call(_put(5), loaded=False),
    "delayed put": Call(_put(2, delay=0.02), loaded=False),
    "get": Call(lambda cell, i: cell.take()),
    "get many": Call(lambda cell, i: cell.take(limit=2)),
    "get nothing": Call(lambda cell, i: cell.take(), loaded=False),
    "get, waiting": Call(_wait, loaded=False),
    "get, with an ack": Call(_ride, before=_claim),
    "get, after an expiry": Call(_claim, before=_expire),
    "ack": _settle("ack"),
    "fail": _settle("fail", delay=0),
    "fail, delayed": _settle("fail", delay=0.02),
    "release": _settle("release"),
    "reject": _settle("reject", reason="no use"),
    "extend": _settle("extend"),
    "stats": Call(lambda cell, i: cell.read(cell.direct.stats(), cell.queue.stats)),
    "peek": Call(lambda cell, i: cell.read(["m0"], cell.queue.peek)),
    "clear": Call(_clear, loaded=False),
    "put to a level": Call(_put(2), loaded=False, place=Place(-1)),
    "delayed put to a level": Call(_put(2, delay=0.02), loaded=False, place=Place(1)),
    "get from a level": Call(lambda cell, i: cell.take(), place=Place(1)),
    "get from a level, waiting": Call(_wait, loaded=False, place=Place(1)),
    "get from a level, after an expiry": Call(_claim, before=_expire, place=Place(1)),
    "ack from a level": _settle("ack")._replace(place=Place(2)),
    "fail to a level": _settle("fail", delay=0)._replace(place=Place(2)),
    "reject from a level": _settle("reject", reason="no use")._replace(place=Place(2)),
    "a group in turn": Call(_in_turn, place=Place(0, "g")),
    "put, scripts forgotten": Call(_put(), loaded=False, cold=True),
    "get, scripts forgotten": Call(lambda cell, i: cell.take(), cold=True),
    "FIFO get, scripts forgotten": Call(lambda cell, i: _pop(cell), fifo=True, cold=True),
    "FIFO put": Call(_put(2), fifo=True, loaded=False, sends_once=True),
    "FIFO get": Call(lambda cell, i: _pop(cell), fifo=True, sends_once=True),
    "FIFO get, waiting": Call(_wait, fifo=True, loaded=False),
}


def _pop(cell: Cell) -> None:
    get(cell.book, cell.queue)


SET_UP = b"CLIENT\r\n$7\r\nSETINFO"
ASKED = (b"INFO", b"CONFIG")
"""What the first connection asks for, before any call sends its own."""
LOAD = b"SCRIPT\r\n$4\r\nLOAD"


def commands(seen: Sequence[bytes]) -> Iterator[bytes]:
    """Return each command that was sent, as bytes by which to know it on the wire."""
    for data in seen:
        at = 0
        while data[at : at + 1] == b"*":
            words: list[bytes] = []
            line = data.index(b"\r\n", at)
            count, at = int(data[at + 1 : line]), line + 2
            for _ in range(count):
                line = data.index(b"\r\n", at)
                size = int(data[at + 1 : line])
                words.append(data[line + 2 : line + 2 + size])
                at = line + 4 + size
            yield _known_by(words)


def _known_by(words: list[bytes]) -> bytes:
    if words[0] == b"EVALSHA":
        return words[1]
    if words[0] in {b"CLIENT", b"SCRIPT"}:
        return words[0] + b"\r\n$%d\r\n" % len(words[1]) + words[1]
    return words[0]


def scripts() -> dict[bytes, tuple[str, bytes]]:
    """Return all scripts by their hashes: names and texts."""
    found = {name: one for name, one in vars(_script).items() if isinstance(one, _script.Script)}
    return {str(one(())[1]).encode(): (name, one.text) for name, one in found.items()}


def name_of(command: bytes) -> str:
    """Return a command's name, or a script's."""
    known = scripts().get(command)
    return known[0] if known else " ".join(command.decode().split("\r\n")[::2])


def warm(url: str) -> None:
    """Let the server know all scripts."""
    with redis.Redis.from_url(url.partition("?")[0]) as client:
        for _, text in scripts().values():
            client.script_load(text)
