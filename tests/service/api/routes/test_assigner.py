"""What placing needs is loaded before somebody posts a work."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from service.api.routes.assigner import SharedAssigner
from service.board.block_cache import warm_up
from service.db.database import Database
from service.db.tables import Run
from tests.support.run_world import published_wangs, settings_in

pytestmark = pytest.mark.usefixtures("one_space")


def test_the_published_run_is_loaded_in_the_background(
    copy_of: Callable[..., Database], tmp_path: Path
) -> None:
    database = copy_of(published_wangs)
    with database.read() as connection:
        published = connection.scalars(select(Run.id)).one()
    shared = SharedAssigner(database, settings_in(tmp_path))
    try:
        shared.keep_warm()
        until = time.monotonic() + 60
        while gc.get_freeze_count() == 0 and time.monotonic() < until:
            time.sleep(0.01)
        assert shared.get().loaded_run_id == published
        assert shared.get() is shared.get()
    finally:
        shared.close()
        gc.unfreeze()


def test_a_few_mentions_are_compared_so_that_the_first_board_does_not_wait(
    copy_of: Callable[..., Database], tmp_path: Path
) -> None:
    database = copy_of(published_wangs)
    shared = SharedAssigner(database, settings_in(tmp_path))
    with database.read() as connection:
        assert warm_up(connection, shared.get())


def test_where_nothing_is_published_nothing_is_compared(database: Database, tmp_path: Path) -> None:
    shared = SharedAssigner(database, settings_in(tmp_path))
    with database.read() as connection:
        assert not warm_up(connection, shared.get())


def test_where_nothing_is_published_nothing_is_loaded(database: Database, tmp_path: Path) -> None:
    shared = SharedAssigner(database, settings_in(tmp_path))
    shared.keep_warm()
    shared.close()
    assert shared.get().loaded_run_id is None
    assert gc.get_freeze_count() == 0
