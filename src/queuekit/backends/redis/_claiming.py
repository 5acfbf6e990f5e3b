"""One claim: what to send and what the answers mean. Pure but for the tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

from ..._entropy import entropy
from ..._envelope import HEAD, MAGIC, bare, claimed_id
from ...transport import MAX_CLAIM, Delivery, Receipt
from . import _script
from ._claims import receipt_ends
from ._wire import Argument, Command, Reply
from .keys import Keys

_FRESH: Final = MAGIC + b"\0\0"
"""A frame of ours that was never counted: its four first bytes."""
_new: Final = cast("Callable[[type[Delivery], object], Delivery]", tuple[object, ...].__new__)
_NO_LIMITS: Final = ("0", 1, 0)


class Claim:
    """
    One claim call: its token, what to send, and what came.

    Args:
        limits: Microseconds between two turns, turns saved up, claims at a time.
    """

    __slots__ = (
        "_lease", "_limit", "_limits", "keys", "pause", "sent", "sent_twice", "token",
    )  # fmt: skip

    def __init__(
        self, keys: Keys, lease: int, limit: int, limits: tuple[str, int, int] | None = None
    ) -> None:
        self.keys = keys
        self._lease = lease
        self._limit = min(limit, MAX_CLAIM)
        self._limits = limits
        self.pause: float | None = None
        """Seconds to its next turn, where limits hold it up."""
        self.sent = False
        self.renew()

    @property
    def is_placed(self) -> bool:
        """Whether it is the affair of the scripts that know of places."""
        return self.keys.is_placed or self._limits is not None

    def renew(self) -> None:
        """Take a new token, from the system's random source."""
        self.token = entropy().hex()
        self.sent_twice = False

    def command(self, again: bool) -> Command:
        """Return what to send; *again* if it may have arrived before."""
        self.sent = True
        self.sent_twice |= again
        name: object = (self._lease, self._limit)
        call = self._call
        if self.keys.is_placed or self._limits is not None:
            name, call = (name, self._limits), self._call_placed
        template = self.keys.templates.get(name) or self.keys.template(name, call)
        return template(self.token.encode())

    def _call(self, token: bytes) -> Command:
        keys = self.keys
        places = (keys.claim(token), keys.mark(token), keys.delayed)
        return _script.CLAIM(
            (keys.ready, keys.landing, keys.leases, *places), token, self._lease, self._limit
        )

    def _call_placed(self, token: bytes) -> Command:
        keys = self.keys
        own = (keys.claim(token), keys.mark(token), keys.turns)
        limits = self._limits or _NO_LIMITS
        return _script.PLACED_CLAIM((*keys.places, *own), token, self._lease, self._limit, *limits)

    def give_back(self, again: bool) -> Command:
        """Return what undoes it, wherever it stands."""
        keys, token = self.keys, self.token.encode()
        places = (keys.claim(token), keys.mark(token))
        if self.is_placed:
            return _script.PLACED_GIVE_BACK((*keys.places, *places), token)
        return _script.GIVE_BACK((keys.ready, keys.landing, keys.leases, *places), token)

    def wait(self, slice_: Argument) -> Command:
        """Return what waits for a message before the claim is sent."""
        return wait_to_land(self.keys, slice_)

    def deliveries(self, bodies: Sequence[Reply]) -> list[Delivery]:
        """Return what was claimed, without the places that were settled since."""
        token = self.token
        ends = receipt_ends(len(bodies), self.sent_twice, self.is_placed)
        receipts = cast("list[Receipt]", [token + end for end in ends])
        found: list[Delivery] = []
        for place, (receipt, body) in enumerate(zip(receipts, bodies, strict=True)):
            if not isinstance(body, bytes):
                continue
            if body[:4] == _FRESH:  # nearly always; half the time of the class's own constructor
                found.append(_new(Delivery, (body, receipt, 1, body[4:HEAD].hex())))
            elif body[:2] != MAGIC or len(body) < HEAD:
                found.append(Delivery(body, receipt, 1, claimed_id(token, place)))
            else:
                key = body[4:HEAD].hex()
                found.append(Delivery(bare(body), receipt, body[3] + 1, key))
        return found


def wait_to_land(keys: Keys, slice_: Argument) -> Command:
    """Return what waits for a body, and moves it to where a script takes it from."""
    return (b"BLMOVE", keys.ready, keys.landing, b"LEFT", b"RIGHT", slice_)
