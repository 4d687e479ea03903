"""All routes that write, and the reads of what they write, in one list."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from service.api.routes import (
    boards,
    decisions,
    estimates,
    events,
    identity_edits,
    keys,
    models,
    runs,
    tasks,
    tasks_by_name,
    works,
)

WRITES: tuple[ControllerRouterHandler, ...] = (
    *works.HANDLERS,
    *identity_edits.HANDLERS,
    *decisions.HANDLERS,
    *runs.HANDLERS,
    *tasks.HANDLERS,
    *tasks_by_name.HANDLERS,
    *boards.HANDLERS,
    *estimates.HANDLERS,
    *models.HANDLERS,
    *keys.HANDLERS,
    *events.HANDLERS,
)
