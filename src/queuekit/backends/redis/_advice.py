"""One look at the settings of a server, by the first connection: may it lose what it was given?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

_log = logging.getLogger("queuekit")

_QUESTIONS: Final = (("INFO",), ("CONFIG", "GET", "save"))


class Advice:
    """
    Asks once, whatever number of threads, tasks and connections there are, and logs one warning.

    The questions are part of connecting, where nothing was sent yet: no call takes a trip more for
    them. A server that does not tell is none to warn of.
    """

    __slots__ = ("_server", "is_given")

    def __init__(self, server: str) -> None:
        self._server = server
        self.is_given = False

    def ask(self, connection: Any) -> None:
        """Ask by a connection that was just made; one that breaks by it is made anew."""
        if self.is_given:
            return
        self.is_given = True
        replies: list[object] = []
        try:
            for question in _QUESTIONS:
                connection.send_command(*question)
                try:
                    replies.append(connection.read_response(disconnect_on_error=False))
                except Exception as exc:  # noqa: BLE001 - what is no refusal is raised again
                    replies.append(_refused(exc))
        except Exception as exc:  # noqa: BLE001 - no call may fail because of this
            replies.append(exc)
            connection.disconnect()
            connection.connect()
        self._tell(replies)

    async def ask_async(self, connection: Any) -> None:
        """Ask by a connection of asyncio; one that breaks by it is made anew."""
        if self.is_given:
            return
        self.is_given = True
        replies: list[object] = []
        try:
            for question in _QUESTIONS:
                await connection.send_command(*question)
                try:
                    replies.append(await connection.read_response(disconnect_on_error=False))
                except Exception as exc:  # noqa: BLE001 - what is no refusal is raised again
                    replies.append(_refused(exc))
        except Exception as exc:  # noqa: BLE001 - no call may fail because of this
            replies.append(exc)
            await connection.disconnect(nowait=True)
            await connection.connect()
        self._tell(replies)

    def _tell(self, replies: Sequence[object]) -> None:
        unknown = [str(reply) for reply in replies if isinstance(reply, Exception)]
        if unknown:
            _log.debug("%s does not tell all its settings: %s", self._server, "; ".join(unknown))
        if len(replies) == len(_QUESTIONS) and (found := risks(*replies)):
            _log.warning("%s may lose messages: %s", self._server, "; ".join(found))


def risks(info: object, save: object) -> list[str]:
    """Return what settings may lose messages, from the replies to INFO and CONFIG GET save."""
    found: list[str] = []
    facts = _facts(info)
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and facts.get("maxmemory", "0") != "0":
        found.append(f"it evicts keys when it is full; set maxmemory-policy {policy} to noeviction")
    has_no_save = save == [b"save", b""]
    if facts.get("aof_enabled") == "0" and has_no_save:
        found.append("it keeps nothing over a restart; set appendonly yes (or save points)")
    return found


def _facts(info: object) -> dict[str, str]:
    text = info.decode("utf-8", "replace") if isinstance(info, bytes) else ""
    pairs = (line.partition(":") for line in text.splitlines())
    return {key: value for key, _, value in pairs}


def _refused(exc: Exception) -> Exception:
    """Return a refusal; what broke the connection goes on."""
    if not any(kind.__name__ == "ResponseError" for kind in type(exc).__mro__):
        raise exc
    return exc
