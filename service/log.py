"""Structured logging: one line per event on standard error, as text or JSON.

It covers this code and all libraries. Client input cannot forge log lines: control, format and
bidirectional characters are escaped and continuation lines are indented. Text that looks like a
key or a password is redacted anywhere in a line. Request bodies are never logged.
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

from disambig.console import escape_text

REDACTED = "***"
MAX_LENGTH = 2_000
"""Characters logged of a value; of a traceback, the last ten times as many."""
_SECRET_NAME = re.compile(r"pass|secret|token|authorization|cookie|api.?key|digest", re.IGNORECASE)
_SECRET_PATTERNS = (
    (re.compile(r"\b(k-[0-9a-z]{12})\.[A-Za-z0-9_~+/=-]+"), rf"\1.{REDACTED}"),
    (re.compile(r"://([^\s:/@]*):[^\s@]+@"), rf"://\1:{REDACTED}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s,;]+"), rf"\1 {REDACTED}"),
    (re.compile(r"(?i)\b(\w*(?:password|secret|token))(\s*[=:]\s*)[^\s,;&]+"), rf"\1\2{REDACTED}"),
)
_LEADING_FIELDS = ("timestamp", "level", "event")
_UNQUOTED = re.compile(r"[^\s\"=]+")

LogEntry = MutableMapping[str, Any]


def configure(
    form: Literal["text", "json"] = "text", level: str = "info", stream: IO[str] | None = None
) -> None:
    """Send all log records of this process to ``stream`` (default: standard error).

    Libraries are logged from ``warning`` on only, unless the level is ``debug``.
    """
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_COMMON_PROCESSORS,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _add_traceback,
            redact,
            _render_json if form == "json" else _render_text,
        ],
        use_get_message=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    minimum = getattr(logging, level.upper())
    root.setLevel(minimum if minimum <= logging.DEBUG else max(minimum, logging.WARNING))
    for own_logger in ("service", "disambig", "uvicorn.error"):
        logging.getLogger(own_logger).setLevel(minimum)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], name != "uvicorn.access"


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a structured logger: ``get_logger("service.x").info("done", rows=3)``."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            *_COMMON_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return logger


def redact(logger: Any, method: str, line: LogEntry) -> LogEntry:
    """Redact secrets and truncate long values; a structlog processor."""
    for name, value in line.items():
        if name in _LEADING_FIELDS[:2] or isinstance(value, bool | int | float | None):
            continue
        if _SECRET_NAME.search(name):
            line[name] = REDACTED
            continue
        text = value if isinstance(value, str) else str(value)
        text = text[-10 * MAX_LENGTH :] if name == "exception" else text[:MAX_LENGTH]
        for pattern, replacement in _SECRET_PATTERNS:
            text = pattern.sub(replacement, text)
        line[name] = text
    return line


def _add_timestamp(logger: Any, method: str, line: LogEntry) -> LogEntry:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    line["timestamp"] = now.replace("+00:00", "Z")
    return line


_COMMON_PROCESSORS = (
    _add_timestamp,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
)


def _add_traceback(logger: Any, method: str, line: LogEntry) -> LogEntry:
    exc_info = line.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    if exc_info and exc_info[1] is not None:
        line["exception"] = "".join(traceback.format_exception(*exc_info))
    return line


def _render_json(logger: Any, method: str, line: LogEntry) -> str:
    """Render one line of ASCII JSON; non-ASCII characters are escaped."""
    leading = {name: line.pop(name) for name in _LEADING_FIELDS if name in line}
    return json.dumps({**leading, **line}, default=str)


def _render_text(logger: Any, method: str, line: LogEntry) -> str:
    exception = line.pop("exception", "")
    leading = " ".join(escape_text(str(line.pop(name, ""))) for name in _LEADING_FIELDS)
    rest = [f"{escape_text(str(name))}={_quote(value)}" for name, value in line.items()]
    # indented, so that a line of an error text cannot imitate a log line
    indented = [f"\n    {escape_text(text)}" for text in exception.splitlines()]
    return " ".join([leading, *rest]) + "".join(indented)


def _quote(value: Any) -> str:
    if value is None:
        return "-"
    text = escape_text(str(value))
    return text if _UNQUOTED.fullmatch(text) else json.dumps(text, ensure_ascii=False)
