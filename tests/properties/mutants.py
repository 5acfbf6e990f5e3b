"""Wrong stores: the memory transport with one rule off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, cast

from queuekit._lanes import Lanes
from queuekit._receipt import token_of
from queuekit._returned import Message, Returned, returned
from queuekit.backends._memory_store import Store
from queuekit.backends._tokens import Tokens
from queuekit.transport import Delivery, Receipt

SKEW = 7.0


class Claim(NamedTuple):
    deadline: float
    name: str
    receipts: tuple[Receipt, ...]


class Base(Lanes):
    """With a place for what a mutant has to remember."""

    def __init__(self) -> None:
        super().__init__()
        self.memory: dict[Any, Any] = {}

    def claim_one(self, receipt: Receipt, now: float, lease: float) -> list[Delivery] | None:
        return None  # so that every claim comes by what is changed here

    def is_due(self, now: float) -> bool:
        return True

    def hide(self, token: str, end: float, limit: int) -> list[Delivery]:
        """Claim under this name, so that a mutant may change what is claimed."""
        return self.changed(token, super().hide(token, end, limit))

    def changed(self, token: str, found: list[Delivery]) -> list[Delivery]:
        """Do wrong what a mutant does wrong with a claim."""
        return found

    def of(self, receipt: Receipt) -> Claim | None:
        """Return the claim of a receipt that is held."""
        return Claim(*self._claims[token_of(receipt)]) if receipt in self.held else None

    def ends(self, name: str, deadline: float) -> None:
        """Give a claim another end, whatever it had."""
        self._claims[name] = (deadline, *self._claims[name][1:])

    def left(self, claim: Claim) -> list[Receipt]:
        """Return the receipts of a claim that still hold something."""
        return [receipt for receipt in claim.receipts if receipt in self.held]

    def taken(self, claim: Claim, counted: bool = True) -> list[Message]:
        """Take out what a claim still holds, counted."""
        found = [(one, self.held.pop(one)) for one in self.left(claim)]
        return [one for pair in found if (one := returned(*pair, counted)) is not None]

    def expired(self, now: float, limit: int) -> list[Claim]:
        """Take up to *limit* expired claims out, oldest first; what they hold stays held."""
        claims = [Claim(*one) for one in self._claims.values()]
        due = [one for one in claims if one.deadline <= now and self.left(one)]
        due = sorted(due, key=lambda one: one.deadline)[:limit]
        for one in due:
            del self._claims[one.name]
        return due


class PopBeforeRecord(Base):
    """A claim is recorded by a second step, and who crashes never takes it."""

    def _recover_claims(self, now: float, limit: int) -> int:
        due = self.expired(now, limit)
        for claim in due:
            self.taken(claim)
        return len(due)


class NeverExpires(Base):
    def _recover_claims(self, now: float, limit: int) -> int:
        return 0


class StaleReceiptObeyed(Base):
    """A receipt settles its message even when somebody else has it by now."""

    def changed(self, token: str, found: list[Delivery]) -> list[Delivery]:
        for one in found:
            self.memory[one.receipt] = one.key
        return found

    def ack(self, receipts: Any) -> list[Receipt]:
        lost = super().ack(receipts)
        for receipt in lost:
            for other in list(self.held):
                if self.memory.get(other) == self.memory.get(receipt) is not None:
                    super().ack([other])
        return lost


class SettledTwice(Base):
    """A settled place keeps no tombstone: the same receipt works again."""

    def release(self, receipts: Iterable[Receipt], **how: Any) -> list[Receipt]:
        again = list(receipts)
        for receipt in again:
            claim = self.of(receipt)
            if claim is not None and len(self.left(claim)) > 1:
                self.memory[receipt] = claim, returned(receipt, self.held[receipt], False)
        lost = super().release(again, **how)
        return [one for one in lost if not self.revived(one)]

    def revived(self, receipt: Receipt) -> bool:
        claim, message = self.memory.get(receipt, (None, None))
        if claim is None or not self.left(claim):
            return False
        self.ready.append(message)
        return True


class ExpiredToTail(Base):
    def _recover_claims(self, now: float, limit: int) -> int:
        due = self.expired(now, limit)
        for claim in due:
            self.ready.extend(self.taken(claim))
        return len(due)


class ExpiryNotCounted(Base):
    def _recover_claims(self, now: float, limit: int) -> int:
        due = self.expired(now, limit)
        for claim in reversed(due):
            self.ready.extendleft(reversed(self.taken(claim, counted=False)))
        return len(due)


class RecoveredNewestFirst(Base):
    def _recover_claims(self, now: float, limit: int) -> int:
        due = self.expired(now, limit)
        for claim in due:
            self.ready.extendleft(reversed(self.taken(claim)))
        return len(due)


class RecoveredBackwards(Base):
    """Within a claim."""

    def _recover_claims(self, now: float, limit: int) -> int:
        due = self.expired(now, limit)
        for claim in reversed(due):
            self.ready.extendleft(self.taken(claim))
        return len(due)


class UncountedCounted(Base):
    def release(self, receipts: Iterable[Receipt], **how: Any) -> list[Receipt]:
        given = list(receipts)
        if not how["counted"]:
            for receipt in set(given) & self.held.keys():
                back = returned(receipt, self.held[receipt], True)
                assert back is not None
                self.held[receipt] = back
        return super().release(given, **how)


class CountedToHead(Base):
    def release(self, receipts: Iterable[Receipt], **how: Any) -> list[Receipt]:
        before = len(self.ready)
        lost = super().release(receipts, **how)
        if how["counted"] and not how.get("delay"):
            self.ready.rotate(len(self.ready) - before)
        return lost


class UncountedToTail(Base):
    def release(self, receipts: Iterable[Receipt], **how: Any) -> list[Receipt]:
        before = len(self.ready)
        lost = super().release(receipts, **how)
        if not how["counted"] and not how.get("delay"):
            self.ready.rotate(before - len(self.ready))
        return lost


class DelayIgnored(Base):
    def release(self, receipts: Iterable[Receipt], **how: Any) -> list[Receipt]:
        return super().release(receipts, **{**how, "delay": 0.0})


class PurgeForgetsClaims(Base):
    def purge(self) -> int:
        self.held.clear()
        return super().purge()


class PurgeLeavesDelayed(Base):
    def purge(self) -> int:
        kept = list(self._delayed)
        count = super().purge()
        self._delayed = kept
        return count


class DueForgotten(Base):
    """Taken out before it is stored where it goes."""

    def _promote(self, now: float, limit: int) -> int:
        before = len(self.ready)
        count = super()._promote(now, limit)
        while len(self.ready) > before:
            self.ready.pop()
        return count


class DueToHead(Base):
    def _promote(self, now: float, limit: int) -> int:
        count = super()._promote(now, limit)
        self.ready.rotate(count)
        return count


class ClientsClock(Base):
    """The lease is taken from the clock of a client that is ahead."""

    def hide(self, token: str, end: float, limit: int) -> list[Delivery]:
        return super().hide(token, end + SKEW, limit)


class ExtendShortens(Base):
    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        given = list(receipts)
        for receipt in given:
            if claim := self.of(receipt):
                self.ends(claim.name, now)
        return super().extend(given, now=now, lease=lease)


class ExtendDoesNothing(Base):
    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        return [receipt for receipt in receipts if receipt not in self.held]


class LeasePerMessage(Base):
    """What was not named in an extension expires alone."""

    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        given = list(receipts)
        for receipt in given:
            if claim := self.of(receipt):
                self.memory.setdefault(claim.name, (claim, set()))[1].add(receipt)
        return super().extend(given, now=now, lease=lease)

    def _recover_claims(self, now: float, limit: int) -> int:
        for claim, kept in list(self.memory.values()):
            if claim.deadline <= now:
                for receipt in self.left(claim):
                    if receipt not in kept:
                        back = returned(receipt, self.held.pop(receipt), True)
                        self.ready.appendleft(cast(Returned, back))
        return super()._recover_claims(now, limit)


class RecoverBelievesTheOldDeadline(Base):
    """The look before the step is not repeated in it: extended claims are recovered."""

    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        given = list(receipts)
        for receipt in given:
            if claim := self.of(receipt):
                self.memory.setdefault(claim.name, claim.deadline)
        return super().extend(given, now=now, lease=lease)

    def _recover_claims(self, now: float, limit: int) -> int:
        for name, deadline in self.memory.items():
            if name in self._claims and deadline <= now:
                self.ends(name, deadline)
        due = self.expired(now, limit)
        for claim in reversed(due):
            self.ready.extendleft(reversed(self.taken(claim)))
        return len(due)


class LimitOfRecoverIgnored(Base):
    def recover(self, *, now: float, limit: int) -> int:
        return super().recover(now=now, limit=1000)


class KeyOfEveryClaim(Base):
    """A bare body gets another key each time."""

    def hide(self, token: str, end: float, limit: int) -> list[Delivery]:
        for message in self.ready:
            if isinstance(message, Returned):
                message.key = f"{token}{message.key}"[:32]
        return super().hide(token, end, limit)


class TokenOfPushForgotten(Base):
    """The store with these lanes stores a push again: see ``store``."""


class Forgetful(Tokens):
    """Tokens that are new every time."""

    def knows(self, queue: str, token: str) -> bool:
        return False


MUTANTS: list[type[Base]] = [
    one for one in list(globals().values()) if isinstance(one, type) and Base in one.__bases__
]


def store(mutant: type[Lanes]) -> type[Store]:
    """Return a store whose queues obey *mutant*."""

    class Mutated(Store):
        def lane(self, queue: str) -> Lanes:
            return self.lanes.setdefault(queue, mutant())

        look = lane

        def __init__(self, clock: Any) -> None:
            super().__init__(clock)
            if mutant is TokenOfPushForgotten:
                self.tokens = Forgetful()

    return Mutated
