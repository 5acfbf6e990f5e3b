"""What a server confirmed stays through its crash, and what is no queue ends a loop at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import redis

from faults.servers import server_in
from queuekit import ReliableQueue, TransportError

pytestmark = pytest.mark.redis

AOF = ("--appendonly", "yes", "--appendfsync", "always")


def test_what_was_confirmed_survives_a_kill(tmp_path: Path) -> None:
    """Puts and acks, with an append-only file: nothing is lost, and nothing comes back."""
    with server_in(tmp_path, *AOF) as server:
        queue: ReliableQueue[int] = ReliableQueue("q", server.url)
        queue.put_many(range(100))
        done = queue.get_many(40)
        queue.ack(*done[:30])
        held = queue.get_many(20)
        server.stop()
        server.start()
        queue.ack(*held, *done[30:35])
        queue.release(*done[35:])
        assert list(range(35, 40)) + list(range(60, 100)) == [m.body for m in queue.get_many(99)]
        queue.close()


WRONG = {
    "list": "queuekit:q",
    "landing": "{queuekit:q}:w",
    "leases": "{queuekit:q}:leases",
    "delayed": "{queuekit:q}:delayed",
}


@pytest.mark.parametrize("part", WRONG)
def test_a_wrong_type_ends_a_loop_at_once(redis_url: str, redis_prefix: str, part: str) -> None:
    """And changes nothing: not the foreign value, not our keys."""
    key = WRONG[part].replace("queuekit", redis_prefix)
    with redis.Redis.from_url(redis_url) as client:
        client.set(key, "foreign")
        queue: ReliableQueue[int] = ReliableQueue("q", f"{redis_url}?prefix={redis_prefix}")
        if part != "list":
            client.rpush(f"{redis_prefix}:q", "1")
        before = {name: client.dump(name) for name in client.scan_iter(f"*{redis_prefix}*")}
        begun = time.monotonic()
        with pytest.raises(TransportError, match="TYPE"):
            next(queue.consume())
        assert time.monotonic() - begun < 15.0, "it would go on for ever"
        after = {name: client.dump(name) for name in client.scan_iter(f"*{redis_prefix}*")}
        assert before == after
        client.delete(*after)
        queue.close()
