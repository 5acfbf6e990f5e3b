"""The examples of the README and the docs, run in order, must print what their comments say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", ["README.md", "docs/workers.md"])
def test_examples_print_what_the_page_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ROOT / name
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QUEUEKIT_URL", raising=False)
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    expected = re.findall(r"^ *print\(.*\) +# (.*)$", "".join(blocks), re.MULTILINE)
    assert len(expected) >= 6
    space: dict[str, object] = {"__name__": "readme"}
    for block in blocks:
        exec(compile(block, str(page), "exec"), space)
    assert capsys.readouterr().out.splitlines() == expected
