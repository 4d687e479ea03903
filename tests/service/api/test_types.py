"""Handlers send the class that their route declares; examples fit; names of schemas are unique."""

from __future__ import annotations

from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler

from service.api.http.responses import Json
from service.api.routes import V1
from service.values import Value
from tests.support.api_clients import serving


def _list_json_routes() -> list[HTTPRouteHandler]:
    return [
        handler
        for handler in V1
        if isinstance(handler, HTTPRouteHandler) and "svg" not in str(handler.media_type)
    ]


def _get_success_class(handler: HTTPRouteHandler) -> Any:
    (spec,) = (spec for status, spec in (handler.responses or {}).items() if status < 300)
    return spec.data_container


def _format_name(handler: HTTPRouteHandler) -> str:
    return f"{handler.fn.__module__}.{handler.fn.__name__}"


@pytest.mark.parametrize("handler", _list_json_routes(), ids=_format_name)
def test_a_route_declares_a_value(handler: HTTPRouteHandler) -> None:
    assert issubclass(_get_success_class(handler), Value)


@pytest.mark.parametrize("handler", _list_json_routes(), ids=_format_name)
def test_a_handler_returns_the_class_that_its_route_declares(handler: HTTPRouteHandler) -> None:
    returned = get_type_hints(handler.fn)["return"]
    assert get_origin(returned) is Json
    assert get_args(returned) == (_get_success_class(handler),)


@pytest.mark.parametrize("handler", _list_json_routes(), ids=_format_name)
def test_examples_fit_their_class(handler: HTTPRouteHandler) -> None:
    for spec in (handler.responses or {}).values():
        if issubclass(spec.data_container, Value):
            for example in spec.examples or ():
                value = msgspec.convert(msgspec.to_builtins(example.value), spec.data_container)
                assert isinstance(value, spec.data_container)


def test_titles_of_schemas_are_unique(database: Any) -> None:
    with serving(database) as client:
        schemas = client.get("/schema").json()["components"]["schemas"]
    assert {key for key, schema in schemas.items() if schema["title"] != key} == set()


def _list_subclasses(kind: type[Value]) -> list[type[Value]]:
    return [kind for child in kind.__subclasses__() for kind in (child, *_list_subclasses(child))]


@pytest.mark.parametrize("kind", _list_subclasses(Value), ids=lambda kind: kind.__name__)
def test_a_value_takes_keyword_arguments_only(kind: type[Value]) -> None:
    assert kind.__match_args__ == ()
