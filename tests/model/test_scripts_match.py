"""
The scripts do what the model's transitions do: the same answer, and the same state after it.

Random steps, not only those that a client would take, go to both. The model's clock is the
server's; time passes by moving every deadline of both by a length that none of the leases and
delays comes near to. So no two deadlines tie, and none falls onto the present.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
import redis

from queuekit._envelope import MAGIC, wrap
from queuekit.backends.redis import _script
from queuekit.backends.redis.keys import Keys

from .mutants import MUTANTS
from .server import BUDGET, SCRIPTS, WINDOW, Script, execute
from .store import SIGN, Command, Entry, Store, Wanted, live

LEASES = (155_000, 455_000)
DELAYS = (0, 0, 105_000, 255_000)
JUMP = 200_000
NEAR = 20_000
"""
Milliseconds by which the two clocks may differ: as long as the process may stand still between its
look at the server's clock and a command. Nothing ends so near to a jump.
"""
STEPS = 60


class TextKeys(Keys):
    """Keys for tokens that are texts, as the model has them."""

    def claim(self, token):
        return super().claim(token.encode())

    def mark(self, token):
        return super().mark(token.encode())

    def lane(self, lane):
        return super().lane(lane.encode())


class Both:
    """A queue on the server and its model."""

    def __init__(
        self,
        client: redis.Redis,
        prefix: str,
        seed: int,
        scripts: Mapping[str, Script] = SCRIPTS,
    ) -> None:
        self.client, self.dice, self.scripts = client, random.Random(seed), scripts
        self.keys, self.target = TextKeys(prefix, "q"), TextKeys(prefix, "q!dead").ready
        self.store = Store()
        self.given: dict[str, Wanted] = {}
        self.lanes = ["lane1", "lane2"]
        self.messages = 0
        self.seen: Counter[str] = Counter()

    def step(self, command: Command) -> None:
        """Run one command on both, and compare."""
        time.sleep(0.001)  # so that no two steps have the same millisecond
        self.store = self.store._replace(now=self.now())
        real = self.send(command)
        self.store, reply, _ = execute(self.store, command, self.scripts)
        if reply[0] == "EMPTY":
            assert (reply[1] is None) == (real[1] is None), command
            assert abs((reply[1] or 0) - (real[1] or 0)) < NEAR, command
        else:
            assert reply == real, command
        if reply[0] == "GOT":
            self.given[command[1]] = reply[1]
        self.seen[f"{command[0]} {reply[0]}"] += 1
        self.compare(command)

    def now(self) -> int:
        """Return the server's milliseconds."""
        seconds, micros = self.client.time()
        return seconds * 1000 + micros // 1000

    def pass_time(self) -> None:
        """Move all deadlines of both."""
        for key in (self.keys.leases, self.keys.delayed):
            for member, _ in self.client.zrange(key, 0, -1, withscores=True):
                self.client.zincrby(key, -JUMP, member)
        leases = tuple((token, at - JUMP) for token, at in self.store.leases)
        delayed = tuple((at - JUMP, n, entry) for at, n, entry in self.store.delayed)
        self.store = self.store._replace(leases=leases, delayed=delayed)

    def send(self, command: Command) -> tuple[Any, ...]:
        """Run a command on the server, and return its answer as the model would."""
        keys, (name, *rest) = self.keys, command
        if name == "blmove":
            moved = self.client.blmove(keys.ready, keys.landing, 0.01, "LEFT", "RIGHT")
            return ("MOVED",) if moved else ("NIL",)
        script = getattr(_script, {"giveback": "GIVE_BACK"}.get(name, name.upper()))
        places, arguments = self.translate(name, rest)
        call = script(places, *arguments)
        self.client.script_load(script.text)
        reply: Any = self.client.execute_command(*call)
        return self.answered(name, reply)

    def answered(self, name: str, reply: Any) -> tuple[Any, ...]:
        """Return the answer of a script as the model's."""
        if name == "claim":
            return self.claimed(reply)
        tokens = [each.decode() for each in reply if isinstance(each, bytes)] if name in {
            "due", "stats"
        } else []  # fmt: skip
        answers = {
            "due": lambda: ("TOKENS", tuple(tokens)),
            "recover": lambda: ("ENDED", *reply),
            "settle": lambda: ("LOST", tuple(reply)),
            "extend": lambda: ("LOST", tuple(reply)),
            "giveback": lambda: ("BACK", reply),
            "put": lambda: ("STORED", reply),
            "promote": lambda: ("PROMOTED", reply),
            "purge": lambda: ("PURGED", reply),
            "pop": lambda: ("POPPED", tuple(message(body) for body in reply)),
            "peek": lambda: ("SEEN", tuple(message(body) for body in reply)),
            "stats": lambda: ("COUNTED", *reply[:3], tuple(tokens)),
        }
        return answers[name]()

    def claimed(self, reply: list[Any]) -> tuple[Any, ...]:
        """Return the answer of a claim as the model's."""
        *values, last = reply
        status = last.decode()
        if status == "DUE":
            return status, tuple(token.decode() for token in values)
        if status == "EMPTY":
            return status, None if values[0] < 0 else values[0]
        if status == "SPENT":
            return (status,)
        held = tuple((i, message(body)) for i, body in enumerate(values) if body is not None)
        return status, held, len(values)

    def translate(self, name: str, rest: list[Any]) -> tuple[list[bytes], list[Any]]:
        """Return the keys and arguments of a script for a command of the model."""
        k = self.keys
        three = [k.ready, k.landing, k.leases]
        if name in {"claim", "giveback"}:
            more = [k.delayed] if name == "claim" else []
            return [*three, k.claim(rest[0]), k.mark(rest[0]), *more], rest
        if name == "recover":
            lists = [key for token in rest[0] for key in (k.claim(token), k.mark(token))]
            return [*three, *lists], list(rest[0])
        if name == "settle":
            token, verb, again, spend, delay, before, size, wanted = rest
            target = self.target if verb == "D" else k.delayed
            bodies = [letter_of(message) for _, message in wanted] if verb == "D" else []
            whole = verb == "A" and size and [i for i, _ in wanted] == list(range(size))
            places = [] if whole else [i for i, _ in wanted]
            numbers = [int(again), int(spend), delay, before, size, len(wanted)]
            keys = [*three, k.claim(token), k.mark(token), target]
            return keys, [token, verb, *numbers, *places, *bodies]
        if name == "extend":
            return [k.leases, k.claim(rest[0])], [rest[0], rest[1], *rest[2]]
        if name == "put":
            lane, number, delay, before, messages = rest
            target = k.delayed if delay else k.ready
            bodies = [body_of(message) for message in messages]
            return [target, k.lane(lane)], [number, delay, before, *bodies]
        if name == "stats":
            lists = [k.claim(token) for token in rest[0]]
            return [k.ready, k.landing, k.delayed, k.leases, *lists], list(rest[0])
        lists = {
            "due": [k.leases],
            "promote": [k.ready, k.delayed, k.leases],
            "purge": [k.ready, k.landing, k.delayed],
        }.get(name, [k.landing, k.ready])
        return lists, rest

    def compare(self, command: Command) -> None:
        """Assert that both are in the same state."""
        c, k, store = self.client, self.keys, self.store
        assert shown(store.queue) == [entry(body) for body in c.lrange(k.ready, 0, -1)], command
        assert shown(store.landing) == [entry(body) for body in c.lrange(k.landing, 0, -1)], command
        assert list(store.dead) == [message(body) for body in c.lrange(self.target, 0, -1)], command
        delayed = c.zrange(k.delayed, 0, -1, withscores=True)
        bodies = [entry(body) for body, _ in delayed]
        assert shown(e for _, _, e in store.delayed) == bodies, command
        dues = zip(store.delayed, delayed, strict=True)
        assert all(abs(at - real) < NEAR for (at, _, _), (_, real) in dues), command
        leases = {t.decode(): at for t, at in c.zrange(k.leases, 0, -1, withscores=True)}
        leases.pop(SIGN, None)
        assert dict(store.leases).keys() == leases.keys(), command
        assert all(abs(at - leases[token]) < NEAR for token, at in store.leases), command
        claims, marks = dict(store.claims), dict(store.marks)
        for token in {*self.given, *claims, *marks}:
            real = [entry(body) for body in c.lrange(k.claim(token), 0, -1)]
            assert shown(claims.get(token, ())) == real, command
            mark = c.get(k.mark(token))
            wanted = ",".join(map(str, marks.get(token) or ())) or "done"
            assert (wanted.encode() if token in marks else None) == mark, command
        lanes = {lane: int(c.get(k.lane(lane)) or 0) for lane in self.lanes}
        assert {lane: dict(store.lanes).get(lane, 0) for lane in self.lanes} == lanes, command

    def choose(self) -> Command:
        """Return any command."""
        dice = self.dice
        name = dice.choice(
            ["put"] * 6 + ["claim"] * 7 + ["settle"] * 6 + ["blmove", "recover", "recover"]
            + ["giveback", "extend", "extend", "due", "promote", "peek", "stats"]
            + dice.choice([["pop"], ["purge"], []])
        )  # fmt: skip
        tokens = [each for each, _ in self.store.claims] if dice.random() < 0.6 else []
        token = dice.choice(tokens or list(self.given) or ["0" * 32])
        given = self.given.get(token, ((0, "m0"),))
        some = tuple(each for each in given if dice.random() < 0.6) or given
        if name == "put":
            lane = dice.choice(self.lanes)
            number = max(1, dict(self.store.lanes).get(lane, 0) + dice.choice([0, 1, 1, 1]))
            count = dice.randint(1, 3)
            self.messages += count
            names = tuple(f"m{n}" for n in range(self.messages - count + 1, self.messages + 1))
            return name, lane, number, dice.choice(DELAYS), dice.randint(0, 2), names
        if name == "claim":
            old = token if dice.random() < 0.3 else f"{dice.getrandbits(128):032x}"
            return name, old, dice.choice(LEASES), dice.randint(1, 4)
        if name == "settle":
            whole = dice.random() < 0.4
            wanted, size = (given, len(given)) if whole else (some, 0)
            flags = dice.random() < 0.4, dice.random() < 0.5
            verb = dice.choice("AAFRD")
            delay = dice.choice(DELAYS) if verb in "FR" else 0
            return name, token, verb, *flags, delay, dice.randint(0, 2), size, wanted
        if name == "extend":
            return name, token, dice.choice(LEASES), tuple(i for i, _ in some)
        expired = sorted((at, each) for each, at in self.store.leases)
        tokens = tuple(each for _, each in expired if dice.random() < 0.8)[:WINDOW]
        simple: dict[str, tuple[Any, ...]] = {
            "blmove": (), "purge": (), "giveback": (token,), "recover": (tokens,),
            "stats": (tokens,),
        }  # fmt: skip
        return name, *simple.get(name, (dice.randint(1, 3),))


