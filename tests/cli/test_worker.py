"""``queuekit worker`` in one process: it works, it ends well, and it says what is wrong."""

from __future__ import annotations

import json
import signal
import sys

import pytest
from worker_shop import PATIENCE, Shop

KINDS = pytest.mark.parametrize("a", ["", "a"], ids=["threads", "asyncio"])


@KINDS
def test_burst_ends_with_0_and_an_empty_queue(any_shop: Shop, a: str) -> None:
    any_shop.put(*range(20))
    assert 0 == any_shop(f"tasks:{a}handle", "-Q", "jobs", "--burst", "-c", "4")
    assert set(map(str, range(20))) == set(any_shop.notes)
    assert (20, (0, 0, 0, 0)) == (len(any_shop.notes), any_shop.counts())


@pytest.mark.parametrize(
    "handler",
    ["decorated", "with_options", "on_async", "worker", "async_worker", "office.work"],
)
def test_what_has_its_queue_needs_no_name_of_one(shop: Shop, handler: str) -> None:
    shop.write(
        "own.py",
        """
        from queuekit import *
        from tasks import handle, ahandle
        jobs, ajobs = ReliableQueue("jobs"), AsyncReliableQueue("jobs")
        decorated = jobs.worker(handle)
        with_options = jobs.worker(timeout=0, prefetch=4)(handle)
        on_async = ajobs.worker(ahandle)
        worker = Worker(jobs, handle, timeout=0)
        async_worker = AsyncWorker(ajobs, ahandle, timeout=0)
        class Office:
            @jobs.worker
            def work(self, message): handle(message)
        office = Office()
        """,
    )
    shop.put(1, 2, 3)
    burst = [] if handler in ("worker", "async_worker", "with_options") else ["--burst"]
    assert 0 == shop(f"own:{handler}", *burst), shop.said
    assert (["1", "2", "3"], (0, 0, 0, 0)) == (shop.notes, shop.counts())


def test_queues_that_are_named_take_the_place_of_its_own(shop: Shop) -> None:
    shop.write(
        "own.py",
        """
        from queuekit import *
        import tasks
        handle = ReliableQueue("jobs").worker(timeout=0)(tasks.handle)
        """,
    )
    shop.put("mine")
    shop.put("other", name="other")
    assert 0 == shop("own:handle", "-Q", "other", "--burst")
    assert ["other"] == shop.notes


def test_several_queues_in_their_order(any_shop: Shop) -> None:
    any_shop.put(*"abc", name="late")
    any_shop.put(*"ABC", name="early")
    assert 0 == any_shop("tasks:handle", "-Q", "early", "-Q", "late", "--burst")
    assert [*"ABCabc"] == any_shop.notes


def test_options_come_from_the_environment(shop: Shop) -> None:
    shop.put("one", name="mail")
    shop.put("two", name="logs")
    env = {
        "QUEUEKIT_QUEUE": "mail, logs",
        "QUEUEKIT_BURST": "yes",
        "QUEUEKIT_ORDER": "mail=3,logs=1",
        "QUEUEKIT_SERIALIZER": "text",
        "QUEUEKIT_LOG_FORMAT": "json",
    }
    assert 0 == shop("tasks:handle", **env), shop.said
    assert ['"one"', '"two"'] == shop.notes  # the text of the JSON
    assert "tasks:handle works on 'mail', 'logs'" == json.loads(shop.said.split("\n")[0])["message"]


def test_a_bad_variable_is_an_error_that_names_it(shop: Shop) -> None:
    assert 2 == shop("tasks:handle", "-Q", "jobs", QUEUEKIT_CONCURRENCY="lots")
    assert "QUEUEKIT_CONCURRENCY must be a whole number of 1 or more, not 'lots'" in shop.said


def test_the_module_sees_the_url(shop: Shop) -> None:
    shop.write(
        "own.py",
        """
        from queuekit import ReliableQueue
        import tasks
        handle = ReliableQueue("jobs").worker(tasks.handle)
        """,
    )
    shop.put("x")
    del shop.env["QUEUEKIT_URL"]
    assert 0 == shop("own:handle", "--burst", "--url", shop.url), shop.said
    assert ["x"] == shop.notes


