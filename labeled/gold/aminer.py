"""AMiner-2012: every paper under an exact name, labelled by person, as XML.

Source: "rich-author-disambiguation-data", the name disambiguation data set of
AMiner (https://www.aminer.cn/disambiguation, formerly http://arnetminer.org/disambiguation),
made for J. Tang, A. C. M. Fong, B. Wang and J. Zhang, "A Unified Probabilistic Framework for
Name Disambiguation in Digital Library", IEEE TKDE 24(6), 2012. It is offered for research with
a request to cite that paper; no licence is stated, so download it there and do not
redistribute it.

Format: one file for each of 110 names ("Ajay Gupta.xml")::

    <person>
      <FullName>Ajay Gupta</FullName>
      <publication>
        <title>Explanation-based Failure Recovery</title> <year>1987</year>
        <authors>Ajay Gupta</authors> <jconf>AAAI</jconf>
        <id>13048</id> <label>0</label> <organization>null</organization>
      </publication>

``label`` numbers the people of the name, ``organization`` belongs to the labelled author, and
"null" stands for a missing value. Some ampersands are not escaped, HTML entities are not declared
and encodings vary: text is repaired before it is parsed, and no entity is ever expanded.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.entities import html5
from pathlib import Path

from lxml import etree

from disambig.domain import Author, Label, Signature, Work
from disambig.errors import FormatError
from labeled.gold.goldset import LabelledWork, Problems, compute_gold_block, split_name

_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_AMPERSAND = re.compile(r"&(?:(#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]\w{0,30});)?")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}
_YEAR = re.compile(r"(1[89]|20)\d\d")


def read_aminer(path: Path, problems: Problems) -> Iterator[LabelledWork]:
    """Read works and labels of a folder of AMiner-2012 files, or of one file.

    A paper listed under two names is one work with two labels, so all files are read before the
    first work is yielded; the whole set has about 8,000 papers.

    Raises
    ------
    FormatError
        There is no XML file at ``path``, or none holds a publication.
    """
    files = sorted(path.rglob("*.xml")) if path.is_dir() else [path]
    works_by_id: dict[str, LabelledWork] = {}
    for file in files:
        for line, entry in _read_publications(file, problems):
            _add_entry(works_by_id, entry, str(file), line, problems)
    if not works_by_id:
        raise FormatError(
            f"{path}: no AMiner publications; give the folder that holds files such as "
            '"Ajay Gupta.xml" with <person> and <publication> in them'
        )
    yield from works_by_id.values()


def _add_entry(
    entries: dict[str, LabelledWork], entry: LabelledWork, file: str, line: int, problems: Problems
) -> None:
    """Add a work, or add its labels to the same work listed under another name."""
    earlier = entries.get(entry.work.id)
    if earlier is None:
        entries[entry.work.id] = entry
        return
    if _get_content(earlier.work) != _get_content(entry.work):
        problems.reject(
            file,
            line,
            "id",
            f"{entry.work.id} is another paper in an earlier file",
            "give each paper an id of its own",
        )
        return
    people = {label.signature: label.person for label in earlier.labels}
    new_labels = [label for label in entry.labels if label.signature not in people]
    for label in entry.labels:
        if people.get(label.signature, label.person) != label.person:
            problems.warn(
                file,
                line,
                "label",
                f"{label.signature} is both {people[label.signature]} and {label.person}",
                "the first was kept; correct the wrong label",
            )
    authors = tuple(
        a if a.affiliations else b
        for a, b in zip(earlier.work.authors, entry.work.authors, strict=True)
    )
    work = Work(
        id=earlier.work.id,
        title=earlier.work.title,
        authors=authors,
        venue=earlier.work.venue or entry.work.venue,
        year=earlier.work.year or entry.work.year,
    )
    entries[work.id] = LabelledWork(work, (*earlier.labels, *new_labels))


def _get_content(work: Work) -> tuple[object, ...]:
    return (work.title.casefold(), tuple(author.name.casefold() for author in work.authors))


def _read_publications(file: Path, problems: Problems) -> Iterator[tuple[int, LabelledWork]]:
    root = _parse(file, problems)
    if root is None:
        return
    name = _get_text(root, "FullName") or file.stem
    for node in root.iter("publication"):
        entry = _parse_publication(node, name, str(file), problems)
        if entry is not None:
            yield node.sourceline or 0, entry


def _parse_publication(
    node: etree._Element, name: str, file: str, problems: Problems
) -> LabelledWork | None:
    line = node.sourceline or 0
    fields = {tag: _get_text(node, tag) for tag in ("title", "authors", "id", "label", "jconf")}
    for tag in ("title", "authors", "id"):
        if not fields[tag]:
            problems.reject(file, line, tag, "is empty", f"give the publication its <{tag}>")
            return None
    names = [part.strip() for part in fields["authors"].split(",") if part.strip()]
    position = _find_position(names, name)
    organization = _get_text(node, "organization")
    work = Work(
        id=f"aminer:{fields['id']}",
        title=fields["title"],
        authors=tuple(
            Author(each, affiliations=(organization,) if organization and at == position else ())
            for at, each in enumerate(names)
        ),
        venue=fields["jconf"] or None,
        year=_parse_year(node, file, problems),
    )
    if position is None:
        problems.warn(
            file,
            line,
            "authors",
            f"{name!r} is missing, or listed twice",
            "the work was kept without a label; correct the list of authors",
        )
        return LabelledWork(work)
    if not fields["label"]:
        problems.warn(file, line, "label", "is empty", "the work was kept without a label")
        return LabelledWork(work)
    label = Label(
        Signature(work.id, position),
        person=f"aminer:{name}:{fields['label']}",
        name=names[position],
        block=compute_gold_block(names[position]),
    )
    return LabelledWork(work, (label,))


def _find_position(names: list[str], name: str) -> int | None:
    """Find the position of the file's name: the same words, in the same or another order."""
    name_parts = split_name(name)
    for matches in (
        lambda words: words == name_parts,
        lambda words: sorted(words) == sorted(name_parts),
    ):
        positions = [i for i, each in enumerate(names) if matches(split_name(each))]
        if positions:
            return positions[0] if len(positions) == 1 else None
    return None