def body_of(message: str) -> bytes:
    return wrap(int(message[1:]).to_bytes(16, "big"), b"body")


def letter_of(message: str) -> bytes:
    """Return the dead letter of a message."""
    return body_of(message)


def entry(body: bytes) -> tuple[str, int] | str:
    """Return a body or a tombstone of the server as ``shown`` does."""
    if len(body) == 4 and body.startswith(MAGIC + b"T"):
        return chr(body[3])
    return f"m{int.from_bytes(body[4:20], 'big')}", body[3]


def message(body: bytes) -> str:
    return entry(body)[0]


def shown(places: Any) -> list[tuple[str, int] | str]:
    """Return entries as far as the server knows them."""
    return [(p.message, p.attempts) if isinstance(p, Entry) else p for p in places]


def run(both: Both) -> Counter[str]:
    """Take random steps, and count what happened."""
    for _ in range(STEPS):
        if both.dice.random() < 0.12:
            both.pass_time()
        both.step(both.choose())
    return both.seen


@pytest.mark.redis
def test_scripts_and_transitions_agree(redis_client: redis.Redis, redis_prefix: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(12):
        seen += run(Both(redis_client, f"{redis_prefix}.{seed}", seed))
    print(seen)
    for what in ("GOT", "AGAIN", "DUE", "SPENT", "EMPTY"):
        assert seen[f"claim {what}"] >= 5, seen
    assert seen["settle LOST"] >= 100, seen
    assert min(seen[each] for each in ("recover ENDED", "giveback BACK", "extend LOST")) >= 10, seen


@pytest.mark.redis
@pytest.mark.parametrize("name", ["giveback-unmarked", "extend-shortens", "old-look", "no-lane"])
def test_a_wrong_transition_is_noticed(
    name: str, redis_client: redis.Redis, redis_prefix: str
) -> None:
    scripts, _ = MUTANTS[name].rules()
    with pytest.raises(AssertionError):
        for seed in range(30):
            run(Both(redis_client, f"{redis_prefix}.{seed}", seed, scripts))


@pytest.mark.redis
def test_recovery_keeps_its_budget(redis_client: redis.Redis, redis_prefix: str) -> None:
    both = Both(redis_client, redis_prefix, 0)
    size = BUDGET // 2 - 1
    for n in range(3):
        names = tuple(f"m{n * size + i + 1}" for i in range(size))
        both.step(("put", "lane1", n + 1, 0, 0, names))
    tokens = tuple(f"{n:032x}" for n in range(3))
    for token in tokens:
        both.step(("claim", token, LEASES[0], size))
    both.pass_time()
    both.pass_time()
    both.step(("recover", tokens))
    assert 2 * size == len(both.store.queue)
    assert [size] == [len(live(places)) for _, places in both.store.claims]
