"""A primary, a replica and sentinels of a test's own, which fail over within a few seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from faults.servers import Pair, Server, eventually, pair_in

SERVICE = "main"

CONFIGURATION = """
port {port}
sentinel monitor {service} 127.0.0.1 {primary} {quorum}
sentinel down-after-milliseconds {service} {down_after}
sentinel failover-timeout {service} 3000
"""


class Sentinel(Server):
    """A sentinel; it keeps what it knows in a file."""

    def __init__(
        self, directory: Path, primary: int, quorum: int, *extra: str, down_after: float = 60.0
    ) -> None:
        self._file = directory / "sentinel.conf"
        self._text = CONFIGURATION.format(
            port="{port}",
            service=SERVICE,
            primary=primary,
            quorum=quorum,
            down_after=round(down_after * 1000),
        )
        self._text += "\n".join(extra) + "\n"
        super().__init__(directory)

    def start(self) -> None:
        if not self._file.exists():
            self._file.write_text(self._text.replace("{port}", str(self.port)))
        self._command = [self._command[0], str(self._file), "--sentinel"]
        super().start()


class Service:
    """What the sentinels watch."""

    def __init__(self, pair: Pair, sentinels: list[Sentinel]) -> None:
        self.servers = [pair.primary, pair.replica]
        self.sentinels = sentinels
        nodes = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)
        self.url = f"redis+sentinel://{nodes}/{SERVICE}"

    @property
    def primary(self) -> Server:
        """The primary, as the first sentinel says."""
        _, port = self.sentinels[0].do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(server for server in self.servers if server.port == int(port))

    @property
    def other(self) -> Server:
        first, second = self.servers
        return second if self.primary is first else first

    def promoted(self, server: Server, seconds: float = 60.0) -> float:
        """Wait until the sentinels name *server* and it says so itself; return how long it took."""
        return eventually(
            lambda: self.primary is server and server.do("ROLE")[0] == b"master",
            seconds,
            "the promotion",
        )

    def is_ready(self) -> bool:
        """Tell whether each sentinel knows a replica that it could promote."""
        for sentinel in self.sentinels:
            for replica in sentinel.do("SENTINEL", "REPLICAS", SERVICE):
                if replica.get(b"master-link-status") == b"ok":
                    break
            else:
                return False
        return True


@contextmanager
def service_in(
    directory: Path,
    *,
    sentinels: int = 1,
    extra: tuple[str, ...] = (),
    password: str = "",
    down_after: float = 2.0,
) -> Iterator[Service]:
    """
    Start a pair and sentinels of which the majority decides; *extra* lines configure them.

    A primary that is silent for *down_after* seconds is replaced, though it only stood still.
    """
    with ExitStack() as stack:
        pair = stack.enter_context(pair_in(directory))
        quorum = sentinels // 2 + 1
        started: list[Sentinel] = []
        for i in range(sentinels):
            home = directory / f"s{i}"
            home.mkdir()
            started.append(Sentinel(home, pair.primary.port, quorum, *extra, down_after=down_after))
            started[-1].password = password
            stack.callback(started[-1].stop)
        service = Service(pair, started)
        eventually(service.is_ready, 60, "the sentinels know the replica")
        yield service
