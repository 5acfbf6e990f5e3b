"""queuekit, as its README says, on each store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from queuekit import AsyncQueue, AsyncReliableQueue, Queue, ReliableQueue

from .subject import BULK, Subject, TaskSubject, share_out


class Kit(Subject):
    """Queue and ReliableQueue of bytes."""

    distributions = ("redis", "hiredis", "msgpack")
    serializer = "bytes"

    def __init__(self, url: str, folder: str) -> None:
        self._fifo: Queue[Any] = Queue("bench", url, serializer=self.serializer)
        self._reliable: ReliableQueue[Any] = ReliableQueue(
            "reliable", url, serializer=self.serializer
        )

    def _value(self, body: bytes) -> Any:
        return body

    def fill(self, operation: str, count: int, body: bytes) -> None:
        fifo = operation.startswith("get")
        (self._fifo if fifo else self._reliable).put_many([self._value(body)] * count)

    def clear(self) -> None:
        self._fifo.clear()
        self._reliable.clear()

    def close(self) -> None:
        self._fifo.close()
        self._reliable.close()

    def size(self) -> int:
        stats = self._reliable.stats()
        if stats.claimed:
            raise RuntimeError(f"{stats.claimed} messages are still claimed")
        return len(self._fifo) + len(self._reliable)

    def put(self, count: int, body: bytes) -> None:
        put, value = self._fifo.put, self._value(body)
        for _ in range(count):
            put(value)

    def put_bulk(self, count: int, body: bytes) -> None:
        bodies = [self._value(body)] * BULK
        for _ in range(count // BULK):
            self._fifo.put_many(bodies)

    def get(self, count: int, body: bytes) -> None:
        get = self._fifo.get
        for _ in range(count):
            get(timeout=5)

    def get_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            for _body in self._fifo.get_many(BULK):
                pass

    def rput(self, count: int, body: bytes) -> None:
        put, value = self._reliable.put, self._value(body)
        for _ in range(count):
            put(value)

    def rput_bulk(self, count: int, body: bytes) -> None:
        bodies = [self._value(body)] * BULK
        for _ in range(count // BULK):
            self._reliable.put_many(bodies)

    def claim_ack(self, count: int, body: bytes) -> None:
        get = self._reliable.get
        for _ in range(count):
            message = get(timeout=5)
            assert message is not None
            message.ack()

    def claim_ack_next(self, count: int, body: bytes) -> None:
        self._consume(count, 1)

    def prefetch(self, count: int, body: bytes) -> None:
        self._consume(count, BULK)

    def _consume(self, count: int, prefetch: int) -> None:
        seen = 0
        with self._reliable.consume(timeout=0, prefetch=prefetch) as messages:
            for message in messages:
                message.ack()
                seen += 1
        assert seen == count, f"{seen} of {count}"

    def claim_ack_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            messages = self._reliable.get_many(BULK)
            for message in messages:
                message.body  # noqa: B018 - as the others do
            self._reliable.ack(*messages)

    def send(self, body: bytes) -> None:
        self._fifo.put(body)

    def receive(self, timeout: float) -> bytes | None:
        return self._fifo.get(timeout=timeout)

    def rsend(self, body: bytes) -> None:
        self._reliable.put(body)

    def rreceive(self, timeout: float) -> bytes | None:
        message = self._reliable.get(timeout=timeout)
        if message is None:
            return None
        message.ack()
        return message.body


class KitJson(Kit):
    """The default serializer, and an object that is as long in JSON."""

    serializer = "json"

    def _value(self, body: bytes) -> Any:
        empty = len('{"id": 123456, "text": ""}')
        return {"id": 123456, "text": "x" * (len(body) - empty)}

    send = receive = rsend = rreceive = None
    """The rows between processes are about waiting, not about serializers."""


class KitSQLite(Kit):
    """One file."""

    distributions = ()
    options = ""

    def __init__(self, url: str, folder: str) -> None:
        super().__init__(f"sqlite:///{Path(folder) / 'queuekit.db'}{self.options}", folder)


class KitSQLiteFull(KitSQLite):
    """Each commit waits for the disk, as those of peers that leave SQLite's default."""

    options = "?synchronous=full"
    send = receive = rsend = rreceive = None


class KitMemory(Kit):
    """This process."""

    distributions = ()
    send = receive = rsend = rreceive = None

    def __init__(self, url: str, folder: str) -> None:
        super().__init__("memory:", folder)

    def turn(self, count: int, body: bytes) -> None:
        put, get = self._fifo.put, self._fifo.get
        for _ in range(count):
            put(body)
            get()

    def rturn(self, count: int, body: bytes) -> None:
        put, get = self._reliable.put, self._reliable.get
        for _ in range(count):
            put(body)
            message = get()
            assert message is not None
            message.ack()


class KitAsync(TaskSubject):
    """AsyncQueue and AsyncReliableQueue, by 1, 16 and 64 tasks."""

    distributions = ("redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._fifo = AsyncQueue("bench-async", url, serializer="bytes")
        self._reliable = AsyncReliableQueue("reliable-async", url, serializer="bytes")

    def fill(self, operation: str, count: int, body: bytes) -> None:
        queue = self._fifo if operation.startswith("aget") else self._reliable
        self._loop.run_until_complete(queue.put_many([body] * count))

    def clear(self) -> None:
        self._loop.run_until_complete(self._fifo.clear())
        self._loop.run_until_complete(self._reliable.clear())

    def close(self) -> None:
        self._loop.run_until_complete(self._fifo.aclose())
        self._loop.run_until_complete(self._reliable.aclose())

    def size(self) -> int:
        sizes = self._loop.run_until_complete(self._fifo.size())
        return sizes + self._loop.run_until_complete(self._reliable.size())

    def put_tasks(self, count: int, body: bytes, tasks: int) -> None:
        async def some() -> None:
            for _ in range(count // tasks):
                await self._fifo.put(body)

        self._run(some, tasks)

    def get_tasks(self, count: int, body: bytes, tasks: int) -> None:
        async def some() -> None:
            for _ in range(count // tasks):
                assert await self._fifo.get() is not None

        self._run(some, tasks)

    def claim_tasks(self, count: int, body: bytes, tasks: int) -> None:
        async def some() -> None:
            for _ in range(count // tasks):
                message = await self._reliable.get()
                assert message is not None
                await message.ack()

        self._run(some, tasks)

    def _run(self, some: Any, tasks: int) -> None:
        self._loop.run_until_complete(share_out(some, tasks))
