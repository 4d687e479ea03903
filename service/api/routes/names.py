"""``/v1/names``: search printed names; list the identities of a name and their differences."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from sqlalchemy import Connection

from service.api.examples import read as examples
from service.api.http.openapi import describe_responses
from service.api.http.paging import Cursor, Limit, make_cursor, next_page_path, read_cursor
from service.api.http.paths import read_path_tail
from service.api.http.responses import Json
from service.api.middleware.cache import ReadResult, respond_cached
from service.db.database import Database
from service.profiles import name as name_profile
from service.profiles import search
from service.profiles.results import NamePage, NamePerson, Names, Paper, Unplaced
from service.profiles.search import NameMatch

Query = Annotated[
    str | None,
    QueryParameter(
        max_length=search.MAX_LENGTH,
        description="Words of a name; tolerates typing errors, and the last may be incomplete.",
    ),
]


@get(
    "/names",
    opt={"hot": True},
    tags=["names"],
    summary="Search printed names",
    sync_to_thread=True,
    responses=describe_responses(Names, examples.NAMES, problems=(400, 422)),
)
def search_names(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    q: Query = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Json[Names]:
    """Return names similar to `q`, most similar first, then most frequent; without it all names."""

    def render(connection: Connection) -> ReadResult[Names]:
        if q is None:
            matches, following = _page_in_order(connection, limit, cursor)
        else:
            vocabulary = request.app.state.vocabulary
            matches = search.search_names(connection, vocabulary, q)
            matches, following = _page_by_relevance(matches, limit, cursor)
        return ReadResult(
            Names(
                items=[match.to_response() for match in matches],
                next=next_page_path(request, following),
            )
        )

    return respond_cached(request, database, render)


def _page_in_order(
    connection: Connection, limit: int, text: str | None
) -> tuple[list[NameMatch], str | None]:
    after = read_cursor("names", text, (str,))
    matches = search.list_names(connection, limit + 1, after[0] if after else None)
    following = make_cursor("names", matches[limit - 1].folded) if len(matches) > limit else None
    return matches[:limit], following


def _page_by_relevance(
    matches: list[NameMatch], limit: int, text: str | None
) -> tuple[list[NameMatch], str | None]:
    after = read_cursor("names?q", text, (float, int, str))
    if after is not None:
        position = (-after[0], -after[1], after[2])
        matches = [m for m in matches if (-m.closeness, -m.mentions, m.folded) > position]
    if len(matches) <= limit:
        return matches, None
    last = matches[limit - 1]
    return matches[:limit], make_cursor("names?q", last.closeness, last.mentions, last.folded)


@get(
    "/names/{name:path}",
    opt={"hot": True},
    tags=["names"],
    summary="List the identities of a printed name",
    sync_to_thread=True,
    responses=describe_responses(NamePage, examples.NAME_PAGE, problems=(400, 404, 422)),
)
def read_name(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    name: Annotated[str, PathParameter(description="The name as printed, in any case.")],
    limit: Limit = 20,
    cursor: Cursor = None,
    part: Annotated[
        Literal["people", "unplaced"],
        QueryParameter(description="The list that `cursor` continues."),
    ] = "people",
) -> Json[NamePage]:
    """Return the papers and identities of a name, and the evidence for each identity.

    For each identity: its profile, why its mentions belong together, and how it differs from
    the most similar others. Identities with most mentions come first; `unplaced` lists
    unassigned mentions.
    """
    text = read_path_tail(request, "/v1/names/")

    def render(connection: Connection) -> ReadResult[NamePage]:
        name_summary = name_profile.find_name(connection, text)
        people: list[NamePerson] = []
        following = None
        if part == "people":
            people, following = _page_people(connection, name_summary, limit, cursor)
        unplaced, more = _page_unassigned(
            connection, name_summary, limit, cursor if part == "unplaced" else None
        )
        page_path = search.make_name_path(text)
        return ReadResult(
            NamePage(
                name=name_summary.printed,
                folded=name_summary.folded,
                mentions=name_summary.mentions,
                papers=name_summary.papers,
                people=name_summary.people,
                items=people,
                next=next_page_path(request, following),
                unplaced=Unplaced(
                    mentions=name_summary.unassigned,
                    items=unplaced,
                    next=f"{page_path}?part=unplaced&limit={limit}&cursor={more}" if more else None,
                ),
            )
        )

    return respond_cached(request, database, render)


def _page_people(
    connection: Connection, name: name_profile.NameSummary, limit: int, text: str | None
) -> tuple[list[NamePerson], str | None]:
    after = read_cursor("people", text, (int, str))
    people = name_profile.list_identities(connection, name, limit, after)
    if len(people) < limit:
        return people, None
    return people, make_cursor("people", people[-1].mentions, people[-1].id)


def _page_unassigned(
    connection: Connection, name: name_profile.NameSummary, limit: int, text: str | None
) -> tuple[list[Paper], str | None]:
    after = read_cursor("unplaced", text, (str, int))
    if not name.unassigned:
        return [], None
    papers = name_profile.list_unassigned(connection, name, limit + 1, after)
    if len(papers) <= limit:
        return papers, None
    last = papers[limit - 1]
    return papers[:limit], make_cursor("unplaced", last.work, last.position)


HANDLERS = (search_names, read_name)
