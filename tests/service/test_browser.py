"""The pages as people use them, in a real Chromium: keys, two curators, hostile names, axe."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from api_clients import key_of
from reading_room import Author, Paper, fill
from sqlalchemy import select

from service.actors import Actor, Role
from service.api.app import create_app
from service.database import Database, sqlite_url
from service.ledger import Ledger
from service.settings import Settings
from service.tables import Identity, Membership, Name, Signature, Work
from service.tasks import Question, open_tasks

playwright = pytest.importorskip("playwright.sync_api", reason="the extra [test] has playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="extra [test]: axe")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")

PATIENCE = 30_000
"""Milliseconds to wait for anything, on a machine with other work, too."""
HOSTILE = "<img src=x onerror=alert(1)> \u202eevil"
ASKER = Actor("cli:asker", Role.ADMIN)


def papers() -> list[Paper]:
    """Two people under one id, another of their name, a hostile one, and a crowd."""
    wang = Author("Wei Wang", "a-wang", "University of Nowhere")
    speech = [
        Paper(f"s{k}", f"Speech {k}", [wang, Author("Otto Brandt", "a-otto")], 2001 + k, "Sounds")
        for k in range(3)
    ]
    robots = [
        Paper(f"r{k}", f"Robots {k}", [wang, Author("Lei Zhang", "a-lei")], 2011 + k, "Arms")
        for k in range(2)
    ]
    crowd = [Author(f"{HOSTILE} {k}", f"a-crowd{k}") for k in range(5_000)]
    return [
        *speech, *robots,
        Paper("o0", "Other things", [Author("Wei Wang", "a-other")], 2020),
        Paper("h0", HOSTILE, [Author(HOSTILE, "a-evil"), *crowd], 2020, HOSTILE),
        Paper("h1", "Long " * 500, [Author(HOSTILE, "a-evil")], 2021),
    ]  # fmt: skip


def side(*works: str) -> dict[str, Any]:
    return {"identity": "a-wang", "mentions": [{"work": w, "position": 0} for w in works]}


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    file = tmp_path / "browser.sqlite"
    shutil.copy(sqlite_template, file)
    found = Database(sqlite_url(file))
    fill(found, papers())
    with found.write() as connection:
        ledger = Ledger.hold(connection)
        name = connection.scalars(select(Name.key).where(Name.folded == "wei wang")).one()
        sides = [side("s0", "s1", "s2"), side("r0", "r1")]
        evidence = {"identities": ["a-wang"], "sides": sides, "probability": 0.3}
        asked = Question("split", "a-wang", 5, 2.0, evidence, name)
        open_tasks(connection, ledger, ledger.record("asked", ASKER), [asked])
    yield found
    found.close()


@pytest.fixture
def site(database: Database) -> Iterator[str]:
    """Address of the service over HTTP."""
    app = create_app(Settings(rate_public=0, rate_key=0, metrics=False), database)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + PATIENCE / 1000
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(PATIENCE / 1000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def curator(browser: Any, site: str, database: Database, role: str = "editor") -> Any:
    """A page of somebody who is signed in; whatever a script says or breaks fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("dialog", lambda dialog: (page.wrong.append(dialog.message), dialog.dismiss()))
    page.goto(f"{site}/login")
    key = key_of(database, role)
    page.actor = "key:" + key.partition(".")[0]
    page.fill("#key", key)
    page.keyboard.press("Enter")
    page.wait_for_url("**/review")
    return page


def placed(database: Database) -> dict[tuple[str, int], str]:
    """Identity of each mention of the small works."""
    query = (
        select(Work.id, Signature.position, Identity.id)
        .join(Signature, Signature.work_key == Work.key)
        .join(Membership, Membership.signature_key == Signature.key)
        .join(Identity, Identity.key == Membership.identity_key)
        .where(Work.n_authors < 10)
    )
    with database.read() as connection:
        return {(work, at): identity for work, at, identity in connection.execute(query)}


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
    assert "2 mentions moved" in page.locator(".panel").inner_text().replace("\n", " ")
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


def test_pages_pass_axe_in_light_and_dark(browser: Any, site: str, database: Database) -> None:
    page = curator(browser, site, database)
    # axe is put into the page by the browser itself, which the policy of the pages does not bar
    checks = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "preload": False}
    found = []
    light = ("/", "/review/reviewers", "/people/a-wang", "/names/wei%20wang", "/runs", "/accuracy")
    dark = ("/?q=wang", "/review", "/review/names/wei%20wang")
    for scheme, paths in (("light", light), ("dark", dark)):
        page.emulate_media(color_scheme=scheme)
        for path in paths:
            page.goto(site + path)
            told = axe.Axe().run(page, options={**checks, "resultTypes": ["violations"]})
            found += [
                (scheme, path, wrong["id"], [node["html"][:120] for node in wrong["nodes"][:3]])
                for wrong in told.response["violations"]
            ]
    assert found == []
