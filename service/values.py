"""Frozen values that queries and use cases return and that the API sends and documents.

Write a class as ``class Run(Value, kw_only=True)``. Its fields are the keys of the JSON object, in
the order in which they are sent. A field that may be absent has the type ``T | UnsetType`` and the
default ``UNSET``; one that may be null has the type ``T | None`` and no default. A key that is a
Python keyword gets another name: ``from_: str = field(name="from")``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, dataclass_transform

import msgspec
import orjson
from msgspec import UNSET, UnsetType, field
from msgspec.structs import asdict, replace

__all__ = ["UNSET", "UnsetType", "Value", "asdict", "doc", "field", "replace", "to_dict", "to_json"]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base class of all response types; subclasses repeat ``kw_only``, which is not inherited."""


def doc(text: str) -> msgspec.Meta:
    """Describe a field in the OpenAPI document: ``Annotated[int, doc("Joint works.")]``."""
    return msgspec.Meta(description=text)


def to_json(content: Any, convert: Callable[[Any], Any] | None = None) -> bytes:
    """Encode a value, or a structure of values and plain JSON, as the API sends it.

    ``convert`` replaces objects of other types.
    """
    # msgspec's own encoder writes datetimes as …Z; clients expect …+00:00
    return orjson.dumps(msgspec.to_builtins(content, builtin_types=(datetime,), enc_hook=convert))


def to_dict(value: Value) -> dict[str, Any]:
    """Convert a value to plain JSON with datetimes, for a JSON column or the command line."""
    members: dict[str, Any] = msgspec.to_builtins(value, builtin_types=(datetime,))
    return members
