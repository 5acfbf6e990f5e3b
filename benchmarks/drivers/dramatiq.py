"""dramatiq: an actor, called by the threads of a worker."""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from .subject import WorkerSubject


class Dramatiq(WorkerSubject):
    """RedisBroker and a Worker of 8 threads, the default of both."""

    distributions = ("dramatiq", "redis", "hiredis")

    def __init__(self, url: str, folder: str) -> None:
        super().__init__()
        self._broker = RedisBroker(url=url)
        dramatiq.set_broker(self._broker)
        self._job = dramatiq.actor(actor_name="job", queue_name="bench")(self._call)

    def _call(self, body: str) -> None:
        self.tick(body)

    def fill(self, operation: str, count: int, body: bytes) -> None:
        self.rput(count, body)

    def clear(self) -> None:
        self._broker.client.flushdb()

    def rput(self, count: int, body: bytes) -> None:
        send, text = self._job.send, body.decode()
        for _ in range(count):
            send(text)

    def work(self, count: int | None) -> None:
        worker = dramatiq.Worker(self._broker)
        worker.start()
        try:
            self.wait_for_calls()
        finally:
            worker.stop()

    def rsend(self, body: bytes) -> None:
        self._job.send(body.decode())