def test_limits_end_it(shop: Shop) -> None:
    shop.put(*range(5))
    assert 0 == shop("tasks:handle", "-Q", "jobs", "--max-messages", "2")
    assert 0 == shop("tasks:handle", "-Q", "none", "--max-seconds", "0.2")
    assert 0 == shop("tasks:handle", "-Q", "none", "--timeout", "0.2")
    assert (["0", "1"], (3, 0, 0, 0)) == (shop.notes, shop.counts())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@KINDS
def test_a_signal_ends_a_worker_that_waits(any_shop: Shop, a: str, number: int) -> None:
    any_shop.put("x")
    worker = any_shop.start(f"tasks:{a}handle", "-Q", "jobs")
    any_shop.until(lambda: any_shop.notes)
    worker.send_signal(number)
    assert 0 == worker.wait(timeout=PATIENCE)
    assert (0, 0, 0, 0) == any_shop.counts()


@KINDS
def test_a_signal_under_load_leaves_nothing_claimed(any_shop: Shop, a: str) -> None:
    any_shop.put(*range(2000))
    words = ["-Q", "jobs", "-c", "4", "--prefetch", "8"]
    worker = any_shop.start(f"tasks:{a}brief", *words)
    any_shop.until(lambda: len(any_shop.notes) > 50)
    worker.terminate()
    assert 0 == worker.wait(timeout=PATIENCE)
    done = any_shop.notes
    assert len(done) == len(set(done))
    assert (2000 - len(done), 0, 0, 0) == any_shop.counts()


@KINDS
def test_at_the_deadline_work_is_given_back_uncounted_with_a_status_of_its_own(
    any_shop: Shop, a: str
) -> None:
    any_shop.put("x")
    worker = any_shop.start(f"tasks:{a}long", "-Q", "jobs", "--shutdown-timeout", "0.3")
    any_shop.until(lambda: any_shop.notes)
    worker.terminate()
    assert 5 == worker.wait(timeout=PATIENCE)
    with any_shop.queue() as queue:
        message = queue.get()
        assert message is not None
        assert 1 == message.attempt


@KINDS
def test_the_second_signal_ends_it_at_once(any_shop: Shop, a: str) -> None:
    any_shop.put("x")
    worker = any_shop.start(f"tasks:{a}long", "-Q", "jobs")
    any_shop.until(lambda: any_shop.notes)
    worker.terminate()
    with pytest.raises(Exception, match="timed out"):  # the first one lets it work
        worker.wait(timeout=1)
    worker.terminate()
    assert 5 == worker.wait(timeout=PATIENCE)
    assert (1, 0, 0, 0) == any_shop.counts()


@pytest.mark.parametrize(
    ("blocking", "last", "left"),
    [
        ("time.sleep(600)", 60.0, (1, 0, 0, 0)),  # an interruption ends it, and gives back
        ("while 1:\n    try: time.sleep(600)\n    except BaseException: pass", 1.0, (0, 0, 1, 0)),
    ],
    ids=["may be interrupted", "may not"],
)
def test_a_handler_that_blocks_its_loop_holds_nothing_up(
    shop: Shop, blocking: str, last: float, left: tuple[int, ...]
) -> None:
    """The guard waits less long than it would, and for what gives back as long as that takes."""
    text = f"tasks.note('here')\n{blocking}".replace("\n", "\n    ")
    shop.write("blocks.py", f"import tasks, time\nasync def handle(message):\n    {text}")
    shop.put("x")
    changes = f"worker_guard.GRACE = 1.0; worker_guard.LAST = {last}"
    words = ["blocks:handle", "-Q", "jobs", "--shutdown-timeout", "0.2"]
    worker = shop.start_with(changes, *words)
    shop.until(lambda: shop.notes)
    worker.terminate()
    assert 5 == worker.wait(timeout=PATIENCE)
    assert left == shop.counts(), shop.said


def test_a_signal_while_the_module_is_imported_ends_it(shop: Shop) -> None:
    shop.write("slow.py", "import tasks, time; tasks.note('here'); time.sleep(60)")
    worker = shop.start("slow:handle", "-Q", "jobs")
    shop.until(lambda: shop.notes)
    worker.terminate()
    assert 0 == worker.wait(timeout=PATIENCE)


