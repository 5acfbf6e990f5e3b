"""
What SafeRedisQueue does in the cases of its faults, run on the original and on ours.

As a program: see ``hotqueue_cases.py``. It must also run with redis-py 2.10.6.
"""

import importlib
import json
import sys
import threading
import time

import redis


class Rig:
    def __init__(self, module, name, host, port, db, real_port):
        self.SafeRedisQueue = importlib.import_module(module).SafeRedisQueue
        self.name = name
        self.made = []
        self.server = {"host": host, "port": port, "db": db}
        self.redis = redis.StrictRedis(host=host, port=real_port, db=db)

    def queue(self, **options):
        self.made.append(self.SafeRedisQueue(**dict(self.server, name=self.name, **options)))
        return self.made[-1]


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def pair(found):
    """Return what get gave, for JSON."""
    return [text(each) for each in found]


def s1_empty_get(rig):
    queue = rig.queue()
    return [pair(queue.get(timeout=-1)), pair(queue.get(timeout=1))]


def s2_recovery_runs(rig):
    queue = rig.queue(autoclean_interval=1)
    uid = queue.put("a")
    queue.get(timeout=-1)
    end = time.time() + 15
    while time.time() < end:
        try:
            found = queue.get(timeout=1)
        except Exception:
            continue
        if found[0] is not None:
            return text(found[0]) == text(uid)
    return False


def s3_crash_while_recovering(rig):
    """An old process died when it had the lock, which has no expiry then."""
    queue = rig.queue(autoclean_interval=1)
    queue.put("a")
    queue.get(timeout=-1)
    rig.redis.delete(queue.BACKUP_LOCK)
    rig.redis.rename(queue.ACKBUF_KEY, queue.BACKUP)
    rig.redis.set(queue.BACKUP_LOCK, 1)
    queue.get(timeout=-1)
    return rig.redis.pttl(queue.BACKUP_LOCK) not in (-1, None)


def s4_recovery_while_waiting(rig):
    other = rig.queue(autoclean_interval=1)
    uid = other.put("a")
    other.get(timeout=-1)
    found = rig.queue(autoclean_interval=1).get(timeout=15)
    return text(found[0]) == text(uid)


def s6_slow_consumer(rig):
    """A works for five intervals, and says so where it can; B asks meanwhile."""
    a, b = rig.queue(autoclean_interval=60), rig.queue(autoclean_interval=60)
    a.put("slow")
    uid, _ = a.get(timeout=-1)
    for _ in range(5):
        if hasattr(a, "extend"):
            a.extend(uid)
        if b.get(timeout=-1)[0] is not None:
            return "B has it, too"
        rig.redis.delete(a.BACKUP_LOCK)  # as its expiry does when an interval is over
    a.ack(uid)
    return "A alone"


def s7_late_ack(rig):
    queue = rig.queue()
    queue.put("a")
    uid, _ = queue.get(timeout=-1)
    rig.redis.rpoplpush(queue.ACKBUF_KEY, queue.QUEUE_KEY)  # as the recovery does
    queue.ack(uid)
    return queue.get(timeout=-1)[0] is None


def s7_ghost_in_the_queue(rig):
    """What an old process leaves: a uid that waits and has no item."""
    queue = rig.queue()
    rig.redis.lpush(queue.QUEUE_KEY, "ghost")
    queue.put("a")
    return pair(queue.get(timeout=-1))[1]


def s8_fail_twice(rig):
    queue = rig.queue()
    queue.put("a")
    uid, _ = queue.get(timeout=-1)
    queue.fail(uid)
    queue.fail(uid)
    return rig.redis.llen(queue.QUEUE_KEY)


def s9_fail_of_an_unknown_uid(rig):
    queue = rig.queue()
    queue.fail("nope")
    queue.put("a")
    return pair(queue.get(timeout=-1))[1]


def s10_none_and_a_missing_item(rig):
    queue = rig.queue(serializer=Json)
    uid = queue.put(None)
    first = queue.get(timeout=-1)
    lost = queue.put("lost")
    rig.redis.hdel(queue.ITEMS_KEY, lost)
    second = queue.get(timeout=-1)
    return [text(first[0]) == uid, first[1], second[0] is None]


def s11_undecodable(rig):
    queue = rig.queue(serializer=Json)
    rig.redis.hset(queue.ITEMS_KEY, "uid", b"no json")
    rig.redis.lpush(queue.QUEUE_KEY, "uid")
    try:
        queue.get(timeout=-1)
    except Exception as exc:
        told = "uid" in str(exc)
    dead = rig.redis.hget(f"srq:{rig.name}!dead:items", "uid")
    return [told, rig.redis.llen(queue.ACKBUF_KEY), text(dead)]


def s13_uids_compare(rig):
    queue = rig.queue()
    return queue.put("a") == queue.get(timeout=-1)[0]


def s14_interval_of_a_fraction(rig):
    queue = rig.queue(autoclean_interval=0.5)
    queue.put("a")
    queue.get(timeout=-1)
    queue.get(timeout=-1)
    return "fine"


def s15_put_of_none(rig):
    queue = rig.queue()
    try:
        queue.put(None)
    except Exception:
        pass
    return rig.redis.hlen(queue.ITEMS_KEY)


def s16_order_when_failed(rig):
    queue = rig.queue()
    for item in ("a", "b", "c"):
        queue.put(item)
    queue.fail(queue.get(timeout=-1)[0])
    return [pair(queue.get(timeout=-1))[1] for _ in range(3)]


def s17_more_than_one(rig):
    queue = rig.queue()
    uids = queue.put_many(["a", "b"])
    return [len(uids), len(queue), queue.peek(2), queue.clear(), len(queue)]


def s18_put_whose_reply_is_lost(rig):
    queue = rig.queue()
    try:
        queue.put("once")
    except Exception:
        pass
    return [rig.redis.llen(queue.QUEUE_KEY), rig.redis.hlen(queue.ITEMS_KEY)]


def documented_wake(rig):
    queue, other = rig.queue(), rig.queue()
    threading.Timer(0.3, other.put, ["late"]).start()
    return pair(queue.get(timeout=40))[1]


class Json:
    @staticmethod
    def dumps(data):
        return json.dumps(data)

    @staticmethod
    def loads(data):
        return json.loads(data.decode())


def run(module, case, name, host, port, db, real_port):
    """Return what comes of a case, as it would be after a way through JSON."""
    rig = Rig(module, name, host, int(port), int(db), int(real_port))
    try:
        result = globals()[case](rig)
    except Exception as exc:
        result = type(exc).__name__
    for queue in rig.made:
        if hasattr(queue, "close"):
            queue.close()
    rig.redis.connection_pool.disconnect()
    return json.loads(json.dumps(result))


if __name__ == "__main__":
    print(json.dumps(run(*sys.argv[1:])))
