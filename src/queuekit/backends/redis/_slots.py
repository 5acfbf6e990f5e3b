"""Which node of a cluster has which keys, as far as a client knows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, cast

from ._wire import PACKED, Command, Reply

SLOTS: Final = 16384


class Address(NamedTuple):
    """Where a node listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Redirection(NamedTuple):
    """What a node answers about keys that it does not have."""

    is_for_good: bool
    """MOVED; else ASK, which is for one command while the slot moves."""
    address: Address


class SlotTable:
    """The owners of the slots, and every node that was ever named."""

    def __init__(self, seeds: Sequence[Address]) -> None:
        self._owners: dict[int, Address] = {}
        self._nodes = dict.fromkeys(seeds)
        self.is_stale = True
        """Whether the cluster should be asked before the next command."""

    def nodes(self) -> list[Address]:
        """Return the nodes to ask, those first that answered last time."""
        return list(self._nodes)

    def owner(self, slot: int) -> Address | None:
        """Return the node of a slot; None where nobody has it, as far as is known."""
        return self._owners.get(slot)

    def moved(self, slot: int, address: Address) -> None:
        """Learn that a slot has another owner."""
        self._owners[slot] = address
        self._nodes.setdefault(address)

    def read(self, reply: Reply, asked: Address) -> None:
        """Take the answer of CLUSTER SLOTS; a node without a host is the one that was *asked*."""
        owners: dict[int, Address] = {}
        nodes: dict[Address, None] = {asked: None}
        for first, last, *replicas in cast("list[list[list[Reply]]]", reply):
            addresses = [_address(each, asked) for each in replicas]
            owners.update(
                dict.fromkeys(range(cast("int", first), cast("int", last) + 1), addresses[0])
            )
            nodes.update(dict.fromkeys(addresses))
        self._owners = owners
        self._nodes = nodes | self._nodes
        self.is_stale = False


def _address(node: Sequence[Reply], asked: Address) -> Address:
    host = cast("bytes | None", node[0])
    return Address(host.decode() if host else asked.host, cast("int", node[1]))


def key_of(commands: Iterable[Command]) -> bytes | None:
    """Return the first key that *commands* name; all of one call are in the same slot."""
    for command in commands:
        if command[0] in {b"EVALSHA", b"EVAL", PACKED}:
            if command[2]:
                return cast("bytes", command[3])
        elif command[0] in {b"RPUSH", b"LPUSH", b"BLPOP", b"BLMOVE", b"GET", b"DEL"}:
            return cast("bytes", command[1])
    return None


def redirection(reply: Reply, asked: Address) -> Redirection | None:
    """Return where a reply sends its command."""
    kind = type(reply).__name__
    if not isinstance(reply, Exception) or kind not in {"MovedError", "AskError"}:
        return None
    _, _, place = str(reply).rpartition(" ")  # "MOVED 3999 127.0.0.1:6381", or without the code
    host, _, port = place.rpartition(":")
    return Redirection(kind == "MovedError", Address(host or asked.host, int(port)))


def is_try_again(reply: Reply) -> bool:
    """Tell whether a node refused because some keys of a command are here and some have moved."""
    return type(reply).__name__ == "TryAgainError"


def is_out_of_date(reply: Reply) -> bool:
    """Tell whether a node's refusal means that another one may be in charge by now."""
    return type(reply).__name__ in {"ClusterDownError", "ReadOnlyError", "MasterDownError"}
