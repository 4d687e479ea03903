"""``disambig key``: the first administrator's key comes from the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from disambig.cli import main
from service import api_keys
from service.actors import Role
from service.db.database import Database


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'new' / 'disambig.sqlite'}"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["key", *arguments])


def test_the_first_key_is_printed_alone_and_works(url: str) -> None:
    made = run("create", "--role", "admin", "--name", "Ada", "--database", url)
    assert made.exit_code == 0, made.output
    database = Database(url)
    with database.read() as connection:
        info = api_keys.authenticate(connection, made.stdout.strip())
    database.close()
    assert (info.role, info.name, info.expires_at) == (Role.ADMIN, "Ada", None)
    assert "shown only once" in made.stderr


def test_keys_are_listed_and_revoked(url: str) -> None:
    run("create", "--role", "editor", "--name", "im\x1bport", "--database", url)
    assert (
        run("list", "--database", url).stdout
        == "No keys yet; create one with disambig key create.\n"
    )
    made = run(
        "create",
        "--role",
        "editor",
        "--name",
        "import",
        "--expires",
        "90d",
        "--per-minute",
        "0",
        "--database",
        url,
    )
    key_id = made.stdout.partition(".")[0]
    shown = run("list", "--database", url).stdout
    assert key_id in shown
    assert all(word in shown for word in ("editor", "import", "active"))
    revoked = run("revoke", key_id, "--reason", "lost", "--database", url)
    assert revoked.exit_code == 0
    assert "is revoked since" in revoked.stdout
    (row,) = map(json.loads, run("list", "--json", "--database", url).stdout.splitlines())
    assert (row["id"], row["state"]) == (key_id, "revoked")
    assert "digest" not in row


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "--role", "god", "--name", "x"), "'god' is not one of"),
        (("create", "--role", "admin"), "Missing option '--name'"),
        (
            ("create", "--role", "admin", "--name", "x", "--expires", "soon"),
            "neither a number of days",
        ),
        (("create", "--role", "admin", "--name", "x", "--expires", "2001-01-01"), "has passed"),
        (("create", "--role", "admin", "--name", ""), "1 to 200 characters"),
        (("revoke", "k-nobody"), "no key k-nobody"),
    ],
)
def test_mistakes_are_told_in_one_line(url: str, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments, "--database", url)
    assert result.exit_code in (1, 2)
    assert told in result.stderr
    assert "Traceback" not in result.output
