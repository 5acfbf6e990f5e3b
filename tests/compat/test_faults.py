"""
The faults of both originals, H1-H16 and S1-S19: what ours does, and that the original does not.

Those that are kept are in the docstrings of both classes and in ``docs/migrating.md``.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from faults.proxy import proxy_to

from . import hotqueue_cases, saferedisqueue_cases
from .conftest import Place
from .originals import python_of

pytestmark = pytest.mark.redis

OURS = {
    "hotqueue": hotqueue_cases.run,
    "saferedisqueue": saferedisqueue_cases.run,
}


class Case(NamedTuple):
    module: str
    name: str
    ours: Any
    original: Any
    """The same where the original's behaviour is kept."""
    loses: bytes = b""
    """Part of a send whose reply is lost."""
    environment: str = ""
    """Where the original runs, if not by its own name."""


HOT = "hotqueue"
SRQ = "saferedisqueue"
NEW = "saferedisqueue-new-redis"

CASES = [
    Case(HOT, "h1_none_is_a_message", [[1, None, 2], 0], [[1], 1]),
    Case(HOT, "h2_falsy_messages_pass", [0, "", [], False], [0, "", [], False]),
    Case(HOT, "h4_undecodable_is_not_lost", [True, "next"], [False, "next"]),
    Case(HOT, "h5_an_empty_queue_is_true", True, False),
    Case(HOT, "h6_put_of_nothing", None, "ResponseError"),
    Case(HOT, "h7_text_in_text_out", ["'text'", "'4'"], ["b'text'", "b'4'"]),
    Case(HOT, "h8_decode_responses_with_pickle", {"a": 1}, "UnicodeDecodeError"),
    Case(HOT, "h9_negative_timeout", "ConfigurationError", "ResponseError"),
    Case(HOT, "h10_socket_timeout_below_the_wait", None, "TimeoutError"),
    Case(HOT, "h11_put_whose_reply_is_lost", ["TransportUnavailable", 1], ["stored", 2], b"RPUSH"),
    Case(HOT, "h12_url_and_client", "by url", "TypeError"),
    Case(HOT, "h13_arguments_by_name", [["first", 1, "more"]], "TypeError"),
    Case(HOT, "h15_peek_and_close", [[1, 2], 2], "TypeError"),
    Case(HOT, "documented_block", ["late", True], ["late", True]),
    Case(SRQ, "s1_empty_get", [[None, None], [None, None]], "DataError", environment=NEW),
    Case(SRQ, "s2_recovery_runs", True, False, environment=NEW),
    Case(SRQ, "s3_crash_while_recovering", True, False),
    Case(SRQ, "s4_recovery_while_waiting", True, False),
    Case(SRQ, "s6_slow_consumer", "A alone", "B has it, too"),
    Case(SRQ, "s7_late_ack", True, False),
    Case(SRQ, "s7_ghost_in_the_queue", "a", None),
    Case(SRQ, "s8_fail_twice", 1, 2),
    Case(SRQ, "s9_fail_of_an_unknown_uid", "a", None),
    Case(SRQ, "s10_none_and_a_missing_item", [True, None, True], [True, None, False]),
    Case(SRQ, "s11_undecodable", [True, 0, "no json"], [False, 1, None]),
    Case(SRQ, "s13_uids_compare", True, False),
    Case(SRQ, "s14_interval_of_a_fraction", "fine", "ResponseError"),
    Case(SRQ, "s15_put_of_none", 0, 1),
    Case(SRQ, "s16_order_when_failed", ["b", "c", "a"], ["b", "c", "a"]),
    Case(SRQ, "s17_more_than_one", [2, 2, ["a", "b"], 2, 0], "AttributeError"),
    Case(SRQ, "s18_put_whose_reply_is_lost", [1, 1], [2, 1], b"srq:", NEW),
    Case(SRQ, "documented_wake", "late", "late"),
]


def run(case: Case, place: Place, how: Callable[..., Any], module: str) -> Any:
    """Run a case, through a proxy if a reply is to be lost."""
    if not case.loses:
        return how(module, case.name, place.name, place.host, place.port, place.db, place.port)
    with proxy_to(place.url) as proxy:
        proxy.lose(to=case.loses)
        port = int(proxy.url.rpartition(":")[2].partition("/")[0])
        return how(module, case.name, place.name, place.host, port, place.db, place.port)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ours(case: Case, place: Place) -> None:
    assert case.ours == run(case, place, OURS[case.module], f"queuekit.compat.{case.module}")


@pytest.mark.t2
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_original(case: Case, place: Place) -> None:
    """Shows the fault, so that the test above is one of it."""
    python = python_of(case.environment or case.module)
    program = Path(__file__).with_name(f"{case.module}_cases.py")

    def how(*arguments: object) -> Any:
        done = subprocess.run(
            [str(python), str(program), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=110,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert case.original == run(case, place, how, case.module)
