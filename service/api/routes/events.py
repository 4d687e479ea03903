"""``/v1/events``: the log of who did what, when and why, for administrators.

``/v1/changes``: the feed that consumers follow.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from sqlalchemy import Connection

from service.actors import Role
from service.api.examples import edit as edit_examples
from service.api.examples import read as examples
from service.api.http import paging
from service.api.http.openapi import describe_responses
from service.api.http.paging import MAX_INTEGER, Cursor, Limit, next_page_path, read_cursor
from service.api.http.responses import Json, respond_private
from service.api.middleware.auth import require_role
from service.api.middleware.cache import ReadResult, respond_cached
from service.db.database import Database
from service.errors import Invalid
from service.events import queries as event_queries
from service.events.results import ChangeKind, Changes, EventDetails, Events

ADMIN = [require_role(Role.ADMIN)]
_MAX_LENGTH = 1_000


def _text_parameter(description: str) -> Any:
    return QueryParameter(max_length=_MAX_LENGTH, description=description)


@get(
    "/events",
    guards=ADMIN,
    tags=["audit"],
    summary="List events of the event log",
    sync_to_thread=True,
    responses=describe_responses(Events, edit_examples.EVENTS, problems=(400, 401, 403, 422)),
)
def list_events(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    kind: Annotated[
        str | None,
        _text_parameter("Only events of this kind, such as decision-made or run-published."),
    ] = None,
    actor_name: Annotated[
        str | None,
        QueryParameter(
            name="actor",
            max_length=_MAX_LENGTH,
            description="Only events of this actor, such as key:k-3k9x0f7q2m1b.",
        ),
    ] = None,
    subject: Annotated[str | None, _text_parameter("Only events about this id.")] = None,
    request_id: Annotated[
        str | None,
        QueryParameter(
            name="request",
            max_length=_MAX_LENGTH,
            description="Only events of this request (X-Request-ID).",
        ),
    ] = None,
    since: Annotated[
        datetime | None, QueryParameter(description="At or after this time, with time zone.")
    ] = None,
    until: Annotated[
        datetime | None, QueryParameter(description="Before this time, with time zone.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Json[Events]:
    """Return events, newest first. `since` and `until` are times with a time zone."""
    begin, end = (_to_utc(name, at) for name, at in (("since", since), ("until", until)))
    event_filter = event_queries.EventFilter(kind, actor_name, subject, request_id, begin, end)
    before = read_cursor("events", cursor, (int,))
    with database.read() as connection:
        events = event_queries.list_events(
            connection, event_filter, limit + 1, None if before is None else before[0]
        )
    page = events[:limit]
    following = paging.make_cursor("events", page[-1].seq) if len(events) > limit else None
    return respond_private(Events(items=page, next=next_page_path(request, following)))


@get(
    "/events/{seq:int}",
    guards=ADMIN,
    tags=["audit"],
    summary="Read an event with its changes",
    sync_to_thread=True,
    responses=describe_responses(
        EventDetails, edit_examples.EVENT_DETAILS, problems=(400, 401, 403, 404)
    ),
)
def read_event(
    database: NamedDependency[Database],
    seq: Annotated[
        int, PathParameter(ge=0, le=MAX_INTEGER, description="Sequence number of the event.")
    ],
    limit: Limit = 50,
) -> Json[EventDetails]:
    """Return identities and mentions before and after it, at most `limit` of each."""
    with database.read() as connection:
        return respond_private(event_queries.get_event(connection, seq, limit))


def _to_utc(name: str, moment: datetime | None) -> datetime | None:
    """Convert a time to UTC."""
    if moment is None:
        return None
    try:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except OverflowError:  # its year in UTC would be 0 or 10000
        pass
    raise Invalid(
        f"{name} has no time zone, or is out of range",
        "write it like 2026-01-31T12:00:00Z",
        field=name,
    )


MAX_ENTRIES = 1000


@get(
    "/changes",
    opt={"hot": True},
    tags=["feed"],
    summary="Read the change feed",
    sync_to_thread=True,
    responses=describe_responses(Changes, examples.CHANGES),
)
def read_changes(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    since: Annotated[
        int,
        QueryParameter(
            ge=0, le=MAX_INTEGER, description="`since` of the previous page; 0: from the beginning."
        ),
    ] = 0,
    limit: Annotated[
        int,
        QueryParameter(
            ge=1, le=MAX_ENTRIES, description=f"Maximum number of entries, 1 to {MAX_ENTRIES}."
        ),
    ] = 100,
    kind: Annotated[
        ChangeKind | None, QueryParameter(description="Only changes of this kind.")
    ] = None,
    identity: Annotated[
        str | None, QueryParameter(max_length=100, description="Only changes of this identity.")
    ] = None,
) -> Json[Changes]:
    """Return every create, keep, merge, split, move and restore exactly once.

    Store `since` of the last page you have processed and pass it next time: numbers appear in
    commit order, so nothing is missed or repeated.
    """

    def render(connection: Connection) -> ReadResult[Changes]:
        changes = event_queries.list_changes_since(
            connection, since, limit, kind=kind, identity=identity
        )
        last = changes[-1].sequence if changes else since
        filters = {"kind": kind, "identity": identity}
        query = {name: value for name, value in filters.items() if value is not None}
        following = urlencode({"since": last, "limit": limit, **query})
        next_page = f"{request.scope['path']}?{following}" if len(changes) == limit else None
        return ReadResult(Changes(items=changes, since=last, next=next_page))

    return respond_cached(request, database, render)


HANDLERS = (list_events, read_event, read_changes)
