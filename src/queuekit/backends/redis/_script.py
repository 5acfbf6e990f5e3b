"""The scripts: one transition of the protocol each, as texts and by their hashes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from ..._entropy import entropy
from ._wire import PACKED, Argument, Command, pack

_DEFINED: Final = re.compile(rb"^local (?:function )?(\w+)", re.MULTILINE)

_CALLS: Final = (b"EVALSHA", PACKED)

_loaded: dict[Argument, Script] = {}
"""By hash."""


class Script:
    """
    One script, called by its hash; its file is read when it is first called.

    Args:
        name: The file, in the folder ``scripts`` of *package*, which has a prelude of its own.
        shared: Files there whose paragraphs it may use.
    """

    __slots__ = ("_head", "_name", "_package", "_shared", "text")

    def __init__(
        self,
        name: str,
        package: str = "queuekit.backends.redis",
        shared: Sequence[str] = ("_prelude.lua",),
    ) -> None:
        self._name = name
        self._package = package
        self._shared = shared
        self._head: tuple[Argument, Argument] | None = None
        self.text = b""

    def __call__(self, keys: Sequence[bytes], *arguments: Argument) -> Command:
        """Return the command that runs it."""
        head = self._head or self._load()
        return (*head, len(keys), *keys, *arguments)

    @property
    def hash(self) -> Argument:
        """What the server knows it by."""
        return (self._head or self._load())[1]

    def _load(self) -> tuple[Argument, Argument]:
        import hashlib
        from importlib.resources import files

        folder = files(self._package) / "scripts"
        shared = b"\n\n".join((folder / each).read_bytes().strip() for each in self._shared)
        self.text = _with_shared(shared, (folder / self._name).read_bytes())
        sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest()
        _loaded[sha] = self
        self._head = (b"EVALSHA", sha)
        return self._head


def _with_shared(shared: bytes, text: bytes) -> bytes:
    """Put before *text* the paragraphs of *shared* that it needs, and what these need."""
    for paragraph in reversed(shared.strip().split(b"\n\n")):
        names = _DEFINED.findall(paragraph)
        if any(re.search(rb"\b%b\b" % name, text) for name in names):
            text = paragraph + b"\n\n" + text
    return text


def _placed(name: str) -> Script:
    """Return a script for queues that keep places."""
    return Script(f"placed/{name}", shared=("_prelude.lua", "_places.lua"))


CLAIM = Script("claim.lua")
DUE = Script("due.lua")
EXTEND = Script("extend.lua")
GIVE_BACK = Script("giveback.lua")
MARK = Script("mark.lua")
LATER = Script("later.lua")
MOVE_LATER = Script("movelater.lua")
PEEK = Script("peek.lua")
POP = Script("pop.lua")
PROMOTE = Script("promote.lua")
PURGE = Script("purge.lua")
PUT = Script("put.lua")
RECOVER = Script("recover.lua")
SETTLE = Script("settle.lua")
STATS = Script("stats.lua")

PLACED_CLAIM = _placed("claim.lua")
PLACED_GIVE_BACK = _placed("giveback.lua")
PLACED_PEEK = _placed("peek.lua")
PLACED_POP = _placed("pop.lua")
PLACED_PROMOTE = _placed("promote.lua")
PLACED_PURGE = _placed("purge.lua")
PLACED_PUT = _placed("put.lua")
PLACED_RECOVER = _placed("recover.lua")
PLACED_SETTLE = _placed("settle.lua")
PLACED_STATS = _placed("stats.lua")


class Template:
    """
    A call of a script that differs by one token only, packed once: packing costs more than sending.

    Args:
        call: Makes the call for a token of 32 hexadecimal digits, in bytes.
    """

    __slots__ = ("_hash", "_key", "_pieces")

    def __init__(self, call: Callable[[bytes], Command]) -> None:
        token = entropy().hex().encode()
        command = call(token)
        self._hash, self._key = command[1], command[3]
        self._pieces = pack([command]).split(token)

    def __call__(self, token: bytes) -> Command:
        """Return the call for *token*."""
        return (PACKED, self._hash, token.join(self._pieces), self._key)


def script_of(command: Command) -> Script | None:
    """Return the script that *command* runs."""
    return _loaded.get(command[1]) if command[0] in _CALLS else None
