"""Render templates to pages: escape untrusted text, set the headers of every page."""

from __future__ import annotations

import asyncio
import functools
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from jinja2 import ChainableUndefined, Environment, PackageLoader
from litestar import Response
from litestar.datastructures import Cookie
from markupsafe import Markup, escape

from service.web.formatting import history_details, history_title
from service.web.sessions import Visitor

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "private, no-store",
    # with no-referrer, browsers would send "Origin: null" with forms
    "Referrer-Policy": "same-origin",
}
FOLD_LENGTH = 300
"""Longer texts are collapsed."""
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
"""Zero-width joiners, which some scripts need within words."""


def format_text(value: object) -> Markup:
    """Render a text: bidi-isolated, control characters made visible, long texts collapsed."""
    if value is None or value == "":
        return Markup("")
    full_text = str(value)
    if len(full_text) <= FOLD_LENGTH:
        return Markup(f"<bdi>{_escape_invisible(full_text)}</bdi>")  # already escaped
    begin, length = format_text(full_text[: FOLD_LENGTH // 2]), f"{len(full_text):,} characters"
    return Markup(
        '<details class="long"><summary>{}… <span class="soft">{}</span></summary>{}</details>'
    ).format(begin, length, _render_whole(full_text))


def format_plain(value: object, max_length: int = 200) -> str:
    """Return a text for a title or label: one line, bounded, without control characters."""
    clean = "".join(" " if _is_invisible(c) else c for c in str(value)[: max_length + 1])
    clean = " ".join(clean.split())
    return clean if len(clean) <= max_length else clean[:max_length] + "…"


def safe_url(url: object) -> str:
    """Return a safe link target; ``#`` for schemes other than http and https."""
    address = str(url)
    try:
        scheme = urlsplit(address).scheme.lower()
    except ValueError:
        return "#"
    return address if scheme in ("http", "https") else "#"


def format_time(value: object) -> str:
    """Format a UTC time to the minute."""
    try:
        return datetime.fromisoformat(str(value)).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return ""


def format_years(years: Iterable[object]) -> str:
    """Format a range of years."""
    known = sorted({int(str(year)) for year in years if year not in (None, "")})
    if not known:
        return "no year"
    return str(known[0]) if len(known) == 1 else f"{known[0]}–{known[-1]}"


def year_bars(years: Mapping[str, int], max_years: int = 60) -> list[dict[str, Any]]:
    """Return the bars of a sparkline of works per year; heights are at most 24."""
    works_by_year = {int(year): works for year, works in (years or {}).items()}
    if not works_by_year:
        return []
    last = max(works_by_year)
    first = max(min(works_by_year), last - max_years + 1)
    peak = max(works for year, works in works_by_year.items() if year >= first)
    return [
        {
            "x": (year - first) * 6,
            "year": year,
            "works": works_by_year[year],
            "height": max(2, round(24 * works_by_year[year] / peak)),
        }
        for year in range(first, last + 1)
        if year in works_by_year
    ]


def format_count(number: object, singular: str, plural: str | None = None) -> str:
    """Format a number with its noun."""
    value = int(str(number or 0))
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


def local_path(path: object) -> str:
    """Return a redirect target if it is a path of this site; otherwise the queue."""
    text = str(path or "")
    is_local = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if is_local and "\\" not in text else "/review"


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE and character not in _JOINERS


def _escape_invisible(value: str) -> Markup:
    if value.isprintable():
        return escape(value)
    parts = (
        Markup('<span class="control">U+{}</span>').format(f"{ord(c):04X}")
        if _is_invisible(c) and c not in "\t\n\r"
        else escape(c)
        for c in value
    )
    return Markup("").join(parts)


def _render_whole(value: str) -> Markup:
    shown = value[:20_000]
    return Markup('<bdi class="whole">') + _escape_invisible(shown) + Markup("</bdi>")


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        loader=PackageLoader("service.web", "templates"),
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        text=format_text,
        plain=format_plain,
        link_url=safe_url,
        time=format_time,
        years=format_years,
        year_bars=year_bars,
        history_title=history_title,
        history_details=history_details,
        segment=lambda value: quote(str(value), safe=""),
        json=lambda value: orjson.dumps(value).decode(),
    )
    environment.globals["count"] = format_count
    return environment


def render_template(template: str, **values: Any) -> str:
    """Render a template."""
    return _environment().get_template(template).render(**values)


async def render_page(
    template: str,
    who: Visitor,
    *,
    status: int = 200,
    cookies: Iterable[Cookie] = (),
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response[str]:
    """Render a page in a thread, because a board of 2,000 mentions is slow to render."""
    content = await asyncio.to_thread(render_template, template, who=who, **values)
    return Response(
        content,
        status_code=status,
        media_type="text/html",
        headers={**HEADERS, **(headers or {})},
        cookies=list(cookies),
    )


def redirect(path: str, cookies: Iterable[Cookie] = ()) -> Response[str]:
    """Redirect to another page of this site after a form was processed."""
    return Response(
        "", status_code=303, headers={**HEADERS, "Location": path}, cookies=list(cookies)
    )
