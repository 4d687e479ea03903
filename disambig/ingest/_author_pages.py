"""Parse author pages copied as text: kind of page, header and records.

Parsing is by lines; blank lines have no meaning, so a copy may have more or fewer of them. Three
kinds of page are known:

name cluster
    A header with "Author name cluster" and the name; then for each paper a line such as
    "AAAI Conference 2026 Conference Paper", the title, bulleted authors and an abstract. At most
    eight authors are printed; a truncated list has no mark.
author profile
    A name, a category, h-index, counts; then for each paper "AIJun 8, 2022" (category and date,
    with an optional score before and "Code" after), the title, "A, B, C et al. · places" and an
    abstract. The date may have no year; the work then has none.
topic listing
    Titles and abstracts alternate, without authors: text only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from disambig.ingest._problems import BadRecord, quote_value

#: Authors of a paper that a name cluster page prints at most.
MAX_PAGE_AUTHORS = 8


class PageKind(StrEnum):
    """Kinds of author pages that can be parsed."""

    NAME_CLUSTER = "name cluster"
    PROFILE = "author profile"
    TOPIC = "topic listing"


@dataclass(frozen=True, slots=True)
class PageHeader:
    """Header of a page. ``None`` marks what is not printed; ``found`` is counted."""

    file: str
    kind: PageKind
    name: str | None
    papers: int | None
    n_records: int
    citations: int | None = None
    h_index: int | None = None


@dataclass(frozen=True, slots=True)
class PageRecord:
    """One paper of a page as printed. ``complete`` is False where authors may be missing."""

    line: int
    title: str
    authors: tuple[str, ...]
    complete: bool
    abstract: str
    venue: str | None = None
    year: int | None = None
    category: str | None = None
    affiliations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """Lines that begin like a record but are not one."""

    line: int
    text: str
    error: BadRecord


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed page. ``strays`` are lines of a listing that are neither title nor abstract."""

    header: PageHeader
    records: tuple[PageRecord | BrokenRecord, ...]
    stray_lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str


_BULLET = re.compile(r"\s*[•‣◦▪●*]\s+(\S.*)|\s+-\s+(\S.*)")
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DATE_LINE = re.compile(
    r"(?:\d+(?:\.\d+)?)?(?P<category>[A-Za-z][\w.\-]{0,15}?)"
    rf"(?:{_MONTHS})[a-z]* \d{{1,2}}(?:, (?P<year>\d{{4}}))?(?:Code)?",
)
_VENUE = re.compile(
    r"(?P<venue>\S.{0,80}? (?P<sort>Conference|Journal|Workshop|Symposium)|\S.{0,80}?)"
    r" (?P<year>\d{4})(?P<type>(?: [A-Z][\w&/\-]*){1,6})",
)
_PLAIN_TYPES = {" Conference Paper", " Journal Article", " Workshop Paper"}
_CLUSTER_MARK = "author name cluster"
_LISTING_MARK = re.compile(r"trending papers|and the research community", re.IGNORECASE)
_H_INDEX = re.compile(r"h-index:?\s*([\d,]+)", re.IGNORECASE)
_COUNT = re.compile(r"([\d,]+)\s*(papers|citations)", re.IGNORECASE)
_CATEGORY = re.compile(r"[A-Z]{2,4}|[a-z\-]+\.[A-Za-z\-]{2,}")
_ET_AL = re.compile(r",? et al\.?$")
_NAME_SUFFIX = re.compile(r"(?:Jr|Sr)\.?|I{2,3}|IV")
_SHORTEST_ABSTRACT = 200
_HEADER_LINES = 40
_CERTAIN_PAIRS = 10


