"""A board as large as one can be, in a real Chromium: axe, and swipes that stay on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.board.scope import MAX_BOARD_COLUMNS, MAX_BOARD_MENTIONS
from service.db.database import Database
from service.settings import build_sqlite_url
from tests.support.browsing import browser, curator, needs_chromium, served, violations
from tests.support.reading_room import Author, Paper, fill

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="extra [test]: axe")
pytestmark = needs_chromium
__all__ = ["browser"]

LARGE = 7
"""People who share half of the papers."""


def papers() -> list[Paper]:
    """Papers of as many people of one name as a board holds."""
    found = []
    for k in range(MAX_BOARD_MENTIONS):
        who = k % LARGE if k % 2 else k // 2 % MAX_BOARD_COLUMNS
        authors = [Author("Wei Wang", f"a-{who}", f"University {who}")]
        authors.append(Author(f"Company {who} {k % 3}", f"a-with-{who}-{k % 3}"))
        year = 1990 + k % 35
        found.append(Paper(f"w{k}", f"On thing {k} of sort {who}", authors, year, f"Venue {who}"))
    return found


@pytest.fixture(scope="module")
def database(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    file = tmp_path_factory.mktemp("large") / "large.sqlite"
    shutil.copy(sqlite_template, file)
    found = Database(build_sqlite_url(file))
    fill(found, papers())
    yield found
    found.close()


@pytest.fixture(scope="module")
def site(database: Database) -> Iterator[str]:
    with served(database) as found:
        yield found


def board(browser: Any, site: str, database: Database, **screen: Any) -> Any:
    page = curator(browser, site, database, **screen)
    page.goto(f"{site}/review/names/wei%20wang")
    page.wait_for_selector(".group:focus")
    assert page.locator(".column").count() == MAX_BOARD_COLUMNS
    assert page.locator(".group").count() == MAX_BOARD_MENTIONS
    return page


def test_a_board_of_two_thousand_passes_axe_folded_and_opened(
    browser: Any, site: str, database: Database
) -> None:
    page = board(browser, site, database)
    page.evaluate(
        "[...document.querySelectorAll('.fold[aria-expanded=false]')].slice(-3)"
        ".forEach(fold => fold.click())"
    )
    page.evaluate("document.querySelectorAll('.column details').forEach(d => { d.open = true })")
    assert page.locator(".fold[aria-expanded=false]").count() > 100
    assert violations(axe, page) == []
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "wider than the window"
    assert page.wrong == []


CHAIN = """element => {
  for (let at = element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    const scrolls = at === document.documentElement
      || (at.scrollWidth > at.clientWidth && /auto|scroll/.test(style.overflowX));
    if (scrolls && style.overscrollBehaviorX !== "auto") return style.overscrollBehaviorX;
  }
  return "auto";
}"""
"""What becomes of a sideways swipe that begins on an element, at its end."""


def test_no_swipe_on_a_board_goes_back_in_history(
    browser: Any, site: str, database: Database
) -> None:
    page = board(browser, site, database, viewport={"width": 1024, "height": 768}, has_touch=True)
    for place in (".top", ".strip", ".strip h1", ".board", ".column h2", ".group .title"):
        end = page.locator(place).first.evaluate(CHAIN)
        assert end in ("none", "contain"), place
    page.goto(f"{site}/review")
    assert page.locator("h1").first.evaluate(CHAIN) == "auto", "elsewhere it may"
