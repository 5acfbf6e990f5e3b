"""The users of ``docs/redis.md``, as the page lists them."""

from __future__ import annotations

import re
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "redis.md"


def documented(user: str) -> list[str]:
    """Return the rules of a user as the page lists them."""
    (text,) = re.findall(rf"ACL SETUSER {user} ([^`]+)```", _PAGE.read_text())
    return str(text).split()
