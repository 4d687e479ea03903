"""``/v1/events``: the log of who did what, when and why, for administrators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from service import audit
from service.actors import Role
from service.api import edit_examples as examples
from service.api import edit_schemas as schemas
from service.api import paging
from service.api.auth import requires
from service.api.documented import answers
from service.api.paging import BIGGEST, Cursor, Limit, next_page, read_cursor
from service.api.writes import shown
from service.database import Database
from service.errors import Invalid

ADMIN = [requires(Role.ADMIN)]
_LONGEST = 1_000


def _text(description: str) -> Any:
    return QueryParameter(max_length=_LONGEST, description=description)


@get(
    "/events",
    guards=ADMIN,
    tags=["audit"],
    summary="The log of events",
    sync_to_thread=True,
    responses=answers(schemas.Events, examples.EVENTS, problems=(400, 401, 403, 422)),
)
def list_events(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    kind: Annotated[
        str | None, _text("Such as decision-made, run-published or key-created.")
    ] = None,
    actor_name: Annotated[
        str | None,
        QueryParameter(
            name="actor", max_length=_LONGEST, description="Such as key:k-3k9x0f7q2m1b."
        ),
    ] = None,
    subject: Annotated[str | None, _text("Id of what it was done to.")] = None,
    request_id: Annotated[
        str | None,
        QueryParameter(name="request", max_length=_LONGEST, description="X-Request-ID."),
    ] = None,
    since: Annotated[
        datetime | None, QueryParameter(description="From this moment on, with time zone.")
    ] = None,
    until: Annotated[
        datetime | None, QueryParameter(description="Before this moment, with time zone.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[bytes]:
    """The newest first. `since` and `until` are moments with a time zone."""
    begin, end = (_moment(name, at) for name, at in (("since", since), ("until", until)))
    wanted = audit.EventFilter(kind, actor_name, subject, request_id, begin, end)
    before = read_cursor("events", cursor, (int,))
    with database.read() as connection:
        found = audit.list_events(connection, wanted, limit + 1, None if before is None else before[0])
    page = found[:limit]
    following = paging.cursor("events", page[-1]["seq"]) if len(found) > limit else None
    return shown({"items": page, "next": next_page(request, following)})


@get(
    "/events/{seq:int}",
    guards=ADMIN,
    tags=["audit"],
    summary="One event with all it changed",
    sync_to_thread=True,
    responses=answers(schemas.EventDetails, examples.EVENT_DETAILS, problems=(400, 401, 403, 404)),
)
def read_event(
    database: NamedDependency[Database],
    seq: Annotated[int, PathParameter(ge=0, le=BIGGEST, description="Number of the event.")],
    limit: Limit = 50,
) -> Response[bytes]:
    """Identities and mentions before and after, of either `limit` at most."""
    with database.read() as connection:
        return shown(audit.get_event(connection, seq, limit))


def _moment(name: str, moment: datetime | None) -> datetime | None:
    """A moment in UTC."""
    if moment is None:
        return None
    try:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except OverflowError:  # its year in UTC would be 0 or 10000
        pass
    raise Invalid(
        f"{name} has no time zone, or is at the end of all time",
        "write it like 2026-01-31T12:00:00Z",
        field=name,
    )


HANDLERS = (list_events, read_event)
