"""What of the state machine the conformance suite cannot see from outside."""

from __future__ import annotations

from queuekit._lanes import CLAIM_WINDOW, DUE_WINDOW, Lanes
from queuekit._receipt import by_claim, place_of, token_of
from queuekit.transport import Receipt


def test_the_next_event_is_the_earliest_deadline_or_due_message() -> None:
    lanes = Lanes()
    assert lanes.next_event() is None
    lanes.push([b"a", b"b"])
    assert lanes.next_event() is None
    lanes.claim("one", now=0.0, lease=30.0, limit=1)
    assert lanes.next_event() == 30.0
    lanes.push([b"late"], now=0.0, delay=20.0)
    assert lanes.next_event() == 20.0
    lanes.claim("two", now=0.0, lease=10.0, limit=1)
    assert lanes.next_event() == 10.0


def test_an_extended_or_settled_claim_is_no_event_any_more() -> None:
    lanes = Lanes()
    lanes.push([b"a"])
    (held,) = lanes.claim("one", now=0.0, lease=10.0, limit=1)
    lanes.extend([held.receipt], now=0.0, lease=50.0)
    assert lanes.next_event() == 50.0
    lanes.ack([held.receipt])
    assert lanes.next_event() is None


def test_deadlines_of_settled_claims_are_not_kept() -> None:
    lanes = Lanes()
    for n in range(1000):
        lanes.push([b"a"])
        (held,) = lanes.claim(f"t{n}", now=0.0, lease=10.0, limit=1)
        lanes.ack([held.receipt])
    assert len(lanes._deadlines) < 100
    assert len(lanes._claims) < 100
    assert not lanes.held


def test_deadlines_of_settled_claims_are_not_kept_behind_one_that_goes_on() -> None:
    lanes = Lanes()
    lanes.push([b"a", b"b"])
    lanes.claim("first", now=0.0, lease=5.0, limit=2)
    for n in range(1000):
        lanes.push([b"a"])
        found = lanes.claim_one(Receipt(f"t{n}.0"), now=0.0, lease=10.0)
        if found is None:
            found = lanes.claim(f"t{n}", now=0.0, lease=10.0, limit=1)
        lanes.ack([one.receipt for one in found])
    assert len(lanes._deadlines) < 100
    assert len(lanes._claims) < 100
    assert 2 == lanes.stats().claimed == lanes.claim("last", now=6.0, lease=5.0, limit=9)[1].attempt


def test_recovery_goes_in_windows_and_claim_recovers_all() -> None:
    lanes = Lanes()
    count = 2 * CLAIM_WINDOW + 1
    lanes.push([b"%d" % n for n in range(count)])
    for n in range(count):
        lanes.claim(f"t{n}", now=0.0, lease=10.0 + n / 100, limit=1)
    found = lanes.claim("last", now=60.0, lease=10.0, limit=count)
    assert count == len(found)
    first = [int(one.body) for one in found[-CLAIM_WINDOW:]]
    assert list(range(CLAIM_WINDOW)) == first


def test_claim_makes_only_a_window_of_due_messages_ready() -> None:
    lanes = Lanes()
    lanes.push([b"%d" % n for n in range(DUE_WINDOW + 5)], now=0.0, delay=1.0)
    assert DUE_WINDOW == len(lanes.claim("one", now=2.0, lease=10.0, limit=1000))
    assert 5 == lanes.stats().delayed
    assert 5 == len(lanes.claim("two", now=2.0, lease=10.0, limit=1000))


def test_a_deadline_that_is_reached_has_passed() -> None:
    lanes = Lanes()
    lanes.push([b"a"])
    lanes.claim("one", now=0.0, lease=10.0, limit=1)
    assert 0 == lanes.recover(now=9.999, limit=1)
    assert 1 == lanes.recover(now=10.0, limit=1)


def test_receipts_are_read_without_trust() -> None:
    places = {
        "t.0": 0, "t.7.9": 7, "t.999": 999, "t": -1, "t.": -1, "t.x": -1, "t.-1": -1, "t.12345": -1,
        "t.٣": -1, "": -1, ".": -1, ".5": 5, "t. 1": -1, "t.1e3": -1, "t.²": -1,
    }  # fmt: skip
    assert places == {text: place_of(Receipt(text)) for text in places}
    assert "t" == token_of(Receipt("t.0.1"))


def test_receipts_are_grouped_in_the_order_of_their_claims() -> None:
    mixed = [Receipt(text) for text in ("b.1", "a.0", "b.0", "a.2")]
    assert [["b.1", "b.0"], ["a.0", "a.2"]] == by_claim(mixed)
