"""The page of names with open questions, over HTTP."""

import re
from typing import Any

import pytest
from sqlalchemy import insert

from service.db.database import Database
from service.db.tables import Name
from service.events.log import EventLog
from service.tasks.create import NewTask, open_tasks
from tests.support.api_clients import key_of, serving
from tests.support.review_world import identities


@pytest.fixture
def client(database: Database, editor):
    with database.write() as connection:
        for key, name in ((1, "Wei Wang"), (2, "<b>Bo</b> Xu")):
            connection.execute(insert(Name).values(key=key, folded=name.lower(), printed=name))
        ledger = EventLog.lock(connection)
        seq = ledger.record("questions-asked", editor)
        asked = [
            NewTask("merge", "a+b", 3, 1.0, {}, name_key=1, effort=4),
            NewTask("split", "c", 3, 1.0, {}, name_key=1, effort=4),
            NewTask("conflict", "d+e", 3, 0.1, {}, name_key=2),
        ]
        open_tasks(connection, ledger, seq, asked)
    with serving(database) as found:
        found.post("/login", data={"key": key_of(database, "reviewer")})
        yield found


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html[html.index("<main") :]))


def test_names_come_with_their_questions_and_conflicts_first(client: Any) -> None:
    told = client.get("/review/by-name")
    assert told.status_code == 200, told.text
    text = text_of(told.text)
    assert text.index("Bo") < text.index("Wei Wang")
    assert "1 merge, 1 split" in text
    assert "<b>Bo</b>" not in told.text


def test_names_are_filtered_and_their_questions_listed(client: Any) -> None:
    told = client.get("/review/by-name?name=wei%20wang")
    assert "Bo" not in text_of(told.text)
    assert 'href="/review?name=Wei%20Wang"' in told.text
    assert "No name with open questions" in client.get("/review/by-name?name=nobody").text


def test_who_is_not_signed_in_is_asked_to(client: Any) -> None:
    client.cookies.clear()
    told = client.get("/review/by-name", follow_redirects=False)
    assert told.status_code == 303
    assert told.headers["location"].startswith("/login")


def test_that_nothing_was_asked_yet_is_told_apart_from_nothing_to_answer(
    database: Database, editor
) -> None:
    pages = ("/review/by-name", "/review")
    with serving(database) as client:
        client.post("/login", data={"key": key_of(database, "reviewer")})
        assert all("No open questions." in client.get(page).text for page in pages)
        identities(database, editor)  # publishes them
        assert all(
            "has not been checked for questions yet" in client.get(page).text for page in pages
        )
        with database.write() as connection:
            EventLog.lock(connection).record("questions-asked", editor)
        assert all("No open questions." in client.get(page).text for page in pages)
