"""Make works of the records of author pages: ids, hidden authors, one paper on several pages."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from anyascii import anyascii

from disambig.domain import Author, Work
from disambig.ingest._author_pages import PageHeader, PageKind, PageRecord
from disambig.ingest._native import make_encoding_error, parse_record
from disambig.ingest._problems import BadRecord, Repair

_HOMONYM_NUMBER = re.compile(r"\s+\d{4}$")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_SLUG_LENGTH = 32


@dataclass(frozen=True, slots=True)
class PageWork:
    """A work read from a page, which prints the first ``n_listed`` of its authors.

    ``is_name_missing`` marks a list that seems complete but lacks the name of the page.
    ``page_records`` are the file and the record of each page that shows the paper.
    """

    file: str
    line: int
    work: Work
    n_listed: int
    repairs: tuple[Repair, ...] = ()
    is_name_missing: bool = False
    page_records: tuple[tuple[str, PageRecord], ...] = ()

    def to_received(self) -> list[dict[str, object]]:
        """Return the records as the pages print them."""
        return [{"file": file, **asdict(record)} for file, record in self.page_records]


def make_page_work(record: PageRecord, header: PageHeader, *, max_year: int) -> PageWork:
    """Convert a record of a page to a work.

    If the author list lacks the name of the page, the name becomes the last author, at an unknown
    position: always on a name cluster, whose papers all print this name; on a profile only if the
    list ends in "et al.", since a person may be printed differently. Affiliations printed for the
    paper stay with the work; its category becomes a keyword.

    Raises
    ------
    BadRecord
        A field cannot be used.
    """
    _reject_escaped_bytes(record)
    names = list(record.authors)
    page_name = header.name
    is_hidden = page_name is not None and _make_name_key(page_name) not in map(
        _make_name_key, names
    )
    looks_cut = not record.complete
    must_add = is_hidden and (looks_cut or header.kind is PageKind.NAME_CLUSTER)
    if must_add and page_name is not None:
        names.append(page_name)
    raw = {
        "id": make_page_work_id(record),
        "title": record.title,
        "abstract": record.abstract,
        "venue": record.venue,
        "year": record.year,
        "keywords": [record.category] if record.category else [],
        "authors": [{"name": name} for name in names],
    }
    text_only = header.kind is PageKind.TOPIC
    parsed = parse_record(raw, max_year=max_year, text_only=text_only)
    work = replace(
        parsed.work,
        affiliations=record.affiliations,
        authors_complete=record.complete and not must_add and not text_only,
    )
    return PageWork(
        header.file,
        record.line,
        work,
        len(record.authors),
        parsed.repairs,
        is_name_missing=is_hidden and not looks_cut and not text_only,
        page_records=((header.file, record),),
    )


def make_page_work_id(record: PageRecord) -> str:
    """Return an id that depends only on title, venue, year and first author.

    Of the title only letters and digits count.
    """
    title = "".join(c for c in unicodedata.normalize("NFKC", record.title) if c.isalnum())
    first = _make_name_key(record.authors[0]) if record.authors else ""
    facts = "|".join((title.casefold(), record.venue or "", str(record.year or ""), first))
    digest = hashlib.sha256(facts.encode("utf-8", "surrogateescape")).hexdigest()
    words = re.sub(r"[^a-z0-9]+", "-", anyascii(record.title).casefold()).strip("-")
    slug = words[:_SLUG_LENGTH].rpartition("-")[0] if len(words) > _SLUG_LENGTH else words
    return f"page:{slug}-{digest[:8]}" if slug else f"page:{digest[:8]}"


def merge_page_works(works: Sequence[PageWork]) -> tuple[list[PageWork], list[PageWork]]:
    """Merge the records of one paper from several pages, in order of first occurrence.

    Two records are one paper if their ids are equal and their printed author lists agree, up to
    where a possibly truncated list ends. Returns the works, and those whose id is taken by
    another paper.
    """
    work_by_id: dict[str, PageWork] = {}
    conflicts: list[PageWork] = []
    for page_work in works:
        known_work = work_by_id.get(page_work.work.id)
        if known_work is None:
            work_by_id[page_work.work.id] = page_work
        elif _has_same_authors(known_work, page_work):
            work_by_id[page_work.work.id] = _merge_two(known_work, page_work)
        else:
            conflicts.append(page_work)
    return list(work_by_id.values()), conflicts


def _has_same_authors(a: PageWork, b: PageWork) -> bool:
    if a.n_listed > b.n_listed:
        a, b = b, a
    if a.n_listed < b.n_listed and a.work.authors_complete:
        return False
    n_common = a.n_listed
    return [_make_name_key(x.name) for x in a.work.authors[:n_common]] == [
        _make_name_key(x.name) for x in b.work.authors[:n_common]
    ]


def _merge_two(a: PageWork, b: PageWork) -> PageWork:
    longer = a if a.n_listed >= b.n_listed else b
    listed_authors = longer.work.authors[: longer.n_listed]
    listed_keys = {_make_name_key(author.name) for author in listed_authors}
    hidden_authors: dict[str, Author] = {}
    for author in (*a.work.authors[a.n_listed :], *b.work.authors[b.n_listed :]):
        if _make_name_key(author.name) not in listed_keys:
            hidden_authors.setdefault(_make_name_key(author.name), author)
    # sorted, so that positions do not depend on the order of the pages
    complete = (a.work.authors_complete or b.work.authors_complete) and not hidden_authors
    abstracts = sorted((a.work.abstract or "", b.work.abstract or ""), key=lambda x: (-len(x), x))
    work = replace(
        a.work,
        authors=(*listed_authors, *(hidden_authors[key] for key in sorted(hidden_authors))),
        abstract=abstracts[0] or None,
        keywords=tuple(sorted({*a.work.keywords, *b.work.keywords})),
        affiliations=tuple(sorted({*a.work.affiliations, *b.work.affiliations})),
        authors_complete=complete,
    )
    page_records = (*a.page_records, *b.page_records)
    return replace(a, work=work, n_listed=longer.n_listed, page_records=page_records)


def _make_name_key(name: str) -> str:
    """Return the name in lower case without a homonym number, as the pages compare names."""
    bare = _HOMONYM_NUMBER.sub("", unicodedata.normalize("NFC", name).strip())
    return " ".join(bare.casefold().split())


def _reject_escaped_bytes(record: PageRecord) -> None:
    texts = (record.title, record.abstract, *record.authors, *record.affiliations)
    for text in texts:
        if match := _ESCAPED_BYTE.search(text):
            raise make_encoding_error(f"byte {ord(match[0]) - 0xDC00:#04x} in the record")


def make_id_conflict(conflict: PageWork) -> BadRecord:
    """Return the error of a paper whose title, venue, year and first author are another's."""
    return BadRecord(
        "id",
        f"{conflict.work.id} is already the id of a paper with other authors",
        "compare the two pages; write the paper as native JSONL to keep both",
    )
