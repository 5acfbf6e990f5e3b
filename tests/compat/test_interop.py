"""
Old and new processes on one queue: each kind puts, each kind takes, and some are killed.

The originals are those of PyPI, see ``originals.py``.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from queuekit.compat.hotqueue import HotQueue
from queuekit.compat.saferedisqueue import SafeRedisQueue

from .conftest import Place
from .originals import python_of

pytestmark = [pytest.mark.redis, pytest.mark.t2]

SECONDS = 60.0
"""How long anything may take on a busy machine."""

PROGRAM = Path(__file__).with_name("programs.py")


class Crowd:
    """Processes on one queue, old ones and new ones, each with a ledger."""

    def __init__(self, place: Place, folder: Path, module: str) -> None:
        self.place, self.folder, self.module = place, folder, module
        self.made: list[subprocess.Popen[bytes]] = []

    def start(self, role: str, kind: str, *more: object) -> subprocess.Popen[bytes]:
        python = python_of(self.module) if kind == "old" else Path(sys.executable)
        module = self.module if kind == "old" else f"queuekit.compat.{self.module}"
        ledger = self.folder / f"{role}-{kind}-{len(self.made)}"
        place = self.place
        arguments = [role, module, place.port, place.db, place.name, ledger, *more]
        environment = dict(os.environ)
        if kind == "old":
            environment.pop("PYTHONPATH", None)
        process = subprocess.Popen(
            [str(python), str(PROGRAM), *map(str, arguments)], env=environment
        )
        self.made.append(process)
        wait_until(lambda: ledger.exists() and ledger.read_text().startswith("ready"), process)
        return process

    def lines(self, word: str) -> list[str]:
        """Return what all ledgers say."""
        found: list[str] = []
        for ledger in self.folder.iterdir():
            for line in ledger.read_text().splitlines():
                if line.startswith(word + " "):
                    found.append(line.split()[1])
        return found

    def kill_all(self) -> None:
        for process in self.made:
            process.kill()
            process.wait()


def wait_until(look: Callable[[], object], process: subprocess.Popen[bytes] | None = None) -> None:
    end = time.monotonic() + SECONDS
    while not look():
        assert time.monotonic() < end, "this never came"
        assert process is None or process.poll() in (None, 0), "it ended with an error"
        time.sleep(0.02)


@pytest.fixture
def crowd(place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Crowd]:
    made = Crowd(place, tmp_path, request.param)
    yield made
    made.kill_all()


hot = pytest.mark.parametrize("crowd", ["hotqueue"], indirect=True)
safe = pytest.mark.parametrize("crowd", ["saferedisqueue"], indirect=True)
kinds = pytest.mark.parametrize(("producer", "consumer"), [("old", "new"), ("new", "old")])


def run_old(module: str, place: Place, code: str) -> str:
    """Run a line of the original; *q* is its queue."""
    make = "HotQueue(N" if module == "hotqueue" else "SafeRedisQueue(name=N"
    kind = make.partition("(")[0]
    program = (
        f"import json\nfrom {module} import {kind}\nN = {place.name!r}\n"
        f"def make(**o):\n    return {make}, port={place.port}, db={place.db}, **o)\n"
        f"q = make()\n{code}"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(python_of(module)), "-c", program],
        capture_output=True, text=True, env=environment, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


SAMPLES = [{"cat": "meow"}, "text", 4, [1, 2.5, None], True, "ä消息"]


@pytest.mark.parametrize("serializer", ["pickle", "json", "None"])
def test_hotqueue_reads_what_the_other_wrote(place: Place, serializer: str) -> None:
    samples = ["text", "4", "ä消息"] if serializer == "None" else SAMPLES
    setting = f"import json, pickle\nq.serializer = {serializer}\n"
    module = {"pickle": __import__("pickle"), "json": __import__("json"), "None": None}[serializer]
    with HotQueue[object](place.name, module, **place.server) as queue:
        run_old("hotqueue", place, setting + f"q.put(*{samples!r})")
        assert samples == list(queue.consume(block=False))
        queue.put(*samples)
        read = "m.decode()" if serializer == "None" else "m"
        said = run_old(
            "hotqueue", place, setting + f"print([{read} for m in q.consume(block=False)])"
        )
        assert repr(samples) == said.strip()
        assert [] == place.keys("hotqueue")


@pytest.mark.parametrize("serializer", ["json", "None"])
def test_saferedisqueue_reads_what_the_other_wrote(place: Place, serializer: str) -> None:
    samples = ["text", "4", "ä消息"] if serializer == "None" else SAMPLES
    setting = (
        "class J(object):\n    dumps = staticmethod(json.dumps)\n"
        "    loads = staticmethod(lambda b: json.loads(b.decode()))\n"
        f"q.serializer = {'J' if serializer == 'json' else None}\n"
    )
    module = __import__("json") if serializer == "json" else None
    with SafeRedisQueue[object](name=place.name, serializer=module, **place.server) as queue:
        run_old("saferedisqueue", place, setting + f"for s in {samples!r}: q.put(s)")
        for sample in samples:
            uid, item = queue.get(-1)
            assert (sample, 36) == (item, len(uid or ""))
            queue.ack(uid)
        assert place.keys("srq") in ([], [queue.BACKUP_LOCK])
        queue.put_many(samples)
        read = "i" if serializer == "json" else "i.decode()"
        loop = (
            "found = []\nfor _ in range(%d):\n    u, i = q.get(-1)\n    q.ack(u)\n"
            f"    found.append({read})\nprint(found)" % len(samples)
        )
        assert repr(samples) == run_old("saferedisqueue", place, setting + loop).strip()


@pytest.mark.parametrize("verb", ["ack", "fail"])
def test_saferedisqueue_one_settles_what_the_other_took(place: Place, verb: str) -> None:
    left = 0 if verb == "ack" else 1
    with SafeRedisQueue[str](name=place.name, **place.server) as queue:
        queue.put("a")
        uid, _ = queue.get(-1)
        run_old("saferedisqueue", place, f"q.{verb}({uid!r})")
        assert (left, 0) == (len(queue), place.client.llen(queue.ACKBUF_KEY))
        queue.clear()
        queue.put("b")
        uid = run_old("saferedisqueue", place, "print(q.get(-1)[0].decode())").strip()
        getattr(queue, verb)(uid)
        assert (left, 0) == (len(queue), place.client.llen(queue.ACKBUF_KEY))
        assert left == place.client.hlen(queue.ITEMS_KEY)


@kinds
def test_saferedisqueue_one_recovers_what_the_other_left(
    place: Place, producer: str, consumer: str
) -> None:
    """The taker dies at once; the other kind gets the message, after two turns of the recovery."""
    with SafeRedisQueue[str](name=place.name, autoclean_interval=1, **place.server) as queue:
        uid = queue.put("a")
        code = "q = make(autoclean_interval=1)\n"
        if producer == "old":
            run_old("saferedisqueue", place, "q = make(autoclean_interval=1)\nq.get(-1)")
            assert (uid, "a") == queue.get(timeout=SECONDS)
        else:
            queue.get(-1)
            code += "import time\nend = time.time() + 50\nu = None\n"
            code += "while u is None and time.time() < end: u, i = q.get(1)\nprint(u.decode())"
            assert uid == run_old("saferedisqueue", place, code).strip()


@hot
@kinds
def test_hotqueue_old_and_new(crowd: Crowd, producer: str, consumer: str) -> None:
    crowd.start("hot_consume", consumer, 0)
    crowd.start("hot_produce", producer, "m", 500)
    wait_until(lambda: len(crowd.lines("did")) == 500)
    assert [f"m-{i}" for i in range(500)] == crowd.lines("did")


@hot
def test_hotqueue_mixed_and_killed(crowd: Crowd, seed: int) -> None:
    """
    At most once: what a killed consumer had taken and not noted is lost, so one message a kill.

    Everything else comes, once.
    """
    chance = random.Random(seed)
    consumers = [crowd.start("hot_consume", kind, 0.002) for kind in ("old", "new", "old", "new")]
    producers = [crowd.start("hot_produce", kind, kind, 400) for kind in ("old", "new")]
    for kind in ("old", "new", "new", "old"):
        time.sleep(chance.uniform(0.05, 0.3))
        victim = consumers.pop(0)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        consumers.append(crowd.start("hot_consume", kind, 0.002))
    for producer in producers:
        assert producer.wait(SECONDS) == 0
    key = f"hotqueue:{crowd.place.name}"
    wait_until(lambda: not crowd.place.client.exists(key))
    put = set(crowd.lines("put"))
    wait_until(lambda: len(put - set(crowd.lines("did"))) <= 4)  # the last ones are written down
    time.sleep(1.5)
    did = Counter(crowd.lines("did"))
    assert max(did.values()) == 1
    assert set(did) <= put
    assert len(put) == 800
    assert len(put - set(did)) <= 4, "more lost than the hands of the killed could hold"


@hot
def test_hotqueue_killed_while_they_wait(crowd: Crowd) -> None:
    """Who has nothing in its hands loses nothing."""
    client = crowd.place.client
    before = client.info("clients")["connected_clients"]
    for kind in ("old", "new", "old", "new"):
        crowd.start("hot_consume", kind, 0)
    wait_until(lambda: client.info("clients")["blocked_clients"] >= 4)
    crowd.kill_all()
    wait_until(lambda: client.info("clients")["connected_clients"] <= before)
    for kind in ("old", "new"):
        assert crowd.start("hot_produce", kind, kind, 100).wait(SECONDS) == 0
    crowd.start("hot_consume", "old", 0)
    crowd.start("hot_consume", "new", 0)
    wait_until(lambda: len(crowd.lines("did")) == 200)
    assert set(crowd.lines("put")) == set(crowd.lines("did"))


@safe
@kinds
def test_saferedisqueue_old_and_new(crowd: Crowd, producer: str, consumer: str) -> None:
    crowd.start("safe_consume", consumer, 0)
    crowd.start("safe_produce", producer, "m", 300)
    wait_until(lambda: len(set(crowd.lines("did"))) == 300)
    wait_until(lambda: not crowd.place.client.exists(f"srq:{crowd.place.name}:items"))
    assert {f"m-{i}" for i in range(300)} == set(crowd.lines("did"))


@safe
def test_saferedisqueue_mixed_and_killed(crowd: Crowd, seed: int) -> None:
    """At least once: whoever is killed, all that was put is done, and nothing is left."""
    chance = random.Random(seed)
    consumers = [crowd.start("safe_consume", kind, 0.005) for kind in ("old", "new", "old", "new")]
    producers = [crowd.start("safe_produce", kind, kind, 300) for kind in ("old", "new")]
    for kind in ("old", "new", "new", "old", "old", "new"):
        time.sleep(chance.uniform(0.05, 0.4))
        victim = consumers.pop(0)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        consumers.append(crowd.start("safe_consume", kind, 0.005))
    for producer in producers:
        assert producer.wait(SECONDS) == 0
    put = set(crowd.lines("put"))
    assert len(put) == 600
    wait_until(lambda: not put - set(crowd.lines("did")))
    items = f"srq:{crowd.place.name}:items"
    wait_until(lambda: not crowd.place.client.exists(items))
    assert put == set(crowd.lines("did"))


@safe
def test_saferedisqueue_a_producer_is_killed(crowd: Crowd) -> None:
    """What it was told to be stored is there; no uid is without its item."""
    with closing(SafeRedisQueue[str](name=crowd.place.name, **crowd.place.server)) as queue:
        for kind in ("new", "old"):
            producer = crowd.start("safe_produce", kind, kind, 100_000)
            wait_until(lambda: len(queue) > 200)
            producer.kill()
            producer.wait()
            stored = set()
            while (found := queue.get(-1))[0] is not None:
                stored.add(found[1])
                queue.ack(found[0])
            put = {each for each in crowd.lines("put") if each.startswith(kind)}
            assert put <= stored
            assert len(stored - put) <= 1
            assert not crowd.place.client.exists(queue.ITEMS_KEY)
