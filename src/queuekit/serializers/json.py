"""JSON: the default, because it is safe to read and readable with any tool."""

from __future__ import annotations

import json


class JsonSerializer:
    """
    Turn bodies into compact JSON in UTF-8.

    Carries None, bool, int, float, str, list and dict. What JSON knows no difference for comes back
    as the nearest thing: a tuple as a list, a number key as a text. NaN and infinity are refused,
    as other readers would choke on them.
    """

    __name__ = "json"

    def __init__(self) -> None:
        self.dumps = json.JSONEncoder(
            ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode
        self._decode = json.JSONDecoder().decode

    def loads(self, data: bytes, /) -> object:
        """Return the value in *data*; ValueError for other bytes."""
        return self._decode(data.decode())
