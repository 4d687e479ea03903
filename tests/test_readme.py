"""What README shows works as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from disambig.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_every_command_in_readme_exists() -> None:
    named = set(re.findall(r"^disambig ([a-z]+)", "\n".join(blocks("sh")), re.MULTILINE))
    known = set(main.list_commands(click.Context(main)))
    assert named - known == set()


def test_every_command_is_in_readme() -> None:
    absent = [n for n in main.list_commands(click.Context(main)) if f"disambig {n}" not in README]
    assert absent == []


def test_the_library_example_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    predicting, _, _ = blocks("python")[0].partition("\nlabels = ")
    exec(predicting, {})
    assert "people behind 606 author mentions" in capsys.readouterr().out


def test_readme_and_the_check_command_set_up_alike() -> None:
    setup = blocks("sh")[0].strip().split(" && ")
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [line for line in setup if f"step {line}\n" not in steps] == []
