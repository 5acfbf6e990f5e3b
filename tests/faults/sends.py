"""A program for the sweep's own tests: three sends, each between two lines."""

from __future__ import annotations

import socket


def main(path: str, then: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, open(path, "ab", 0) as log:
        for i in range(3):
            log.write(b"before %d\n" % i)
            ours.send(b"x")
            log.write(b"after %d\n" % i)
    if then == "fail":
        raise ZeroDivisionError
