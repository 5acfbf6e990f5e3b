# unasync: source
"""Sentinel: before every new connection the sentinels are asked who is the primary now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, cast

from ..._acompat import awithin
from ...errors import TransportError, TransportUnavailable
from ._advice import Advice
from ._errors import broken, code_of, refusal
from ._wire import LinkBroken, Reply
from .link_async import AsyncLink
from .source import Source

SENTINEL_PATIENCE: Final = 1.0
"""Seconds in which one sentinel must answer; then the next is asked."""
PRIMARY_TIMEOUTS: Final = {"socket_connect_timeout": 1.0, "socket_timeout": 3.0}
"""Seconds, unless the URL says otherwise: a primary that is silent longer may have a successor."""


def sentinel_source(
    kind: Callable[..., object],
    options: Mapping[str, Any],
    service: str,
    sentinels: Sequence[Source],
) -> Source:
    """
    Return a source of connections to whoever is the primary of *service* when they connect.

    Args:
        kind: redis-py's ``SentinelManagedConnection``, or the one with TLS.
        options: For connections to the primary.
    """
    asked = AsyncSentinels(service, sentinels)

    def connection(**options: Any) -> object:
        silence: float = options["socket_connect_timeout"]
        if options["socket_timeout"] is not None:  # the link sets its own, once it is connected
            options["socket_timeout"] = silence
        finder = AsyncFinder(asked, silence)
        return kind(connection_pool=finder, redis_connect_func=finder.check, **options)

    source = Source(connection, options)
    source.connect_timeout += SENTINEL_PATIENCE * len(sentinels)
    source.name = f"the primary of {service!r}"
    source.advice = Advice(source.name)
    for sentinel in sentinels:
        sentinel.advice.is_given = True  # they keep no messages
    nodes = ",".join(sentinel.name for sentinel in sentinels)
    scheme, _, rest = source.shown.partition("://")
    scheme = "rediss" if "SSL" in getattr(kind, "__name__", "") else scheme
    who = "***@" if "@" in rest or any("@" in each.shown for each in sentinels) else ""
    source.shown = f"{scheme}+sentinel://{who}{nodes}/{service}/{options.get('db') or 0}"
    return source


class AsyncSentinels:
    """The sentinels of one service, in the order in which they are asked."""

    def __init__(self, service: str, sentinels: Sequence[Source]) -> None:
        self.service = service
        self._order = [AsyncLink(source) for source in sentinels]

    async def primary(self) -> tuple[AsyncLink, tuple[str, int]]:
        """
        Return which sentinel answered, and whom it named.

        It is asked last the next time, unless its word proves good.

        Raises:
            TransportUnavailable: None answered, or those that did know no primary just now.
            TransportError: All refuse for good, or know no such service.
        """
        failures: list[TransportError] = []
        command = (b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", self.service)
        for link in self._order:
            try:
                (reply,) = await link.apart([command])
            except LinkBroken as exc:
                failures.append(_failure(link.source.name, exc))
                continue
            if isinstance(reply, list):
                self._order = [*(each for each in self._order if each is not link), link]
                host, port = cast("list[bytes]", reply)
                return link, (host.decode(), int(port))
            failures.append(_refusal(link.source.name, reply, self.service))
        text = f"no sentinel names {self.service!r}: {'; '.join(map(str, failures))}"
        if any(isinstance(each, TransportUnavailable) for each in failures):
            raise TransportUnavailable(text)
        raise TransportError(text)

    def trust(self, link: AsyncLink) -> None:
        """Ask *link* first from now on: whom it named is the primary."""
        self._order = [link, *(each for each in self._order if each is not link)]


class AsyncFinder:
    """What a connection of redis-py asks for its address, as if it were its pool."""

    is_master: ClassVar = True
    check_connection: ClassVar = False

    def __init__(self, sentinels: AsyncSentinels, silence: float) -> None:
        self._sentinels = sentinels
        self._silence = silence
        self.service_name = sentinels.service
        self._link: AsyncLink | None = None

    async def get_master_address(self) -> tuple[str, int]:
        """Return host and port of the primary, as a sentinel says just now."""
        self._link, address = await self._sentinels.primary()
        return address

    async def check(self, connection: Any) -> None:
        """
        Log in, and see that the server agrees to be the primary: a sentinel may not know yet.

        Raises:
            TransportUnavailable: It is a replica.
        """
        async with awithin(self._silence):
            await connection.on_connect()
            await connection.send_command("ROLE")
            role = (await connection.read_response())[0]
        where = f"{connection.host}:{connection.port}"
        if role != b"master":
            raise TransportUnavailable(f"{where}, which a sentinel names, is no primary (any more)")
        if self._link is not None:
            self._sentinels.trust(self._link)


def _failure(name: str, exc: LinkBroken) -> TransportError:
    cause = exc.__cause__ or exc
    return _login(name, cause) or broken(exc, name, "ask", "")


def _refusal(name: str, reply: Reply, service: str) -> TransportError:
    if not isinstance(reply, Exception):
        return TransportError(
            f"{name} knows no service of this name; is it the one of SENTINEL MONITOR?"
        )
    if code_of(reply) == "unknown command":
        return TransportError(f"{name} is no sentinel; they listen on port 26379 as a rule")
    return _login(name, reply) or refusal(reply, name, "ask")


def _login(name: str, exc: BaseException) -> TransportError | None:
    code = code_of(exc)
    if code in {"NOAUTH", "WRONGPASS", "NOPERM"}:
        return TransportError(
            f"{name} refuses ({code}); the sentinels' own user is given as ?sentinel_username= and"
            " sentinel_password="
        )
    return None
