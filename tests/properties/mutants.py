"""Wrong stores: the memory transport with one rule off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from queuekit._lanes import Lanes, _Claim
from queuekit._receipt import place_of, token_of
from queuekit.backends._memory_store import Store
from queuekit.transport import Delivery, Receipt

SKEW = 7.0


class Base(Lanes):
    """With a place for what a mutant has to remember."""

    def __init__(self) -> None:
        super().__init__()
        self.memory: dict[Any, Any] = {}

    def expired(self, now: float, limit: int) -> list[_Claim]:
        """Take up to *limit* expired claims out, oldest first."""
        due = [one for one in self._claims.values() if one.deadline <= now]
        due = sorted(due, key=lambda one: one.deadline)[:limit]
        for one in due:
            del self._claims[one.token]
        return due


class PopBeforeRecord(Base):
    """A claim is recorded by a second step, and who crashes never takes it."""

    def _recover_claims(self, now: float, limit: int) -> int:
        return len(self.expired(now, limit))


class NeverExpires(Base):
    def _recover_claims(self, now: float, limit: int) -> int:
        return 0


class StaleReceiptObeyed(Base):
    """A receipt settles its message even when somebody else has it by now."""

    def claim(self, token: str, *, now: float, lease: float, limit: int) -> list[Delivery]:
        found = super().claim(token, now=now, lease=lease, limit=limit)
        for i, one in enumerate(found):
            self.memory[one.receipt] = self._claims[token].places[i]
        return found

    def ack(self, receipts: Iterable[Receipt]) -> list[Receipt]:
        lost = super().ack(receipts)
        for receipt in lost:
            entry = self.memory.get(receipt)
            for claim in list(self._claims.values()):
                if entry is not None and entry in claim.places:
                    super().ack([Receipt(f"{claim.token}.{claim.places.index(entry)}")])
        return lost


class SettledTwice(Base):
    """A settled place keeps no tombstone: the same receipt works again."""

    def release(self, receipts: Iterable[Receipt], **how: Any) -> list[Receipt]:
        again = list(receipts)
        for receipt in again:
            claim = self._holds(receipt)
            if claim is not None and claim.live > 1:
                self.memory[receipt] = claim.places[place_of(receipt)]
        lost = super().release(again, **how)
        return [one for one in lost if not self.revived(one)]

    def revived(self, receipt: Receipt) -> bool:
        entry = self.memory.get(receipt)
        if entry is None or token_of(receipt) not in self._claims:
            return False
        self.ready.append(entry)
        return True


class ExpiredToTail(Base):
    def _recover_claims(self, now: float, limit: int) -> int:
        due = self.expired(now, limit)
        for claim in due:
            for entry in filter(None, claim.places):
                entry.attempts += 1
                self.ready.append(entry)
        return len(due)


class ExpiryNotCounted(Base):
    def _recover_claims(self, now: float, limit: int) -> int:
        due = self.expired(now, limit)
        for claim in reversed(due):
            self.ready.extendleft(reversed([one for one in claim.places if one is not None]))
        return len(due)


class RecoveredNewestFirst(Base):
    def _recover_claims(self, now: float, limit: int) -> int:
        due = self.expired(now, limit)
        for claim in due:
            back = [entry for entry in claim.places if entry is not None]
            for entry in back:
                entry.attempts += 1
            self.ready.extendleft(reversed(back))
        return len(due)


class RecoveredBackwards(Base):
    """Within a claim."""

    def _recover_claims(self, now: float, limit: int) -> int:
        due = self.expired(now, limit)
        for claim in reversed(due):
            back = [entry for entry in claim.places if entry is not None]
            for entry in back:
                entry.attempts += 1
            self.ready.extendleft(back)
        return len(due)


class UncountedCounted(Base):
    def release(self, receipts: Iterable[Receipt], **how: Any) -> list[Receipt]:
        given = list(receipts)
        if not how["counted"]:
            for receipt in set(given):
                claim = self._holds(receipt)
                if claim is not None:
                    entry = claim.places[place_of(receipt)]
                    assert entry is not None
                    entry.attempts += 1
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
        self._claims.clear()
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

    def claim(self, token: str, *, now: float, lease: float, limit: int) -> list[Delivery]:
        found = super().claim(token, now=now, lease=lease, limit=limit)
        if found:
            self._claims[token].deadline += SKEW
            self._expires(self._claims[token].deadline, token)
        return found


class ExtendShortens(Base):
    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        given = list(receipts)
        for receipt in given:
            if claim := self._holds(receipt):
                claim.deadline = now
        return super().extend(given, now=now, lease=lease)


class ExtendDoesNothing(Base):
    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        return [receipt for receipt in receipts if self._holds(receipt) is None]


class LeasePerMessage(Base):
    """What was not named in an extension expires alone."""

    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        given = list(receipts)
        for receipt in given:
            if claim := self._holds(receipt):
                self.memory.setdefault(claim.token, (claim.deadline, set()))[1].add(receipt)
        return super().extend(given, now=now, lease=lease)

    def _recover_claims(self, now: float, limit: int) -> int:
        for token, (deadline, kept) in list(self.memory.items()):
            if deadline <= now and token in self._claims:
                claim = self._claims[token]
                for i, entry in enumerate(claim.places):
                    if entry is not None and Receipt(f"{token}.{i}") not in kept:
                        super().ack([Receipt(f"{token}.{i}")])
                        entry.attempts += 1
                        self.ready.appendleft(entry)
        return super()._recover_claims(now, limit)


class RecoverBelievesTheOldDeadline(Base):
    """The look before the step is not repeated in it: extended claims are recovered."""

    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        given = list(receipts)
        for receipt in given:
            if claim := self._holds(receipt):
                self.memory.setdefault(claim.token, claim.deadline)
        return super().extend(given, now=now, lease=lease)

    def expired(self, now: float, limit: int) -> list[_Claim]:
        for token, deadline in self.memory.items():
            if token in self._claims and deadline <= now:
                self._claims[token].deadline = deadline
        return super().expired(now, limit)

    def _recover_claims(self, now: float, limit: int) -> int:
        due = self.expired(now, limit)
        for claim in reversed(due):
            back = [entry for entry in claim.places if entry is not None]
            for entry in back:
                entry.attempts += 1
            self.ready.extendleft(reversed(back))
        return len(due)


class LimitOfRecoverIgnored(Base):
    def recover(self, *, now: float, limit: int) -> int:
        return super().recover(now=now, limit=1000)


class KeyOfEveryClaim(Base):
    """A bare body gets another key each time."""

    def claim(self, token: str, *, now: float, lease: float, limit: int) -> list[Delivery]:
        for entry in self.ready:
            entry.key = ""
        return super().claim(token, now=now, lease=lease, limit=limit)


class TokenOfPushForgotten(Base):
    """The store with these lanes stores a push again: see ``store``."""


class Forgetful:
    """Tokens that are new every time."""

    def knows(self, queue: str, token: str) -> bool:
        return False

    def add(self, queue: str, token: str, mark: object) -> None:
        pass


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
                self.tokens = cast(Any, Forgetful())

    return Mutated
