"""From what redis-py raises and a server refuses to our errors. Pure; redis is not imported."""

from __future__ import annotations

from typing import Final

from ...errors import QueueFull, TransportError, TransportUnavailable
from ._connecting import hopeless
from ._wire import LinkBroken, Reply

_FATAL: Final = {
    "WRONGTYPE": "a key of this queue holds something that is no queuekit data; choose another name"
    " or prefix=, or look at the key with TYPE",
    "NOPERM": "the user may not do this; an ACL must allow the commands that docs/redis.md lists,"
    " and the keys ~<prefix>:* and ~{<prefix>:*",
    "NOAUTH": "the server wants a password; put it into the URL, redis://:password@host",
    "WRONGPASS": "user name or password is wrong; correct them in the URL",
    "unknown command": "the server is too old or has the command renamed; queuekit needs Redis 6.2"
    " or Valkey",
    "DB index is out of range": "choose a database below the server's setting `databases`",
    "Client names cannot contain": "choose a client_name without spaces",
    "CROSSSLOT": "this is a cluster; use redis+cluster:// in place of redis://",
    "MOVED": "this is a cluster; use redis+cluster:// in place of redis://",
}
_PASSING: Final = {
    "READONLY": "the server is a replica; is there a new primary?",
    "MASTERDOWN": "the replica has lost its primary",
    "MISCONF": "the server cannot write to its disk and refuses writes",
    "NOREPLICAS": "the server has too few replicas and refuses writes",
    "CLUSTERDOWN": "the cluster is down",
    "TRYAGAIN": "the cluster is moving this slot",
    "LOADING": "the server is loading its data",
    "BUSY": "the server is busy with somebody's script",
    "UNBLOCKED": "the server became a replica while this call waited",
    "IDONTKNOW": "the sentinel does not know enough yet",
    "max number of clients": "the server has no more connections; raise its maxclients",
}
_ELSEWHERE: Final = frozenset({"READONLY", "MASTERDOWN", "UNBLOCKED", "LOADING"})
"""After these a new connection is made: a sentinel or the name service may know a better one."""

_POLLED: Final = frozenset(
    {"", "OOM", "UNBLOCKED", "MOVED", "CROSSSLOT", "TRYAGAIN", "CLUSTERDOWN"}
)
"""What a wait may be refused with while a claim is not, as a rule: at maxmemory, in a cluster."""

_CLASSES: Final = {
    "NoPermissionError": "NOPERM",
    "AuthenticationError": "WRONGPASS",
    "AuthorizationError": "NOPERM",
    "BusyLoadingError": "LOADING",
    "ReadOnlyError": "READONLY",
    "MasterDownError": "MASTERDOWN",
    "ClusterDownError": "CLUSTERDOWN",
    "TryAgainError": "TRYAGAIN",
    "MovedError": "MOVED",
    "ClusterCrossSlotError": "CROSSSLOT",
    "OutOfMemoryError": "OOM",
    "NoScriptError": "NOSCRIPT",
}
"""redis-py takes the code off the text of the errors that it has a class for."""


def code_of(exc: BaseException) -> str:
    """Return what kind of refusal *exc* is: a key of the tables above, ``OOM``, or nothing."""
    text = str(exc)
    if "Authentication required" in text or text.startswith("NOAUTH"):
        return "NOAUTH"
    for kind in type(exc).__mro__:
        if kind.__name__ in _CLASSES:
            return _CLASSES[kind.__name__]
    if "OOM command not allowed" in text:
        return "OOM"
    if "ACL failure in script" in text or "The user executing the script" in text:  # 7, and 6.2
        return "NOPERM"
    for code in (*_FATAL, *_PASSING):  # before Redis 7 a script's error has the code within
        if code in text:
            return code
    return ""


def is_elsewhere(reply: Reply) -> bool:
    """Tell whether a refusal means that another server may be the primary by now."""
    return isinstance(reply, Exception) and code_of(reply) in _ELSEWHERE


def why_no_wait(reply: Reply) -> Exception | None:
    """Return the refusal of a wait that stands for the queue's other commands, too."""
    if isinstance(reply, Exception) and code_of(reply) not in _POLLED:
        return reply
    return None


def refusal(exc: BaseException, server: str, doing: str) -> TransportError:
    """Return our error for an error reply: what was being done, where, and the way out."""
    code = code_of(exc)
    where = f"{doing}: {server}"
    if code == "OOM":
        return QueueFull(f"{where} is full (maxmemory); consume, or give it more memory")
    if code in _PASSING:
        return TransportUnavailable(f"{where} refuses for now ({code}): {_PASSING[code]}")
    if code in _FATAL:
        return TransportError(f"{where} refuses ({code}): {_FATAL[code]}")
    return TransportError(f"{where} answers with an error: {exc}")


def broken(exc: LinkBroken, server: str, doing: str, unknown: str) -> TransportError:
    """Return our error for an exchange that did not come to its end; *unknown* is what is not."""
    cause = exc.__cause__ or exc
    if isinstance(cause, TransportError):
        return type(cause)(f"{doing}: {cause}")
    if code_of(cause) or _is_reply(cause):
        return refusal(cause, server, doing)
    if not exc.sent:
        if why := hopeless(cause, server):
            return TransportError(f"{doing}: cannot connect to {server}: {why}")
        return TransportUnavailable(
            f"{doing}: cannot connect to {server} ({_short(cause)}); is the server running, and"
            f" are host and port right? {unknown or 'Nothing was sent.'}"
        )
    return TransportUnavailable(f"{doing}: the link to {server} broke ({_short(cause)}); {unknown}")


def _is_reply(cause: BaseException) -> bool:
    return any(kind.__name__ == "ResponseError" for kind in type(cause).__mro__)


def _short(cause: BaseException) -> str:
    return (str(cause) or type(cause).__name__).rstrip(".")
