"""A task is one person's for a while, and everybody sees whose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from service.db.tables import Task
from service.errors import Conflict, Forbidden, NotFound
from service.tasks import leases
from service.tasks import queries as task_queries
from tests.support.review_world import ANN, BO, ask, identities, merge_question, task


@pytest.fixture
def asked(database, editor) -> str:
    ids = identities(database, editor)
    return ask(database, merge_question(ids[1], ids[4]))[0]


def run_out(database, id_: str) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with database.write() as connection:
        connection.execute(update(Task).where(Task.id == id_).values(leased_until=past))


def test_somebody_else_is_told_who_has_it_until_it_is_given_back(database, asked) -> None:
    taken = leases.acquire_lease(database, ANN, asked)
    assert taken.leased_by == "key:ann"
    left = taken.leased_until - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    with pytest.raises(Conflict, match="key:ann works on this") as told:
        leases.acquire_lease(database, BO, asked)
    assert told.value.details["held_by"] == "key:ann"
    with pytest.raises(Forbidden):
        leases.release_lease(database, BO, asked)
    assert leases.release_lease(database, ANN, asked).leased_by is None
    assert leases.acquire_lease(database, BO, asked).leased_by == "key:bo"


def test_a_lease_is_renewed_and_runs_out(database, asked) -> None:
    first = leases.acquire_lease(database, ANN, asked, 5)
    assert leases.acquire_lease(database, ANN, asked).leased_until > first.leased_until
    run_out(database, asked)
    assert task(database, asked).leased_by is None
    assert leases.acquire_lease(database, BO, asked).leased_by == "key:bo"


def test_an_admin_gives_back_what_others_hold(database, admin, asked) -> None:
    leases.acquire_lease(database, ANN, asked)
    assert leases.release_lease(database, admin, asked).leased_by is None


def test_a_closed_or_unknown_task_cannot_be_taken(database, editor, asked) -> None:
    leases.acquire_lease(database, ANN, asked)
    assert task_queries.close_by_hand(database, editor, asked).leased_by is None
    with pytest.raises(Conflict, match="closed"):
        leases.acquire_lease(database, ANN, asked)
    for unknown in ("t-0", "\0", "\ud800"):
        with pytest.raises(NotFound):
            leases.acquire_lease(database, ANN, unknown)


def test_the_list_tells_mine_from_others_and_from_free_ones(database, editor) -> None:
    ids = identities(database, editor)
    mine, theirs, free, over = ask(
        database,
        merge_question(ids[1], ids[4]),
        merge_question(ids[1], ids[6]),
        merge_question(ids[4], ids[6]),
        merge_question(ids[4], "a-x"),
    )
    leases.acquire_lease(database, ANN, mine)
    leases.acquire_lease(database, BO, theirs)
    leases.acquire_lease(database, BO, over)
    run_out(database, over)

    def listed(held: str | None) -> set[str]:
        with database.read() as connection:
            wanted = task_queries.TaskFilter(lease_holder=held, reviewer=ANN.name)
            return {t.id for t in task_queries.get_task_page(connection, wanted)[0]}

    assert listed("me") == {mine}
    assert listed("others") == {theirs}
    assert listed("nobody") == {free, over}
    assert listed(None) == {mine, theirs, free, over}
    with database.read() as connection:
        held = {row.reviewer: row.tasks for row in leases.list_lease_holders(connection)}
    assert held == {"key:ann": 1, "key:bo": 1}
