"""Report of the settings: value, source and meaning of each, with secrets masked."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from service.settings import DEFAULT_FILE, PREFIX, Settings, read_settings


@dataclass(frozen=True, slots=True)
class SettingReport:
    """One setting with its value and source.

    Attributes
    ----------
    name : str
        Name in TOML.
    variable : str
        Name of the environment variable.
    value : str, int, float, bool or None
        Value in use, with passwords masked. None: not set.
    default : str, int, float, bool or None
    takes : str
        Description of the valid values.
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


def explain_settings(settings: Settings | None = None) -> list[SettingReport]:
    """Report all settings of this process in order; pass ``settings`` if already read.

    Raises
    ------
    Invalid
        The settings cannot be read.
    """
    settings = settings or read_settings()
    file_values, file = _read_file()
    schema = Settings.model_json_schema()["properties"]
    reports = []
    for name, field in Settings.model_fields.items():
        value, default = _format_value(getattr(settings, name)), _format_value(field.default)
        if name == "database" and value is None:
            value = default = mask_passwords(settings.database_url)
        # pydantic-settings ignores the case of variables
        if any(key.upper() == PREFIX + name.upper() for key in os.environ):
            source = "the environment"
        else:
            source = str(file) if name in file_values else "the default"
        reports.append(
            SettingReport(
                name=name,
                variable=PREFIX + name.upper(),
                value=value,
                default=default,
                takes=_describe_type(schema[name]),
                source=source,
                meaning=field.description or "",
            )
        )
    return reports


def explain_defaults() -> list[SettingReport]:
    """Report the defaults of all settings, for when the settings cannot be read."""
    return explain_settings(Settings.model_construct())


def to_toml(reports: list[SettingReport]) -> str:
    """Format settings as a TOML file with comments; defaults are commented out."""
    lines = ["# Settings of disambig. The environment overrides this file; passwords are masked."]
    for setting in reports:
        lines += ["", f"# {setting.meaning}", f"# Takes {setting.takes}."]
        if setting.value is None:
            lines.append(f"# {setting.name} =")
        else:
            comment = "# " if setting.value == setting.default else ""
            lines.append(f"{comment}{setting.name} = {_format_toml(setting.value)}")
    return "\n".join([*lines, ""])


def mask_passwords(address: str) -> str:
    """Mask the passwords in a database address, even a malformed one.

    >>> masked("postgresql://me:secret@host/name?password=again")
    'postgresql://me:***@host/name?password=***'
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return "***"
    secrets = {k: "***" for k in url.query if "pass" in k.lower() or "secret" in k.lower()}
    text = url.update_query_dict(secrets).render_as_string(hide_password=True)
    return text.replace("%2A%2A%2A", "***")


def _read_file() -> tuple[dict[str, Any], Path]:
    file = Path(os.environ.get(f"{PREFIX}CONFIG", DEFAULT_FILE))
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")), file
    except (OSError, ValueError):  # read_settings reports it where it matters
        return {}, file


def _format_value(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str) and "://" in value:
        return mask_passwords(value)
    return value


def _describe_type(schema: dict[str, Any]) -> str:
    """Describe the valid values of a setting from its JSON schema."""
    if "anyOf" in schema:  # an optional setting
        schema = next(option for option in schema["anyOf"] if option.get("type") != "null")
    if "enum" in schema:
        return " or ".join(schema["enum"])
    kind: str = schema["type"]
    if kind == "boolean":
        return "true or false"
    if kind == "string":
        return "a path" if schema.get("format") == "path" else "text"
    noun = "a whole number" if kind == "integer" else "a number"
    low, exclusive_low, high = (schema.get(k) for k in ("minimum", "exclusiveMinimum", "maximum"))
    if low is not None and high is not None:
        return f"{noun} from {low} to {high}"
    if low is not None:
        return f"{noun} of at least {low}"
    return f"{noun} above {exclusive_low:g}" if exclusive_low is not None else noun


def _format_toml(value: str | int | float | bool) -> str:
    # a JSON string is a TOML string, except that TOML requires U+007F to be escaped
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
