from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from worker_shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Return a folder with an application, on SQLite."""
    shop = Shop(tmp_path)
    yield shop
    shop.close()


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=pytest.mark.redis)])
def any_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """Return one on each store that several processes can share."""
    url = None
    if request.param == "redis":
        prefix = request.getfixturevalue("redis_prefix")
        url = f"{request.getfixturevalue('redis_url')}?prefix={prefix}"
    shop = Shop(tmp_path, url)
    yield shop
    shop.close()