def _parse_year(node: etree._Element, file: str, problems: Problems) -> int | None:
    text = _get_text(node, "year")
    if not text or text in ("0", "-1"):
        return None
    if _YEAR.fullmatch(text):
        return int(text)
    problems.warn(file, node.sourceline or 0, "year", f"{text[:40]!r} is not a year", "left empty")
    return None


def _get_text(node: etree._Element, tag: str) -> str:
    """Return the text of a child with single spaces; "null" means empty."""
    child = node.find(tag)
    text = " ".join("".join(child.itertext()).split()) if child is not None else ""
    return "" if text.lower() == "null" else text


def _parse(file: Path, problems: Problems) -> etree._Element | None:
    text = _DECLARATION.sub("", _decode(file, problems), count=1)
    data = _NOT_XML.sub("", _AMPERSAND.sub(_repair_entity, text)).encode()
    try:
        return etree.fromstring(data, _build_parser(recover=False))
    except etree.XMLSyntaxError as error:
        problems.warn(
            str(file),
            error.lineno or 0,
            "file",
            f"not well-formed XML ({error.msg})",
            "the readable part was read; correct the tags of this line",
        )
    root: etree._Element | None = etree.fromstring(data, _build_parser(recover=True))
    return root


def _build_parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8", recover=recover, no_network=True, resolve_entities=False, load_dtd=False
    )


def _decode(file: Path, problems: Problems) -> str:
    """Decode with the declared encoding, else UTF-8, else Windows-1252 with a warning."""
    data = file.read_bytes()
    declaration = _ENCODING.match(data)
    encodings = [declaration[1].decode("ascii")] if declaration else []
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    for encoding in [*encodings, "utf-8-sig"]:
        try:
            return data.decode(encoding).lstrip("\ufeff")
        except (UnicodeDecodeError, LookupError):
            continue
    problems.warn(
        str(file),
        0,
        "file",
        "not in the encoding it declares, nor in UTF-8",
        "read as Windows-1252; save it as UTF-8",
    )
    return data.decode("cp1252", errors="replace")


def _repair_entity(match: re.Match[str]) -> str:
    """Keep XML entities, resolve HTML entities, and escape every other ampersand."""
    name = match[1]
    if name is None:
        return "&amp;"
    if name in _XML_ENTITIES:
        return match[0]
    if name.startswith("#") or f"{name};" in html5:
        return html.escape(html.unescape(match[0]))
    return f"&amp;{name};"
