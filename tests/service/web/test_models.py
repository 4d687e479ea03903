"""The page of models: asked for, compared and promoted by plain forms; in a real Chromium, too."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from litestar.testing import TestClient
from sqlalchemy import update

from disambig.corpus.embeddings import SemanticSpace
from service.actors import Actor
from service.app import create_app
from service.db.database import Database
from service.db.tables import FittedModel
from service.settings import Settings
from service.training import promotion
from service.training import store as model_store
from service.training.store import FitOptions
from service.values import to_dict
from service.worker.worker import Worker
from tests.support.api_clients import key_of, serving
from tests.support.invented import space
from tests.support.run_world import settings_in
from tests.support.teaching_world import candidate, taught_wangs, two_are_enough

HOSTILE = "<img src=x onerror=alert(1)> \u202eevil"
PATIENCE = 30_000
"""Milliseconds to wait for anything, on a machine with other work, too."""
CHROMIUM = shutil.which("chromium")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers are enough to learn from, and the semantic space is loaded once."""
    found = space()
    monkeypatch.setattr(SemanticSpace, "load", lambda path=None: found)
    two_are_enough(monkeypatch)


@pytest.fixture(params=["sqlite"])
def taught(copy_of: Callable[..., Database]) -> Database:
    return copy_of(taught_wangs)


def sign_in(client: TestClient[Any], database: Database, role: str) -> None:
    told = client.post("/login", data={"key": key_of(database, role)}, follow_redirects=False)
    assert told.status_code == 303


def token(client: TestClient[Any]) -> str:
    return sent(client.get("/models").text, "token")


