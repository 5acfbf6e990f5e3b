"""
Each example of the originals' documentation runs and prints what is printed there.

Adapted are the import lines, ``print``, and the port of the server. Where an example would wait
for ever, Ctrl-C is pressed when it has nothing left to do. ``put`` of SafeRedisQueue returns the
uid since its version 3, which its examples leave out.
"""

from __future__ import annotations

import doctest
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis
from faults.beside import beside
from faults.servers import Server, eventually, server_in

from queuekit.compat import hotqueue
from queuekit.compat.hotqueue import HotQueue
from queuekit.compat.saferedisqueue import SafeRedisQueue

pytestmark = pytest.mark.redis

Examples = Callable[..., None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server of our own: the examples name the keys."""
    with server_in(tmp_path_factory.mktemp("examples")) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def port(client: redis.Redis) -> int:
    return int(client.connection_pool.connection_kwargs["port"])


@pytest.fixture
def examples(port: int) -> Examples:
    """Return what runs examples as doctest does."""

    def examples(text: str, **names: object) -> None:
        text = text.replace("6379", str(port))
        test = doctest.DocTestParser().get_doctest(text, names, "examples", None, 0)
        assert test.examples
        said = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(test, out=said.write, clear_globs=False)
        for made in test.globs.values():  # as the end of the program would
            if isinstance(made, (HotQueue, SafeRedisQueue)):
                made.close()
        assert runner.summarize(verbose=False).failed == 0, said.getvalue()

    return examples


@contextmanager
def ctrl_c(client: redis.Redis, key: str) -> Iterator[None]:
    """Press Ctrl-C when *key* is empty and somebody waits there."""

    def press(over: threading.Event) -> None:
        with redis.Redis(port=client.connection_pool.connection_kwargs["port"]) as other:
            while not over.is_set():
                if not other.exists(key) and other.info("clients")["blocked_clients"]:
                    os.kill(os.getpid(), signal.SIGINT)
                    return
                time.sleep(0.02)

    with beside(press):
        yield


QUEUE = """
>>> from queuekit.compat.hotqueue import HotQueue
>>> queue = HotQueue('myqueue', host='localhost', port=6379, db=0)
"""


def test_hotqueue_introduction(examples: Examples, client: redis.Redis) -> None:
    names: dict[str, object] = {"__name__": __name__}
    with ctrl_c(client, "hotqueue:myqueue"):
        examples(
            QUEUE
            + """
>>> queue.enqueue('my message')
>>> queue.enqueue('another message')
>>> queue.dequeue()
'my message'
>>> queue.dequeue()
'another message'
>>> queue.dequeue()
>>> queue.enqueue({'cat': 'meow', 'dog': 'woof'})
>>> sounds = queue.dequeue()
>>> sounds['cat']
'meow'
>>> sounds['dog']
'woof'
>>> queue.enqueue(MyClass())
>>> my_class = queue.dequeue()
>>> print(my_class.weather)
rainy
>>> queue.enqueue('blue', 'green', 'red', 'white')
>>> for item in queue.consume():
...     print(item)
blue
green
red
white
""",
            **names,
            MyClass=MyClass,
        )


def test_hotqueue_introduction_with_a_timeout(examples: Examples) -> None:
    start = time.monotonic()
    examples(QUEUE + ">>> list(queue.consume(timeout=1))\n[]\n")
    assert 1 <= time.monotonic() - start < 30


class MyClass:  # pickle finds it by its name in its module
    weather = "rainy"


def test_hotqueue_tutorial(examples: Examples, client: redis.Redis) -> None:
    examples(
        QUEUE
        + """
>>> queue.put(4)
>>> queue.put(5)
>>> queue.put(6, 'my message', 7)
>>> from decimal import Decimal
>>> queue.put(Decimal('1.4'))
>>> queue.get()
4
>>> queue.get()
5
>>> queue.get()
6
>>> queue.get()
'my message'
>>> queue.get()
7
>>> dec = queue.get()
>>> dec
Decimal('1.4')
>>> dec + Decimal('0.3')
Decimal('1.7')
"""
    )
    assert not client.exists("hotqueue:myqueue")


def test_hotqueue_tutorial_a_worker(examples: Examples, client: redis.Redis) -> None:
    text = """
>>> @queue.worker
... def square(num):
...     print(num * num)
>>> queue.put(2, 3, 4)
>>> square()
4
9
16
"""
    with ctrl_c(client, "hotqueue:myqueue"):
        examples(QUEUE + text)


def test_hotqueue_tutorial_two_workers_never_get_the_same(port: int, client: redis.Redis) -> None:
    queue = HotQueue[int]("myqueue", host="localhost", port=port, db=0)
    seen: list[int] = []

    @queue.worker(timeout=1)
    def square(num: int) -> None:
        seen.append(num * num)

    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        square()

    queue.put(*range(200))
    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    queue.close()
    assert sorted(seen) == [num * num for num in range(200)]


def test_hotqueue_reference(examples: Examples, client: redis.Redis) -> None:
    examples(
        QUEUE
        + """
>>> from queuekit.compat.hotqueue import key_for_name
>>> key_for_name("myqueue")
'hotqueue:myqueue'
>>> queue.key
'hotqueue:myqueue'
>>> queue.put("my message")
>>> queue.put("another message")
>>> for msg in queue.consume(timeout=1):
...     print(msg)
my message
another message
>>> queue.put("my message", "another message", "third message")
>>> queue.get()
'my message'
>>> queue.get()
'another message'
>>> queue.clear()
>>> queue.get()
>>> queue.put("my message", "another message")
>>> @queue.worker(timeout=1)
... def printer(msg):
...     print(msg)
>>> printer()
my message
another message
"""
    )
    text = """
>>> queue.put("my message", "another message")
>>> @queue.worker
... def printer(msg):
...     print(msg)
>>> printer()
my message
another message
"""
    with ctrl_c(client, "hotqueue:myqueue"):
        examples(QUEUE + text)


SAFE = """
>>> from queuekit.compat.saferedisqueue import SafeRedisQueue
>>> queue = SafeRedisQueue('localhost', port=6379, name='test')
"""


@pytest.mark.parametrize(("put", "get"), [("push", "pop"), ("put", "get")])
def test_saferedisqueue_readme(examples: Examples, put: str, get: str) -> None:
    examples(
        SAFE
        + f"""
>>> queue.{put}("Hello World")
'...'
>>> queue.{put}("Foo bar")
'...'
>>> queue.{get}()
('...', 'Hello World')
>>> queue.{get}()
('...', 'Foo bar')
>>> _ = queue.{put}("Good stuff")
>>> _ = queue.{put}("Bad stuff")
>>> uid_good, payload_good = queue.{get}()
>>> uid_bad, payload_bad = queue.{get}()
>>> queue.ack(uid_good)  # done with that one
>>> queue.fail(uid_bad)  # something did not work out
>>> uid, payload = queue.{get}()
>>> uid == uid_bad
True
>>> queue.ack(uid)  # now it worked
"""
    )


def test_saferedisqueue_timeouts(examples: Examples) -> None:
    examples(
        SAFE
        + """
>>> queue.get(timeout=-1)
(None, None)
>>> queue.get(timeout=1)
(None, None)
>>> queue.pop(-1)
(None, None)
"""
    )


def test_saferedisqueue_url_and_keys(examples: Examples, client: redis.Redis) -> None:
    examples(
        """
>>> from queuekit.compat.saferedisqueue import SafeRedisQueue
>>> one = SafeRedisQueue('localhost', port=6379, db=7)
>>> two = SafeRedisQueue('elsewhere', url='redis://localhost:6379/7')
>>> uid = one.put("here")
>>> two.get() == (uid, "here")
True
>>> one.ITEMS_KEY, one.QUEUE_KEY, one.ACKBUF_KEY
('srq:0:items', 'srq:0:queue', 'srq:0:ackbuf')
>>> one.BACKUP, one.BACKUP_LOCK
('srq:0:backup', 'srq:0:backuplock')
>>> one.AUTOCLEAN_INTERVAL
60.0
>>> SafeRedisQueue(autoclean_interval=None).AUTOCLEAN_INTERVAL
"""
    )


def test_saferedisqueue_serializer(examples: Examples, client: redis.Redis) -> None:
    examples(
        """
>>> from queuekit.compat.saferedisqueue import SafeRedisQueue
>>> import json
>>> class MyJSONSerializer(object):
...     def loads(bytes):
...         return json.loads(bytes.decode('utf-8'))
...
...     def dumps(data):
...         return json.dumps(data)
>>> queue = SafeRedisQueue(name='foobar', serializer=MyJSONSerializer, port=6379)
>>> uid = queue.put({"a": [1, None]})
>>> queue.get()
('...', {'a': [1, None]})
"""
    )
    with SafeRedisQueue[object](name="foobar", client=client) as queue:
        assert queue.serializer is None


COMMAND = [sys.executable, "-m", "queuekit.compat.saferedisqueue"]


def command(server: Server, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "QUEUEKIT_URL": server.url}
    return subprocess.run(
        [*COMMAND, *arguments],
        input=said,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )


def test_saferedisqueue_command_line(server: Server, client: redis.Redis) -> None:
    done = command(server, "producer", said="Hello World\nand more\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert client.llen("srq:test:queue") == 2
    environment = {**os.environ, "QUEUEKIT_URL": server.url}
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, "consumer"], stdout=pipe, text=True, env=environment) as made:
        assert made.stdout is not None
        lines = [made.stdout.readline() for _ in range(2)]
        eventually(lambda: not client.exists("srq:test:items"), 60, "the last ack")
        made.send_signal(signal.SIGINT)
        assert made.wait(60) == 0
    assert [line[36:] for line in lines] == [" Hello World\n", " and more\n"]
    assert not client.exists("srq:test:items")


def test_s19_the_demo_shows_something(server: Server, client: redis.Redis) -> None:
    done = command(server, "demo")
    assert [line[36:] for line in done.stdout.splitlines()] == [" Hello", " World"]
    assert not client.exists("srq:test:items")


@pytest.mark.parametrize("arguments", [[], ["what"], ["producer", "more"]])
def test_saferedisqueue_command_line_usage(server: Server, arguments: list[str]) -> None:
    done = command(server, *arguments)
    assert done.returncode == 1
    assert "producer" in done.stderr


def test_the_originals_names_are_all_there() -> None:
    """Every public name of both originals is one of ours."""
    assert {"HotQueue"} <= set(hotqueue.__all__)
    for name in ("put", "push", "get", "pop", "ack", "fail", "AUTOCLEAN_INTERVAL"):
        assert hasattr(SafeRedisQueue, name)
    for name in ("put", "get", "consume", "worker", "clear", "key", "enqueue", "dequeue"):
        assert hasattr(hotqueue.HotQueue, name)
