"""redis-py's own client, with the commands and scripts of ``raw_redis``."""

from __future__ import annotations

import time

import redis

from .raw_redis import CLAIM, CLAIM_MANY
from .subject import BULK, Subject


class Bare(Subject):
    """redis.Redis as its documentation shows it."""

    distributions = ("redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        self._client = redis.Redis.from_url(url)
        self._claim = self._client.script_load(CLAIM.decode())
        self._claim_many = self._client.script_load(CLAIM_MANY.decode())
        self._claims = 0

    def fill(self, operation: str, count: int, body: bytes) -> None:
        for first in range(0, count, 1000):
            self._client.rpush("bare", *[body] * min(1000, count - first))

    def clear(self) -> None:
        self._client.delete("bare", "bare:w", "bare:leases")

    def close(self) -> None:
        self._client.close()

    def size(self) -> int:
        if self._client.zcard("bare:leases"):
            raise RuntimeError("a lease is left")
        return self._client.llen("bare")

    def put(self, count: int, body: bytes) -> None:
        rpush = self._client.rpush
        for _ in range(count):
            rpush("bare", body)

    def put_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            self._client.rpush("bare", *[body] * BULK)

    rput, rput_bulk = put, put_bulk

    def get(self, count: int, body: bytes) -> None:
        blpop = self._client.blpop
        for _ in range(count):
            blpop("bare", 4)[1]

    def get_bulk(self, count: int, body: bytes) -> None:
        for _ in range(count // BULK):
            for _body in self._client.lpop("bare", BULK):
                pass

    def _claiming(
        self, client: redis.Redis, limit: int = 1, source: str = "bare"
    ) -> tuple[str, object]:
        self._claims += 1
        token = f"{self._claims:016x}"
        arguments = [source, f"bare:c:{token}", "bare:leases", int(time.time() * 1000) + 60_000]
        if limit == 1:
            return token, client.evalsha(self._claim, 3, *arguments, token)
        return token, client.evalsha(self._claim_many, 3, *arguments, token, limit)

    def _ack(self, token: str, client: redis.client.Pipeline) -> None:
        client.delete(f"bare:c:{token}")
        client.zrem("bare:leases", token)

    def claim_ack(self, count: int, body: bytes) -> None:
        self._two_trips(count, 1)

    def claim_ack_bulk(self, count: int, body: bytes) -> None:
        self._two_trips(count, BULK)

    def _two_trips(self, count: int, limit: int) -> None:
        for _ in range(count // limit):
            token, found = self._claiming(self._client, limit)
            assert found
            with self._client.pipeline(transaction=False) as pipe:
                self._ack(token, pipe)
                pipe.execute()

    def claim_ack_next(self, count: int, body: bytes) -> None:
        self._one_trip(count, 1)

    def prefetch(self, count: int, body: bytes) -> None:
        self._one_trip(count, BULK)

    def _one_trip(self, count: int, limit: int) -> None:
        before = ""
        for i in range(count // limit + 1):
            with self._client.pipeline(transaction=False) as pipe:
                if before:
                    self._ack(before, pipe)
                if i < count // limit:
                    before, _ = self._claiming(pipe, limit)
                found = pipe.execute()[-1]
                if limit > 1 and i < count // limit:
                    for _body in found:
                        pass

    def send(self, body: bytes) -> None:
        self._client.rpush("bare", body)

    rsend = send

    def receive(self, timeout: float) -> bytes | None:
        found = self._client.blpop("bare", min(timeout, 4))
        return found and found[1]

    def rreceive(self, timeout: float) -> bytes | None:
        if self._client.blmove("bare", "bare:w", min(timeout, 4), "LEFT", "RIGHT") is None:
            return None
        token, found = self._claiming(self._client, 1, "bare:w")
        with self._client.pipeline(transaction=False) as pipe:
            self._ack(token, pipe)
            pipe.execute()
        return found
