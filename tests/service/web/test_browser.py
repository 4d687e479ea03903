"""The pages as people use them, in a real Chromium: keys, two curators, hostile names, axe."""

from __future__ import annotations

import time
from typing import Any

import pytest

from service.db.database import Database
from tests.support.browsing import (
    browser,
    curator,
    database,
    needs_chromium,
    placed,
    site,
    violations,
)

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="extra [test]: axe")
pytestmark = needs_chromium
__all__ = ["browser", "database", "site"]


def test_a_curator_splits_a_name_by_keyboard_alone_commits_and_undoes(
    browser: Any, site: str, database: Database
) -> None:
    before = placed(database)
    page = curator(browser, site, database)
    keys = page.keyboard
    keys.press("Enter")  # the first question has the focus
    page.wait_for_selector(".group:focus")
    assert page.locator(".column").count() == 2
    for title in ("Robots 1", "Robots 0"):
        while title not in page.locator(".group:focus").inner_text():
            keys.press("ArrowDown")
        keys.press("n" if title == "Robots 1" else "3")
        while title == "Robots 1" and page.locator(".column").count() < 3:
            time.sleep(0.05)
    keys.press("p")
    page.wait_for_selector("#commit:focus")
    assert "2 author entries moved" in page.locator(".panel").inner_text().replace("\n", " ")
    assert placed(database) == before, "a preview changed something"
    keys.press("Enter")
    page.wait_for_selector("text=Committed.")
    after = placed(database)
    left = {after["r0", 0], after["r1", 0]}
    assert len(left) == 1
    assert left.isdisjoint(before.values())
    assert {k: v for k, v in after.items() if v not in left} == {
        k: v for k, v in before.items() if k not in (("r0", 0), ("r1", 0))
    }
    page.wait_for_selector(".group:focus")
    keys.press("z")
    page.wait_for_selector("text=Undone.")
    assert placed(database) == before
    assert page.wrong == []


def test_a_step_is_taken_back_and_a_paper_is_not_sure(
    browser: Any, site: str, database: Database
) -> None:
    page = curator(browser, site, database)
    page.goto(f"{site}/review/names/wei%20wang")
    keys = page.keyboard
    page.wait_for_selector(".group:focus")
    keys.press("2")
    page.wait_for_selector(".column[data-column='2'] .group.moved")
    keys.press("z")
    page.wait_for_selector(".moved", state="detached")
    keys.press("u")
    page.wait_for_selector(".group.unsure:focus")
    keys.press("ArrowRight")
    page.wait_for_selector(".column[data-column='2'] .group:focus")
    keys.press("?")
    page.wait_for_selector("dialog[open]")
    assert page.wrong == []


def test_two_curators_on_one_task_see_each_other_and_the_second_is_told_what_changed(
    browser: Any, site: str, database: Database
) -> None:
    first, second = (curator(browser, site, database) for _ in range(2))
    first.click("[data-row]")
    first.wait_for_selector(".group:focus")
    second.reload()
    assert "held by" in second.locator(".queue").inner_text()
    second.click("[data-row]")
    second.wait_for_selector("text=Held by")
    for page, key in ((first, "2"), (second, "n")):
        page.wait_for_selector(".group:focus")
        page.keyboard.press(key)
        page.wait_for_selector(".moved")
        page.keyboard.press("p")
        page.wait_for_selector("#commit:focus")
    first.keyboard.press("Enter")
    first.wait_for_selector("text=Committed.")
    moved = placed(database)
    second.keyboard.press("Enter")
    second.wait_for_selector("[role=alert]")
    told = second.locator("[role=alert]").inner_text()
    assert told.startswith("Conflict.")
    assert f"by {first.actor}" in told
    assert placed(database) == moved


def test_hostile_names_are_inert_and_crowds_are_folded(
    browser: Any, site: str, database: Database
) -> None:
    page = curator(browser, site, database)
    name = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%20%E2%80%AEevil"
    for path in ("/people/a-evil", f"/names/{name}", f"/review/names/{name}", "/?q=evil"):
        page.goto(site + path)
        assert page.locator("img").count() == 0, path
        assert "\u202e" not in page.content(), path
        assert page.locator(".control", has_text="U+202E").count() > 0, path
        assert page.evaluate("document.querySelectorAll('*').length") < 5_000, path
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is wider than the window"
    assert page.wrong == []


TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}


@pytest.mark.parametrize("screen", [{}, TABLET], ids=["desk", "tablet"])
def test_pages_pass_axe_in_light_and_dark(
    browser: Any, site: str, database: Database, screen: dict[str, Any]
) -> None:
    page = curator(browser, site, database, **screen)
    found = []
    light = ("/", "/review/reviewers", "/people/a-wang", "/names/wei%20wang", "/runs", "/nothing")
    dark = ("/?q=wang", "/review", "/review/names/wei%20wang")
    for scheme, paths in (("light", light), ("dark", dark)):
        page.emulate_media(color_scheme=scheme)
        for path in paths:
            page.goto(site + path)
            found += [(scheme, *wrong) for wrong in violations(axe, page)]
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{path} is wider than the window"
    assert found == []
