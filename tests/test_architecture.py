"""The floors of the house: static imports point down only, and what is optional loads late."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SRC = Path(__file__).resolve().parent.parent / "src"

LIBRARIES = {
    "redis": "queuekit.backends.redis",
    "msgpack": "queuekit.serializers.msgpack",
    "msgspec": "queuekit.serializers.msgspec",
    "rich": "queuekit.cli",
}
"""Each is imported late, and below this module only."""

ENGINES = {
    "_bounds",
    "_buffer",
    "_intake",
    "_serving",
    "_slot",
    "_solo",
    "queue",
    "reliable",
    "dead",
    "message",
    "once",
    "_messages",
    "_named",
    "_outcomes",
    "_putting",
    "_riding",
    "_settling",
}
"""The engines and the parts that they are made of: all on floor 3, underscore or not."""
MAX_LINES = 400


class Import(NamedTuple):
    module: str
    """Who imports."""
    line: int
    name: str
    """What is imported, absolute."""
    late: bool
    """Within a function."""
    typing: bool
    """Under ``if TYPE_CHECKING``."""

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.name}"


def module_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, module: str, known: set[str], *, package: bool = False) -> list[Import]:
    """Return what a module imports, wherever the statement stands."""
    found: list[Import] = []

    def visit(node: ast.AST, late: bool, typing: bool) -> None:
        late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for child in node.body:
                visit(child, late, True)
            for child in node.orelse:
                visit(child, late, typing)
            return
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = module.split(".")
                up = here[: len(here) - node.level + package]
                base = ".".join([*up, base] if base else up)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                names.append(whole if whole in known else base)
        found.extend(Import(module, node.lineno, name, late, typing) for name in names)
        for child in ast.iter_child_nodes(node):
            visit(child, late, typing)

    visit(ast.parse(source), False, False)
    return found


def floor(module: str) -> int:
    """Return the floor of one of our modules."""
    parts = module.split(".")[1:]
    if parts[:1] == ["errors"]:
        return 0
    if parts[:1] in (["transport"], ["abilities"], ["serializer"]):
        return 1
    if not parts or parts[0] in ("__main__", "compat", "testing", "cli"):
        return 4
    if parts[0].startswith("_") and parts[0].removesuffix("_async") not in ENGINES:
        return 2
    return 3


def kind(module: str) -> str:
    """Return which part of floor 3 a module is."""
    part = module.split(".")[1].removesuffix("_async")
    return "engines" if part in ENGINES else part


MAY = {
    "worker": {"worker"},
    "engines": {"worker", "engines"},
    "backends": {"backends"},
    "serializers": {"serializers"},
    "moving": {"moving_turn", "moving_later"},
    "moving_later": {"moving_turn"},
}
"""On floor 3: who may import whom."""


def floor_faults(found: list[Import]) -> Iterator[str]:
    """Yield the imports of our own modules that do not point down."""
    for one in found:
        if one.name.split(".")[0] != "queuekit":
            continue
        mine, theirs = floor(one.module), floor(one.name)
        if theirs > mine:
            yield f"{one}: floor {theirs} from floor {mine}"
        elif mine == theirs == 3 and kind(one.name) not in MAY.get(kind(one.module), set()):
            yield f"{one}: {kind(one.name)} from {kind(one.module)}"
        elif mine == theirs == 1 and one.module != "queuekit.abilities":
            yield f"{one}: a contract from a contract"
        elif one.name.startswith("queuekit.testing") and not one.module.startswith(
            "queuekit.testing"
        ):
            yield f"{one}: a tool for tests outside of tests"


def library_faults(found: list[Import]) -> Iterator[str]:
    """Yield the imports of optional or heavy libraries in a wrong place, or at once."""
    for one in found:
        home = LIBRARIES.get(one.name.split(".")[0])
        if home is None or one.typing:
            continue
        if one.module != home and not one.module.startswith(home + "."):
            yield f"{one}: outside of {home}"
        elif not one.late:
            yield f"{one}: not within a function"


def text_faults(source: str, module: str) -> Iterator[str]:
    """Yield what is too long, or prints."""
    if source.count("\n") > MAX_LINES:
        yield f"{module} has {source.count(chr(10))} lines, more than {MAX_LINES}"
    if module.startswith("queuekit.cli"):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
            yield f"{module}:{node.lineno} prints"


def sources() -> dict[str, tuple[str, bool]]:
    return {
        module_of(path, SRC): (path.read_text(), path.name == "__init__.py")
        for path in sorted((SRC / "queuekit").rglob("*.py"))
    }


@pytest.fixture(scope="module")
def found() -> list[Import]:
    texts = sources()
    return [
        one
        for module, (text, package) in texts.items()
        for one in imports(text, module, set(texts), package=package)
    ]


def test_imports_point_down(found: list[Import]) -> None:
    assert [] == list(floor_faults(found))


def test_libraries_load_late_and_in_one_place(found: list[Import]) -> None:
    assert [] == list(library_faults(found))


def test_modules_are_short_and_silent() -> None:
    faults = [fault for name, (text, _) in sources().items() for fault in text_faults(text, name)]
    assert [] == faults


def test_the_package_of_backends_is_empty() -> None:
    assert "" == sources()["queuekit.backends"][0]


@pytest.mark.parametrize("module", ["queuekit", "queuekit.cli.main"])
def test_start_up_loads_nothing_heavy(module: str) -> None:
    if module not in sources():
        pytest.fail(f"{module} does not exist")
    heavy = ["redis", "msgpack", "asyncio", "rich", "msgspec", "hypothesis", "pytest"]
    code = f"import sys, {module}; print(*(set({heavy}) & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SRC
    )
    assert "" == run.stdout.strip()


KNOWN = {"queuekit", "queuekit.errors", "queuekit._lanes", "queuekit.backends.memory"}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("queuekit.errors", "from . import transport"),
        ("queuekit.errors", "from ._lanes import Lanes"),
        ("queuekit.transport", "from .serializer import Serializer"),
        ("queuekit._lanes", "from .queue import Queue"),
        ("queuekit._lanes", "def f():\n    from .backends.memory import MemoryTransport"),
        ("queuekit._lanes", "from ._settling import SettlingQueue"),
        ("queuekit._lanes", "import queuekit"),
        ("queuekit._lanes", "from . import __version__"),
        ("queuekit.backends.memory", "from ..queue import Queue"),
        ("queuekit.backends.redis.link", "from ...reliable_async import AsyncReliableQueue"),
        ("queuekit.backends.memory", "from ..serializers.json import JsonSerializer"),
        ("queuekit.queue", "from .backends.memory import MemoryTransport"),
        ("queuekit.reliable", "def f():\n    import queuekit.backends.memory"),
        ("queuekit.reliable", "from .serializers import json"),
        ("queuekit.worker", "from .reliable import ReliableQueue"),
        ("queuekit.serializers.json", "from ..cli import main"),
        ("queuekit.compat.hotqueue", "from ..testing import FakeClock"),
        ("queuekit.queue", "if TYPE_CHECKING:\n    from .backends.memory import MemoryTransport"),
    ],
)
def test_an_import_that_points_up_is_found(module: str, source: str) -> None:
    assert 1 == len(list(floor_faults(imports(source, module, KNOWN))))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("queuekit.backends.redis.link", "import redis"),
        (
            "queuekit.backends.redis.link",
            "try:\n    from redis import X\nexcept E: pass",
        ),
        ("queuekit.backends.memory", "def f():\n    import redis"),
        ("queuekit.reliable", "def f():\n    import redis.asyncio"),
        ("queuekit.serializers.msgpack", "import msgpack"),
        ("queuekit.serializers.json", "def f():\n    import msgpack"),
        ("queuekit.cli.main", "import rich.table"),
        ("queuekit.queue", "def f():\n    import msgspec"),
    ],
)
def test_a_library_in_a_wrong_place_is_found(module: str, source: str) -> None:
    assert 1 == len(list(library_faults(imports(source, module, KNOWN))))


@pytest.mark.parametrize("source", ["print(1)", "def f():\n    print()", "\n" * (MAX_LINES + 1)])
def test_a_long_or_printing_module_is_found(source: str) -> None:
    assert 1 == len(list(text_faults(source, "queuekit.queue")))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("queuekit.backends.redis.link", "def f():\n    import redis"),
        ("queuekit.backends.redis.link", "if TYPE_CHECKING:\n    import redis"),
        ("queuekit.backends.memory", "from .._lanes import Lanes\nfrom . import memory"),
        ("queuekit.reliable", "from .queue import Queue\nfrom .worker import Worker"),
        ("queuekit.cli.main", "def f():\n    import rich"),
    ],
)
def test_an_import_that_may_be_is_none_of_the_faults(module: str, source: str) -> None:
    found = imports(source, module, KNOWN)
    assert [] == [*floor_faults(found), *library_faults(found)]