def detect_page_kind(text: str, *, strict: bool = True) -> PageKind | None:
    """Return the kind of page that a text is, or begins as; None for any other text.

    A listing is recognised by marks in its header or by many alternating titles and abstracts: if
    ``sure`` is False, a few alternating ones suffice.
    """
    lines = _split_lines(text)
    top = [line.text.strip() for line in lines[:_HEADER_LINES]]
    if any(line.casefold() == _CLUSTER_MARK for line in top):
        return PageKind.NAME_CLUSTER
    if any(_H_INDEX.fullmatch(line) for line in top) and any(map(_DATE_LINE.fullmatch, top)):
        return PageKind.PROFILE
    abstract_lines = [_is_abstract(line.text) for line in lines]
    if True not in abstract_lines or abstract_lines[0]:
        return None
    alternation = abstract_lines[abstract_lines.index(True) - 1 :]
    pairs = sum(alternation[1::2])
    alternates = all(abstract == bool(at % 2) for at, abstract in enumerate(alternation))
    has_mark = any(map(_LISTING_MARK.search, top[:10]))
    if not strict or has_mark or (alternates and pairs >= _CERTAIN_PAIRS):
        return PageKind.TOPIC
    return None


def parse_page(text: str, file: str, kind: PageKind) -> Page:
    """Parse a page of the kind that :func:`detect_page_kind` returned."""
    lines = _split_lines(text)
    match kind:
        case PageKind.NAME_CLUSTER:
            return _parse_cluster(lines, file)
        case PageKind.PROFILE:
            return _parse_profile(lines, file)
        case PageKind.TOPIC:
            return _parse_listing(lines, file)


