"""OpenReview: submissions as JSON notes, whose logged-in authors carry profile ids.

Source: the public API, https://api.openreview.net/notes (API 1) and
https://api2.openreview.net/notes (API 2), or the package ``openreview-py``; its use is under
https://openreview.net/legal/terms, and each submission states its own licence.

Format: notes as JSONL, as a JSON list, or as the API's ``{"notes": […]}``::

    {"id": "rhgIgTSSxW", "content": {
      "title": "TabR: …", "authors": ["Yury Gorishniy", …],
      "authorids": ["~Yury_Gorishniy1", "ivan@example.org", …], "venue": "ICLR 2024 poster"}}

In API 2 each value is wrapped, ``"title": {"value": "TabR: …"}``. An author id that starts with
"~" is a profile and identifies a person. An e-mail address or a link to dblp does not: a person
may have several. After a merge a profile may own several tilde ids, which notes do not show, so a
few people appear as two.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from disambig.domain import Author, Label, Signature, Work
from disambig.errors import FormatError
from labeled.gold.goldset import LabelledWork, Problems, compute_gold_block

_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_GAP = re.compile(r"[\s,]*")
# Dates of a note, best first: published, made public, created; milliseconds since 1970.
_DATES = ("pdate", "odate", "cdate", "tcdate")


def read_openreview(path: Path, problems: Problems) -> Iterator[LabelledWork]:
    """Read works and labels of a file of notes, or of every JSON file in a folder.

    JSONL is streamed; the text of a JSON list is held in memory. Deleted notes and notes without
    title and authors (reviews, comments, decisions) are skipped; duplicates are yielded once.

    Raises
    ------
    FormatError
        There is no file of notes, or one is damaged or holds neither notes nor JSON.
    """
    files = [path]
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.name.endswith(_SUFFIXES) and f.is_file())
    if not files:
        raise FormatError(f"{path}: no .json or .jsonl file; give a file or folder of notes")
    content_by_id: dict[str, int] = {}
    for file in files:
        for line, note in _read_notes(file, problems):
            entry = _parse_note(note, str(file), line, problems)
            if entry is None:
                continue
            content = hash((entry.work.title, entry.work.authors))
            if entry.work.id not in content_by_id:
                content_by_id[entry.work.id] = content
                yield entry
            elif content_by_id[entry.work.id] != content:
                problems.reject(
                    str(file),
                    line,
                    "id",
                    f"{entry.work.id} is a duplicate with different content",
                    "the first was kept; keep one version of each note",
                )


def _read_notes(file: Path, problems: Problems) -> Iterator[tuple[int, Any]]:
    """Yield the notes of a file with their lines; JSONL if the first line is a complete note."""
    try:
        with _open(file) as stream:
            first = stream.readline()
            if _is_note_line(first):
                yield from _parse_lines(first, stream, file, problems)
                return
            text = (first + stream.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{file}: not UTF-8 ({error.reason}); save it as UTF-8") from error
    except (EOFError, gzip.BadGzipFile) as error:
        raise FormatError(f"{file}: damaged gzip ({error}); download it again") from error
    yield from _parse_notes(text, file)


def _open(file: Path) -> Any:
    with file.open("rb") as raw:
        magic_matches = raw.read(2) == b"\x1f\x8b"
    return gzip.open(file, "rb") if magic_matches else file.open("rb")


def _is_note_line(line: bytes) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "notes" not in value


def _parse_lines(
    first: bytes, rest: Iterator[bytes], file: Path, problems: Problems
) -> Iterator[tuple[int, Any]]:
    yield 1, json.loads(first)
    for number, line in enumerate(rest, 2):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.reject(
                str(file), number, "note", f"not JSON ({error})", "write one note on each line"
            )


def _parse_notes(text: str, file: Path) -> Iterator[tuple[int, Any]]:
    """Yield the notes of a JSON list, or of the list under "notes", decoded one at a time."""
    decoder = json.JSONDecoder()
    start = re.match(r'\s*(?:\{(?:\s*"count"\s*:\s*\d+\s*,)?\s*"notes"\s*:\s*)?\[', text)
    try:
        if start is None:
            yield from _list_notes(decoder.decode(text), file)
            return
        offset, line = start.end(), text.count("\n", 0, start.end()) + 1
        while True:
            separator = _GAP.match(text, offset)
            note_start = separator.end() if separator else offset
            line += text.count("\n", offset, note_start)
            if text[note_start : note_start + 1] == "]":
                return
            note, offset = decoder.raw_decode(text, note_start)
            yield line, note
            line += text.count("\n", note_start, offset)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{file}: not JSON ({error}); download it again") from error


def _list_notes(value: Any, file: Path) -> Iterator[tuple[int, Any]]:
    """Yield the notes of a parsed JSON value with "notes" after other keys, or a single note."""
    notes = value.get("notes", [value]) if isinstance(value, dict) else None
    if not isinstance(notes, list):
        raise FormatError(f"{file}: holds no notes; expected a list, or an object with notes")
    for note in notes:
        yield 1, note


def _parse_note(note: Any, file: str, line: int, problems: Problems) -> LabelledWork | None:
    content = note.get("content") if isinstance(note, dict) else None
    if not isinstance(content, dict):
        problems.reject(file, line, "content", "missing", "give notes as the API returns them")
        return None
    content = {key: _unwrap(value) for key, value in content.items()}
    if note.get("ddate") or ("title" not in content and "authors" not in content):
        return None
    if "authors" not in content and note.get("replyto"):
        return None
    title, identifier = content.get("title"), note.get("id")
    if not isinstance(title, str) or not title.strip():
        problems.reject(file, line, "content.title", "is empty", "give the note its title")
        return None
    if not isinstance(identifier, str) or not identifier:
        problems.reject(file, line, "id", "missing", "give the note its id")
        return None
    pairs = _parse_authors(content, file, line, problems)
    if not pairs:
        return None
    venue = _get_first_text(content.get("venue")) or _get_first_text(content.get("venueid"))
    keywords = content.get("keywords")
    work = Work(
        id=f"openreview:{identifier}",
        title=" ".join(title.split()),
        authors=tuple(Author(name, email=_parse_email(author_id)) for name, author_id in pairs),
        abstract=_get_first_text(content.get("abstract")) or None,
        venue=venue or None,
        year=_find_year(venue, note),
        keywords=tuple(k for k in keywords if isinstance(k, str))
        if isinstance(keywords, list)
        else (),
        ids=(("openreview", identifier),),
    )
    ids = [author_id for _, author_id in pairs]
    return LabelledWork(work, tuple(_build_labels(work, ids, file, line, problems)))


def _parse_authors(
    content: dict[str, Any], file: str, line: int, problems: Problems
) -> list[tuple[str, str]]:
    """Return names with author ids ("" if missing); empty if the note is rejected."""
    authors, ids = content.get("authors"), content.get("authorids")
    if isinstance(authors, list) and authors and all(isinstance(a, dict) for a in authors):
        ids = [a.get("username") for a in authors]
        authors = [a.get("fullname") for a in authors]
    if not isinstance(authors, list) or not authors:
        problems.reject(
            file,
            line,
            "content.authors",
            "is not a list of names",
            "give the authors as a list; anonymous submissions cannot be used",
        )
        return []
    if not all(isinstance(name, str) and name.strip() for name in authors):
        problems.reject(file, line, "content.authors", "holds an empty name", "name every author")
        return []
    if not isinstance(ids, list) or len(ids) != len(authors):
        problems.warn(
            file,
            line,
            "content.authorids",
            "missing, or not one for each author",
            "the work was kept without labels",
        )
        ids = [""] * len(authors)
    return [
        (" ".join(name.split()), author_id.strip() if isinstance(author_id, str) else "")
        for name, author_id in zip(authors, ids, strict=True)
    ]


def _build_labels(
    work: Work, ids: list[str], file: str, line: int, problems: Problems
) -> Iterator[Label]:
    for position, author_id in enumerate(ids):
        if not author_id.startswith("~"):
            continue
        if author_id in ids[:position]:
            problems.warn(
                file,
                line,
                "content.authorids",
                f"{author_id} is listed twice",
                "the second was kept without a label",
            )
            continue
        name = work.authors[position].name
        yield Label(Signature(work.id, position), author_id, name, compute_gold_block(name))


def _unwrap(value: Any) -> Any:
    """Return the plain value: API 2 wraps it in an object with "value" and perhaps "readers"."""
    return value.get("value") if isinstance(value, dict) and "value" in value else value


def _get_first_text(value: Any) -> str:
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, str) and item.strip()), "")
    return " ".join(value.split()) if isinstance(value, str) else ""


def _parse_email(author_id: str) -> str | None:
    return author_id if "@" in author_id and not author_id.startswith(("~", "http")) else None


def _find_year(venue: str, note: dict[str, Any]) -> int | None:
    """Return the year in the venue's name, else the year of the first date of the note."""
    year_match = _YEAR.search(venue)
    if year_match:
        return int(year_match[0])
    for key in _DATES:
        date = note.get(key)
        if isinstance(date, int) and 0 < date < 4e12:
            return datetime.fromtimestamp(date / 1000, UTC).year
    return None
