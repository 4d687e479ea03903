"""Edits of identities: merges, splits, moves and external ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Request, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody

from disambig.domain import Signature
from service.actors import Actor, Role
from service.api.examples import edit as examples
from service.api.http.bodies import DecodedRequest, NonEmptyRequest
from service.api.http.etags import read_expected_version
from service.api.http.openapi import describe_responses
from service.api.http.responses import (
    IdempotencyKey,
    IfMatch,
    Json,
    describe_body,
    read_versions,
    respond_private,
    run_write,
)
from service.api.middleware.auth import require_role
from service.api.routes.decisions import make_context
from service.api.schemas import edit as schemas
from service.db.database import Database
from service.decisions.results import DecisionMade
from service.external_ids.results import ExternalId

EDITOR = [require_role(Role.EDITOR)]
PROBLEMS = (400, 401, 403, 404, 409, 412, 415, 422, 428)


def _edit_route(path: str, summary: str) -> Callable[[Any], Any]:
    return post(
        path,
        guards=EDITOR,
        tags=["curation"],
        summary=summary,
        status_code=201,
        sync_to_thread=True,
        request_class=NonEmptyRequest,
        responses=describe_responses(
            DecisionMade, examples.DECISION_RESULT, status=201, problems=PROBLEMS
        ),
    )


@_edit_route("/merges", "Merge identities")
def merge(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    data: Annotated[schemas.Merge, describe_body(("Two identities", examples.MERGE))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Json[DecisionMade]:
    """The id of `into`, or of the best established identity, is kept; the others redirect to it.

    Rejected (409) with the chain of links if decisions state that they are different people.
    """
    from service.decisions import actions as decision_actions

    identity_ids = [*data.identities, *([data.into] if data.into else [])]
    known_versions = read_versions(request, identity_ids, data.versions)
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: decision_actions.merge_identities(
            db, actor, data.identities, data.into, make_context(data, known_versions)
        ).to_response(),
        status=201,
    )


@_edit_route("/splits", "Split an identity")
def split(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    data: Annotated[schemas.Split, describe_body(("Two mentions leave", examples.SPLIT))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Json[DecisionMade]:
    """Groups become new identities; one group, or the mentions in no group, keeps the id."""
    from service.decisions import actions as decision_actions

    known_versions = read_versions(request, [data.identity], data.versions)
    groups = [[Signature(m.work, m.position) for m in group] for group in data.groups]
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: decision_actions.split_identity(
            db, actor, data.identity, groups, data.keep, make_context(data, known_versions)
        ).to_response(),
        status=201,
    )


@_edit_route("/moves", "Move mentions to another identity")
def move(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    data: Annotated[schemas.MoveMentions, describe_body(("One mention", examples.MOVE))],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Json[DecisionMade]:
    """Mentions move to `to`, or to a new identity. `versions` may include those they leave."""
    from service.decisions import actions as decision_actions

    known_versions = read_versions(request, [data.to] if data.to else [], data.versions)
    known_versions = {**(data.versions or {}), **known_versions}
    mentions = [Signature(m.work, m.position) for m in data.mentions]
    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: decision_actions.move_signatures(
            db, actor, mentions, data.to, make_context(data, known_versions)
        ).to_response(),
        status=201,
    )


@post(
    "/identities/{id:str}/external-ids",
    guards=EDITOR,
    tags=["curation"],
    summary="Attach an external id",
    status_code=201,
    sync_to_thread=True,
    request_class=NonEmptyRequest,
    responses=describe_responses(ExternalId, examples.EXTERNAL_ID, status=201, problems=PROBLEMS),
)
def attach(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    data: Annotated[
        schemas.NewExternalId, describe_body(("An ORCID iD", examples.NEW_EXTERNAL_ID))
    ],
    body: RawBody,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Json[ExternalId]:
    """The id is validated and normalised. An id on two identities opens a conflict task."""
    from service.external_ids import attach as external_ids

    version = read_expected_version(request)

    return run_write(
        request,
        database,
        actor,
        body,
        lambda db: external_ids.attach_id(
            db,
            actor,
            id,
            data.scheme,
            data.value,
            data.source,
            reason=data.reason,
            version=version,
        ),
        status=201,
    )


@delete(
    "/identities/{id:str}/external-ids",
    guards=EDITOR,
    tags=["curation"],
    summary="Detach an external id",
    status_code=200,
    sync_to_thread=True,
    request_class=DecodedRequest,
    responses=describe_responses(ExternalId, examples.EXTERNAL_ID, problems=PROBLEMS),
)
def detach(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    id: FromPath[str],
    scheme: Annotated[str, QueryParameter(max_length=40, description="Scheme, such as orcid.")],
    value: Annotated[str, QueryParameter(max_length=500, description="The id.")],
    reason: Annotated[
        str | None, QueryParameter(max_length=2_000, description="Reason, stored in the event log.")
    ] = None,
    if_match: IfMatch = None,
) -> Json[ExternalId]:
    """A detached id that mentions print is not attached again with them."""
    from service.external_ids import attach as external_ids

    version = read_expected_version(request)
    return respond_private(
        external_ids.detach_id(database, actor, id, scheme, value, reason=reason, version=version)
    )


HANDLERS = (merge, split, move, attach, detach)
