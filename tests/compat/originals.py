"""The originals from PyPI, each in an environment of its own, made once and kept in ``build/``."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2] / "build" / "originals"

NEEDS = {
    "hotqueue": [["hotqueue==0.2.8", "redis>=6.4,<9"]],
    "saferedisqueue": [["saferedisqueue==3.0.0", "redis==2.10.6"]],
    # What happens to those who install it in spite of what it declares.
    "saferedisqueue-new-redis": [["redis>=6.4,<9"], ["--no-deps", "saferedisqueue==3.0.0"]],
}


def python_of(original: str) -> Path:
    """Return the interpreter of an environment with *original*; without one the test fails."""
    needs = NEEDS[original]
    mark = hashlib.sha256(f"{sys.version} {needs}".encode()).hexdigest()[:12]
    home = HOME / f"{original}-{mark}"
    python = home / "bin" / "python"
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / f"{original}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may make the same one
        if not (home / "stamp").exists():
            shutil.rmtree(home, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(home)], original)
            for packages in needs:
                _run([str(python), "-m", "pip", "install", "--quiet", *packages], original)
            (home / "stamp").touch()
    return python


def _run(command: list[str], original: str) -> None:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    if done.returncode:
        pytest.fail(
            f"the original {original} cannot be installed from PyPI: these tests need a network"
            f" once (and pip that can use it), then build/originals keeps it.\n{done.stderr}",
            pytrace=False,
        )
