"""
The transport in memory: a shell for threads and one for asyncio over the same store.

For tests and for one process. Everything but survival is as on the other transports, so a test
that passes here means something.
"""

from __future__ import annotations

from ._memory_tasks import AsyncMemoryTransport
from ._memory_threads import MemoryTransport

__all__ = ["AsyncMemoryTransport", "MemoryTransport"]
