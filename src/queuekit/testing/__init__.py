"""
Tools for tests: clocks that move on request, transports that fail on request.

``queuekit.testing.suites`` holds the conformance suite that every transport passes; it needs
pytest, what is named here does not.
"""

from __future__ import annotations

from .clock import FakeClock, MovableClock
from .flaky import FlakyTransport
from .flaky_async import AsyncFlakyTransport
from .harness import Harness
from .harness_async import AsyncHarness

__all__ = [
    "AsyncFlakyTransport",
    "AsyncHarness",
    "FakeClock",
    "FlakyTransport",
    "Harness",
    "MovableClock",
]
