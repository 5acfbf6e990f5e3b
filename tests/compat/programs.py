"""
One producer or consumer of either kind, as a process: ``programs.py ROLE MODULE PORT DB NAME ...``.

Runs on the originals' environments, too. Consumers write a line for each message to their ledger
when the work is done, and before that (``took``) for the FIFO queue, whose promise ends there.
"""

import importlib
import os
import sys
import time


def say(ledger, *words):
    """Append a line in one write, so that a kill leaves it whole or not at all."""
    os.write(ledger, (" ".join(words) + "\n").encode())


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def hot(module, port, db, name):
    return importlib.import_module(module).HotQueue(name, port=int(port), db=int(db))


def safe(module, port, db, name):
    kind = importlib.import_module(module).SafeRedisQueue
    return kind(name=name, port=int(port), db=int(db), autoclean_interval=1)


def hot_produce(queue, ledger, begin, count):
    for i in range(int(count)):
        message = {"id": f"{begin}-{i}"}
        queue.put(message)
        say(ledger, "put", message["id"])


def hot_consume(queue, ledger, pause):
    """Take until it is killed."""
    while True:
        message = queue.get(block=True, timeout=1)
        if message is not None:
            say(ledger, "did", message["id"])
            time.sleep(float(pause))


def safe_produce(queue, ledger, begin, count):
    for i in range(int(count)):
        queue.put(f"{begin}-{i}")
        say(ledger, "put", f"{begin}-{i}")


def safe_consume(queue, ledger, pause):
    """Take, work and ack until it is killed; every ninth message fails once in a while."""
    turn = 0
    while True:
        uid, item = queue.get(timeout=1)
        if uid is None or item is None:
            continue
        turn += 1
        time.sleep(float(pause))
        if turn % 9 == 0:
            queue.fail(uid)
            continue
        say(ledger, "did", text(item))
        queue.ack(uid)


ROLES = {
    "hot_produce": (hot, hot_produce),
    "hot_consume": (hot, hot_consume),
    "safe_produce": (safe, safe_produce),
    "safe_consume": (safe, safe_consume),
}

if __name__ == "__main__":
    role, module, port, db, name, path, *more = sys.argv[1:]
    make, run = ROLES[role]
    ledger = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    queue = make(module, port, db, name)
    say(ledger, "ready")
    run(queue, ledger, *more)
