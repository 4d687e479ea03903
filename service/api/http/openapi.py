"""Describe responses, examples and problems of operations in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from service.api.http.problems import MEDIA_TYPE, Problem
from service.api.http.responses import Moved

_PROBLEM_EXAMPLES = {
    400: ("Invalid request", "limit: Expected `int` <= 200", "limit"),
    401: ("Not authenticated", "this needs a key of the role editor", None),
    403: ("Forbidden", "the key's role is reviewer, this needs editor", None),
    404: ("Not found", "no identity a-3k9x0f7q2m1b", "id"),
    409: ("Conflict", "a later decision contradicts this", None),
    410: ("Gone", "a-3k9x0f7q2m1b was split into two identities", "id"),
    412: ("Stale version", "version 17 was edited since; the current one is 21", "If-Match"),
    413: ("Request too large", "the body is larger than 67,108,864 bytes", None),
    415: ("Unsupported media type", "the content coding of the body is not supported", None),
    422: ("Invalid request", "year 12024 is out of range", "year"),
    428: ("Precondition required", "an edit must name the version it changes", "If-Match"),
    429: ("Too many requests", "more than 600 requests a minute", None),
}
_MOVED_EXAMPLE = {"id": "a-3k9x0f7q2m1b", "redirect": "a-7c2m9q4x1d8f"}


def describe_responses(
    schema: Any,
    example: Any,
    *,
    status: int = 200,
    description: str = "Done",
    media_type: str = "application/json",
    problems: tuple[int, ...] = (400,),
    moves: bool = False,
) -> dict[int, ResponseSpec]:
    """Return the ``responses`` of a route: its success response and its problems.

    Parameters
    ----------
    schema : type
        A :class:`~service.values.Value`, or another type that Litestar can describe.
    example : Any
        JSON value.
    status : int
        Status of the success response.
    problems : tuple of int
        Statuses of possible problems; 429 is always included.
    moves : bool
        Whether it redirects (301) from merged identities.
    """
    responses = {
        status: ResponseSpec(
            schema,
            generate_examples=False,
            description=description,
            media_type=media_type,
            examples=[Example(summary="A response", value=example)],
        )
    }
    if moves:
        responses[301] = ResponseSpec(
            Moved,
            generate_examples=False,
            description="Merged into another identity",
            examples=[Example(summary="A redirect", value=_MOVED_EXAMPLE)],
        )
    for code in (*problems, 429):
        responses[code] = describe_problem(code)
    return responses


def describe_problem(status: int) -> ResponseSpec:
    """Return the description of a problem with an example."""
    title, detail, field = _PROBLEM_EXAMPLES[status]
    value = {
        "type": f"urn:disambig:{title.lower().replace(' ', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "/v1/…",
        "request": "5f0c9a1e2b3d4c5f",
    }
    if field:
        value["field"] = field
    return ResponseSpec(
        Problem,
        generate_examples=False,
        description=title,
        media_type=MEDIA_TYPE,
        examples=[Example(summary=title, value=value)],
    )
