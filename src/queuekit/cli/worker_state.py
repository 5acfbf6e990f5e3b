"""
Signs of life of a worker: a small file for ``--check``, and the notifications of systemd.

Only this process can tell that it turns, so it says so every few seconds from a thread of its own.
The store is not asked: a worker waits for a store that is away, and starting it again does not
bring the store back.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from ..errors import ConfigurationError

BEAT: Final = 2.0
"""Seconds between two signs of life."""
STALE: Final = 15.0
"""Seconds after which a worker that said nothing counts as stuck."""

Facts = Mapping[str, object]


class Beats:
    """
    Writes the state file and pings systemd, until ``stop``.

    Args:
        path: The file, or None for none.
        facts: What is written beside pid and time; called for each beat. ``silent`` in it, when not
            empty, names processes that give no sign of life: then systemd's watchdog gets none.
    """

    def __init__(self, path: str | None, facts: Callable[[], Facts]) -> None:
        self._path = None if path is None else Path(path).absolute()
        self._facts = facts
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="queuekit-beats", daemon=True)
        self._started = time.time()

    def start(self) -> None:
        """
        Write the first state, and go on in a thread.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        try:
            self.beat()
        except OSError as exc:
            raise ConfigurationError(
                f"the state file {self._path} cannot be written: {exc.strerror or exc}"
            ) from exc
        self._thread.start()

    def beat(self) -> None:
        """Give one sign of life."""
        facts = self._facts()
        if self._path is not None:
            _replace(self._path, {"pid": os.getpid(), "started": self._started, **facts})
        if not facts.get("silent"):
            notify("WATCHDOG=1")

    def stop(self) -> None:
        """End, and remove the file."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()

    def _run(self) -> None:
        while not self._over.wait(BEAT):
            with suppress(OSError):  # a full disk: the file gets stale, and --check says so
                self.beat()


def notify(words: str) -> None:
    """Tell systemd, where it asked for it (``Type=notify``); else do nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.connect(address)
        link.sendall(words.encode())


def read(path: str) -> tuple[Facts, str]:
    """Return what a worker wrote, and why it does not count as alive: "" when it does."""
    try:
        facts = cast("dict[str, object]", json.loads(Path(path).read_text(encoding="utf-8")))
        pid, beat = int(str(facts["pid"])), float(str(facts["beat"]))
    except FileNotFoundError:
        return {}, f"there is no {path}: no worker with this --state runs, or it is still starting"
    except (OSError, ValueError, KeyError, TypeError) as exc:
        return {}, f"{path} is no state file of a worker: {type(exc).__name__}: {exc}"
    if not _exists(pid):
        return facts, f"its process {pid} is gone"
    age = time.monotonic() - beat
    if not 0 <= age <= STALE:  # below 0: it is from before the machine started
        return facts, f"process {pid} gave no sign of life for {abs(age):.0f} s"
    if facts.get("silent"):
        return facts, f"its processes {facts['silent']} gave no sign of life for {STALE:.0f} s"
    return facts, ""


def _replace(path: Path, facts: Facts) -> None:
    """Write the file so that a reader sees the old or the new one, whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            # The clock of the machine's uptime: nobody sets it, and all processes have the same.
            json.dump({**facts, "beat": time.monotonic()}, file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _exists(pid: int) -> bool:
    if os.name != "posix":  # there this would be a signal; the age of its sign of life decides
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
