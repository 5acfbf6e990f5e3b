"""A worker of its own process: claims, writes down what came, acks with the next claim."""

from __future__ import annotations

import os
import sys
import time

from queuekit._envelope import unwrap
from queuekit.backends.redis.transport import RedisTransport
from queuekit.transport import Receipt

LEASE = 1.0


def work(url: str, path: str, pause: str) -> None:
    """Hold what came for *pause* seconds: who is seen to work is killed at its work."""
    transport = RedisTransport.from_url(url)
    book = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    held: list[Receipt] = []
    while True:
        _, found = transport.ack_and_claim("q", held, lease=LEASE, limit=8, timeout=1.0)
        came = time.monotonic_ns()
        lines = [b"%d %d %b\n" % (came, one.attempt, unwrap(one.body).body) for one in found]
        os.write(book, b"".join(lines))
        held = [one.receipt for one in found]
        if held:
            time.sleep(float(pause))


if __name__ == "__main__":
    work(*sys.argv[1:])
