"""
The model keeps its promises in every state of every small scenario, and each mutant breaks one.

``python -m tests.model full`` searches the full sizes, ``python -m tests.model mutants`` shows how
each mutant is caught.
"""

from __future__ import annotations

import pytest

from .mutants import HARMLESS, MUTANTS, Mutant
from .scenarios import SMALL, TWIN
from .search import Result, Search

PATIENCE = 110
"""Seconds for a search that takes four on an idle machine; within the timeout of a test."""


def caught(mutant: Mutant, where: str) -> Result:
    scripts, habits = mutant.rules()
    return Search(SMALL[where], scripts, habits).run(seconds=PATIENCE)


@pytest.mark.parametrize("name", SMALL)
def test_every_state_keeps_the_promises(name: str) -> None:
    found = Search(SMALL[name]).run(seconds=PATIENCE)
    print(name, found)
    assert "" == found.broken, found
    assert found.complete, found
    assert found.states > 500  # a scenario in which nothing can happen shows nothing


@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_off_is_noticed(name: str) -> None:
    mutant = MUTANTS[name]
    for where in mutant.where.split():
        found = caught(mutant, where)
        print(f"{name} ({mutant.what}), in {where!r} after {len(found.trace)} steps:", found)
        assert found.broken, f"{mutant.what}: nothing was noticed in {where!r}"
        assert found.trace


@pytest.mark.parametrize("name", HARMLESS)
def test_a_rule_that_others_imply_may_be_off(name: str) -> None:
    for where in HARMLESS[name].where.split():
        found = caught(HARMLESS[name], where)
        assert "" == found.broken, found
        assert found.complete, found


def test_one_token_in_two_live_clients_is_not_safe() -> None:
    found = Search(TWIN).run()
    print(found)
    assert found.broken, "a token from a bad source would do no harm: the model overlooks it"