def test_sighup_starts_the_new_code_in_the_same_process(shop: Shop) -> None:
    shop.env["PYTHONDONTWRITEBYTECODE"] = "1"
    shop.put("old")
    worker = shop.start("tasks:pid", "-Q", "jobs")
    shop.until(lambda: shop.notes)
    shop.write("tasks.py", shop.read("tasks.py").replace("{message.body} ", "new {message.body} "))
    worker.send_signal(signal.SIGHUP)
    shop.until(lambda: shop.said.count("works on") == 2)
    shop.put("code")
    shop.until(lambda: len(shop.notes) == 2)
    worker.terminate()
    assert 0 == worker.wait(timeout=PATIENCE)
    assert [f"old {worker.pid}", f"new code {worker.pid}"] == shop.notes


def test_only_what_is_named_is_imported(shop: Shop) -> None:
    shop.write("pkg/__init__.py", "")
    shop.write("pkg/other.py", "raise SystemExit('imported')")
    shop.write("other.py", "raise SystemExit('imported')")
    shop.write(
        "pkg/work.py",
        """
        import sys
        def handle(message):
            open("notes.txt", "w").write("\\n".join(sys.modules))
        """,
    )
    shop.put("x")
    assert 0 == shop("pkg.work:handle", "-Q", "jobs", "--burst"), shop.said
    loaded = set(shop.notes)
    assert {"pkg", "pkg.work"} <= loaded
    assert set() == loaded & {"pkg.other", "other", "tasks", "asyncio", "redis", "msgpack"}


def test_the_console_script_finds_modules_here_too(shop: Shop) -> None:
    """Its first place on the path is that of the script, not the current directory."""
    shop.put("x")
    program = """
import sys
if not sys.flags.safe_path:
    sys.path.pop(0)
from queuekit.cli.main import main
sys.exit(main())
"""
    words = ["worker", "tasks:handle", "-Q", "jobs", "--burst"]
    assert 0 == shop.command([sys.executable, "-c", program, *words]).wait(timeout=60), shop.said
    assert ["x"] == shop.notes
    assert "no module" not in shop.said
    assert 2 == shop.command([sys.executable, "-P", "-c", program, *words]).wait(timeout=60)
    assert "no module 'tasks'" in shop.said


