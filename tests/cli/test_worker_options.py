"""The options of ``queuekit worker``: command line, environment, and the table in the docs."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from queuekit import ConfigurationError
from queuekit.cli.main import FAILED, UNFINISHED, UNREACHABLE, USAGE
from queuekit.cli.worker_guard import GRACE, LAST
from queuekit.cli.worker_options import OPTIONS, read_order
from queuekit.cli.worker_process import SLACK
from queuekit.cli.worker_settings import Settings, declare, settle

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "deploying.md"

VALUES = {
    "queue": ("mail,logs", ("mail", "logs")),
    "url": ("sqlite:///x.db", "sqlite:///x.db"),
    "serializer": ("text", "text"),
    "lease": ("1.5", 1.5),
    "max_attempts": ("3", 3),
    "concurrency": ("4", 4),
    "processes": ("2", 2),
    "prefetch": ("8", 8),
    "order": ("mail=3,logs=1", "mail=3,logs=1"),
    "confirm": ("1", True),
    "max_time": ("9", 9.0),
    "burst": ("yes", True),
    "timeout": ("0", 0.0),
    "max_messages": ("7", 7),
    "max_seconds": ("2.5", 2.5),
    "shutdown_timeout": ("0", 0.0),
    "reload": ("on", True),
    "state": ("/tmp/w", "/tmp/w"),
    "log_format": ("JSON", "json"),
    "log_level": ("debug", "debug"),
}
"""Of each option a text in the environment, and what it means."""


def told(*words: str, **environment: str) -> Settings:
    parser = argparse.ArgumentParser()
    declare(parser)
    return settle(parser.parse_args(["m:f", *words]), environment)


def test_without_anything_the_defaults_hold() -> None:
    assert Settings() == told()
    assert {option.name for option in OPTIONS} == set(Settings.__slots__)
    assert {option.name: option.default for option in OPTIONS if option.kind != "list"} == {
        name: getattr(Settings(), name) for name in Settings.__slots__ if name != "queue"
    }


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_option_can_come_from_the_environment(option) -> None:
    text, value = VALUES[option.name]
    assert value == getattr(told(**{option.variable: text}), option.name)
    assert getattr(Settings(), option.name) != value


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_words_say_again_what_was_told(option) -> None:
    """A parent starts its children with them; what they say wins over the environment."""
    text, value = VALUES[option.name]
    settings = told(**{option.variable: text})
    assert settings == told(*option.words(value), **{option.variable: ""})
    if option.kind == "switch":
        settings = told(*option.words(False), **{option.variable: text})
        assert getattr(settings, option.name) is False


def test_the_command_line_wins() -> None:
    assert 2 == told("-c", "2", QUEUEKIT_CONCURRENCY="8").concurrency
    assert ("a", "b,c") == told("-Q", "a", "-Q", "b,c", QUEUEKIT_QUEUE="d").queue
    assert told("--no-burst", QUEUEKIT_BURST="1").burst is False


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("QUEUEKIT_CONCURRENCY", "many", "whole number"),
        ("QUEUEKIT_CONCURRENCY", "0", "1 or more"),
        ("QUEUEKIT_PROCESSES", "-1", "1 or more"),
        ("QUEUEKIT_LEASE", "0", "more than 0"),
        ("QUEUEKIT_SHUTDOWN_TIMEOUT", "nan", "seconds"),
        ("QUEUEKIT_TIMEOUT", "-1", "seconds"),
        ("QUEUEKIT_BURST", "maybe", "true or false"),
        ("QUEUEKIT_ORDER", "mail", "strict, fair"),
        ("QUEUEKIT_ORDER", "mail=0", "strict, fair"),
        ("QUEUEKIT_LOG_FORMAT", "xml", "text, json"),
        ("QUEUEKIT_LOG_LEVEL", "loud", "debug, info"),
    ],
)
def test_a_bad_variable_is_named_with_its_value(variable: str, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        told(**{variable: text})
    assert variable in str(caught.value)
    assert repr(text) in str(caught.value)


def test_a_bad_option_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        told("--concurrency", "none")
    assert "-c/--concurrency" in capsys.readouterr().err


def test_an_order_is_a_word_or_weights() -> None:
    assert ("strict", "fair") == (read_order("strict"), read_order("fair"))
    assert {"a=b": 2.0, "c": 0.5} == read_order("a=b=2, c=0.5")


def test_what_the_docs_start_is_what_the_parser_takes() -> None:
    text = DOCS.read_text(encoding="utf-8")
    lines = re.findall(r"queuekit (worker .*?)(?:`|  #|\n)", text)
    lists = re.findall(r'\[(?:")?queuekit(?:")?, (.*?)\]', text)
    lines += [line.replace('"', "").replace(",", "") for line in lists]
    assert len(lines) >= 8
    parser = argparse.ArgumentParser()
    declare(parser)
    for line in lines:
        parser.parse_args(line.replace("[options]", "").split()[1:])


def test_the_docs_leave_time_for_the_shutdown() -> None:
    text = DOCS.read_text(encoding="utf-8")
    least = max(map(float, re.findall(r"SHUTDOWN_TIMEOUT=(\d+)", text)))
    least += max(SLACK, GRACE + LAST)
    limits = r"(?:TimeoutStopSec=|--stop-timeout |stop_grace_period: |GracePeriodSeconds: )(\d+)"
    found = [float(number) for number in re.findall(limits, text)]
    assert 4 == len(found)
    assert all(number > least for number in found)


def test_the_docs_have_the_statuses_of_a_worker() -> None:
    table = DOCS.read_text(encoding="utf-8").partition("## Exit status")[2].partition("\n## ")[0]
    statuses = [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
    assert [0, FAILED, USAGE, UNREACHABLE, UNFINISHED] == statuses


def test_the_table_in_the_docs_is_that_of_the_parser() -> None:
    table = DOCS.read_text(encoding="utf-8").partition("## Options")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(-.*?)` \| `(\w+)` \| (.*?) \| (.*) \|$", table, re.MULTILINE)
    expected = [
        (
            " ".join([", ".join(option.flags), option.metavar]).strip(),
            option.variable,
            option.without,
            option.help,
        )
        for option in OPTIONS
    ]
    assert expected == rows
