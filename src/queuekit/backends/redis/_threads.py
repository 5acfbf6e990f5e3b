"""From a transport for asyncio to one of the same store for threads."""

from __future__ import annotations

from ...transport import Transport
from .source import ClusterSource, Source


def for_threads(
    source: Source | ClusterSource, *, prefix: str, max_body: int, replicas: int
) -> Transport:
    """Return a transport that makes connections of its own, to where those of *source* lead."""
    from .transport import RedisTransport

    blocking = source.for_threads()
    return RedisTransport(blocking, prefix=prefix, max_body=max_body, replicas=replicas)
