"""A name at a time: its board is opened from the list, and one commit answers all it is asked."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from service.db.database import Database
from service.db.tables import Name, Task
from service.events.log import EventLog
from service.tasks.create import NewTask, open_tasks
from tests.support.browsing import (
    ASKER,
    browser,
    curator,
    database,
    needs_chromium,
    placed,
    site,
    violations,
)

pytestmark = needs_chromium
__all__ = ["browser", "database", "site"]


@pytest.fixture
def asked(database: Database) -> Database:
    """Whether the two people called Wei Wang are one, besides whether one of them is two."""
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        name = connection.scalars(select(Name.key).where(Name.folded == "wei wang")).one()
        evidence = {"identities": ["a-other", "a-wang"], "probability": 0.2}
        merge = NewTask("merge", "a-other+a-wang", 6, 1.0, evidence, name)
        open_tasks(connection, ledger, ledger.record("asked", ASKER), [merge])
    return database


def open_tasks_of(database: Database) -> list[str]:
    with database.read() as connection:
        return sorted(connection.scalars(select(Task.kind).where(Task.state == "open")))


def test_a_name_is_settled_by_keys_in_one_commit_and_undone(
    browser: Any, site: str, asked: Database
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = curator(browser, site, asked)
    page.goto(f"{site}/review/by-name")
    assert "1 merge, 1 split" in page.locator(".queue li").inner_text()
    assert violations(axe, page) == []
    page.keyboard.press("Enter")
    page.wait_for_selector(".group:focus")
    before = placed(asked)
    page.locator(".group", has_text="Robots 1").focus()
    page.keyboard.press("n")
    page.locator(".group", has_text="Robots 0").focus()
    page.keyboard.press("3")
    page.keyboard.press("r")
    assert page.locator("#rest").is_checked()
    assert violations(axe, page) == []
    page.keyboard.press("p")
    page.wait_for_selector("#commit:focus")
    panel = page.locator(".panel").inner_text().replace("\n", " ")
    assert "2 author entries moved" in panel
    assert "closes 2 questions" in panel
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Committed.")
    assert open_tasks_of(asked) == []
    after = placed(asked)
    assert len({after["s0", 0], after["r0", 0], after["o0", 0]}) == 3
    page.keyboard.press("z")
    page.wait_for_selector("text=Undone.")
    assert placed(asked) == before
    assert open_tasks_of(asked) == ["merge", "split"]
    assert page.wrong == []
