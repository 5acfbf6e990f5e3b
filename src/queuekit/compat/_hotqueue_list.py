"""The lists of HotQueue as a transport: ``hotqueue:<name>``, the name as it is."""

from __future__ import annotations

from typing import Final

from ..backends.redis.keys import Keys
from ..backends.redis.source import ClusterSource, Source
from ..backends.redis.transport import RedisTransport
from ._bodies import MAX_BODY

PREFIX: Final = "hotqueue"


class HotQueueTransport(RedisTransport):
    """
    Keep queues where HotQueue keeps them.

    All that ``RedisTransport`` promises holds; a ``ReliableQueue`` on it works on the same lists.
    """

    def __init__(self, source: Source | ClusterSource, *, prefix: str = PREFIX) -> None:
        super().__init__(source, prefix=prefix, max_body=MAX_BODY)

    def _enter(self, queue: str) -> Keys:
        keys = super()._enter(queue)
        if not isinstance(keys, _AsItIs):
            keys = self._keys[queue] = _AsItIs(self._prefix, queue)
        return keys


class _AsItIs(Keys):
    """Keys whose list is not percent-encoded, as the original's is not."""

    __slots__ = ()

    def __init__(self, prefix: str, name: str) -> None:
        super().__init__(prefix, name)
        self.ready = f"{prefix}:{name}".encode()
