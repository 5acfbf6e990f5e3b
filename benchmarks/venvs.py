"""The virtual environments of the peers: one for each set of requirements, under build/."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "build" / "bench-venvs"
PATIENCE = 300
"""Seconds for one environment."""


def folder_of(requirements: tuple[str, ...]) -> Path:
    """Return where the environment with *requirements* is."""
    text = "\n".join((sys.version, *requirements))
    first = requirements[0].partition("=")[0].partition("<")[0]
    return HOME / f"{first}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def python_of(requirements: tuple[str, ...]) -> Path:
    """Return its interpreter."""
    return folder_of(requirements) / "bin" / "python"


def make(requirements: tuple[str, ...]) -> str:
    """Make an environment unless it is there; return "" or why it cannot be made."""
    folder = folder_of(requirements)
    if (folder / "complete").exists():
        return ""
    shutil.rmtree(folder, ignore_errors=True)
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python_of(requirements)), "-m", "pip", "install", "--quiet", *requirements],
    )
    for step in steps:
        try:
            run = subprocess.run(
                step, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            return f"not installed within {PATIENCE} s"
        if run.returncode:
            lines = (run.stderr or run.stdout).strip().splitlines() or ["pip failed"]
            errors = [line for line in lines if line.startswith("ERROR")]
            return f"cannot be installed: {without_addresses((errors or lines)[-1])}"[:200]
    (folder / "complete").touch()
    return ""


def without_addresses(text: str) -> str:
    """Return a text for the results, which are published, without hosts and URLs."""
    return re.sub(r"\S*(://|host=)\S*", "...", text)


def make_all(wanted: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Make the environments, two at a time; return why some cannot be made."""
    HOME.mkdir(parents=True, exist_ok=True)
    unique = list(dict.fromkeys(wanted))
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(unique, pool.map(make, unique), strict=True))
