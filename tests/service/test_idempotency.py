"""A write that is sent again is done once, and answered alike."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from sqlalchemy import func, select, update

from service import api_keys, idempotency
from service.actors import Role
from service.db import tables
from service.db.database import Database
from service.errors import Conflict, Invalid
from service.events.log import EventLog
from service.idempotency import (
    IdempotentRequest,
    ReusedKey,
    StoredResponse,
    parse_idempotency_key,
    run_once,
    run_once_in_parts,
)

ONE = IdempotentRequest("key:k-a", "token-1", b"1" * 32)


def make_key(name: str, admin):
    """A write: the answer is the secret, so doing it twice would answer differently."""

    def act(database: Database) -> StoredResponse:
        return StoredResponse(
            201, api_keys.create_key(database, admin, name=name, role=Role.EDITOR)[1].encode()
        )

    return act


def n_keys(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(tables.ApiKey))


@pytest.mark.parametrize("way", [run_once, run_once_in_parts])
def test_sent_again_it_is_answered_alike_and_done_once(database, admin, way) -> None:
    first = way(database, ONE, make_key("a", admin))
    again = way(database, ONE, make_key("a", admin))
    assert (again.status, again.body, again.content_type) == (201, first.body, "application/json")
    assert (first.is_replay, again.is_replay, n_keys(database)) == (False, True, 1)


@pytest.mark.parametrize("way", [run_once, run_once_in_parts])
def test_without_a_token_it_is_done_each_time(database, admin, way) -> None:
    for _ in range(2):
        way(database, None, make_key("a", admin))
    assert n_keys(database) == 2


@pytest.mark.parametrize("way", [run_once, run_once_in_parts])
def test_one_token_for_two_requests_is_refused(database, admin, way) -> None:
    way(database, ONE, make_key("a", admin))
    with pytest.raises(ReusedKey) as refused:
        way(database, IdempotentRequest(ONE.actor, ONE.token, b"2" * 32), make_key("b", admin))
    assert (refused.value.status, refused.value.field) == (422, "Idempotency-Key")
    way(database, IdempotentRequest("key:k-b", ONE.token, b"2" * 32), make_key("b", admin))
    assert n_keys(database) == 2


@pytest.mark.parametrize("way", [run_once, run_once_in_parts])
def test_what_failed_is_not_remembered(database, admin, way) -> None:
    with pytest.raises(Invalid):
        way(database, ONE, make_key("", admin))
    assert way(database, ONE, make_key("a", admin)).is_replay is False


def test_a_write_and_its_answer_stand_or_fall_together(database, admin) -> None:
    def half(within: Database) -> StoredResponse:
        make_key("a", admin)(within)
        raise RuntimeError("the server dies")

    with pytest.raises(RuntimeError):
        run_once(database, ONE, half)
    assert n_keys(database) == 0


def test_a_part_that_fails_leaves_the_other_parts(database, admin) -> None:
    def two(within: Database) -> StoredResponse:
        make_key("a", admin)(within)
        with pytest.raises(RuntimeError):
            broken(within)
        return StoredResponse(200, b"")

    def broken(within: Database) -> None:
        with within.write():
            make_key("b", admin)(within)
            raise RuntimeError

    run_once(database, ONE, two)
    with database.read() as connection:
        assert [k.name for k in api_keys.list_keys(connection)] == ["a"]


def test_of_two_at_once_the_second_waits_and_has_the_first_ones_answer(database, admin) -> None:
    ready = Barrier(2)

    def send(_: int) -> StoredResponse:
        ready.wait(10)
        return run_once(database, ONE, make_key("a", admin))

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(send, range(2))
    assert one.body == other.body
    assert {one.is_replay, other.is_replay} == {False, True}
    assert n_keys(database) == 1


def test_of_two_in_parts_the_second_is_told_to_wait(database, admin) -> None:
    began, go_on = Event(), Event()

    def slow(given: Database) -> StoredResponse:
        began.set()
        go_on.wait(10)
        return make_key("a", admin)(given)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run_once_in_parts, database, ONE, slow)
        began.wait(10)
        with pytest.raises(Conflict, match="in progress"):
            run_once_in_parts(database, ONE, slow)
        go_on.set()
        assert first.result(10).status == 201
    assert run_once_in_parts(database, ONE, slow).is_replay


def test_what_died_with_its_server_is_taken_over(database, admin) -> None:
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        idempotency._store_response(connection, ONE, ledger.at - timedelta(minutes=11), None)
    assert run_once_in_parts(database, ONE, make_key("a", admin)).is_replay is False


def test_after_a_day_it_is_forgotten(database, admin) -> None:
    first = run_once(database, ONE, make_key("a", admin))
    with database.write() as connection:
        now = EventLog.lock(connection).at
        connection.execute(update(tables.Idempotency).values(created_at=now - timedelta(hours=25)))
    assert run_once(database, ONE, make_key("a", admin)).body != first.body


@pytest.mark.parametrize("token", ["", " ", "a b", "x" * 201, "ключ", "a\0"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_idempotency_key("a", token, b"")
    assert refused.value.field == "Idempotency-Key"


def test_requests_differ_by_where_their_parts_end() -> None:
    one, other = (
        parse_idempotency_key("a", "t", b"ab", b"c"),
        parse_idempotency_key("a", "t", b"a", b"bc"),
    )
    assert one != other
    assert parse_idempotency_key("a", None, b"ab") is None
