"""
The state machine is worth something: it finds each of these faults, one rule off at a time.

| mutant | what goes wrong |
| --- | --- |
| PopBeforeRecord | a claim is taken first and recorded later: who crashes loses it |
| NeverExpires | a claim has no deadline |
| StaleReceiptObeyed | an ack by a receipt of an ended claim removes another's message |
| SettledTwice | a settled place can be settled again: the message is there twice |
| ExpiredToTail | what expired goes to the end of the queue |
| ExpiryNotCounted | a crash is no attempt: poison is delivered for ever |
| RecoveredNewestFirst | of claims recovered together the newest stands first |
| RecoveredBackwards | the messages of an expired claim come back in reverse |
| UncountedCounted | a shutdown costs an attempt |
| CountedToHead | a failed message blocks the head of the queue |
| UncountedToTail | what was only prefetched loses its place |
| DelayIgnored | a release with a delay is at once |
| PurgeForgetsClaims | purge takes what others hold |
| PurgeLeavesDelayed | purge overlooks what is delayed |
| DueForgotten | a due message is removed before it is stored again |
| DueToHead | a due message overtakes |
| ClientsClock | the deadline comes from a clock that is 7 s ahead |
| ExtendShortens | an extension ends a longer lease |
| ExtendDoesNothing | a heartbeat is answered and has no effect |
| LeasePerMessage | an extension keeps only the messages it names |
| RecoverBelievesTheOldDeadline | an extended claim is recovered |
| LimitOfRecoverIgnored | recover does more than it was asked to |
| KeyOfEveryClaim | a message changes its name with every delivery |
| TokenOfPushForgotten | a repeated push stores twice |

With levels, groups, keys and bounds:

| mutant | what goes wrong |
| --- | --- |
| LevelsIgnored | priority does nothing |
| LowestFirst | the lowest level is claimed first |
| PeekByAge | peek shows another order than that of the claims |
| LevelLostByExpiry | what comes back to the head loses its level |
| GroupsIgnored | two of a group are in flight |
| NobodyFollows | a group stands still for ever |
| FollowsToTheHead | a busy group starves the others |
| FollowsBackwards | the newest of a group follows |
| FollowsAfterAFailure | the next of a group overtakes the retry |
| FailedGoesBehindItsGroup | the same, without a delay |
| DelayedHoldsItsGroup | a delayed message blocks its group |
| RejectHoldsItsGroup | a dead letter blocks its group for ever |
| SentBackWithoutItsPlace | a move loses level and group |
| WhoWaitsIsNotCounted | the bound and the statistics overlook who waits in a group |
| PurgeLeavesWhoWaits | purge overlooks who waits in a group |
| PurgeFreesGroupsInFlight | purge lets a second one of a group in flight |
| BoundOfOneMore | the bound is exceeded by one |
| BoundCountsClaims | what consumers hold takes room |
| BoundForgetsDelayed | what is delayed takes no room |
| BoundOfTheFirst | a batch exceeds the bound |
| WindowOfTheLastPush | a duplicate renews the window |
| KeyForEver | a key is never new again |
| KeyOfTheLastPush | the answer names another push |
| PurgeForgetsKeys | after a purge a duplicate is stored |
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import Machine, Subject
from .mutants import MUTANTS, Base, store
from .placed import PlacedMachine
from .placed_mutants import PLACED_MUTANTS, PlacedBase
from .subjects import MemorySubject

SETTINGS = settings(
    max_examples=400,
    stateful_step_count=40,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # that it fails is enough; the shortest way does not matter
    suppress_health_check=list(HealthCheck),
)


def run(lanes: type[Base], machine: type[Machine] = Machine) -> None:
    class Running(machine):
        def subject(self) -> Subject:
            return MemorySubject(store(lanes))

    Running.seen = Counter()
    run_state_machine_as_test(Running, settings=SETTINGS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_a_mutant_is_caught(mutant: type[Base]) -> None:
    with pytest.raises(AssertionError):
        run(mutant)


@pytest.mark.parametrize("mutant", PLACED_MUTANTS, ids=lambda one: one.__name__)
def test_a_mutant_with_places_is_caught(mutant: type[PlacedBase]) -> None:
    with pytest.raises(AssertionError):
        run(mutant, PlacedMachine)


def test_without_a_fault_nothing_is_caught() -> None:
    run(Base)
    run(PlacedBase, PlacedMachine)


def test_the_table_names_every_mutant() -> None:
    for mutant in [*MUTANTS, *PLACED_MUTANTS]:
        assert f"| {mutant.__name__} |" in (__doc__ or "")
