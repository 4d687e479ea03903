"""``/v1/tasks/names``: open tasks grouped by the printed name whose board answers them."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from service.actors import Actor
from service.api.examples import review as examples
from service.api.http.openapi import describe_responses
from service.api.http.responses import Json, respond_private
from service.api.routes.tasks import (
    REVIEWER,
    Kind,
    LeaseHolder,
    MaxMentions,
    MinMentions,
    PrintedName,
)
from service.db.database import Database
from service.review import by_name as tasks_by_name
from service.review.results import NamesAsked
from service.tasks.queries import TaskFilter
from service.text import fold_name

Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Maximum number of names.")]


@get(
    "/tasks/names",
    guards=REVIEWER,
    tags=["review"],
    summary="List names with open tasks",
    sync_to_thread=True,
    responses=describe_responses(NamesAsked, examples.NAMES, problems=(400, 401, 403)),
)
def list_names(
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    kind: Kind = None,
    name: PrintedName = None,
    least: MinMentions = None,
    most: MaxMentions = None,
    held: LeaseHolder = None,
    limit: Limit = 50,
) -> Json[NamesAsked]:
    """Return one entry per family name and initial: conflicts first, then by sum of priorities.

    A board shows all identities of a name, and at most eight identities of any name that its
    most valuable tasks concern.

    The filters are those of the task list. Blind tasks are omitted because a board cannot
    answer them.
    """
    folded = None if name is None else fold_name(name)
    filters = TaskFilter(kind, "open", folded, least, most, held, actor.name)
    with database.read() as connection:
        names = tasks_by_name.list_names_with_tasks(connection, filters, limit)
    return respond_private(NamesAsked(items=names))


HANDLERS = (list_names,)
