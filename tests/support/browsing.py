"""A curator in a real Chromium, and what there is to look at: for the tests of pages."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import select

from service.actors import Actor, Role
from service.app import create_app
from service.db.database import Database
from service.db.tables import Identity, Membership, Name, Signature, Work
from service.events.log import EventLog
from service.settings import Settings, build_sqlite_url
from service.tasks.create import NewTask, open_tasks
from tests.support.api_clients import key_of
from tests.support.reading_room import Author, Paper, fill

playwright = pytest.importorskip("playwright.sync_api", reason="the extra [test] has playwright")
CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: apt-get install chromium"
)

PATIENCE = 120_000
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
        *speech,
        *robots,
        Paper("o0", "Other things", [Author("Wei Wang", "a-other")], 2020),
        Paper("h0", HOSTILE, [Author(HOSTILE, "a-evil"), *crowd], 2020, HOSTILE),
        Paper("h1", "Long " * 500, [Author(HOSTILE, "a-evil")], 2021),
    ]


def side(*works: str) -> dict[str, Any]:
    return {"identity": "a-wang", "mentions": [{"work": w, "position": 0} for w in works]}


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    file = tmp_path / "browser.sqlite"
    shutil.copy(sqlite_template, file)
    found = Database(build_sqlite_url(file))
    fill(found, papers())
    with found.write() as connection:
        ledger = EventLog.lock(connection)
        name = connection.scalars(select(Name.key).where(Name.folded == "wei wang")).one()
        sides = [side("s0", "s1", "s2"), side("r0", "r1")]
        evidence = {"identities": ["a-wang"], "sides": sides, "probability": 0.3}
        asked = NewTask("split", "a-wang", 5, 2.0, evidence, name)
        open_tasks(connection, ledger, ledger.record("asked", ASKER), [asked])
    yield found
    found.close()


@contextmanager
def served(database: Database, **more: Any) -> Iterator[str]:
    """Address of the service over HTTP."""
    app = create_app(Settings(rate_public=0, rate_key=0, metrics=False, **more), database)
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


def curator(
    browser: Any, site: str, database: Database, role: str = "editor", **screen: Any
) -> Any:
    """A page of somebody who is signed in; whatever a script says or breaks fails the test."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **screen})
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


@pytest.fixture
def site(database: Database) -> Iterator[str]:
    """Address of the service over HTTP."""
    with served(database) as found:
        yield found


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


def violations(axe: Any, page: Any) -> list[tuple[str, str, list[str]]]:
    """What axe finds wrong with a page: address, rule, elements."""
    # axe is put into the page by the browser itself, which the policy of the pages does not bar
    checks = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "preload": False}
    told = axe.Axe().run(page, options={**checks, "resultTypes": ["violations"]})
    return [
        (page.url, wrong["id"], [node["html"][:120] for node in wrong["nodes"][:3]])
        for wrong in told.response["violations"]
    ]
