"""huey: a function per message, called by the threads of its consumer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huey import RedisHuey, SqliteHuey

from .subject import WorkerSubject


class HueyRedis(WorkerSubject):
    """RedisHuey and a consumer of one thread, the default."""

    distributions: tuple[str, ...] = ("huey", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        super().__init__()
        self._huey = self._open(url, folder)
        self._job = self._huey.task(name="job")(self.tick)

    def _open(self, url: str, folder: str) -> Any:
        return RedisHuey("bench", url=url)

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self.rput(count, body)

    def clear(self) -> None:
        self._huey.flush()

    def size(self) -> int:
        return len(self._huey)

    def rput(self, count: int, body: bytes) -> None:
        job = self._job
        for _ in range(count):
            job(body)

    def work(self, count: int | None) -> None:
        consumer = self._huey.create_consumer()
        consumer.start()
        try:
            self.wait_for_calls()
        finally:
            consumer.stop(graceful=True)

    def rsend(self, body: bytes) -> None:
        self._job(body)


class HueySqlite(HueyRedis):
    """SqliteHuey, with its own settings (WAL, synchronous=FULL)."""

    distributions = ("huey",)

    def _open(self, url: str, folder: str) -> Any:
        return SqliteHuey("bench", filename=str(Path(folder) / "huey.db"))
