"""A folder with an application in it, and workers that are started there as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from queuekit import ReliableQueue

PATIENCE = 60.0
"""Seconds: generous, the machine may be busy."""

TASKS = """
    import asyncio, os, sys, time

    def note(words):
        with open("notes.txt", "a") as file:
            file.write(f"{words}\\n")

    def handle(message):
        note(message.body)

    async def ahandle(message):
        note(message.body)

    def brief(message):
        time.sleep(0.02)
        note(message.body)

    async def abrief(message):
        await asyncio.sleep(0.02)
        note(message.body)

    def long(message):
        note(message.body)
        time.sleep(60)

    async def along(message):
        note(message.body)
        await asyncio.sleep(60)

    def pid(message):
        note(f"{message.body} {os.getpid()}")
"""

WITH_CHANGES = """
import sys
from queuekit.cli import worker_guard, worker_parent, worker_process
from queuekit.cli.main import main
"""


class Shop:
    """Runs ``queuekit worker`` in a folder of its own, on a store of its own."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder}/queuekit.db"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("QUEUEKIT_")}
        self.env.pop("PYTHONDONTWRITEBYTECODE", None)  # a user has none
        self.env["QUEUEKIT_URL"] = self.url
        self.workers: list[subprocess.Popen[bytes]] = []
        self.write("tasks.py", TASKS)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def start(self, *words: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a worker; what it says goes to files."""
        return self.command([sys.executable, "-m", "queuekit", "worker", *words], **env)

    def start_with(self, changes: str, *words: str, **env: str) -> subprocess.Popen[bytes]:
        """Start one whose constants are others: ``worker_parent.DEATHS = 3``."""
        program = f"{WITH_CHANGES}{changes}\nsys.exit(main())"
        return self.command([sys.executable, "-c", program, "worker", *words], **env)

    def command(self, words: list[str], **env: str) -> subprocess.Popen[bytes]:
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            worker = subprocess.Popen(
                words, cwd=self.folder, env={**self.env, **env}, stdout=out, stderr=err
            )
        self.workers.append(worker)
        return worker

    def __call__(self, *words: str, **env: str) -> int:
        """Run a worker to its end and return its status."""
        return self.start(*words, **env).wait(timeout=PATIENCE)

    def queue(self, name: str = "jobs") -> ReliableQueue[Any]:
        return ReliableQueue(name, self.url)

    def put(self, *bodies: object, name: str = "jobs") -> None:
        with self.queue(name) as queue:
            queue.put_many(bodies)

    def counts(self, name: str = "jobs") -> tuple[int, int, int, int]:
        """Return how many are ready, delayed, claimed and dead."""
        with self.queue(name) as queue:
            return (*queue.stats(), queue.dead.size())

    def read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    @property
    def notes(self) -> list[str]:
        """What the handlers wrote."""
        return self.read("notes.txt").splitlines()

    @property
    def said(self) -> str:
        """What the workers wrote to stderr."""
        return self.read("err")

    def until(self, true: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, self.said
            time.sleep(0.02)

    def close(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
