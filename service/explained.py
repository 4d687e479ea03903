"""The settings explained: value, source and meaning of each, without their secrets."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from service.settings import FILE, PREFIX, Settings, read_settings


@dataclass(frozen=True, slots=True)
class Explained:
    """One setting.

    Attributes
    ----------
    name : str
        As in TOML.
    variable : str
        As in the environment.
    value : str, int, float, bool or None
        In use; passwords in it are masked. None: not set.
    default : str, int, float, bool or None
    takes : str
        What it may be, in words.
    source : str
        ``the default``, ``the environment``, or the name of the file.
    meaning : str
    """

    name: str
    variable: str
    value: Any
    default: Any
    takes: str
    source: str
    meaning: str


def explain(settings: Settings | None = None) -> list[Explained]:
    """All settings of this process in their order; ``settings`` if they were read already.

    Raises
    ------
    Invalid
        If they cannot be read.
    """
    settings = settings or read_settings()
    in_file, file = _file()
    schema = Settings.model_json_schema()["properties"]
    found = []
    for name, field in Settings.model_fields.items():
        value, default = _shown(getattr(settings, name)), _shown(field.default)
        if name == "database" and value is None:
            value = default = masked(settings.database_url)
        # pydantic-settings takes variables whatever their case
        if any(key.upper() == PREFIX + name.upper() for key in os.environ):
            source = "the environment"
        else:
            source = str(file) if name in in_file else "the default"
        found.append(
            Explained(
                name=name,
                variable=PREFIX + name.upper(),
                value=value,
                default=default,
                takes=_takes(schema[name]),
                source=source,
                meaning=field.description or "",
            )
        )
    return found


def defaults() -> list[Explained]:
    """All settings as they are when nothing is set: what to show when they cannot be read."""
    return explain(Settings.model_construct())


def toml(found: list[Explained]) -> str:
    """A TOML file: every setting with its meaning; commented out where it has its default."""
    lines = ["# Settings of disambig. The environment wins over this file; passwords are masked."]
    for setting in found:
        lines += ["", f"# {setting.meaning}", f"# Takes {setting.takes}."]
        if setting.value is None:
            lines.append(f"# {setting.name} =")
        else:
            mark = "# " if setting.value == setting.default else ""
            lines.append(f"{mark}{setting.name} = {_toml_value(setting.value)}")
    return "\n".join([*lines, ""])


def masked(address: str) -> str:
    """An address of a database without its password, whatever it looks like.

    >>> masked("postgresql://me:secret@host/name?password=again")
    'postgresql://me:***@host/name?password=***'
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return "***"
    hidden = {k: "***" for k in url.query if "pass" in k.lower() or "secret" in k.lower()}
    text = url.update_query_dict(hidden).render_as_string(hide_password=True)
    return text.replace("%2A%2A%2A", "***")


def _file() -> tuple[dict[str, Any], Path]:
    file = Path(os.environ.get(f"{PREFIX}CONFIG", FILE))
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")), file
    except (OSError, ValueError):  # told by read_settings where it matters
        return {}, file


def _shown(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str) and "://" in value:
        return masked(value)
    return value


def _takes(schema: dict[str, Any]) -> str:
    """What a setting may be, from its JSON schema."""
    if "anyOf" in schema:  # a setting that may be left out
        schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return " or ".join(schema["enum"])
    kind: str = schema["type"]
    if kind == "boolean":
        return "true or false"
    if kind == "string":
        return "a path" if schema.get("format") == "path" else "text"
    words = "a whole number" if kind == "integer" else "a number"
    low, above, high = (schema.get(k) for k in ("minimum", "exclusiveMinimum", "maximum"))
    if low is not None and high is not None:
        return f"{words} from {low} to {high}"
    if low is not None:
        return f"{words} of at least {low}"
    return f"{words} above {above:g}" if above is not None else words


def _toml_value(value: str | int | float | bool) -> str:
    # a JSON string is a TOML string, but for the one character that TOML wants escaped, too
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
