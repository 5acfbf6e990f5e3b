"""
Kill a program at each of its system calls, one run for each: exhaustive, and the same every time.

The program is ``main(*arguments: str)`` of a module; it runs in a fork of a process that has
imported the module, and ends well by returning. ``strace`` sends SIGKILL as it enters a call, so
that the call is not made. It counts each kind of call, and each thread, by itself: every kind is
swept on its own. Used so::

    kills = sweep("faults.programs", lambda point: [url, f"q-{point}"], ["sendto"], check)
"""

from __future__ import annotations

import ctypes
import importlib
import os
import queue
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, NamedTuple

REMEDY = "the kill sweeps need strace: apt install strace (they are never skipped without it)"
TESTS = Path(__file__).resolve().parent.parent
_KILLED = 9
_ALLOW_TRACER = (0x59616D61, ctypes.c_ulong(-1 % 2**64))  # PR_SET_PTRACER, to anybody: see Yama


class Point(NamedTuple):
    """The *when*-th call of a kind, counted from 1."""

    syscall: str
    when: int

    def __str__(self) -> str:
        return f"{self.syscall}-{self.when}"


def environment() -> dict[str, str]:
    """Return an environment in which children import these tests and the same queuekit."""
    paths = [str(TESTS), str(TESTS.parent / "src")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def sweep(
    module: str,
    arguments: Callable[[Point], Sequence[str]],
    syscalls: Sequence[str],
    check: Callable[[Point], None],
    *,
    wide: int = 2,
    most: int = 1000,
) -> dict[str, int]:
    """
    Kill *module*'s ``main`` at the first, second ... call of each kind, until it ends by itself.

    *arguments* names a queue or file of its own for each point. *check* looks after each run, the
    last and unharmed one of a kind included. Runs *wide* at a time. Returns how many kills there
    were of each kind; a program that still dies at *most* is an error.
    """
    kills = dict.fromkeys(syscalls, 0)
    stems: queue.SimpleQueue[Stem] = queue.SimpleQueue()
    every = [Stem(module) for _ in range(wide)]
    for stem in every:
        stems.put(stem)

    def at(point: Point) -> bool:
        stem = stems.get()
        try:
            killed = stem.run(point, arguments(point))
        finally:
            stems.put(stem)
        check(point)
        return killed

    try:
        with ThreadPoolExecutor(wide) as pool:
            for name in syscalls:
                for first in range(1, most, wide):
                    points = [Point(name, when) for when in range(first, first + wide)]
                    died = list(pool.map(at, points))
                    kills[name] += sum(died)
                    if not all(died):
                        break
                else:
                    raise AssertionError(f"{name}: the program did not end within {most} calls")
    finally:
        for stem in every:
            stem.close()
    return kills


class Stem:
    """A process that has imported the module once, and forks for each run."""

    def __init__(self, module: str) -> None:
        if shutil.which("strace") is None:
            raise AssertionError(REMEDY)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.sweep", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            bufsize=0,
        )

    def run(self, point: Point, arguments: Sequence[str]) -> bool:
        """Run ``main`` and kill it at *point*; False if it ended by itself before."""
        self._tell("\t".join(arguments))
        pid = self._hear("pid ")
        name, when = point
        trace = ("-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={when}")
        strace = subprocess.Popen(
            ["strace", "-f", "-o", os.devnull, *trace, "-p", pid],
            stderr=subprocess.PIPE,
            text=True,
        )
        with strace:
            assert strace.stderr is not None
            first = strace.stderr.readline()
            if "attached" not in first:
                strace.kill()
                raise AssertionError(f"strace cannot trace the program: {first}")
            self._tell("go")
            status = self._hear("status ")
        return int(status) == _KILLED

    def close(self) -> None:
        """End the process by its pid."""
        self._process.kill()
        self._process.communicate()

    def _tell(self, line: str) -> None:
        pipe: IO[bytes] | None = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(line.encode() + b"\n")
        except BrokenPipeError:  # it has ended, and what it said tells why
            pass

    def _hear(self, what: str) -> str:
        """Return what follows *what*; other lines are the program's own and tell why it failed."""
        pipe = self._process.stdout
        assert pipe is not None
        said: list[str] = []
        while line := pipe.readline().decode(errors="replace"):
            said.append(line)
            failed = line.startswith("status ") and line.split()[1] not in ("0", f"{_KILLED}")
            if line.startswith(what) and not failed:
                return line.removeprefix(what).strip()
            if failed:
                break
        raise AssertionError(f"the program failed by itself:\n{''.join(said)}")


def _serve(module: str) -> None:
    """Be the stem: for each line fork a child, which waits for its tracer and runs ``main``."""
    main = importlib.import_module(module).main
    while line := _read_line():
        child = os.fork()
        if not child:
            status = 1
            try:
                ctypes.CDLL(None).prctl(*_ALLOW_TRACER, 0, 0, 0)
                print("pid", os.getpid(), flush=True)
                _read_line()
                main(*line.split("\t"))
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print("status", abs(status), flush=True)


def _read_line() -> str:
    """Read byte by byte: what follows belongs to the other process."""
    line = b""
    while (byte := os.read(0, 1)) and byte != b"\n":
        line += byte
    return line.decode()


if __name__ == "__main__":
    _serve(sys.argv[1])