def sent(page: str, name: str) -> str:
    """A hidden value of the page's forms."""
    found = re.search(rf'name="{name}" value="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]


def promoting(page: str, reason: str = "more right") -> dict[str, str]:
    """What a form of the page sends to promote a model."""
    return {"token": sent(page, "token"), "reason": reason, "expected": sent(page, "expected")}


def test_somebody_who_is_not_signed_in_is_asked_to(taught: Database) -> None:
    with serving(taught) as client:
        told = client.get("/models", follow_redirects=False)
    assert (told.status_code, told.headers["location"]) == (303, "/login?next=%2Fmodels")


def test_roles_see_the_buttons_of_what_they_may_do(
    taught: Database, admin: Actor, tmp_path: Path
) -> None:
    candidate(taught, admin, tmp_path)
    buttons = {}
    with serving(taught) as client:
        for role in ("reviewer", "editor", "admin"):
            sign_in(client, taught, role)
            shown = client.get("/models").text
            buttons[role] = [b for b in ("Train on", "Discard", "Promote<") if b in shown]
    assert buttons == {
        "reviewer": [],
        "editor": ["Train on", "Discard"],
        "admin": ["Train on", "Discard", "Promote<"],
    }


def test_a_model_is_asked_for_made_and_promoted_without_scripts(
    taught: Database, tmp_path: Path
) -> None:
    with serving(taught) as client:
        sign_in(client, taught, "admin")
        form = {"token": token(client), "reason": HOSTILE}
        asked = client.post("/models", data=form)
        assert "A worker trains a new model now." in asked.text
        assert "waits for a worker" in asked.text
        assert HOSTILE not in asked.text
        twice = client.post("/models", data=form)
        assert (twice.status_code, "is being made" in twice.text) == (409, True)
        Worker(taught, settings_in(tmp_path), print).serve(once=True)
        with taught.read() as connection:
            found = model_store.list_models(connection)[0]
        shown = client.get("/models").text
        assert "1 same person" in shown or "0 same person" in shown or "failed" in shown
        assert found.id in shown
        assert client.post("/models", data={"reason": "x"}).status_code == 403


def test_a_candidate_is_promoted_with_a_reason_and_taken_back(
    taught: Database, admin: Actor, tmp_path: Path
) -> None:
    found = candidate(taught, admin, tmp_path)
    with serving(taught) as client:
        sign_in(client, taught, "admin")
        shown = client.get("/models").text
        assert "2 answered questions: 1 same person, 1 different people" in shown
        assert "of 23 author entries" in shown
        done = client.post(f"/models/{found.id}/promote", data=promoting(shown))
        assert "Runs use this model from now on." in done.text
        with taught.read() as connection:
            assert model_store.get_id_in_use(connection) == found.id
        form = promoting(done.text)
        again = client.post(f"/models/{found.id}/promote", data=form)
        assert (again.status_code, "already" in again.text) == (409, True)
        client.post("/models/shipped/promote", data=form)
        assert f'aria-label="Use {found.id} again"' in client.get("/models").text
        assert client.post(f"/models/{found.id}/explode", data=form).status_code == 404


def test_a_page_that_another_admin_has_made_stale_promotes_nothing_and_says_what_changed(
    taught: Database, admin: Actor, tmp_path: Path
) -> None:
    first = promotion.promote(taught, admin, promotion.SHIPPED)
    second = candidate(taught, admin, tmp_path)
    promotion.promote(taught, admin, second.id)
    with serving(taught) as client:
        sign_in(client, taught, "admin")
        stale = client.get("/models").text
        assert f'aria-label="Use {first.id} again"' in stale
        promotion.promote(taught, admin, first.id, "it broke many")
        promotion.promote(taught, admin, second.id)
        now = promotion.promote(taught, admin, promotion.SHIPPED)
        for model in (second.id, "shipped"):
            refused = client.post(f"/models/{model}/promote", data=promoting(stale))
            assert refused.status_code == 409
            said = "another model was promoted meanwhile: "
            assert f"{said}{admin.name} promoted model {now.id} at " in refused.text
            with taught.read() as connection:
                assert promotion.get_promoted(connection) == now
        done = client.post(f"/models/{second.id}/promote", data=promoting(refused.text))
        assert "Runs use this model from now on." in done.text
        blind = client.post(f"/models/{first.id}/promote", data={"token": token(client)})
        assert (blind.status_code, "reload the page" in blind.text) == (422, True)


def test_an_outdated_candidate_says_so_and_has_no_button(
    taught: Database, admin: Actor, tmp_path: Path
) -> None:
    found = candidate(taught, admin, tmp_path)
    promotion.promote(taught, admin, promotion.SHIPPED)
    with serving(taught) as client:
        sign_in(client, taught, "admin")
        shown = client.get("/models").text
        assert "Another model was promoted since" in shown
        assert f'id="reason-{found.id}"' not in shown
        form = promoting(shown)
        refused = client.post(f"/models/{found.id}/promote", data=form)
        assert (refused.status_code, "train again" in refused.text) == (409, True)
        dropped = client.post(f"/models/{found.id}/cancel", data=form)
        assert "cancelled" in dropped.text


@pytest.fixture
def site(taught: Database) -> Iterator[str]:
    """Address of the service over HTTP."""
    app = create_app(Settings(rate_public=0, rate_key=0, metrics=False), taught)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + PATIENCE / 1000
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(PATIENCE / 1000)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
def test_an_admin_promotes_by_keyboard_and_the_page_passes_axe_in_light_and_dark(
    site: str, taught: Database, admin: Actor, tmp_path: Path
) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="extra [test]: playwright")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="extra [test]: axe")
    promotion.promote(taught, admin, promotion.SHIPPED)
    found = candidate(taught, admin, tmp_path)
    model_store.request_model(taught, admin, FitOptions(), 60, HOSTILE)
    with taught.write() as connection:  # as if it had been measured on gold, too
        figures = {"precision": 0.9, "recall": 0.8, "f1": 0.847}
        told = {**to_dict(found.comparison), "gold": {"labels": 9, "old": figures, "new": figures}}
        changed = update(FittedModel).where(FittedModel.id == found.id)
        connection.execute(changed.values(comparison=told))
    checks = {
        "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
        "preload": False,
        "resultTypes": ["violations"],
    }
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{site}/login?next=%2Fmodels")
        page.fill("#key", key_of(taught, "admin"))
        page.keyboard.press("Enter")
        page.wait_for_url("**/models")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            wrong = axe.Axe().run(page, options=checks).response["violations"]
            assert [
                (scheme, w["id"], [n["html"][:120] for n in w["nodes"][:3]]) for w in wrong
            ] == []
        assert page.locator("img").count() == 0
        assert "\u202e" not in page.content()
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"wider than {width}"
        page.fill(f"#reason-{found.id}", "more right")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Runs use this model from now on.")
        browser.close()
    with taught.read() as connection:
        assert model_store.get_id_in_use(connection) == found.id
