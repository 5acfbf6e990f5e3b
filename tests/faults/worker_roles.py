"""
A worker in a process of its own: ``worker_roles.py COLOUR URL FILE OPTIONS``.

Its handler writes a line when it begins and one when it ends, each by one ``write``; its report is
printed, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict
from typing import Any

from queuekit import AsyncReliableQueue, AsyncWorker, ReliableQueue, RunReport, Worker


class Work:
    """The handlers of both colours."""

    def __init__(self, path: str, seconds: float, *, blocks: bool) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._seconds = seconds
        self._blocks = blocks

    def say(self, word: str, message: Any) -> None:
        os.write(self._file, f"{word} {message.body} {message.attempt}\n".encode())

    def handle(self, message: Any) -> None:
        self.say("begun", message)
        time.sleep(self._seconds)
        self.say("ended", message)

    async def handle_async(self, message: Any) -> None:
        self.say("begun", message)
        if self._blocks:
            time.sleep(self._seconds)  # noqa: ASYNC251 - as bad handlers do
        else:
            await asyncio.sleep(self._seconds)
        self.say("ended", message)


async def run_async(url: str, work: Work, names: list[str], lease: float, **options: Any) -> Any:
    queues = [AsyncReliableQueue[Any](name, url, lease=lease) for name in names]
    report = await AsyncWorker(queues, work.handle_async, **options).run()
    for queue in queues:
        await queue.aclose()
    return report


def main() -> None:
    colour, url, path, text = sys.argv[1:]
    options = json.loads(text)
    names, lease = options.pop("queues"), options.pop("lease")
    work = Work(path, options.pop("seconds"), blocks=options.pop("blocks", False))
    report: RunReport
    if colour == "async":
        report = asyncio.run(run_async(url, work, names, lease, **options))
    else:
        queues = [ReliableQueue[Any](name, url, lease=lease) for name in names]
        report = Worker(queues, work.handle, **options).run()
        for queue in queues:
            queue.close()
    print(json.dumps(asdict(report)), flush=True)


if __name__ == "__main__":
    main()
