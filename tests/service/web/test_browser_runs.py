"""What a curator decided on a board stands after new works came and all was clustered anew; runs
are asked for, looked at and published from their pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.db.database import Database
from service.db.tables import Name
from service.events.log import EventLog
from service.settings import Settings, build_sqlite_url
from service.tasks import queries as task_queries
from service.tasks.create import NewTask, open_tasks
from service.text import fold_name
from tests.support.api_clients import bearer, key_of
from tests.support.browsing import ASKER, browser, curator, needs_chromium, served, violations
from tests.support.invented import work
from tests.support.run_world import (
    ROBOTS,
    SPEECH,
    deliver,
    do_and_publish,
    done,
    people,
    settings_in,
    wangs,
)

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="extra [test]: axe")
pytestmark = needs_chromium
__all__ = ["browser"]

TABLET = {"width": 820, "height": 1180}


@pytest.fixture
def clustered(sqlite_template: Path, tmp_path: Path) -> Iterator[tuple[Database, Settings]]:
    """Two people called Wei Wang as a run found and published them."""
    file = tmp_path / "runs.sqlite"
    shutil.copy(sqlite_template, file)
    database = Database(build_sqlite_url(file))
    deliver(database, *wangs())
    settings = settings_in(tmp_path)
    do_and_publish(database, settings)
    yield database, settings
    database.close()


def asked(database: Database, identity: str, *sides: list[str]) -> str:
    """Id of a question whether the sides, works of an identity, are of one person."""
    told = [
        {
            "identity": identity,
            "n": len(side),
            "mentions": [{"work": id_, "position": 0} for id_ in side],
        }
        for side in sides
    ]
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        name = connection.execute(Name.__table__.select()).all()
        key = next(row.key for row in name if row.folded == fold_name("Wei Wang"))
        evidence = {"identities": [identity], "sides": told}
        question = NewTask("split", identity, 5, 1.0, evidence, key)
        return open_tasks(connection, ledger, ledger.record("asked", ASKER), [question])[0]


def taken(page: Any, title: str) -> Any:
    """The paper, in focus."""
    found = page.locator(".paper[data-paper], .group:not(:has([data-paper]))", has_text=title)
    for folded in found.locator("xpath=ancestor::details").all():
        folded.evaluate("one => { one.open = true; }")
    found.focus()
    return found


def arrange(page: Any, site: str, task: str) -> None:
    """One paper of the speech person is a person of its own, one of the robots is theirs."""
    page.goto(f"{site}/review/names/wei%20wang?task={task}")
    page.wait_for_selector(".group:focus")
    column = page.locator(".column", has_text=SPEECH[0]).get_attribute("data-column")
    taken(page, ROBOTS[4])
    page.keyboard.press(column)
    page.wait_for_selector(".moved")
    taken(page, SPEECH[4])
    page.keyboard.press("n")
    page.wait_for_selector(".fresh .moved")
    page.keyboard.press("p")
    page.wait_for_selector("#commit:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Committed.")
    assert page.locator(".question .tag", has_text="answered").count() == 1
    assert page.locator("button[name=answer]").count() == 0


def reviewed(site: str, database: Database) -> None:
    """A sample of six mentions, of which two people answered four."""
    admin, *two = [bearer(key_of(database, role)) for role in ("admin", "reviewer", "reviewer")]
    drawn = httpx.post(f"{site}/v1/samples", json={"size": 6}, headers=admin, timeout=60)
    assert drawn.status_code == 201, drawn.text
    found = httpx.get(f"{site}/v1/tasks?kind=sample", headers=admin, timeout=60).json()["items"]
    wrong = {"answer": "different", "evidence": {"missing": 2}}
    for task, body in zip(found[:4], [wrong] + [{"answer": "same"}] * 3, strict=True):
        for who in two:
            path = f"{site}/v1/tasks/{task['id']}/answers"
            told = httpx.post(path, json=body, headers=who, timeout=60)
            assert told.status_code < 300, told.text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_estimates_are_told_in_words_with_their_intervals(
    browser: Any, clustered: tuple[Database, Settings], scheme: str
) -> None:
    database, settings = clustered
    with served(database, data=settings.data) as site:
        page = curator(browser, site, database, color_scheme=scheme, viewport=TABLET)
        page.goto(f"{site}/accuracy")
        assert "No estimate yet" in page.locator("main").inner_text()
        reviewed(site, database)
        page.goto(f"{site}/accuracy")
        told = page.locator("main").inner_text()
        assert "Estimated from 4 author entries drawn at random" in told
        assert "2 questions still open" in told
        assert page.locator(".big").count() == 2
        bars = page.locator("tbody tr:has-text('all') svg.interval")
        for bar in bars.all():
            dot = float(bar.locator("circle").get_attribute("cx"))
            left = float(bar.locator("rect").get_attribute("x"))
            width = float(bar.locator("rect").get_attribute("width"))
            assert 5 <= left <= dot <= left + width + 0.2 <= 155.5
        assert violations(axe, page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def titles(page: Any, site: str, identity: str) -> str:
    page.goto(f"{site}/people/{identity}")
    return page.locator(".papers").inner_text()


def test_decisions_stand_after_new_works_and_a_run_published_from_its_page(
    browser: Any, clustered: tuple[Database, Settings]
) -> None:
    database, settings = clustered
    before = people(database)
    task = asked(database, before["s0", 0], ["s4"], ["s0", "s1", "s2", "s3"])
    with served(database, data=settings.data) as site:
        page = curator(browser, site, database)
        arrange(page, site, task)
        decided = people(database)
        assert decided["r4", 0] == decided["s0", 0] == before["s0", 0]
        assert decided["s4", 0] not in before.values()

        deliver(
            database,
            work(
                "s9",
                "speech acoustic recognition",
                "Wei Wang",
                "Otto Brandt",
                venue="Interspeech",
                year=2006,
            ),
            work(
                "r9",
                "robot arm planning",
                "Wei Wang",
                "Lei Zhang",
                venue="Robotics: Science and Systems",
                year=2016,
            ),
        )
        page.goto(f"{site}/runs")
        page.select_option("#scope", "full")
        page.fill("#reason", "new works")
        page.click("text=Start a run")
        page.wait_for_selector("text=Waiting for a worker")
        run = page.url.rsplit("/", 1)[1]
        done(database, settings, run)
        page.click("text=Refresh")
        page.wait_for_selector("text=What would change")
        assert violations(axe, page) == []
        assert "new entries" in page.locator("[aria-label='Changes, largest first']").inner_text()
        assert people(database) == decided, "a proposal changed something"
        page.fill("#reason", "looked through")
        page.click("button:has-text('Publish')")
        page.wait_for_selector("text=What changed")

        after = people(database)
        assert {place: after[place] for place in decided} == decided, "ids are kept"
        assert after["s9", 0] == decided["s0", 0]
        assert ROBOTS[4] in titles(page, site, decided["r4", 0])
        assert titles(page, site, decided["s4", 0]).count("\n") == 0
        assert SPEECH[4] in titles(page, site, decided["s4", 0])
        page.goto(f"{site}/review")
        assert page.locator(f"[action*='{task}']").count() == 0
        with database.read() as connection:
            assert task_queries.get_task(connection, task).state == "closed"
        assert page.wrong == []
