"""Groups and papers carried to where they belong, by mouse and by finger; boards of many."""

from __future__ import annotations

from typing import Any

import pytest

from service.db.database import Database
from tests.support.browsing import browser, curator, database, needs_chromium, placed, site

pytestmark = needs_chromium
__all__ = ["browser", "database", "site"]

TABLETS = [{"width": 1024, "height": 768}, {"width": 820, "height": 1180}]


def board(browser: Any, site: str, database: Database, **screen: Any) -> Any:
    page = curator(browser, site, database, **screen)
    page.goto(f"{site}/review/names/wei%20wang")
    page.wait_for_selector(".group:focus")
    return page


def group(page: Any, title: str) -> Any:
    return page.locator(".group", has_text=title)


def columns(page: Any) -> list[list[str]]:
    """Titles of the papers of each column."""
    return [
        sorted(column.locator(".title").all_inner_texts())
        for column in page.locator(".column").all()
    ]


def drag(page: Any, item: Any, target: Any) -> None:
    """With real events of a mouse, in steps."""
    start = item.bounding_box()
    page.mouse.move(start["x"] + 60, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(start["x"] + 90, start["y"] + 30, steps=3)
    page.wait_for_selector(".ghost")
    end = target.bounding_box()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=6)
    page.wait_for_selector(".over")
    page.mouse.up()
    page.wait_for_selector(".ghost", state="detached")


def test_groups_are_dragged_to_columns_to_a_new_one_and_to_not_sure(
    browser: Any, site: str, database: Database
) -> None:
    page = board(browser, site, database)
    assert len(columns(page)) == 2
    drag(page, group(page, "Robots 1"), page.locator(".column").nth(1))
    assert columns(page)[1] == ["Other things", "Robots 1"]
    drag(page, group(page, "Robots 0"), page.locator("[data-new]"))
    assert columns(page)[2] == ["Robots 0"]
    drag(page, group(page, "Speech 0"), page.locator(".carried [data-to=u]"))
    assert "unsure" in group(page, "Speech 0").get_attribute("class")
    before = columns(page)
    drag(page, group(page, "Speech 1"), page.locator(".carried [data-to='']"))
    assert columns(page) == before
    page.keyboard.press("p")
    page.wait_for_selector("#commit:focus")
    assert "2 author entries moved" in page.locator(".panel").inner_text().replace("\n", " ")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Committed.")
    after = placed(database)
    assert after["r1", 0] == after["o0", 0] != after["r0", 0] != after["s0", 0]
    assert page.wrong == []


def test_a_drag_is_given_up_by_escape(browser: Any, site: str, database: Database) -> None:
    page = board(browser, site, database)
    before = columns(page)
    start = group(page, "Robots 1").bounding_box()
    page.mouse.move(start["x"] + 60, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(start["x"] + 400, start["y"] + 40, steps=4)
    page.wait_for_selector(".ghost")
    page.keyboard.press("Escape")
    page.mouse.up()
    assert page.locator(".ghost").count() == 0
    assert columns(page) == before
    assert page.locator(".moved").count() == 0


@pytest.mark.parametrize("viewport", TABLETS, ids=["landscape", "portrait"])
def test_a_tap_takes_up_and_the_next_puts_down(
    browser: Any, site: str, database: Database, viewport: dict[str, int]
) -> None:
    page = board(browser, site, database, viewport=viewport, has_touch=True, is_mobile=True)
    group(page, "Robots 1").locator(".title").tap()
    page.wait_for_selector(".carried:not([hidden])")
    # a tap on somebody's name puts it there, and does not leave the board
    page.locator(".column").nth(1).locator("h2 a").tap()
    page.wait_for_selector(".column[data-column='2'] .group.moved")
    assert columns(page)[1] == ["Other things", "Robots 1"]
    group(page, "Robots 0").locator(".title").tap()
    page.locator(".carried [data-to=n]").tap()
    page.wait_for_selector(".column.fresh .group")
    group(page, "Speech 0").locator(".title").tap()
    page.locator(".carried [data-to=u]").tap()
    page.wait_for_selector(".group.unsure")
    group(page, "Speech 1").locator(".title").tap()
    group(page, "Speech 1").locator(".title").tap()
    assert page.locator(".carried").is_hidden(), "a second tap lays it down again"
    page.locator("#see").tap()
    page.locator("#commit").tap()
    page.wait_for_selector("text=Committed.")
    after = placed(database)
    assert after["r1", 0] == after["o0", 0] != after["r0", 0] != after["s0", 0]
    assert page.wrong == []


def test_a_finger_drags_by_the_handle_and_scrolls_elsewhere(
    browser: Any, site: str, database: Database
) -> None:
    page = board(browser, site, database, viewport=TABLETS[0], has_touch=True, is_mobile=True)
    touch = page.context.new_cdp_session(page)

    def finger(kind: str, x: float, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def swipe(item: Any, to_x: float, to_y: float) -> None:
        start = item.bounding_box()
        x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
        finger("touchStart", x, y)
        for k in range(1, 9):
            finger("touchMove", x + (to_x - x) * k / 8, y + (to_y - y) * k / 8)
        finger("touchEnd", to_x, to_y)

    title = group(page, "Robots 1").locator(".title")
    end = page.locator(".column").nth(1).bounding_box()
    swipe(title, title.bounding_box()["x"] + 20, 40)
    assert page.locator(".moved, .ghost").count() == 0, "what scrolls does not drag"
    to = end["x"] + end["width"] / 2, end["y"] + end["height"] / 2
    swipe(group(page, "Robots 1").locator(".handle").first, *to)
    page.wait_for_selector(".column[data-column='2'] .group.moved")
    assert columns(page)[1] == ["Other things", "Robots 1"]
    assert page.wrong == []


def test_papers_are_found_on_the_board_and_the_rest_folded(
    browser: Any, site: str, database: Database
) -> None:
    page = board(browser, site, database)
    page.keyboard.press("/")
    page.keyboard.type("robots 2012")
    page.wait_for_selector("#found:has-text('1 paper in 1 column')")
    assert page.locator(".group:visible .title").all_inner_texts() == ["Robots 1"]
    page.keyboard.press("Enter")
    page.wait_for_selector(".group:focus")
    page.keyboard.press("2")
    page.wait_for_selector(".column[data-column='2'] .group.moved")
    page.keyboard.press("Escape")
    page.wait_for_selector("#found:empty", state="attached")
    assert page.locator(".group:visible").count() == 6
    page.keyboard.press("f")
    page.wait_for_selector(".fold[aria-expanded=false]:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector(".fold[aria-expanded=true]:focus")
    assert page.wrong == []


def test_leaving_a_board_with_moves_that_are_not_committed_asks_first(
    browser: Any, site: str, database: Database
) -> None:
    page = board(browser, site, database)
    page.keyboard.press("2")
    page.wait_for_selector(".moved")
    page.locator("nav a", has_text="Runs").click()
    # the question was answered with no
    assert page.wrong == [""]
    assert "/review/names/" in page.url
    assert page.locator(".moved").count() == 1
