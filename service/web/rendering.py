"""Templates to pages: hostile text made inert, and the headers that every page has."""

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

from service.web.sessions import Visitor

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "private, no-store",
    # without a referrer, forms would say that they come from nowhere
    "Referrer-Policy": "same-origin",
}
FOLD_LENGTH = 300
"""Characters of a text that are shown before it is folded."""
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
"""Format characters that some scripts need within words."""


def format_text(value: object) -> Markup:
    """A text as part of a page: isolated, its control characters named, long ones folded."""
    if value is None or value == "":
        return Markup("")
    whole = str(value)
    if len(whole) <= FOLD_LENGTH:
        return Markup(f"<bdi>{_visible(whole)}</bdi>")  # of what is escaped already
    begin, length = format_text(whole[: FOLD_LENGTH // 2]), f"{len(whole):,} characters"
    return Markup(
        '<details class="long"><summary>{}… <span class="soft">{}</span></summary>{}</details>'
    ).format(begin, length, _pieces(whole))


def plain(value: object, longest: int = 200) -> str:
    """A text for a title or a label: without control characters, on one line, bounded."""
    clean = "".join(" " if _hidden(c) else c for c in str(value)[: longest + 1])
    clean = " ".join(clean.split())
    return clean if len(clean) <= longest else clean[:longest] + "…"


def web(url: object) -> str:
    """An address that a link may lead to; ``#`` for anything but http and https."""
    found = str(url)
    try:
        scheme = urlsplit(found).scheme.lower()
    except ValueError:
        return "#"
    return found if scheme in ("http", "https") else "#"


def moment(value: object) -> str:
    """A moment in UTC to the minute."""
    try:
        return datetime.fromisoformat(str(value)).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return ""


def span(years: Iterable[object]) -> str:
    """First to last of some years."""
    known = sorted({int(str(year)) for year in years if year not in (None, "")})
    if not known:
        return "no year"
    return str(known[0]) if len(known) == 1 else f"{known[0]}–{known[-1]}"


def strip(years: Mapping[str, int], most: int = 60) -> list[dict[str, Any]]:
    """Bars of a strip of years: place, year, number and height of at most 24."""
    counted = {int(year): works for year, works in (years or {}).items()}
    if not counted:
        return []
    last = max(counted)
    first = max(min(counted), last - most + 1)
    peak = max(works for year, works in counted.items() if year >= first)
    return [
        {
            "x": (year - first) * 6,
            "year": year,
            "works": counted[year],
            "height": max(2, round(24 * counted[year] / peak)),
        }
        for year in range(first, last + 1)
        if year in counted
    ]


def counted(number: object, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    value = int(str(number or 0))
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def local(path: object) -> str:
    """A path of this site, as a form may name it; the queue for anything else."""
    found = str(path or "")
    sane = found.startswith("/") and not found.startswith(("//", "/\\")) and found.isprintable()
    return found if sane and "\\" not in found else "/review"


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE and character not in _JOINERS


def _visible(value: str) -> Markup:
    if value.isprintable():
        return escape(value)
    parts = (
        Markup('<span class="control">U+{}</span>').format(f"{ord(c):04X}")
        if _hidden(c) and c not in "\t\n\r"
        else escape(c)
        for c in value
    )
    return Markup("").join(parts)


def _pieces(value: str) -> Markup:
    shown = value[:20_000]
    return Markup('<bdi class="whole">') + _visible(shown) + Markup("</bdi>")


@functools.cache
def _environment() -> Environment:
    found = Environment(
        autoescape=True,
        loader=PackageLoader("service.web", "templates"),
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        text=format_text,
        plain=plain,
        web=web,
        moment=moment,
        span=span,
        strip=strip,
        segment=lambda value: quote(str(value), safe=""),
        json=lambda value: orjson.dumps(value).decode(),
    )
    found.globals["counted"] = counted
    return found


def rendered(template: str, **values: Any) -> str:
    """A template with these values."""
    return _environment().get_template(template).render(**values)


async def page(
    template: str,
    who: Visitor,
    *,
    status: int = 200,
    cookies: Iterable[Cookie] = (),
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response[str]:
    """A page for a visitor; made in a thread, for a board of 2,000 mentions takes a while."""
    content = await asyncio.to_thread(rendered, template, who=who, **values)
    return Response(
        content,
        status_code=status,
        media_type="text/html",
        headers={**HEADERS, **(headers or {})},
        cookies=list(cookies),
    )


def see(path: str, cookies: Iterable[Cookie] = ()) -> Response[str]:
    """Send the browser to another page of this site after a form was done."""
    return Response(
        "", status_code=303, headers={**HEADERS, "Location": path}, cookies=list(cookies)
    )
