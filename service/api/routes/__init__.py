"""Handlers of the REST API: parse the request, call one function, render the response."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from service.api.routes import (
    boards,
    decisions,
    estimates,
    events,
    health,
    identities,
    identity_edits,
    keys,
    models,
    names,
    runs,
    tasks,
    tasks_by_name,
    works,
)

V1: tuple[ControllerRouterHandler, ...] = (
    *names.HANDLERS,
    *identities.HANDLERS,
    *works.HANDLERS,
    *events.HANDLERS,
    *health.HANDLERS,
    *identity_edits.HANDLERS,
    *decisions.HANDLERS,
    *runs.HANDLERS,
    *tasks.HANDLERS,
    *tasks_by_name.HANDLERS,
    *boards.HANDLERS,
    *estimates.HANDLERS,
    *models.HANDLERS,
    *keys.HANDLERS,
)
"""All routes under /v1."""
