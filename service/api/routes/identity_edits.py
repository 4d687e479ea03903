"""Edits of identities: merges, splits, moves, and ids that others gave to the person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Request, Response, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody
from sqlalchemy import select

from service.actors import Actor, Role
from service.api.examples import edit as examples
from service.api.http.bodies import Filled, Unpacked
from service.api.http.etags import expected_version
from service.api.http.openapi import answers
from service.api.http.responses import IdempotencyKey, IfMatch, describe_body, respond_private, read_versions, run_write
from service.api.middleware.auth import requires
from service.api.routes.decisions import statement, told
from service.api.schemas import edit as schemas
from service.db.database import Database
from service.db.tables import Identity
from service.decisions.draft import SignatureRef

EDITOR = [requires(Role.EDITOR)]
PROBLEMS = (400, 401, 403, 404, 409, 412, 422, 428)


def _edit(path: str, summary: str) -> Callable[[Any], Any]:
    return post(
        path,
        guards=EDITOR,
        tags=["curation"],
        summary=summary,
        status_code=201,
        sync_to_thread=True,
        request_class=Filled,
        responses=answers(schemas.DecisionMade, examples.MADE, status=201, problems=PROBLEMS),
    )


@_edit("/merges", "State that identities are one person")
def merge(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    data: Annotated[schemas.Merge, describe_body(("Two identities", examples.MERGE))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    """The id of the best established is kept, or of `into`; the others redirect to it.

    Refused (409) with the chain when decisions say that they are different persons.
    """
    from service.decisions import actions as decision_actions

    names = [*data.identities, *([data.into] if data.into else [])]
    known = read_versions(request, names, data.versions)
    return run_write(
        request,
        database,
        actor,
        body,
        lambda given: told(
            decision_actions.merge(given, actor, data.identities, data.into, statement(data, known))
        ),
        status=201,
    )


@_edit("/splits", "State that an identity is several persons")
def split(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    data: Annotated[schemas.Split, describe_body(("Two mentions leave", examples.SPLIT))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Groups leave as new identities; one, or the mentions in no group, keeps the id."""
    from service.decisions import actions as decision_actions

    known = read_versions(request, [data.identity], data.versions)
    groups = [[SignatureRef(m.work, m.position) for m in group] for group in data.groups]
    return run_write(
        request,
        database,
        actor,
        body,
        lambda given: told(
            decision_actions.split(
                given, actor, data.identity, groups, data.keep, statement(data, known)
            )
        ),
        status=201,
    )


@_edit("/moves", "State whose some mentions are")
def move(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    data: Annotated[schemas.MoveMentions, describe_body(("One mention", examples.MOVE))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    """They go to `to`, or to a new identity. `versions` may name those they leave, too."""
    from service.decisions import actions as decision_actions

    known = read_versions(request, [data.to] if data.to else [], data.versions)
    known = {**(data.versions or {}), **known}
    mentions = [SignatureRef(m.work, m.position) for m in data.mentions]
    return run_write(
        request,
        database,
        actor,
        body,
        lambda given: told(
            decision_actions.move(given, actor, mentions, data.to, statement(data, known))
        ),
        status=201,
    )


@post(
    "/identities/{id:str}/external-ids",
    guards=EDITOR,
    tags=["curation"],
    summary="Attach an id that somebody else gave to the person",
    status_code=201,
    sync_to_thread=True,
    request_class=Filled,
    responses=answers(schemas.ExternalId, examples.EXTERNAL_ID, status=201, problems=PROBLEMS),
)
def attach(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    data: Annotated[schemas.NewExternalId, describe_body(("An ORCID iD", examples.NEW_EXTERNAL_ID))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Checked and kept in its one form. On two identities at once it opens a conflict task."""
    from service.external_ids import attach as external_ids

    version = expected_version(request)

    def act(given: Database) -> dict[str, Any]:
        scheme, value = external_ids.attach_id(
            given,
            actor,
            id,
            data.scheme,
            data.value,
            data.source,
            reason=data.reason,
            version=version,
        )
        return _external_id(given, id, scheme, value)

    return run_write(request, database, actor, body, act, status=201)


@delete(
    "/identities/{id:str}/external-ids",
    guards=EDITOR,
    tags=["curation"],
    summary="Take an external id off an identity",
    status_code=200,
    sync_to_thread=True,
    request_class=Unpacked,
    responses=answers(schemas.ExternalId, examples.EXTERNAL_ID, problems=PROBLEMS),
)
def detach(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    scheme: Annotated[str, QueryParameter(max_length=40, description="Such as orcid.")],
    value: Annotated[str, QueryParameter(max_length=500, description="The id.")],
    reason: Annotated[
        str | None, QueryParameter(max_length=2_000, description="Why, for the log of events.")
    ] = None,
    if_match: IfMatch = None,
) -> Response[bytes]:
    """One that mentions print does not come back with them."""
    from service.external_ids import attach as external_ids
    from service.external_ids.schemes import normalize_id

    version = expected_version(request)
    external_ids.detach_id(database, actor, id, scheme, value, reason=reason, version=version)
    return respond_private(_external_id(database, id, *normalize_id(scheme, value)))


def _external_id(database: Database, id: str, scheme: str, value: str) -> dict[str, Any]:
    with database.read() as connection:
        version = connection.scalars(select(Identity.version).where(Identity.id == id)).one()
    return {"identity": id, "scheme": scheme, "value": value, "version": version}


HANDLERS = (merge, split, move, attach, detach)
