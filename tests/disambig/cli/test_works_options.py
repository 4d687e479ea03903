"""Works as the input of a command: problems told, summary, exit status, and shared options."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from disambig.cli.group import LazyGroup
from disambig.cli.works_options import (
    FORMATS,
    finish_reading,
    open_works,
    reading_options,
    works_argument,
)
from disambig.ingest import FORMATS as READABLE

GOOD = {"id": "W1", "title": "Alpha", "authors": [{"name": "Ann Lee"}]}
NO_TITLE = {"id": "W2", "title": "", "authors": [{"name": "Ann\x1b[2J Lee"}]}
ODD_YEAR = {"year": "1999", "title": "Beta", "authors": [{"name": "Ann Lee"}]}


@click.command()
@works_argument
@reading_options
@click.option("--quiet", is_flag=True)
def titles(
    works: tuple[Path, ...], format: str, strict: bool, rejects: Path | None, quiet: bool
) -> None:
    """Print titles."""
    with open_works(works, format=format, strict=strict, rejects=rejects, quiet=quiet) as reader:
        for work in reader:
            click.echo(work.title)
    finish_reading(reader.report, rejects=rejects, quiet=quiet)


def run(folder: Path, *arguments: str, rows: list[object]) -> Result:
    group = LazyGroup("t", commands_in="none", builtin=(), plugins="none")
    group.get_command = lambda ctx, name: titles  # type: ignore[method-assign]
    path = folder / "works.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return CliRunner().invoke(group, ["titles", str(path), *arguments])


def test_all_kept_ends_with_status_0_and_a_summary(tmp_path: Path) -> None:
    result = run(tmp_path, rows=[GOOD])
    assert result.exit_code == 0
    assert result.stderr == "Works: 1 read, 1 kept, 0 repaired, 0 rejected\n"


def test_a_rejected_record_ends_with_status_3_and_the_rest_goes_on(tmp_path: Path) -> None:
    result = run(tmp_path, rows=[NO_TITLE, GOOD])
    assert result.exit_code == 3
    assert result.stdout == "Alpha\n"
    assert "2 read, 1 kept, 0 repaired, 1 rejected" in result.stderr


def test_a_rejected_record_is_told_even_when_quiet(tmp_path: Path) -> None:
    result = run(tmp_path, "--quiet", rows=[NO_TITLE, GOOD])
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"rejected: {tmp_path / 'works.jsonl'}:1: title:")


def test_rejected_records_are_kept_where_asked(tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    result = run(tmp_path, "--rejects", str(rejects), rows=[NO_TITLE, GOOD])
    assert len(rejects.read_text().splitlines()) == 1
    assert f"1 rejected (see {rejects})" in result.stderr


def test_strict_stops_with_status_1(tmp_path: Path) -> None:
    result = run(tmp_path, "--strict", rows=[NO_TITLE, GOOD])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")


def test_only_the_first_ten_repairs_are_told_and_all_counted(tmp_path: Path) -> None:
    rows: list[object] = [{**ODD_YEAR, "id": f"W{n}"} for n in range(12)]
    lines = run(tmp_path, rows=rows).stderr.splitlines()
    assert len([line for line in lines if line.startswith("repaired: ")]) == 10
    assert "12 repaired" in lines[-1]


def test_quiet_tells_no_repairs(tmp_path: Path) -> None:
    assert run(tmp_path, "--quiet", rows=[{**ODD_YEAR, "id": "W1"}]).stderr == ""


def test_a_declared_format_is_held_to(tmp_path: Path) -> None:
    assert run(tmp_path, "--format", "s2and", rows=[GOOD]).exit_code == 1


def test_standard_input_is_read(tmp_path: Path) -> None:
    done = CliRunner().invoke(titles, ["-"], input=json.dumps(GOOD))
    assert done.stdout == "Alpha\n"


def test_the_formats_offered_are_those_that_can_be_read() -> None:
    assert FORMATS == READABLE


@pytest.mark.parametrize("format", ["", "csv"])
def test_an_unknown_format_is_a_usage_error(tmp_path: Path, format: str) -> None:
    assert run(tmp_path, "--format", format, rows=[GOOD]).exit_code == 2
