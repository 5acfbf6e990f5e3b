"""Puts, work and the memory of it within the application's own SQLite transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from queuekit import Once, ReliableQueue, SQLiteTransport


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.execute("CREATE TABLE effects (id TEXT)")
        yield connection


def consumer(shop: sqlite3.Connection) -> ReliableQueue[str]:
    (path,) = {row[2] for row in shop.execute("PRAGMA database_list")}
    return ReliableQueue("mails", f"sqlite:///{path}", serializer="text")


def within(shop: sqlite3.Connection) -> ReliableQueue[str]:
    return ReliableQueue("mails", SQLiteTransport(connection=shop), serializer="text")


def work(shop: sqlite3.Connection, message_id: str, *, dies: bool = False) -> None:
    with shop:
        if Once(within(shop)).remember(message_id):
            shop.execute("INSERT INTO effects VALUES (?)", (message_id,))
        if dies:
            raise RuntimeError


def effects(shop: sqlite3.Connection) -> list[str]:
    return [row[0] for row in shop.execute("SELECT id FROM effects")]


def test_a_put_counts_when_the_application_commits(shop: sqlite3.Connection) -> None:
    with pytest.raises(RuntimeError), shop:
        within(shop).put("never")
        raise RuntimeError
    with shop:
        within(shop).put("mail", priority=2, headers={"trace": "1"})
    with consumer(shop) as queue:
        (message,) = queue.get_many(5)
    assert ("mail", {"trace": "1"}) == (message.body, message.headers)


def test_work_and_memory_are_one_transaction(shop: sqlite3.Connection) -> None:
    with shop:
        message_id = within(shop).put("mail")
    with pytest.raises(RuntimeError):
        work(shop, message_id, dies=True)
    assert [] == effects(shop)
    for _ in range(3):
        work(shop, message_id)
    assert [message_id] == effects(shop)
    with consumer(shop) as queue:
        assert Once(queue).seen(message_id)
