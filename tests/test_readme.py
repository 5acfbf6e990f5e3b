"""The examples of the documents, run in order as a reader would, must print what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from queuekit import Queue, ReliableQueue

ROOT = Path(__file__).resolve().parent.parent
DELIVERY = ROOT / "docs" / "delivery.md"


@pytest.mark.parametrize("name", ["README.md", "docs/workers.md", "docs/delivery.md"])
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
    try:
        for block in blocks:
            exec(compile(block, str(page), "exec"), space)
    finally:
        for value in space.values():
            if isinstance(value, (Queue, ReliableQueue)):
                value.close()  # as the end of a program would
    assert capsys.readouterr().out.splitlines() == expected


def test_every_test_that_the_page_on_delivery_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", DELIVERY.read_text(encoding="utf-8")))
    places = [ROOT / "tests", ROOT / "src" / "queuekit" / "testing" / "suites"]
    sources = [path.read_text(encoding="utf-8") for place in places for path in place.rglob("*.py")]
    known = set(re.findall(r"def (test_\w+)", "\n".join(sources)))
    assert len(named) > 30
    assert set() == named - known
