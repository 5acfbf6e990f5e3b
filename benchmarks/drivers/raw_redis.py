"""
The limit: what a hand-written program gets from one socket, with the same trips and promises.

A put is an RPUSH, a get a BLPOP, a claim one small script that moves the message to a private list
and records the lease, an ack the DEL of that list and the ZREM of the lease in one send. Nothing
here recovers an expired claim, repeats a lost reply, counts an attempt or refuses a late ack.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .subject import BULK, Subject

CLAIM = b"""local body = redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT')
if body then redis.call('ZADD', KEYS[3], ARGV[1], ARGV[2]) end
return body"""
CLAIM_MANY = b"""local bodies = redis.call('LPOP', KEYS[1], ARGV[3])
if not bodies then return {} end
redis.call('RPUSH', KEYS[2], unpack(bodies))
redis.call('ZADD', KEYS[3], ARGV[1], ARGV[2])
return bodies"""


def pack(*parts: bytes) -> bytes:
    """Return a command as it goes over the wire."""
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(p), p) for p in parts])


class Link:
    """One socket, and hiredis (or a reader by hand) for what comes."""

    def __init__(self, url: str) -> None:
        try:
            from hiredis import Reader
        except ImportError:  # slower, above all for batches
            from .resp import Reader

        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = Reader()
        self._buffer = bytearray(1 << 16)  # kept: a recv of its own size halves the rate
        self.call(pack(b"SELECT", address.path.lstrip("/").encode()))

    def call(self, packed: bytes) -> Any:
        """Send and return one reply."""
        self.socket.sendall(packed)
        return self.read()

    def read(self) -> Any:
        """Return one reply."""
        reader, buffer = self._reader, self._buffer
        reply = reader.gets()
        while reply is False:
            size = self.socket.recv_into(buffer)
            if not size:
                raise ConnectionError("the server is gone")
            reader.feed(buffer, 0, size)
            reply = reader.gets()
        if isinstance(reply, Exception):
            raise reply
        return reply


class Raw(Subject):
    """Hand-packed commands over one socket."""

    distributions = ("hiredis",)

    def __init__(self, url: str, folder: str) -> None:
        self._link = Link(url)
        call = self._link.call
        self._claim = call(pack(b"SCRIPT", b"LOAD", CLAIM))
        self._claim_many = call(pack(b"SCRIPT", b"LOAD", CLAIM_MANY))
        self._prefix = b"\xc1\x71\0\0" + os.urandom(8)
        self._claims = 0

    def _frames(self, count: int, body: bytes) -> list[bytes]:
        """Return bodies with a message id before each: the 20 bytes that a reliable queue needs."""
        prefix = self._prefix
        return [prefix + i.to_bytes(8, "big") + body for i in range(count)]

    def fill(self, operation: str, count: int, body: bytes) -> None:
        bodies = [body] * count if operation.startswith("get") else self._frames(count, body)
        for first in range(0, count, 1000):
            self._link.call(pack(b"RPUSH", b"raw", *bodies[first : first + 1000]))

    def clear(self) -> None:
        self._link.call(pack(b"DEL", b"raw", b"raw:w", b"raw:leases"))

    def close(self) -> None:
        self._link.socket.close()

    def size(self) -> int:
        if self._link.call(pack(b"ZCARD", b"raw:leases")):
            raise RuntimeError("a lease is left")
        return int(self._link.call(pack(b"LLEN", b"raw")))

    def put(self, count: int, body: bytes) -> None:
        call = self._link.call
        for _ in range(count):
            call(b"*3\r\n$5\r\nRPUSH\r\n$3\r\nraw\r\n$%d\r\n%b\r\n" % (len(body), body))

    def put_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            self._link.call(pack(b"RPUSH", b"raw", *[body] * BULK))

    def get(self, count: int, body: bytes) -> None:
        call, packed = self._link.call, pack(b"BLPOP", b"raw", b"5")
        for _ in range(count):
            call(packed)[1]

    def get_bulk(self, count: int, body: bytes) -> None:
        packed = pack(b"LPOP", b"raw", b"%d" % BULK)
        for _ in range(count // BULK):
            for _body in self._link.call(packed):
                pass

    def rput(self, count: int, body: bytes) -> None:
        call, prefix, size = self._link.call, self._prefix, len(body) + 20
        head = b"*3\r\n$5\r\nRPUSH\r\n$3\r\nraw\r\n$%d\r\n%b" % (size, prefix)
        for i in range(count):
            call(b"%b%b%b\r\n" % (head, i.to_bytes(8, "big"), body))

    def rput_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            self._link.call(pack(b"RPUSH", b"raw", *self._frames(BULK, body)))

    def claiming(
        self, source: bytes = b"raw", limit: int = 1
    ) -> Callable[[], tuple[bytes, bytes, bytes]]:
        """Return what packs a claim under a new token and the two commands of its ack."""
        sha = self._claim if limit == 1 else self._claim_many
        head = pack(b"EVALSHA", sha, b"3", source)
        more = b"" if limit == 1 else b"$%d\r\n%d\r\n" % (len(str(limit)), limit)
        head = b"*%d" % (9 if more else 8) + head[2:]

        def claim() -> tuple[bytes, bytes, bytes]:
            self._claims += 1
            token = b"%016x" % self._claims
            deadline = int(time.time() * 1000) + 60_000
            return (
                b"%b$22\r\nraw:c:%b\r\n$10\r\nraw:leases\r\n$13\r\n%d\r\n$16\r\n%b\r\n%b"
                % (head, token, deadline, token, more),
                b"*2\r\n$3\r\nDEL\r\n$22\r\nraw:c:%b\r\n" % token,
                b"*3\r\n$4\r\nZREM\r\n$10\r\nraw:leases\r\n$16\r\n%b\r\n" % token,
            )

        return claim

    def claim_ack(self, count: int, body: bytes) -> None:
        claim, link = self.claiming(), self._link
        for _ in range(count):
            packed, *ack = claim()
            link.call(packed)[20:]
            link.call(b"".join(ack))
            link.read()

    def claim_ack_next(self, count: int, body: bytes) -> None:
        self._ack_with_next(count, 1)

    def prefetch(self, count: int, body: bytes) -> None:
        self._ack_with_next(count, BULK)

    def _ack_with_next(self, count: int, limit: int) -> None:
        claim, link, before = self.claiming(limit=limit), self._link, b""
        for _ in range(count // limit):
            packed, *ack = claim()
            found = link.call(before + packed)
            if before:  # what was read are the answers of DEL; ZREM and the claim follow
                link.read()
                found = link.read()
            if limit > 1:
                for body in found:
                    body[20:]
            before = b"".join(ack)
        link.call(before)
        link.read()

    def claim_ack_bulk(self, count: int, body: bytes) -> None:
        claim, link = self.claiming(limit=BULK), self._link
        for _ in range(count // BULK):
            packed, *ack = claim()
            for found in link.call(packed):
                found[20:]
            link.call(b"".join(ack))
            link.read()

    def send(self, body: bytes) -> None:
        self._link.call(pack(b"RPUSH", b"raw", body))

    def receive(self, timeout: float) -> bytes | None:
        found = self._link.call(pack(b"BLPOP", b"raw", b"%g" % timeout))
        return found and found[1]

    def rsend(self, body: bytes) -> None:
        self._link.call(pack(b"RPUSH", b"raw", self._prefix + b"\0" * 8 + body))

    def rreceive(self, timeout: float) -> bytes | None:
        """Wait, and claim what that brought, in one send."""
        packed, *ack = self.claiming(b"raw:w")()
        wait = pack(b"BLMOVE", b"raw", b"raw:w", b"LEFT", b"RIGHT", b"%g" % timeout)
        self._link.call(wait + packed)
        found = self._link.read()
        if found is None:
            return None
        self._link.call(b"".join(ack))
        self._link.read()
        return found[20:]
