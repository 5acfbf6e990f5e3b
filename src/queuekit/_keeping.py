"""The heartbeat of a worker: a thread that renews its leases; ``_keeping_async`` for tasks."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from ._renewals import Renewals
from .transport import Transport


class Keeper:
    """
    Renews the leases of some queues from ``start`` to ``stop``, in a thread of its own.

    Args:
        renewals: What to renew, and on which transport.
        close: The transports that are this heartbeat's own.
    """

    def __init__(
        self, renewals: Sequence[tuple[Renewals, Transport]], *, close: Sequence[Transport] = ()
    ) -> None:
        self._renewals = renewals
        self._close = close
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; a second call does nothing."""
        if self._thread is None:
            name = "queuekit-heartbeat"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def end(self) -> None:
        """End after a beat that is under way, without waiting for it."""
        self._over.set()

    def stop(self) -> None:
        """End, and wait for a beat that is under way."""
        self.end()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            pause = min(renewals.lease for renewals, _ in self._renewals) / 3
            while not self._over.wait(pause):
                pause = min(_beat(renewals, transport) for renewals, transport in self._renewals)
        finally:
            for transport in self._close:
                transport.close()


def _beat(renewals: Renewals, transport: Transport) -> float:
    """Renew what is due and return the seconds until the next beat."""
    receipts = renewals.begin(time.monotonic())
    if receipts:
        try:
            lost = transport.extend(renewals.name, receipts, lease=renewals.lease)
        except Exception as exc:  # noqa: BLE001 - nothing may end the heartbeat but its owner
            renewals.failed(exc)
        else:
            renewals.end(lost)
    return renewals.pause(time.monotonic())
