"""
What HotQueue does in the cases of its faults, run on the original and on ours.

As a program: ``python hotqueue_cases.py MODULE CASE NAME HOST PORT DB REAL_PORT`` prints what
comes of it as JSON; an exception is told by its name.
"""

import importlib
import json
import sys
import threading
import time

import redis


class Rig:
    def __init__(self, module, name, host, port, db, real_port):
        self.HotQueue = importlib.import_module(module).HotQueue
        self.name = name
        self.made = []
        self.server = {"host": host, "port": port, "db": db}
        self.redis = redis.Redis(host=host, port=real_port, db=db)

    def queue(self, **options):
        self.made.append(self.HotQueue(self.name, **{**self.server, **options}))
        return self.made[-1]

    def stored(self):
        """Return all values of this queue, wherever they are."""
        keys = self.redis.keys(f"*hotqueue:{self.name}*")
        return [value for key in keys for value in self.redis.lrange(key, 0, -1)]


def h1_none_is_a_message(rig):
    queue = rig.queue()
    queue.put(1, None, 2)
    return [list(queue.consume(block=False)), len(queue)]


def h2_falsy_messages_pass(rig):
    queue = rig.queue()
    queue.put(0, "", [], False)
    return list(queue.consume(block=False))


def h4_undecodable_is_not_lost(rig):
    queue = rig.queue()
    rig.redis.rpush(queue.key, b"no pickle")
    queue.put("next")
    try:
        queue.get()
    except Exception:
        pass
    return [any(b"no pickle" in value for value in rig.stored()), queue.get()]


def h5_an_empty_queue_is_true(rig):
    return bool(rig.queue())


def h6_put_of_nothing(rig):
    return rig.queue().put()


def h7_text_in_text_out(rig):
    queue = rig.queue(serializer=None)
    queue.put("text", 4)
    return [repr(queue.get()), repr(queue.get())]


def h8_decode_responses_with_pickle(rig):
    queue = rig.queue(decode_responses=True)
    queue.put({"a": 1})
    return queue.get()


def h9_negative_timeout(rig):
    return rig.queue().get(block=True, timeout=-1)


def h10_socket_timeout_below_the_wait(rig):
    queue = rig.queue(socket_timeout=3)
    return queue.get(block=True, timeout=4)


def h11_put_whose_reply_is_lost(rig):
    queue = rig.queue()
    told = "stored"
    try:
        queue.put("once")
    except Exception as exc:
        told = type(exc).__name__
    return [told, len(rig.stored())]


def h12_url_and_client(rig):
    url = "redis://{host}:{port}/{db}".format(**rig.server)
    rig.made.append(rig.HotQueue(rig.name, url=url))
    rig.made[-1].put("by url")
    rig.made.append(rig.HotQueue(rig.name, client=rig.redis))
    return rig.made[-1].get()


def h13_arguments_by_name(rig):
    queue = rig.queue()
    queue.put(1)
    seen = []

    @queue.worker(block=False)
    def handle(first, message, more):
        seen.append([first, message, more])

    handle("first", more="more")
    return seen


def h15_peek_and_close(rig):
    queue = rig.queue()
    queue.put(1, 2)
    with queue:
        return [queue.peek(2), len(queue)]


def documented_block(rig):
    """A wait that is woken by a put."""
    queue, other = rig.queue(), rig.queue()
    threading.Timer(0.3, other.put, ["late"]).start()
    start = time.time()
    return [queue.get(block=True, timeout=40), time.time() - start < 20]


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
    rig.redis.close()
    return json.loads(json.dumps(result))


if __name__ == "__main__":
    print(json.dumps(run(*sys.argv[1:])))
