"""
Write the sync twin of every async source: ``x_async.py`` -> ``x.py``. ``--check`` only compares.

A source's first line is ``# unasync: source``. Tokens are renamed, nothing is special-cased:

* ``async`` and ``await`` go; ``AsyncX`` becomes ``X``; ``aclose`` becomes ``close``; ``__aenter__``
  and its like lose the ``a``; modules lose ``_async``; names that ``_acompat`` defines in a pair
  (``AThing``/``Thing``, ``athing``/``thing``) become the sync one.
* In texts and comments the same happens to what stands between double backticks, and to ``AsyncX``.
* A line ``# sync-only: code`` becomes ``code``.

Then ruff sorts the imports and formats. It fails on a generated file without a source. Where ruff
is missing, ``--check`` compares what the code says, not how it is laid out; nothing is generated.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = [ROOT / "src" / "queuekit", ROOT / "tests"]
SOURCE = "# unasync: source\n"
HEADER = "# Generated from {name} by tools/unasync.py. Do not edit: run `make gen`.\n"

SPECIAL = {
    "aclose": "close",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "StopAsyncIteration": "StopIteration",
    "open_async_transport": "open_transport",
}


def pairs() -> dict[str, str]:
    """Read the pairs of ``_acompat``: every ``A``/``a`` name whose twin is defined there, too."""
    tree = ast.parse((ROOT / "src/queuekit/_acompat.py").read_text())
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(t.id for t in node.targets if isinstance(t, ast.Name))
    return {name: name[1:] for name in names if name[0] in "aA" and name[1:] in names}


def renamed(word: str, table: dict[str, str]) -> str:
    """Return the sync name for an identifier."""
    if word in table:
        return table[word]
    if word.startswith("Async") and word[5:6].isupper():
        return word[5:]
    if word.startswith("_Async") and word[6:7].isupper():
        return "_" + word[6:]
    if word.endswith("_async") and len(word) > len("_async"):
        return word.removesuffix("_async")
    return word


def prose(text: str, table: dict[str, str]) -> str:
    """Rename within double backticks, and class names anywhere, in a text or comment."""

    def quoted(match: re.Match[str]) -> str:
        code = re.sub(r"\b(async|await) ", "", match[0])
        return re.sub(r"\w+", lambda m: renamed(m[0], table), code)

    text = re.sub(r"``[^`]+``", quoted, text)
    return re.sub(r"\b_?Async[A-Z]\w*", lambda m: renamed(m[0], table), text)


def sync(source: str, table: dict[str, str]) -> str:
    """Return the sync form of a module's text, not yet formatted."""
    source = re.sub(r"^( *)# sync-only: (.*)$", r"\1\2", source, flags=re.MULTILINE)
    lines = source.splitlines(keepends=True)
    edits: list[tuple[tuple[int, int], tuple[int, int], str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            new = "" if token.string in {"async", "await"} else renamed(token.string, table)
        elif token.type in {tokenize.STRING, tokenize.COMMENT} or token.type == FSTRING:
            new = prose(token.string, table)
        else:
            continue
        if new != token.string:
            edits.append((token.start, token.end, new))
    for (row, start), (last, end), new in reversed(edits):
        tail = lines[last - 1][end:]
        lines[row - 1 : last] = [lines[row - 1][:start] + new + (tail if new else tail.lstrip(" "))]
    return "".join(lines)


FSTRING = getattr(tokenize, "FSTRING_MIDDLE", -1)  # from Python 3.12 on f-strings have parts


def formatted(text: str, path: Path) -> str:
    """Sort the imports and format, as the file at *path* would be."""
    ruff = [sys.executable, "-m", "ruff"]
    name = str(path)
    fix = [*ruff, "check", "--quiet", "--fix-only", "--select=I", "--stdin-filename", name, "-"]
    tidy = [*ruff, "format", "--quiet", "--stdin-filename", name, "-"]
    for command in (fix, tidy):
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{path.relative_to(ROOT)} does not come out as Python:\n{done.stderr}")
        text = done.stdout
    return text


def said(text: str) -> str:
    """Return what a module says, whatever the order of its imports and the form of its lines."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names.sort(key=lambda alias: alias.name)
        body: object = getattr(node, "body", None)
        if isinstance(body, list):
            imports = [one for one in body if isinstance(one, ast.Import | ast.ImportFrom)]
            others = [one for one in body if one not in imports]
            body[:] = [*sorted(imports, key=ast.dump), *others]
    return ast.dump(tree)


def main() -> int:
    """Generate, or with ``--check`` compare; return the exit status."""
    check = "--check" in sys.argv[1:]
    has_ruff = find_spec("ruff") is not None
    if not (has_ruff or check):
        sys.exit(f"{sys.executable} has no ruff, so nothing was generated: run `make gen`")
    table = {**SPECIAL, **pairs()}
    texts = {path: path.read_text() for place in PLACES for path in sorted(place.rglob("*.py"))}
    wrong: list[str] = []
    targets: set[Path] = set()
    for source, text in texts.items():
        if not text.startswith(SOURCE):
            continue
        target = source.with_name(source.name.replace("_async.py", ".py"))
        targets.add(target)
        body = sync(text.removeprefix(SOURCE), table)
        new = HEADER.format(name=source.name) + body
        old = texts.get(target, "")
        if has_ruff:
            new = formatted(new, target)
        if check and not (old == new if has_ruff else said(old) == said(new)):
            wrong.append(f"{target.relative_to(ROOT)} does not match {source.name}")
        elif not check:
            target.write_text(new)
    for path, text in texts.items():
        if text.startswith("# Generated from ") and path not in targets:
            wrong.append(f"{path.relative_to(ROOT)} is generated, but its source is gone")
    for line in wrong:
        print(line + ": run `make gen`")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
