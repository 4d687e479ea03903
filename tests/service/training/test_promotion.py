"""New works are placed with the model that made the published identities, in every process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from disambig.model.model import Model
from service.actors import Actor
from service.assignment.assign import WorkAssigner
from service.db.database import Database
from service.publication import proposals, publish
from service.training import promotion
from tests.support.run_world import EDITOR, do, done, published_wangs, settings_in

pytestmark = pytest.mark.usefixtures("one_space")


@pytest.fixture
def other_model(tmp_path: Path) -> Path:
    """The model that ships with another threshold."""
    shipped = Model.load()
    changed = replace(shipped, settings={**shipped.settings, "second_level": 0.5})
    changed.save(tmp_path / "other.model")
    return tmp_path / "other.model"


def in_use(placer: WorkAssigner) -> str:
    """Digest of the model that a work would be placed with."""
    with placer.database.read() as connection:
        known = placer.load_published(connection)
    assert known is not None
    return known.model.digest


def test_processes_take_up_a_promoted_model_when_its_run_is_published(
    copy_of: Callable[..., Database], admin: Actor, tmp_path: Path, other_model: Path
) -> None:
    one = copy_of(published_wangs)
    other = Database(one.url)
    settings = settings_in(tmp_path)
    here, there = WorkAssigner(one, settings), WorkAssigner(other, settings_in(tmp_path / "other"))
    try:
        first = in_use(here)
        second = promotion.promote_file(one, admin, other_model).digest
        # nothing that is published has changed, for processes that begin now neither
        assert [in_use(here), in_use(there)] == [first, first]
        found = do(one, settings)
        assert found.model == second
        assert [in_use(here), in_use(there)] == [first, first]
        publish.publish(one, EDITOR, found.id, None)
        assert [in_use(here), in_use(there)] == [second, second]
        publish.roll_back(one, admin, found.id)
        assert [in_use(here), in_use(there)] == [first, first]
    finally:
        other.close()


def test_a_model_that_is_no_more_gives_way_to_the_one_of_the_next_run(
    copy_of: Callable[..., Database], tmp_path: Path, other_model: Path
) -> None:
    database = copy_of(published_wangs)
    settings = settings_in(tmp_path, model=other_model)
    assert in_use(WorkAssigner(database, settings)) == Model.load(other_model).digest


def test_a_full_run_of_another_model_is_made_anew_not_brought_up_to_date(
    copy_of: Callable[..., Database], admin: Actor, tmp_path: Path, other_model: Path
) -> None:
    database = copy_of(published_wangs)
    settings = settings_in(tmp_path)
    found = do(database, settings)
    second = promotion.promote_file(database, admin, other_model).digest
    proposals.rebase(database, EDITOR, found.id)
    again = done(database, settings, found.id)
    assert again.model == second
    assert again.summary is not None
    assert "since" not in again.summary  # all was clustered, not only what was touched