SHAPES = """
    from queuekit import *
    from tasks import handle
    jobs, numbers = ReliableQueue("jobs"), Queue("numbers")
    worker = Worker(jobs, handle)
    decorated = jobs.worker(handle)
    fifo = numbers.worker(handle)
    class Office:
        @jobs.worker
        def work(self, message): pass
    def nothing(): pass
    def yields(message): yield
    value = 5
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "needs a handler: queuekit worker pkg.module:function"),
        (["tasks", "-Q", "jobs"], "names no handler: write it as tasks:function"),
        (["tasks.py", "-Q", "jobs"], "write it as tasks:function"),
        (["pkg/tasks.py:handle", "-Q", "jobs"], "write it as pkg.tasks:handle"),
        (["task:handle", "-Q", "jobs"], "no module 'task' in"),
        (["task:handle", "-Q", "jobs"], "did you mean 'tasks'?"),
        (["tasks.deeper:handle", "-Q", "jobs"], "tasks is a module, not a package"),
        (["pkg.wrok:handle", "-Q", "jobs"], "no module 'wrok' in pkg; did you mean 'work'?"),
        (["tasks:hande", "-Q", "jobs"], "tasks has no 'hande'; did you mean 'handle'"),
        (["tasks:handle.x", "-Q", "jobs"], "tasks:handle has no 'x'"),
        (["tasks:handle"], "belongs to no queue: name the queues by -Q"),
        (["shapes:value", "-Q", "jobs"], "shapes:value is a int, not a function"),
        (["shapes:Office", "-Q", "jobs"], "is a class, not a function"),
        (["shapes:jobs"], "is a queue: name the function"),
        (["shapes:nothing", "-Q", "jobs"], "cannot be called with one argument"),
        (["shapes:Office.work"], "cannot be called with one argument"),
        (["shapes:yields", "-Q", "jobs"], "yields"),
        (["shapes:fifo"], "works on a Queue, which forgets messages"),
        (["shapes:worker", "-c", "2"], "leave out --concurrency ($QUEUEKIT_CONCURRENCY)"),
        (["shapes:worker", "-Q", "jobs"], "leave out --queue"),
        (["shapes:decorated", "--lease", "5"], "leave out --lease"),
        (["tasks:handle", "-Q", "jobs", "--burst", "--timeout", "1"], "--burst is --timeout 0"),
        (["tasks:handle", "-Q", "a", "-Q", "b", "--order", "a=1"], "weights for 'a'"),
        (["tasks:handle", "-Q", "jobs", "--url", "nonsense:x"], "no transport serves"),
        (["tasks:handle", "-Q", "jobs", "--url", "memory:"], "one process"),
        (["tasks:handle", "-Q", "jobs", "--serializer", "xml"], "no serializer is named 'xml'"),
        (["tasks:handle", "-Q", "jobs", "-c", "0"], "-c/--concurrency"),
        (["tasks:handle", "-Q", "jobs", "--state", "/no/such/folder/x"], "/no/such/folder/x"),
        (["--check"], "--check needs --state"),
    ],
)
def test_wrong_usage_ends_with_2_and_the_way_out(shop: Shop, words: list[str], said: str) -> None:
    shop.write("shapes.py", SHAPES)
    shop.write("pkg/__init__.py", "")
    shop.write("pkg/work.py", "")
    assert 2 == shop(*words), shop.said
    assert said in shop.said
    assert "Traceback" not in shop.said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def handle(message): pass\n1 / 0\n", "ZeroDivisionError"),
        ("import no_such_library\n", "No module named 'no_such_library'"),
        ("def handle(message) pass\n", "SyntaxError"),
        ("import sys\nsys.exit(0)\n", "SystemExit"),
    ],
)
def test_a_module_that_cannot_be_imported_shows_its_own_traceback(
    shop: Shop, text: str, said: str
) -> None:
    shop.write("broken.py", text)
    assert 1 == shop("broken:handle", "-Q", "jobs")
    assert said in shop.said
    assert f"{shop.folder}/broken.py" in shop.said
    assert "importlib" not in shop.said
    assert "worker_target" not in shop.said


def test_a_store_that_is_away_ends_a_burst_with_3(shop: Shop) -> None:
    url = "redis://:hunter2@127.0.0.1:1/0"
    assert 3 == shop("tasks:handle", "-Q", "jobs", "--burst", QUEUEKIT_URL=url)
    assert "127.0.0.1:1" in shop.said
    assert "hunter2" not in shop.said


def test_json_logs_are_one_object_a_line(shop: Shop) -> None:
    shop.write(
        "noisy.py",
        """
        import logging, threading, warnings
        logging.basicConfig(format="plain")
        def handle(message):
            warnings.warn("careful")
            logging.getLogger("shop").error("sold\\nout", extra={"item": 5})
            thread = threading.Thread(target=lambda: 1 / 0, name="side")
            thread.start()
            thread.join()
            raise RuntimeError("no\\nway")
        """,
    )
    shop.put("x")
    words = ["noisy:handle", "--burst", "--log-format", "json"]
    assert 0 == shop(*words, "-Q", "jobs")
    assert 2 == shop(*words)
    lines = [json.loads(line) for line in shop.said.splitlines()]
    assert all({"time", "level", "logger", "pid", "message"} <= line.keys() for line in lines)
    by_message = {line["message"]: line for line in lines}
    assert ("error", "shop", 5) == tuple(
        by_message["sold\nout"][key] for key in ("level", "logger", "item")
    )
    failed = next(line for line in lines if line.get("error") == "RuntimeError")
    assert "no\nway" in failed["traceback"]
    assert "ZeroDivisionError" == by_message["uncaught error in the thread side"]["error"]
    assert any("careful" in message for message in by_message)
    assert "critical" == lines[-1]["level"]


def test_the_default_file_is_named_in_the_log(shop: Shop) -> None:
    del shop.env["QUEUEKIT_URL"]
    assert 0 == shop("tasks:handle", "-Q", "jobs", "--burst", "--log-format", "json")
    messages = [json.loads(line)["message"] for line in shop.said.splitlines()]
    assert f"using {shop.folder}/queuekit.db" in messages
