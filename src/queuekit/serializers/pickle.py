"""Pickle: any Python object, for queues that only trusted programs can write to."""

from __future__ import annotations

import pickle


class PickleSerializer:
    """
    Turn any picklable object into bytes (protocol 5).

    Warning: whoever can write to the queue can run code in its consumers. Nothing makes pickle safe
    on bytes from others.
    """

    __name__ = "pickle"

    def dumps(self, obj: object, /) -> bytes:
        """Return *obj* pickled; lambdas, open files and their like are refused."""
        return pickle.dumps(obj, 5)

    def loads(self, data: bytes, /) -> object:
        """Return the object in *data*, running whatever its pickle asks for."""
        return pickle.loads(data)
