"""Kept answers: bounded, and never older than an answer asked anew."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from service.api.middleware.cache import CachedResponse, LastEvent, ResponseCache
from service.db.database import Database
from service.errors import Unavailable
from tests.support.reading_room import happened


def kept(size: int, sequence: int = 1) -> CachedResponse:
    return CachedResponse(sequence, 200, b"x" * (size - 500), {})


def key(name: str) -> tuple[bytes, bytes, bool]:
    return name.encode(), b"", False


@pytest.fixture
def last_event(database: Database) -> Iterator[LastEvent]:
    found = LastEvent(database)
    yield found
    found.close()


def test_the_least_recently_used_answer_is_given_up_first() -> None:
    hot = ResponseCache(capacity=3000)
    for name in "abc":
        hot.put(key(name), kept(1000))
    assert hot.get(key("a"))
    hot.put(key("d"), kept(1000))
    assert [name for name in "abcd" if hot.get(key(name))] == ["a", "c", "d"]
    assert hot.size == 3000


def test_an_answer_that_is_too_big_is_not_kept() -> None:
    hot = ResponseCache(capacity=3000)
    hot.put(key("a"), kept(3001))
    assert hot.get(key("a")) is None
    assert hot.size == 0


def test_a_new_answer_takes_the_place_of_the_old() -> None:
    hot = ResponseCache(capacity=3000)
    hot.put(key("a"), kept(2000, 1))
    hot.put(key("a"), kept(1000, 2))
    found = hot.get(key("a"))
    assert found is not None
    assert (found.sequence, hot.size) == (2, 1000)


def test_every_number_asked_after_an_event_knows_of_it(
    database: Database, last_event: LastEvent
) -> None:
    async def ask() -> None:
        for n in range(1, 21):
            before = [asyncio.create_task(last_event.get_sequence()) for _ in range(5)]
            await asyncio.sleep(0)  # those are on their way, the next must not share their answer
            happened(database)
            assert await last_event.get_sequence() == n
            await asyncio.gather(*before)

    asyncio.run(ask())


def test_those_who_ask_together_are_answered_by_few_questions(
    database: Database, last_event: LastEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    ask = last_event._query

    def counting() -> int:
        nonlocal asked
        asked += 1
        return ask()

    monkeypatch.setattr(last_event, "_query", counting)

    async def crowd() -> list[int]:
        return await asyncio.gather(*(last_event.get_sequence() for _ in range(500)))

    assert asyncio.run(crowd()) == [0] * 500
    assert asked <= 2


def test_a_connection_that_was_lost_is_replaced(database: Database, last_event: LastEvent) -> None:
    assert asyncio.run(last_event.get_sequence()) == 0
    if database.is_sqlite:
        last_event._thread.submit(last_event._connection.close).result()
    else:
        with database.engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
    assert asyncio.run(last_event.get_sequence()) == 0


def test_a_database_that_is_gone_is_told(
    database: Database, last_event: LastEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = database.engine.dialect.loaded_dbapi

    def gone(*args: object, **options: object) -> object:
        raise driver.OperationalError("no such host")

    monkeypatch.setattr(driver, "connect", gone)
    database.close()
    with pytest.raises(Unavailable):
        asyncio.run(last_event.get_sequence())
    monkeypatch.undo()
    assert asyncio.run(last_event.get_sequence()) == 0


def test_what_is_wrong_with_the_program_is_not_told_as_a_database_that_is_gone(
    last_event: LastEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong() -> int:
        raise TypeError("no number")

    monkeypatch.setattr(last_event, "_query", wrong)
    with pytest.raises(TypeError):
        asyncio.run(last_event.get_sequence())


def test_answers_are_kept_by_many_threads_at_once() -> None:
    hot = ResponseCache(capacity=50_000)

    def work(n: int) -> None:
        for k in range(500):
            hot.put(key(f"{n}-{k % 60}"), kept(1000))
            hot.get(key(f"{n}-{(k * 7) % 60}"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hot.size == 50_000
