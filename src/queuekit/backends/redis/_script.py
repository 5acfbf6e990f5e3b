"""The scripts: one transition of the protocol each, as texts and by their hashes."""

from __future__ import annotations

from collections.abc import Sequence

from ._wire import Argument, Command

_loaded: dict[Argument, Script] = {}
"""By hash."""


class Script:
    """One script, called by its hash; its file is read when it is first called."""

    __slots__ = ("_head", "_name", "text")

    def __init__(self, name: str) -> None:
        self._name = name
        self._head: tuple[Argument, Argument] | None = None
        self.text = b""

    def __call__(self, keys: Sequence[bytes], *arguments: Argument) -> Command:
        """Return the command that runs it."""
        head = self._head or self._load()
        return (*head, len(keys), *keys, *arguments)

    def _load(self) -> tuple[Argument, Argument]:
        import hashlib
        from importlib.resources import files

        folder = files("queuekit.backends.redis") / "scripts"
        self.text = b"".join((folder / name).read_bytes() for name in ("_prelude.lua", self._name))
        sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest()
        _loaded[sha] = self
        self._head = (b"EVALSHA", sha)
        return self._head


CLAIM = Script("claim.lua")
DUE = Script("due.lua")
EXTEND = Script("extend.lua")
GIVE_BACK = Script("giveback.lua")
PEEK = Script("peek.lua")
POP = Script("pop.lua")
PROMOTE = Script("promote.lua")
PURGE = Script("purge.lua")
PUT = Script("put.lua")
RECOVER = Script("recover.lua")
SETTLE = Script("settle.lua")
STATS = Script("stats.lua")


def script_of(command: Command) -> Script | None:
    """Return the script that *command* runs."""
    return _loaded.get(command[1]) if command[0] == b"EVALSHA" else None
