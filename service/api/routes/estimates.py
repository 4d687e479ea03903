"""``/v1/estimates`` and ``/v1/samples``: precision and recall of published identities.

Estimates come from random samples that reviewers answer.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter, RawBody
from pydantic import Field

from service.actors import Actor, Role
from service.api.http.bodies import DecodedRequest
from service.api.http.openapi import describe_responses
from service.api.http.responses import (
    IdempotencyKey,
    Json,
    describe_body,
    respond_private,
    run_write,
)
from service.api.middleware.auth import require_role
from service.api.schemas.edit import Reason, RequestBody, Whole
from service.db.database import Database
from service.review import sampling
from service.review.results import Drawn, Estimates, SampleUnit


class NewSample(RequestBody):
    """A random sample to draw."""

    size: Annotated[Whole, Field(ge=2, le=sampling.MAX_SIZE)] = 400
    unit: SampleUnit = "mention"
    reason: Reason = None


_SHARE = {"estimate": 0.962, "low": 0.941, "high": 0.976}
_FIGURES = {
    "mentions": 370_112,
    "drawn": 400,
    "reviewed": 388,
    "precision": _SHARE,
    "recall": _SHARE,
    "f1": _SHARE,
    "pairwise_precision": _SHARE,
    "pairwise_recall": None,
}
ESTIMATES = {
    "sample": "s-3k9x0f7q2m1b",
    "unit": "mention",
    "drawn_at": "2026-05-01T09:00:00Z",
    "drawn_by": "cli:ada",
    "sequence": 4711,
    "tasks": {"reviewed": 388, "open": 7, "unsure": 4, "unusable": 1},
    "overall": {"slice": "everything", **_FIGURES},
    "slices": [{"slice": "10-99", **_FIGURES}],
}
DRAWN = {
    "id": "s-3k9x0f7q2m1b",
    "unit": "mention",
    "size": 400,
    "seed": 5,
    "sequence": 4711,
    "tasks": 400,
    "strata": [{"slice": "10-99", "mentions": 370_112, "drawn": 400}],
}


@get(
    "/estimates",
    tags=["review"],
    summary="Estimate precision and recall of published identities",
    sync_to_thread=True,
    responses=describe_responses(Estimates, ESTIMATES, problems=(400, 404)),
)
def read_estimates(
    database: NamedDependency[Database],
    sample: Annotated[
        str | None,
        QueryParameter(max_length=100, description="Id of a sample; default: the latest."),
    ] = None,
) -> Json[Estimates]:
    """Precision and recall with 95 % confidence intervals, from a random sample reviewed blind.

    They refer to the identities published when the sample was drawn.
    """
    with database.read() as connection:
        return respond_private(sampling.estimate_quality(connection, sample))


@post(
    "/samples",
    guards=[require_role(Role.ADMIN)],
    tags=["review"],
    summary="Draw a random sample to review",
    status_code=201,
    sync_to_thread=True,
    request_class=DecodedRequest,
    responses=describe_responses(Drawn, DRAWN, status=201, problems=(400, 401, 403, 409, 415, 422)),
)
def draw_sample(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    actor: NamedDependency[Actor],
    body: RawBody,
    data: Annotated[
        NewSample | None, describe_body(("400 mentions", {"size": 400, "unit": "mention"}))
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Json[Drawn]:
    """Each draw becomes a blind task of kind `sample` for two reviewers, and a third if they
    differ.

    Answer `same` if all is correct, or `different` with evidence: for a mention, how many of the
    identity's mentions are `wrong` and how many of the person's are `missing`; for an identity,
    the mentions of each person as `parts`. Each is a number or a list of mentions.
    """
    options = data or NewSample()

    def act(db: Database) -> Drawn:
        return sampling.draw_sample(db, actor, options.size, options.unit, reason=options.reason)

    return run_write(request, database, actor, body, act, status=201)


HANDLERS = (read_estimates, draw_sample)
