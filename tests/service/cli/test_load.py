"""``disambig load``: works from files into the database, and what it says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from disambig.cli import main
from service.db.database import Database
from service.db.tables import Source, WorkVersion


def record(name: str, *authors: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "title": "T", "authors": [{"name": a} for a in authors], **fields}


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    file = tmp_path / "works.jsonl"
    write(file, record("w1", "Ann Lee"), record("w2", "Bob Ray"))
    return file


def write(file: Path, *records: dict[str, Any]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in records), encoding="utf-8")


def load(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["load", *map(str, arguments)])


def test_works_are_stored_and_the_next_step_is_told(database_url: str, delivery: Path) -> None:
    result = load(delivery, "--database", database_url)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "2 works created, 0 changed, 0 unchanged" in result.stderr
    assert "disambig run" in result.stderr
    database = Database(database_url)
    with database.read() as connection:
        source = connection.execute(select(Source)).one()
        raw = connection.scalars(select(WorkVersion.raw).order_by(WorkVersion.work_key)).first()
    database.close()
    assert (source.kind, source.label, source.format) == ("file", str(delivery), "auto")
    assert source.actor.startswith("cli:")
    assert raw == delivery.read_text().splitlines()[0]


def test_a_second_load_tells_what_changed(database_url: str, delivery: Path) -> None:
    load(delivery, "--database", database_url, "--quiet")
    write(delivery, record("w1", "Ann Lee"), record("w2", "Bob Ray", year=2001))
    result = load(delivery, "--database", database_url)
    assert "0 works created, 1 changed, 1 unchanged" in result.stderr


def test_rejected_records_are_told_kept_and_end_with_status_3(
    tmp_path: Path, delivery: Path
) -> None:
    write(delivery, record("w1"), record("w2", "Bob Ray"), record("w2", "Cy Poe"))
    rejects = tmp_path / "rejects.jsonl"
    url = f"sqlite:///{tmp_path / 'new' / 'disambig.sqlite'}"
    result = load(delivery, "--database", url, "--rejects", rejects)
    assert result.exit_code == 3
    assert "1 works created" in result.stderr
    assert "3 read, 1 kept, 0 repaired, 2 rejected" in result.stderr
    assert len(rejects.read_text().splitlines()) == 2


def test_quiet_says_nothing(tmp_path: Path, delivery: Path) -> None:
    result = load(delivery, "--database", f"sqlite:///{tmp_path / 'd.sqlite'}", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_a_database_that_cannot_be_reached_is_told(delivery: Path) -> None:
    result = load(delivery, "--database", "postgresql://nobody@127.0.0.1:1/none")
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr


def test_help_teaches(delivery: Path) -> None:
    result = load("--help")
    assert "Examples:" in result.stdout
    assert "disambig load works.jsonl.gz" in result.stdout
