"""Processes of a test's own, told what to do by lines and heard by lines; ended by their pid."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECONDS = 20.0
"""How long anything may take on a busy machine before a test gives up on it."""


class Child:
    """A process that runs one role of ``lease_roles``; what it says is JSON, a line each."""

    def __init__(self, role: str, url: str, **options: Any) -> None:
        program = Path(__file__).with_name("lease_roles.py")
        command = [sys.executable, str(program), role, url, json.dumps(options)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
        self.pid = self.process.pid
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        self._errors: list[bytes] = []
        self._error_reader = threading.Thread(target=self._listen_to_errors, daemon=True)
        self._error_reader.start()

    def hear(self, seconds: float = SECONDS) -> dict[str, Any]:
        """Return what it says next."""
        try:
            return self._said.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"it said nothing for {seconds} s: {self.errors()}") from None

    def silent(self) -> bool:
        """Tell whether it has said nothing that was not heard."""
        return self._said.empty()

    def tell(self) -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> None:
        """SIGSTOP, and wait until it stands."""
        self.send(signal.SIGSTOP)
        self.wait_until_stopped()

    def wait_until_stopped(self) -> None:
        wait_for(lambda: self.state() == "T")

    def go_on(self) -> None:
        self.send(signal.SIGCONT)

    def state(self) -> str:
        """Return the letter that the system has for what the process does."""
        if sys.platform == "linux":
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        listed = subprocess.run(
            ["ps", "-o", "state=", "-p", str(self.pid)], capture_output=True, check=False
        )
        return listed.stdout.decode().strip()[:1]

    def end(self, seconds: float = SECONDS) -> int:
        """Wait for its end and return its status."""
        status = self.process.wait(seconds)
        self._reader.join(SECONDS)
        self._error_reader.join(SECONDS)
        return status

    def errors(self) -> str:
        return b"".join(self._errors).decode(errors="replace")

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.end()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:  # what it was told last
                pass

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(json.loads(line))

    def _listen_to_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._errors.append(line)


@contextmanager
def child(role: str, url: str, **options: Any) -> Iterator[Child]:
    """Start a process, and kill it at the end if it is still there."""
    process = Child(role, url, **options)
    try:
        yield process
    finally:
        process.kill()


def wait_for(look: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """Wait for something that is true, and return it."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "this never came"
        time.sleep(0.005)
    return found


def url_of(kind: str, folder: Path, redis_url: Callable[[], str]) -> str:
    """Return the URL of an empty store that several processes can open."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'jobs.db'}"
    return f"{redis_url()}?prefix=t{os.urandom(6).hex()}"
