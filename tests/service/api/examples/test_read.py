"""Examples of request bodies: each fits its schema, none is missing."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import orjson
import pytest
from litestar.handlers import HTTPRouteHandler
from pydantic import BaseModel, TypeAdapter

from service.api.examples import edit as edit_examples
from service.api.routes import V1
from service.api.routes.decisions import _parse_pair_decision, _split_lines
from tests.support.api_clients import serving

HANDLERS = [
    handler
    for handler in V1
    if isinstance(handler, HTTPRouteHandler) and "svg" not in str(handler.media_type)
]


def name(handler: HTTPRouteHandler) -> str:
    return f"{handler.fn.__module__}.{handler.fn.__name__}"


@pytest.mark.parametrize("handler", HANDLERS, ids=name)
def test_what_an_operation_is_asked_with_is_as_its_schema_says(handler: HTTPRouteHandler) -> None:
    hint = get_type_hints(handler.fn, include_extras=True).get("data")
    if hint is None:
        return
    wanted, kwarg = get_args(hint)
    assert kwarg.examples
    for example in kwarg.examples:
        found = TypeAdapter(wanted).validate_python(orjson.loads(orjson.dumps(example.value)))
        assert isinstance(found, BaseModel)


def test_lines_of_examples_can_be_read() -> None:
    rows = [
        _parse_pair_decision(text) for _, text in _split_lines(edit_examples.BULK_NDJSON.encode())
    ]
    assert [row.kind for row in rows] == ["same", "different"]


def test_every_operation_that_takes_a_body_shows_one(database: Any) -> None:
    with serving(database) as client:
        document = client.get("/schema").json()
    without = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            for media in content.values():
                shown = media.get("examples") or media.get("schema", {}).get("examples")
                assert shown, f"{method} {path}"
            if method == "post" and not content:
                without.add(path)
    assert without == set()
