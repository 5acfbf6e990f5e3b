"""
The inside of a measured process: ``python driver.py module:Class url folder cores``.

A request is one line of JSON on stdin, its answer one line on stdout: ``{"do": "measure",
"operation": "put", "count": 2000, "bytes": 100}`` is answered by ``{"seconds": 0.02}``. So the
rounds of many processes, each with the libraries of its own environment, can be interleaved.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
import time
import traceback
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from drivers.subject import Subject

CONSUMING = ("get", "claim", "prefetch", "aget", "aclaim")
"""What the names of operations begin with that find their messages ready."""


def answer(subject: Subject, request: dict[str, Any]) -> dict[str, Any]:
    """Do what one line asks."""
    match request["do"]:
        case "measure":
            return measure(subject, request["operation"], request["count"], request["bytes"])
        case "fill":
            subject.fill(request["operation"], request["count"], body_of(request["bytes"]))
            return {}
        case "clear":
            subject.clear()
            return {}
        case "operations":
            return {"operations": [n for n in dir(subject) if callable(getattr(subject, n))]}
        case "versions":
            return {"versions": versions(subject)}
        case "signal":
            subject.signal(request["kind"], request["count"], request["pause"])
            return {}
        case "wait":
            return {"latencies": subject.wait(request["kind"], request["count"])}
        case "drain":
            return {"times": subject.drain(request["kind"])}
    raise ValueError(request["do"])


def body_of(size: int) -> bytes:
    """Return a body of printable bytes."""
    return b"x" * size


def measure(subject: Subject, operation: str, count: int, size: int) -> dict[str, Any]:
    """Return the seconds of *count* messages."""
    body = body_of(size)
    step = getattr(subject, operation)
    subject.clear()
    if operation.startswith(CONSUMING):
        subject.fill(operation, count, body)
    gc.collect()
    begin = time.perf_counter()
    own = step(count, body)
    seconds = time.perf_counter() - begin
    left = subject.size()
    expected = count if operation.startswith(("put", "rput", "aput")) else 0
    if left is not None and left != expected:
        raise RuntimeError(f"{operation}: {left} messages are left instead of {expected}")
    subject.clear()
    return {"seconds": seconds if own is None else own}


def versions(subject: Subject) -> dict[str, str]:
    """Return what is installed of what the subject is made of."""
    found: dict[str, str] = {}
    for name in subject.distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def main() -> None:
    """Answer until stdin ends."""
    target, url, folder, cores = sys.argv[1:]
    if cores and hasattr(os, "sched_setaffinity"):  # before any thread starts
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not look like an answer
    subject = None
    for line in sys.stdin:
        try:
            if subject is None:
                module, name = target.split(":")
                subject = getattr(importlib.import_module(f"drivers.{module}"), name)(url, folder)
            reply = answer(subject, json.loads(line))
        except (Exception, asyncio.CancelledError) as exc:
            traceback.print_exc()
            reply = {"error": f"{type(exc).__name__}: {exc}"[:300]}
        replies.write(json.dumps(reply) + "\n")
    if subject is not None:
        subject.close()
    os._exit(0)  # whatever threads a library has left behind


if __name__ == "__main__":
    main()
