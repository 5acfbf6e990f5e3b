"""Every exception that queuekit raises on purpose. The class says what the caller can do."""

from __future__ import annotations

from collections.abc import Sequence


class QueueKitError(Exception):
    """Base of all errors raised by queuekit."""


class ConfigurationError(QueueKitError, ValueError):
    """A name, an option or a combination of them can never work: correct the call."""


class SerializationError(QueueKitError):
    """A body and its bytes cannot be turned into each other."""


class EncodeError(SerializationError):
    """The serializer cannot carry this body. Nothing was stored."""


class DecodeError(SerializationError):
    """
    The stored bytes are no body of this queue's serializer.

    The bytes are not lost: they are in :attr:`raw`, and the engine has moved them to the dead
    letters of the queue.
    """

    def __init__(self, message: str, raw: bytes) -> None:
        super().__init__(message)
        self.raw = raw

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, bytes]]:
        return type(self), (str(self), self.raw)


class TransportError(QueueKitError):
    """The store refused. Repeating the same call will not help."""


class TransportUnavailable(TransportError):
    """
    The store could not be reached, or did not answer in time. The outcome is unknown.

    The only error that a repeat can cure. What was put may or may not be stored: a reliable queue
    names the messages in :attr:`ids`, and ``put(body, id=error.ids[0])`` or
    ``put_many(bodies, ids=error.ids)`` asks again and stores nothing twice.
    """

    ids: tuple[str, ...] = ()


class NotConfirmed(TransportUnavailable):
    """
    A put is stored, but neither disk nor replicas confirmed it in time, as ``durable=`` asked.

    A power cut or a failover may take it back. Repeat it with its id, see :attr:`ids`.
    """


class TransportClosed(TransportError):
    """The transport, or the queue that owns it, was closed before this call."""


class BodyTooLarge(TransportError):
    """A body is longer than the transport accepts. Nothing was stored."""


class QueueFull(TransportError):
    """
    The store has no room. Claiming and acking still work.

    Nothing was stored; but of a batch that the transport stores in steps (its ``features`` lack
    ``atomic_push``) the first bodies may be. Where it is the queue that is full,
    :attr:`max_length` is its bound.
    """

    max_length: int | None = None


class Unsupported(TransportError):
    """This transport does not offer what was asked; its ``features`` say what it offers."""


class LeaseLost(QueueKitError):
    """
    Messages were no longer held when they were settled or extended: another consumer may have
    them.

    What else was named in the same call has been done. :attr:`ids` are the ids of the lost ones.
    """

    def __init__(self, message: str, ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.ids = tuple(ids)

    def __reduce__(self) -> tuple[type[LeaseLost], tuple[str, tuple[str, ...]]]:
        return type(self), (str(self), self.ids)
