"""The log: every line is one of ours, and no secret is in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service import log as logs
from service.db.database import Database

Logged = Callable[[], str]


@pytest.fixture(params=["text", "json"])
def logged(request: pytest.FixtureRequest) -> Iterator[Logged]:
    """What was logged, in either form; the log of the tests is put back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.configure(request.param, "info", stream)
    yield stream.getvalue
    root.handlers, root.level = handlers, level


log = logs.get_logger("service.test")


def test_a_line_says_when_how_bad_what_and_by_whom(logged: Logged) -> None:
    log.info("done", rows=3, actor=None)
    line = logged()
    assert line.endswith("\n")
    if line.startswith("{"):
        found = json.loads(line)
        assert found.pop("timestamp").endswith("Z")
        assert found == {
            "level": "info",
            "event": "done",
            "rows": 3,
            "actor": None,
            "logger": "service.test",
        }
    else:
        stamp, rest = line.split(" ", 1)
        assert stamp.endswith("Z")
        assert rest == "info done rows=3 actor=- logger=service.test\n"


@pytest.mark.parametrize(
    "hostile",
    [
        "x\n2026-01-01T00:00:00.000Z info request status=200",
        "x\r\nforged",
        "\x1b[2J\x1b]0;title\x07",
        "\u202egnp.exe",
        "\u2066a\u2069",
        "a\x00b",
        "\ud800",
        "\x85next\u2028line",
    ],
)
def test_hostile_text_stays_inert_on_one_line(logged: Logged, hostile: str) -> None:
    log.info(hostile, path=hostile)
    line = logged()
    assert line.count("\n") == 1
    assert len(line.splitlines()) == 1
    inert = set(line[:-1])
    assert all(character.isprintable() for character in inert)
    line.encode("utf-8")


def test_names_of_values_are_escaped_too(logged: Logged) -> None:
    log.info("done", **{"a\nb\u202e": 1})
    assert len(logged().splitlines()) == 1
    assert "\u202e" not in logged()


@pytest.mark.parametrize(
    "secret",
    [
        "k-3k9x0f7q2m1b.hunter2",
        "postgresql://me:hunter2@host/name",
        "postgresql://me:hunter2@with@host/name",
        "Authorization: Bearer hunter2",
        "Basic hunter2=",
        "password=hunter2",
        "db_password: hunter2",
        "https://h/?token=hunter2&x=1",
    ],
)
def test_secrets_are_replaced_wherever_they_stand(logged: Logged, secret: str) -> None:
    log.warning(f"cannot use {secret}", address=f"<{secret}>")
    logging.getLogger("service.plain").error("because of %s", secret)
    assert "hunter2" not in logged()
    assert logs.REDACTED in logged()


@pytest.mark.parametrize("name", ["password", "api_key", "Authorization", "set_cookie", "digest"])
def test_values_of_secret_names_are_replaced(logged: Logged, name: str) -> None:
    log.info("done", **{name: "hunter2"})
    assert "hunter2" not in logged()


def test_an_id_of_a_key_stays_readable(logged: Logged) -> None:
    log.info("done", actor="key:k-3k9x0f7q2m1b")
    assert "k-3k9x0f7q2m1b" in logged()


def test_the_text_of_an_error_cannot_begin_a_line_of_its_own(logged: Logged) -> None:
    try:
        raise ValueError("bad\n2026-01-01T00:00:00.000Z info forged \x1b[2J")
    except ValueError:
        log.exception("failed")
    lines = logged().splitlines()
    assert "ValueError" in logged()
    assert "\x1b" not in logged()
    assert not any(line.startswith("2026-01-01") for line in lines)
    assert all(line.startswith("    ") for line in lines[1:])


def test_what_libraries_log_looks_the_same(logged: Logged) -> None:
    logging.getLogger("sqlalchemy.pool").warning("lost %s", "it\nagain")
    logging.getLogger("sqlalchemy.pool").info("not heard")
    assert len(logged().splitlines()) == 1
    assert "not heard" not in logged()


def test_values_of_any_length_are_cut(logged: Logged) -> None:
    log.info("done", name="x" * 100_000)
    assert len(logged()) < 3_000


def test_what_is_below_the_level_is_not_logged(logged: Logged) -> None:
    log.debug("detail")
    assert logged() == ""


def test_values_sent_to_the_database_do_not_come_into_the_log(
    logged: Logged, database: Database
) -> None:
    values = {"a": "hunter2"}
    try:
        with database.write() as connection:
            connection.execute(text("INSERT INTO nowhere VALUES (:a)"), values)
    except DBAPIError:
        log.exception("failed")
    assert "nowhere" in logged()
    assert "hunter2" not in logged()
