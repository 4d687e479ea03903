"""All routes that write, and the reads of what they write, in one list."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from service.api import (
    asked_names,
    boards,
    decisions,
    edits,
    estimates,
    events,
    intake,
    keys,
    models,
    runs,
    tasks,
)

WRITES: tuple[ControllerRouterHandler, ...] = (
    *intake.HANDLERS,
    *edits.HANDLERS,
    *decisions.HANDLERS,
    *runs.HANDLERS,
    *tasks.HANDLERS,
    *asked_names.HANDLERS,
    *boards.HANDLERS,
    *estimates.HANDLERS,
    *models.HANDLERS,
    *keys.HANDLERS,
    *events.HANDLERS,
)
