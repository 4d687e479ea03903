"""``/v1/identities``: search, profiles, works, co-authors and history of identities."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from sqlalchemy import Connection

from service.actors import Actor, Role
from service.api.examples import read as examples
from service.api.http.openapi import describe_responses
from service.api.http.paging import Cursor, Limit, make_cursor, next_page_path, read_cursor
from service.api.http.responses import Json, Moved
from service.api.middleware.cache import ReadResult, Redirect, respond_cached
from service.api.routes.names import Query
from service.db.database import Database
from service.errors import Invalid
from service.identities.resolve import list_history
from service.identities.results import History, HistoryEntry
from service.profiles import aggregates, search, sparkline
from service.profiles import identity as identity_profile
from service.profiles.identity import WorksOrder
from service.profiles.results import (
    Coauthor,
    CoauthorPage,
    Identities,
    IdentityHit,
    Paper,
    PaperPage,
    Profile,
)
from service.profiles.search import IdentityFilter, IdentityOrder

Id = Annotated[str, PathParameter(max_length=100, description="Id of an identity, `a-…`.")]


@get(
    "/identities",
    opt={"hot": True},
    tags=["identities"],
    summary="Search identities",
    sync_to_thread=True,
    responses=describe_responses(Identities, examples.IDENTITIES, problems=(400, 422)),
)
def search_identities(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    q: Query = None,
    external: Annotated[
        str | None,
        QueryParameter(max_length=300, description="An external id, such as orcid:0000-0002-…"),
    ] = None,
    since: Annotated[
        int | None,
        QueryParameter(
            ge=0, le=9999, description="Only identities with works in or after this year."
        ),
    ] = (None),
    until: Annotated[
        int | None,
        QueryParameter(
            ge=0, le=9999, description="Only identities with works in or before this year."
        ),
    ] = (None),
    curated: Annotated[
        bool | None,
        QueryParameter(description="Only identities with, or without, a curator's decision."),
    ] = None,
    sort: Annotated[
        IdentityOrder,
        QueryParameter(
            description="Order without `q`; with `q`: most similar first, then most works."
        ),
    ] = "-works",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Json[Identities]:
    """Return identities with names similar to `q`, with an external id, or all in order."""
    filters = IdentityFilter(since, until, curated)

    def render(connection: Connection) -> ReadResult[Identities]:
        following: str | None = None
        if external is not None:
            scheme, value = _parse_external_id(external)
            items = search.find_by_external_id(connection, scheme, value)
        elif q is not None:
            hits = search.search_identities(connection, request.app.state.vocabulary, q, filters)
            items, following = _page_by_relevance(hits, limit, cursor)
        else:
            items, following = _page_in_order(connection, filters, limit, sort, cursor)
        return ReadResult(Identities(items=items, next=next_page_path(request, following)))

    return respond_cached(request, database, render)


@get(
    "/identities/{id:str}",
    opt={"hot": True},
    tags=["identities"],
    summary="Read the profile of an identity",
    sync_to_thread=True,
    responses=describe_responses(Profile, examples.PROFILE, problems=(400, 404, 410), moves=True),
)
def read_identity(
    request: Request[Any, Any, Any], database: NamedDependency[Database], id: Id
) -> Json[Profile]:
    """Return names, works, years, venues, topics, co-authors, affiliations and external ids.

    The number in the ETag is the version that edits send in If-Match. An id merged into another
    redirects (301) to it; a split id returns 410 with its successors.
    """

    def render(connection: Connection) -> ReadResult[Profile] | Redirect:
        located = identity_profile.find_identity(connection, id)
        if located.redirect is not None:
            return _redirect(request, located.id, located.redirect)
        return ReadResult(identity_profile.build_profile(connection, located), located.version)

    return respond_cached(request, database, render)


@get(
    "/identities/{id:str}/works",
    opt={"hot": True},
    tags=["identities"],
    summary="List works of an identity",
    sync_to_thread=True,
    responses=describe_responses(PaperPage, examples.PAPERS, problems=(400, 404, 410), moves=True),
)
def read_identity_works(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    id: Id,
    sort: Annotated[
        WorksOrder, QueryParameter(description="Order; unknown values come last.")
    ] = "-year",
    year: Annotated[
        int | None, QueryParameter(ge=0, le=9999, description="Only works of this year.")
    ] = None,
    venue: Annotated[
        str | None, QueryParameter(max_length=10_000, description="Only works of this venue.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Json[PaperPage]:
    """Return all works with the position and the printed name on each."""

    def render(connection: Connection) -> ReadResult[PaperPage] | Redirect:
        located = identity_profile.find_identity(connection, id)
        if located.redirect is not None:
            return _redirect(request, located.id, located.redirect, "/works")
        kind = f"works{sort}"
        papers = identity_profile.list_works(
            connection,
            located.key,
            limit + 1,
            sort,
            after=read_cursor(kind, cursor, (str, int)),
            year=year,
            venue=venue,
        )
        following = _works_cursor(kind, papers, limit)
        return ReadResult(PaperPage(items=papers[:limit], next=next_page_path(request, following)))

    return respond_cached(request, database, render)


def _works_cursor(kind: str, papers: list[Paper], limit: int) -> str | None:
    if len(papers) <= limit:
        return None
    return make_cursor(kind, papers[limit - 1].work, papers[limit - 1].position)


@get(
    "/identities/{id:str}/coauthors",
    opt={"hot": True},
    tags=["identities"],
    summary="List co-authors of an identity",
    sync_to_thread=True,
    responses=describe_responses(
        CoauthorPage, examples.COAUTHORS, problems=(400, 404, 410), moves=True
    ),
)
def read_identity_coauthors(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    id: Id,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Json[CoauthorPage]:
    """Return co-authors, most joint works first; works of more than 100 authors do not count."""

    def render(connection: Connection) -> ReadResult[CoauthorPage] | Redirect:
        located = identity_profile.find_identity(connection, id)
        if located.redirect is not None:
            return _redirect(request, located.id, located.redirect, "/coauthors")
        after = read_cursor("coauthors", cursor, (int, str))
        coauthors, n_remaining = aggregates.list_coauthors(connection, located.key, limit, after)
        following = _coauthor_cursor(coauthors[-1]) if n_remaining > limit else None
        return ReadResult(CoauthorPage(items=coauthors, next=next_page_path(request, following)))

    return respond_cached(request, database, render)


def _coauthor_cursor(last: Coauthor) -> str:
    return make_cursor("coauthors", last.works, last.id)


@get(
    "/identities/{id:str}/years.svg",
    opt={"hot": True},
    tags=["identities"],
    summary="Sparkline of works per year (SVG)",
    media_type="image/svg+xml",
    sync_to_thread=True,
    responses=describe_responses(
        str,
        examples.PICTURE,
        media_type="image/svg+xml",
        problems=(400, 404, 410),
        moves=True,
    ),
)
def read_identity_years(
    request: Request[Any, Any, Any], database: NamedDependency[Database], id: Id
) -> Json[bytes]:
    """Return works per year as bars, with an accessible title and description."""

    def render(connection: Connection) -> ReadResult[bytes] | Redirect:
        located = identity_profile.find_identity(connection, id)
        if located.redirect is not None:
            return _redirect(request, located.id, located.redirect, "/years.svg")
        picture = sparkline.draw_years(
            located.name, identity_profile.count_years(connection, located.key)
        )
        return ReadResult(picture, media_type="image/svg+xml")

    return respond_cached(request, database, render)


@get(
    "/identities/{id:str}/history",
    tags=["identities"],
    summary="Read the history of an identity",
    sync_to_thread=True,
    responses=describe_responses(History, examples.HISTORY, problems=(400, 404)),
)
def read_identity_history(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: Id,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Json[History]:
    """Return every event that changed it, newest first, with the state before and after.

    The actor is included for reviewers and above. A merged or split id keeps its history.
    """

    def render(connection: Connection) -> ReadResult[History]:
        after = read_cursor("history", cursor, (int,))
        entries = list_history(
            connection,
            id,
            after[0] if after else None,
            limit + 1,
            include_actors=actor.role.includes(Role.REVIEWER),
        )
        following = _history_cursor(entries[limit - 1]) if len(entries) > limit else None
        return ReadResult(History(items=entries[:limit], next=next_page_path(request, following)))

    return respond_cached(request, database, render)


def _history_cursor(entry: HistoryEntry) -> str:
    return make_cursor("history", entry.sequence)


def _redirect(
    request: Request[Any, Any, Any], identity: str, successor: str, suffix: str = ""
) -> Redirect:
    """Redirect (301) to the identity into which this one was merged."""
    query = request.scope["query_string"].decode("latin-1")
    target = f"/v1/identities/{quote(successor)}{suffix}"
    return Redirect(
        Moved(id=identity, redirect=successor), f"{target}?{query}" if query else target
    )


def _parse_external_id(text: str) -> tuple[str, str]:
    scheme, _, value = text.partition(":")
    if not scheme or not value:
        raise Invalid(
            f"{text[:60]!r} is not an external id",
            "write scheme:value, such as orcid:0000-0002-1825-0097",
            field="external",
        )
    return scheme.strip().lower(), value.strip()


def _page_by_relevance(
    hits: list[IdentityHit], limit: int, text: str | None
) -> tuple[list[IdentityHit], str | None]:
    after = read_cursor("identities?q", text, (float, int, str))
    if after is not None:
        position = (-after[0], -after[1], after[2])
        hits = [hit for hit in hits if search.rank_identity(hit) > position]
    if len(hits) <= limit:
        return hits, None
    closeness, n_works, public_id = search.rank_identity(hits[limit - 1])
    return hits[:limit], make_cursor("identities?q", -closeness, -n_works, public_id)


def _page_in_order(
    connection: Connection,
    filters: IdentityFilter,
    limit: int,
    sort: IdentityOrder,
    text: str | None,
) -> tuple[list[IdentityHit], str | None]:
    kind = f"identities{sort}"
    after = read_cursor(kind, text, (str,))
    items = search.list_identities(
        connection, filters, limit + 1, sort, after[0] if after else None
    )
    following = make_cursor(kind, items[limit - 1].id) if len(items) > limit else None
    return items[:limit], following


HANDLERS = (
    search_identities,
    read_identity,
    read_identity_works,
    read_identity_coauthors,
    read_identity_years,
    read_identity_history,
)
