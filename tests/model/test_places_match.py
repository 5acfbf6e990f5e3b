"""
The scripts of queues that keep places do what the model's transitions do, mixed with the others.

As in ``test_scripts_match.py`` random steps go to both. Ordinary scripts are among them also when
the queue has its sign: that is what a client sends that has not met it yet.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import redis

from queuekit._envelope import NO_HEADERS, Place, unwrap, wrap
from queuekit.backends.redis import _script
from queuekit.backends.redis.keys import SIGN, WAKE

from . import test_scripts_match as plain
from .mutants import MUTANTS
from .places import SCRIPTS
from .store import Command, place_of
from .test_scripts_match import Both, run

PLACES = ["", "", "^2", "^-1", "@g", "@g", "@h", "^1@g", "^-3@h"]


class BothPlaced(Both):
    """A queue that may keep places, and its model."""

    def send(self, command: Command) -> tuple[Any, ...]:
        """Run a command on the server, and return its answer as the model would."""
        name, *rest = command
        if not name.endswith("_placed"):
            return super().send(command)
        name = name.removesuffix("_placed")
        script = getattr(
            _script, {"giveback": "PLACED_GIVE_BACK"}.get(name, f"PLACED_{name.upper()}")
        )
        keys, arguments = self.translate_placed(name, rest)
        self.client.script_load(script(()) and script.text)
        reply: Any = self.client.execute_command(*script((*self.keys.places, *keys), *arguments))
        if name == "put" and isinstance(reply, list):
            value, status = reply
            return status.decode(), value.decode() if isinstance(value, bytes) else value
        return self.answered(name, reply)

    def translate_placed(self, name: str, rest: list[Any]) -> tuple[list[bytes], list[Any]]:
        """Return the keys behind those of the queue, and the arguments."""
        k = self.keys
        if name == "claim":
            return [k.claim(rest[0]), k.mark(rest[0]), k.turns], [*rest, 0, 1, 0]
        if name == "put":
            lane, number, delay, before, messages, key, token, most = rest
            options = [int(any(map(is_placed, messages))), most, token if key else "", 3_600_000]
            bodies = [body_of(message) for message in messages]
            place = k.remembered(key or "none")
            return [k.lane(lane), place], [number, delay, before, *options, *bodies]
        keys, arguments = self.translate(name, rest)
        if name == "settle":
            return [*keys[3:5], *self.target_places], arguments
        if name in {"giveback", "recover"}:
            return keys[3:], arguments
        return keys[4:] if name == "stats" else [], arguments

    @property
    def target_places(self) -> tuple[bytes, ...]:
        return plain.TextKeys(self.target.decode().partition(":")[0], "q!dead").places

    def compare(self, command: Command) -> None:
        """Assert that both are in the same state, as far as that is their own."""
        super().compare(command)
        c, k, store = self.client, self.keys, self.store
        sign = c.zscore(k.leases, SIGN)
        assert store.is_placed == (sign is not None), command
        lists = dict(zip((3, 2, 1, -1, -2, -3), k.places[6:], strict=True))
        for level, key in lists.items():
            real = [entry(body) for body in c.lrange(key, 0, -1)]
            assert plain.shown(dict(store.levels).get(level, ())) == real, command
        holders = c.hgetall(k.places[4])
        ids = {group.decode(): (each[:16], each[16:17].decode()) for group, each in holders.items()}
        model = {
            group: (number(holder).to_bytes(16, "big"), state)
            for group, (holder, state) in store.busy
        }
        assert model == ids, command
        waiting = sorted(
            (field.partition(b":")[2].decode(), int(field.partition(b":")[0]), entry(body))
            for field, body in c.hgetall(k.places[5]).items()
        )
        assert [(group, each) for group, _, each in waiting] == [
            (group, shown) for group, each in store.waiting for shown in plain.shown(each)
        ], command
        keys = {key: c.get(k.remembered(key)) for key in ("k1", "k2")}
        assert dict(store.keys) == {
            key: value.decode().partition(":")[2] for key, value in keys.items() if value
        }, command

    def choose(self) -> Command:
        """Return any command, mostly of those that know places."""
        command = super().choose()
        name, *rest = command
        if name == "put" and self.dice.random() < 0.8:
            *head, messages = rest
            messages = tuple(message + self.dice.choice(PLACES) for message in messages)
            key = self.dice.choice(["", "", "", "k1", "k2"])
            messages = messages[:1] if key else messages
            most = self.dice.choice([0, 0, 4])
            return "put_placed", *head, messages, key, f"t{self.dice.randint(1, 3)}", most
        placed = f"{name}_placed"
        if placed in SCRIPTS and name != "put" and self.dice.random() < 0.85:
            return placed, *rest
        return command


def number(message: str) -> int:
    return int(message[1:].partition("@")[0].partition("^")[0])


def is_placed(message: str) -> bool:
    return place_of(message) != (0, "")


def body_of(message: str) -> bytes:
    return wrap(number(message).to_bytes(16, "big"), b"body", NO_HEADERS, Place(*place_of(message)))


def letter_of(message: str) -> bytes:
    """Return a dead letter, which has no place."""
    return wrap(number(message).to_bytes(16, "big"), b"body", {"letter of": message})


def entry(body: bytes) -> tuple[str, int] | str:
    """Return a body, a tombstone or a sign of the server as ``shown`` does."""
    if body == WAKE:
        return "", 0
    if len(body) == 4 and body.startswith(b"\xc1\x71T"):
        return chr(body[3])
    envelope = unwrap(body)
    level, group = envelope.place
    if "letter of" in envelope.headers:
        return envelope.headers["letter of"], body[3]
    name = f"m{int.from_bytes(body[4:20], 'big')}"
    name += f"^{level}" if level else ""
    return name + (f"@{group}" if group else ""), body[3]


@pytest.fixture(autouse=True)
def bodies_have_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "body_of", body_of)
    monkeypatch.setattr(plain, "letter_of", letter_of)
    monkeypatch.setattr(plain, "entry", entry)


@pytest.mark.redis
def test_scripts_and_transitions_agree(redis_client: redis.Redis, redis_prefix: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(24):
        seen += run(BothPlaced(redis_client, f"{redis_prefix}.{seed}", seed, SCRIPTS))
    print(seen)
    for what in ("GOT", "AGAIN", "DUE", "SPENT", "EMPTY"):
        assert seen[f"claim_placed {what}"] >= 2, seen
    for what in ("STORED", "KNOWN", "FULL"):
        assert seen[f"put_placed {what}"] >= 5, seen
    assert seen["settle_placed LOST"] >= 100, seen
    for what in ("recover_placed ENDED", "giveback_placed BACK", "promote_placed PROMOTED"):
        assert seen[what] >= 10, seen


@pytest.mark.redis
@pytest.mark.parametrize(
    "name",
    ["no-follow", "expiry-frees", "purge-keeps-groups", "delayed-unnoted", "bound-first"],
)
def test_a_wrong_transition_is_noticed(
    name: str, redis_client: redis.Redis, redis_prefix: str
) -> None:
    scripts, _ = MUTANTS[name].rules()
    with pytest.raises(AssertionError):
        for seed in range(30):
            run(BothPlaced(redis_client, f"{redis_prefix}.{seed}", seed, scripts))
