"""The architecture map is true: what it names exists, and its drawing is current."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("docs/architecture.md", "CONTRIBUTING.md", "README.md", "docs/scaling.md")
ROOMS = "disambig|service|labeled|alembic|tests"


def list_paths(document: str) -> set[str]:
    """Files and folders of the rooms that a document names in backticks."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return set(re.findall(rf"`((?:{ROOMS})/[\w/.]*)`", text))


def list_dotted_names(document: str) -> set[str]:
    """Modules, and things in modules, that a document names in backticks or runs with -m."""
    text = (ROOT / document).read_text(encoding="utf-8")
    quoted = re.findall(r"`((?:disambig|service|labeled)(?:\.\w+)+)`", text)
    return {*quoted, *re.findall(r"python -m ((?:disambig|service|labeled)(?:\.\w+)+)", text)}


def exists(dotted: str) -> bool:
    """Whether a dotted name is a module or an attribute of one."""
    parts = dotted.split(".")
    for k in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:k]))
        except ModuleNotFoundError:
            continue
        for name in parts[k:]:
            if not hasattr(value, name):
                return False
            value = getattr(value, name)
        return True
    return False


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_exists(document: str) -> None:
    assert [path for path in sorted(list_paths(document)) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_module_that_a_document_names_exists(document: str) -> None:
    names = {n for n in list_dotted_names(document) if not n.endswith((".json", ".log", ".py"))}
    assert [name for name in sorted(names) if not exists(name)] == []


def test_the_map_names_the_modules_of_the_journeys() -> None:
    assert len([p for p in list_paths("docs/architecture.md") if p.endswith(".py")]) > 50


def test_a_module_that_does_not_exist_is_noticed() -> None:
    assert not exists("service.board.no_such_module")
    assert exists("service.board.commit.commit_arrangement")


def test_every_package_is_in_the_map() -> None:
    packages = [
        str(file.parent.relative_to(ROOT)) + "/"
        for room in ("disambig", "service")
        for file in (ROOT / room).glob("*/__init__.py")
    ]
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert [package for package in packages if f"`{package}" not in text] == []


def test_the_drawing_shows_the_contract() -> None:
    script = ROOT / "docs" / "draw_architecture.py"
    drawing = subprocess.run([sys.executable, script], capture_output=True, check=True).stdout
    assert drawing == (ROOT / "docs/images/architecture.svg").read_bytes(), (
        "run python docs/draw_architecture.py > docs/images/architecture.svg"
    )
