"""From the records of pages to works: ids, the page's own name, and the same paper met again."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from anyascii import anyascii

from disambig.domain import Author, Work
from disambig.ingest._author_pages import PageHeader, PageKind, PageRecord
from disambig.ingest._native import not_utf8, parse_record
from disambig.ingest._problems import BadRecord, Repair

_HOMONYM_NUMBER = re.compile(r"\s+\d{4}$")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_SLUG_LENGTH = 32


@dataclass(frozen=True, slots=True)
class PageWork:
    """A work read from a page. The first ``listed`` of its authors were printed with it.

    ``unlisted`` tells that the page's own name is missing from a list that does not look cut.
    ``printed`` holds the file and the record of each page that shows the paper.
    """

    file: str
    line: int
    work: Work
    listed: int
    repairs: tuple[Repair, ...] = ()
    unlisted: bool = False
    printed: tuple[tuple[str, PageRecord], ...] = ()

    def received(self) -> list[dict[str, object]]:
        """The records as the pages print them."""
        return [{"file": file, **asdict(record)} for file, record in self.printed]


def page_work(record: PageRecord, header: PageHeader, *, max_year: int) -> PageWork:
    """Make a work of a page's record.

    The page's own name becomes the last author, of unknown place, where the list hides it: on a
    name cluster always, since the page's claim is that this very name is printed on the paper; on
    a profile only where the list ends in "et al.", since a person may be printed differently.
    Places printed for the paper stay with the work; its category becomes a keyword.

    Raises
    ------
    BadRecord
        A field cannot be used.
    """
    _refuse_escaped_bytes(record)
    names = list(record.authors)
    own = header.name
    hidden = own is not None and _key(own) not in map(_key, names)
    looks_cut = not record.complete
    add = hidden and (looks_cut or header.kind is PageKind.NAME_CLUSTER)
    if add and own is not None:
        names.append(own)
    raw = {
        "id": page_work_id(record),
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
        authors_complete=record.complete and not add and not text_only,
    )
    return PageWork(
        header.file,
        record.line,
        work,
        len(record.authors),
        parsed.repairs,
        unlisted=hidden and not looks_cut and not text_only,
        printed=((header.file, record),),
    )


def page_work_id(record: PageRecord) -> str:
    """An id that is the same wherever and whenever the paper is met with the same facts.

    Made of title, venue, year and first author; of the title only letters and digits count.
    """
    title = "".join(c for c in unicodedata.normalize("NFKC", record.title) if c.isalnum())
    first = _key(record.authors[0]) if record.authors else ""
    facts = "|".join((title.casefold(), record.venue or "", str(record.year or ""), first))
    digest = hashlib.sha256(facts.encode("utf-8", "surrogateescape")).hexdigest()
    words = re.sub(r"[^a-z0-9]+", "-", anyascii(record.title).casefold()).strip("-")
    slug = words[:_SLUG_LENGTH].rpartition("-")[0] if len(words) > _SLUG_LENGTH else words
    return f"page:{slug}-{digest[:8]}" if slug else f"page:{digest[:8]}"


def merge(works: Sequence[PageWork]) -> tuple[list[PageWork], list[PageWork]]:
    """Put the same paper of several pages together; order of first meeting is kept.

    Two records are the same paper when their ids agree and so do their printed author lists, as
    far as a list that is or may be cut goes. Returns the works, and those whose id is taken by
    a different paper.
    """
    merged: dict[str, PageWork] = {}
    clashes: list[PageWork] = []
    for found in works:
        before = merged.get(found.work.id)
        if before is None:
            merged[found.work.id] = found
        elif _same_beginning(before, found):
            merged[found.work.id] = _joined(before, found)
        else:
            clashes.append(found)
    return list(merged.values()), clashes


def _same_beginning(a: PageWork, b: PageWork) -> bool:
    if a.listed > b.listed:
        a, b = b, a
    if a.listed < b.listed and a.work.authors_complete:
        return False
    shared = a.listed
    return [_key(x.name) for x in a.work.authors[:shared]] == [
        _key(x.name) for x in b.work.authors[:shared]
    ]


def _joined(a: PageWork, b: PageWork) -> PageWork:
    longer = a if a.listed >= b.listed else b
    listed = longer.work.authors[: longer.listed]
    known = {_key(author.name) for author in listed}
    hidden: dict[str, Author] = {}
    for author in (*a.work.authors[a.listed :], *b.work.authors[b.listed :]):
        if _key(author.name) not in known:
            hidden.setdefault(_key(author.name), author)
    # Everything is sorted, so that the order of the pages gives nobody another position.
    complete = (a.work.authors_complete or b.work.authors_complete) and not hidden
    abstracts = sorted((a.work.abstract or "", b.work.abstract or ""), key=lambda x: (-len(x), x))
    work = replace(
        a.work,
        authors=(*listed, *(hidden[key] for key in sorted(hidden))),
        abstract=abstracts[0] or None,
        keywords=tuple(sorted({*a.work.keywords, *b.work.keywords})),
        affiliations=tuple(sorted({*a.work.affiliations, *b.work.affiliations})),
        authors_complete=complete,
    )
    return replace(a, work=work, listed=longer.listed, printed=(*a.printed, *b.printed))


def _key(name: str) -> str:
    """What the pages themselves go by: the name without case, and without a homonym number."""
    bare = _HOMONYM_NUMBER.sub("", unicodedata.normalize("NFC", name).strip())
    return " ".join(bare.casefold().split())


def _refuse_escaped_bytes(record: PageRecord) -> None:
    texts = (record.title, record.abstract, *record.authors, *record.affiliations)
    for text in texts:
        if found := _ESCAPED_BYTE.search(text):
            raise not_utf8(f"byte {ord(found[0]) - 0xDC00:#04x} in the record")


def bad_id(clash: PageWork) -> BadRecord:
    """The problem of a paper whose facts give an id that another paper has."""
    return BadRecord(
        "id",
        f"{clash.work.id} already stands for a paper with other authors",
        "compare the two pages; give the paper as native JSONL to keep both",
    )
