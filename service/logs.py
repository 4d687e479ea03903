"""The log: one line an event on standard error, as text or JSON, from our code and libraries alike.

Nothing a client sends gets power over the reader of a log: control, format and bidirectional
characters are escaped, line breaks cannot begin a line of their own, and what looks like a key or
a password is replaced, wherever it stands. Bodies of requests are never logged.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import IO, Any, Literal

import structlog

from disambig.console import safe

HIDDEN = "***"
LONGEST = 2_000
"""Characters of a value that are logged; of a traceback ten times as many, its end."""
_SECRET_NAME = re.compile(r"pass|secret|token|authorization|cookie|api.?key|digest", re.IGNORECASE)
_SECRETS = (
    (re.compile(r"\b(k-[0-9a-z]{12})\.[A-Za-z0-9_~+/=-]+"), rf"\1.{HIDDEN}"),
    (re.compile(r"://([^\s:/@]*):[^\s@]+@"), rf"://\1:{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s,;]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?i)\b(\w*(?:password|secret|token))(\s*[=:]\s*)[^\s,;&]+"), rf"\1\2{HIDDEN}"),
)
_FIRST = ("timestamp", "level", "event")
_PLAIN = re.compile(r"[^\s\"=]+")

Line = MutableMapping[str, Any]


def configure(
    form: Literal["text", "json"] = "text", level: str = "info", stream: IO[str] | None = None
) -> None:
    """Send everything that is logged in this process to ``stream``; standard error if left out.

    Libraries are heard from ``warning`` on only, unless the level is ``debug``.
    """
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _with_traceback,
            harmless,
            _as_json if form == "json" else _as_text,
        ],
        use_get_message=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    least = getattr(logging, level.upper())
    root.setLevel(least if least <= logging.DEBUG else max(least, logging.WARNING))
    for ours in ("service", "disambig", "uvicorn.error"):
        logging.getLogger(ours).setLevel(least)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], name != "uvicorn.access"


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes an event and its values: ``get("service.x").info("done", rows=3)``."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return logger


def harmless(logger: Any, method: str, line: Line) -> Line:
    """Replace secrets and bound lengths; a processor of structlog."""
    for name, value in line.items():
        if name in _FIRST[:2] or isinstance(value, bool | int | float | None):
            continue
        if _SECRET_NAME.search(name):
            line[name] = HIDDEN
            continue
        text = value if isinstance(value, str) else str(value)
        text = text[-10 * LONGEST :] if name == "exception" else text[:LONGEST]
        for pattern, replacement in _SECRETS:
            text = pattern.sub(replacement, text)
        line[name] = text
    return line


def _time(logger: Any, method: str, line: Line) -> Line:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    line["timestamp"] = now.replace("+00:00", "Z")
    return line


_SHARED = (_time, structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name)


def _with_traceback(logger: Any, method: str, line: Line) -> Line:
    given = line.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    if isinstance(given, BaseException):
        given = (type(given), given, given.__traceback__)
    if given and given[1] is not None:
        line["exception"] = "".join(traceback.format_exception(*given))
    return line


def _as_json(logger: Any, method: str, line: Line) -> str:
    """ASCII only, so nothing in it can be taken for anything else."""
    first = {name: line.pop(name) for name in _FIRST if name in line}
    return json.dumps({**first, **line}, default=str)


def _as_text(logger: Any, method: str, line: Line) -> str:
    exception = line.pop("exception", "")
    first = " ".join(safe(str(line.pop(name, ""))) for name in _FIRST)
    rest = [f"{safe(str(name))}={_quoted(value)}" for name, value in line.items()]
    # indented, so that no line of an error's text can look like one of the log
    indented = [f"\n    {safe(text)}" for text in exception.splitlines()]
    return " ".join([first, *rest]) + "".join(indented)


def _quoted(value: Any) -> str:
    if value is None:
        return "-"
    text = safe(str(value))
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
