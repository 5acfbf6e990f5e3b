"""The limit in memory: a deque and a lock, a dict of what is claimed; and ``queue.Queue``."""

from __future__ import annotations

import queue
import threading
from collections import deque

from .subject import BULK, Subject


class Raw(Subject):
    """What a program without waiting, leases and recovery needs."""

    def __init__(self, url: str, folder: str) -> None:
        self._ready: deque[bytes] = deque()
        self._claimed: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self._next = 0

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self._ready.extend([body] * count)

    def clear(self) -> None:
        self._ready.clear()

    def size(self) -> int:
        return len(self._ready) + len(self._claimed)

    def _put(self, body: bytes) -> None:
        with self._lock:
            self._ready.append(body)

    def _get(self) -> bytes:
        with self._lock:
            return self._ready.popleft()

    def _claim(self) -> tuple[int, bytes]:
        with self._lock:
            body = self._ready.popleft()
            self._next += 1
            self._claimed[self._next] = body
            return self._next, body

    def _ack(self, number: int) -> None:
        with self._lock:
            del self._claimed[number]

    def put(self, count: int, body: bytes) -> None:
        put = self._put
        for _ in range(count):
            put(body)

    def put_bulk(self, count: int, body: bytes) -> None:
        bodies = [body] * BULK
        for _ in range(count // BULK):
            with self._lock:
                self._ready.extend(bodies)

    rput, rput_bulk = put, put_bulk

    def get(self, count: int, body: bytes) -> None:
        get = self._get
        for _ in range(count):
            get()

    def get_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            with self._lock:
                popleft = self._ready.popleft
                for _body in [popleft() for _ in range(BULK)]:
                    pass

    def claim_ack(self, count: int, body: bytes) -> None:
        claim, ack = self._claim, self._ack
        for _ in range(count):
            number, _body = claim()
            ack(number)

    def claim_ack_bulk(self, count: int, body: bytes) -> None:
        claimed, popleft = self._claimed, self._ready.popleft
        for _ in range(count // BULK):
            with self._lock:
                first = self._next
                self._next += BULK
                claimed.update([(first + i, popleft()) for i in range(BULK)])
            with self._lock:
                for i in range(BULK):
                    del claimed[first + i]

    def turn(self, count: int, body: bytes) -> None:
        put, get = self._put, self._get
        for _ in range(count):
            put(body)
            get()

    def rturn(self, count: int, body: bytes) -> None:
        put, claim, ack = self._put, self._claim, self._ack
        for _ in range(count):
            put(body)
            number, _body = claim()
            ack(number)


class Standard(Subject):
    """queue.Queue."""

    def __init__(self, url: str, folder: str) -> None:
        self._queue: queue.Queue[bytes] = queue.Queue()

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self.put(count, body)

    def size(self) -> int:
        return self._queue.qsize()

    def clear(self) -> None:
        self._queue.queue.clear()

    def put(self, count: int, body: bytes) -> None:
        put = self._queue.put
        for _ in range(count):
            put(body)

    def get(self, count: int, body: bytes) -> None:
        get = self._queue.get
        for _ in range(count):
            get(timeout=5)

    def turn(self, count: int, body: bytes) -> None:
        put, get = self._queue.put, self._queue.get
        for _ in range(count):
            put(body)
            get()