def _split_lines(text: str) -> list[_Line]:
    return [_Line(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]


def _parse_cluster(lines: list[_Line], file: str) -> Page:
    mark = next(n for n, line in enumerate(lines) if line.text.strip().casefold() == _CLUSTER_MARK)
    name = lines[mark + 1].text.strip() if mark + 1 < len(lines) else None
    starts = [at for at in range(mark + 2, len(lines)) if _starts_paper(lines, at)]
    furniture = lines[mark + 2 : starts[0] if starts else len(lines)]
    papers = _parse_counts(furniture).get("papers")
    records = tuple(_parse_cluster_record(part) for part in _split_records(lines, starts))
    return Page(PageHeader(file, PageKind.NAME_CLUSTER, name, papers, len(records)), records)


def _starts_paper(lines: list[_Line], at: int) -> bool:
    match = _VENUE.fullmatch(lines[at].text.strip())
    if match is None:
        return False
    if match["sort"] and match["type"] in _PLAIN_TYPES:
        return True
    # any other "Somewhere 2020 Some Words" starts a record only if title and authors follow
    are_bullets = [_BULLET.fullmatch(line.text) is not None for line in lines[at + 1 : at + 3]]
    return are_bullets == [False, True]


def _split_records(lines: list[_Line], starts: list[int]) -> list[list[_Line]]:
    return [lines[start:end] for start, end in pairwise([*starts, len(lines)])]


def _parse_cluster_record(part: list[_Line]) -> PageRecord | BrokenRecord:
    head = _VENUE.fullmatch(part[0].text.strip())
    assert head is not None  # it was found by this pattern
    bullets = [_BULLET.fullmatch(line.text) for line in part[2:]]
    authors: list[str] = []
    for bullet in bullets:
        if bullet is None:
            break
        authors.append((bullet[1] or bullet[2]).strip())
    if len(part) < 2 or _BULLET.fullmatch(part[1].text):
        return _make_broken_record(part, "title", "is missing", "put the title under the venue")
    if not authors:
        return _make_broken_record(
            part, "authors", "is missing", "list them under the title as bullets"
        )
    venue = head["venue"]
    # the site's "AAAI Conference" is elsewhere called AAAI; "Workshop" stays
    venue = venue.removesuffix(" Conference").removesuffix(" Journal")
    return PageRecord(
        line=part[0].number,
        title=part[1].text.strip(),
        authors=tuple(authors),
        complete=len(authors) < MAX_PAGE_AUTHORS,
        abstract=_join_lines(part[2 + len(authors) :]),
        venue=venue,
        year=int(head["year"]),
    )


def _parse_profile(lines: list[_Line], file: str) -> Page:
    starts = [at for at, line in enumerate(lines) if _DATE_LINE.fullmatch(line.text.strip())]
    h_line = next(n for n, line in enumerate(lines) if _H_INDEX.fullmatch(line.text.strip()))
    h_index = _H_INDEX.fullmatch(lines[h_line].text.strip())
    starts = [at for at in starts if at > h_line]
    counts = _parse_counts(lines[: starts[0] if starts else len(lines)])
    records = tuple(_parse_profile_record(part) for part in _split_records(lines, starts))
    header = PageHeader(
        file,
        PageKind.PROFILE,
        _find_profile_name(lines[:h_line]),
        counts.get("papers"),
        len(records),
        counts.get("citations"),
        _parse_number(h_index[1]) if h_index else None,
    )
    return Page(header, records)


def _find_profile_name(above: list[_Line]) -> str | None:
    """Return the name, which precedes the category, which precedes the h-index."""
    texts = [line.text.strip() for line in above]
    if len(texts) > 1 and _CATEGORY.fullmatch(texts[-1]):
        texts.pop()
    return texts[-1] if texts else None


def _parse_profile_record(part: list[_Line]) -> PageRecord | BrokenRecord:
    head = _DATE_LINE.fullmatch(part[0].text.strip())
    assert head is not None  # it was found by this pattern
    if len(part) < 2:
        return _make_broken_record(part, "title", "is missing", "put the title under the date")
    names, _, places = part[2].text.strip().partition(" · ") if len(part) > 2 else ("", "", "")
    authors = _split_names(_ET_AL.sub("", names))
    if not authors:
        return _make_broken_record(
            part, "authors", "is missing", "list them under the title with commas"
        )
    return PageRecord(
        line=part[0].number,
        title=part[1].text.strip(),
        authors=tuple(authors),
        complete=_ET_AL.search(names) is None,
        abstract=_join_lines(part[3:]),
        year=int(head["year"]) if head["year"] else None,
        category=head["category"],
        affiliations=tuple(place.strip() for place in places.split(",") if place.strip()),
    )


def _split_names(line: str) -> list[str]:
    """Split a line of names at commas; return none if it looks like running text."""
    names: list[str] = []
    for name in (part.strip() for part in line.split(",")):
        if names and _NAME_SUFFIX.fullmatch(name):
            names[-1] += f", {name}"
        elif not 0 < len(name) <= 80 or len(name.split()) > 8:
            return []
        else:
            names.append(name)
    return names


def _parse_listing(lines: list[_Line], file: str) -> Page:
    records: list[PageRecord | BrokenRecord] = []
    strays: list[int] = []
    title: _Line | None = None
    abstract: list[str] = []

    def finish() -> None:
        if title is not None and abstract:
            body = "\n\n".join(abstract)
            records.append(PageRecord(title.number, title.text.strip(), (), True, body))
        elif title is not None and records:
            strays.append(title.number)

    for line in lines:
        if _is_abstract(line.text) and title is not None:
            abstract.append(line.text.strip())
        else:
            finish()
            title, abstract = line, []
    finish()
    header = PageHeader(file, PageKind.TOPIC, None, None, len(records))
    return Page(header, tuple(records), tuple(strays))


def _is_abstract(line: str) -> bool:
    text = line.strip()
    return len(text) >= _SHORTEST_ABSTRACT or (text[-1:] in ".!?…" and len(text.split()) >= 15)


def _parse_counts(lines: list[_Line]) -> dict[str, int]:
    """Parse the first "43 papers" and "12,401citations" of a header."""
    counts: dict[str, int] = {}
    for line in lines:
        match = _COUNT.fullmatch(line.text.strip())
        number = _parse_number(match[1]) if match else None
        if match and number is not None:
            counts.setdefault(match[2].casefold(), number)
    return counts


def _parse_number(text: str) -> int | None:
    digits = text.replace(",", "")
    return int(digits) if digits.isdecimal() and len(digits) <= 12 else None


def _join_lines(part: list[_Line]) -> str:
    """Join the lines of a record, with the blank lines between them."""
    if not part:
        return ""
    text_by_number = {line.number: line.text.rstrip() for line in part}
    first, last = part[0].number, part[-1].number
    return "\n".join(text_by_number.get(number, "") for number in range(first, last + 1)).strip()


def _make_broken_record(part: list[_Line], field: str, problem: str, remedy: str) -> BrokenRecord:
    title = f" (record {quote_value(part[1].text.strip())})" if len(part) > 1 else ""
    return BrokenRecord(
        part[0].number, _join_lines(part), BadRecord(field, problem + title, remedy)
    )
