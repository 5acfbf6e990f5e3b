"""A measured process, as its parent sees it."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import venvs
from cases import Peer

PATIENCE = 90.0
"""Seconds after which a request is given up."""


class Failed(Exception):
    """A subject cannot do what was asked, or did not answer; the text says why."""


class Child:
    """
    One driver process in its environment, pinned from its start.

    Use ``ask``; or ``begin`` and ``end``, to have two at work at once.
    """

    def __init__(self, peer: Peer, url: str, folder: Path, cores: Iterable[int]) -> None:
        self.peer = peer
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        driver = Path(__file__).with_name("driver.py")
        environment = {**os.environ, "PYTHONPATH": str(venvs.ROOT / "src")}
        environment.pop("QUEUEKIT_URL", None)
        self._process = subprocess.Popen(
            [
                str(venvs.python_of(peer.requirements)),
                str(driver),
                peer.driver,
                url,
                str(folder),
                ",".join(map(str, cores)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            cwd=folder,
        )
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self._pending = b""

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """Have something done and return the answer."""
        self.begin(do, **details)
        return self.end()

    def begin(self, do: str, **details: Any) -> None:
        """Ask for something."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **details}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as exc:
            raise Failed(f"its process ended: {self._last_line()}") from exc

    def end(self) -> dict[str, Any]:
        """Wait for the answer."""
        assert self._process.stdout is not None
        while b"\n" not in self._pending:
            if not self._selector.select(PATIENCE):
                self.kill()
                raise Failed(f"no answer within {PATIENCE:.0f} s")
            found = os.read(self._process.stdout.fileno(), 1 << 16)
            if not found:
                raise Failed(f"its process ended: {self._last_line()}")
            self._pending += found
        line, _, self._pending = self._pending.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def kill(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
            self._process.wait(timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            self.kill()
        self._process.stdout.close()
        self._selector.close()
        self._log.close()

    def _last_line(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"
