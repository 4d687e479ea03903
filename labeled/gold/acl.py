"""ACL Anthology: papers as XML, people as curated name variants in YAML.

Source: https://github.com/acl-org/acl-anthology, folder ``data``. Its materials of
2016 and later are under CC BY 4.0, earlier ones under CC BY-NC-SA 3.0. Later versions keep people
in ``people.yaml``, in another form; check out a commit that has ``data/yaml/name_variants.yaml``.

Format: ``data/xml/P19.xml``::

    <collection id="P19"> <volume id="1">
      <meta><booktitle>Proceedings …</booktitle><year>2019</year></meta>
      <paper id="1"><title>One <fixed-case>T</fixed-case>ime …</title>
        <author id="yang-liu-edinburgh"><first>Yang</first><last>Liu</last></author>

and entries of ``name_variants.yaml``::

    - canonical: {first: Aravind, last: Joshi}
      id: aravind-joshi
      variants:
      - {first: Aravind K., last: Joshi}

People are identified as in the Anthology: by the ``id`` of an author in the XML, else by the only
entry that has the name as canonical or variant, else by the exact name. A name of several entries
without an id is ambiguous and gets no label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from anyascii import anyascii
from lxml import etree

from disambig.domain import Author, Label, Signature, Work
from disambig.errors import FormatError
from labeled.gold.goldset import LabelledWork, Problems, compute_gold_block

#: First and last name as printed; either may be empty.
Name = tuple[str, str]

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class People:
    """The curated entries: all ids, and the ids of the entries of each name."""

    ids: frozenset[str]
    by_name: dict[Name, tuple[str, ...]]

    def find_person(self, name: Name, identifier: str | None) -> str | None:
        """Return the person of an author, ``None`` if the name is ambiguous."""
        if identifier:
            return f"acl:{identifier}"
        ids = self.by_name.get(name, ())
        if len(ids) > 1:
            return None
        return f"acl:{ids[0]}" if ids else f"acl:{_format_name(name)}"


def read_acl(path: Path, problems: Problems) -> Iterator[LabelledWork]:
    """Stream works and labels of a clone of the ACL Anthology, or of its ``data`` folder.

    Raises
    ------
    FormatError
        ``xml/*.xml`` or ``yaml/name_variants.yaml`` is missing, or the YAML cannot be read.
    """
    data = path / "data" if (path / "data").is_dir() else path
    files = sorted((data / "xml").glob("*.xml"))
    if not files:
        raise FormatError(f"{path}: no xml/*.xml; give a clone of the ACL Anthology or its data/")
    people = read_people(data / "yaml" / "name_variants.yaml", problems)
    for file in files:
        yield from _read_collection(file, people, problems)


def read_people(file: Path, problems: Problems) -> People:
    """Read ``name_variants.yaml``; reject entries without a canonical name.

    Raises
    ------
    FormatError
        The file is missing, is not YAML, or is not a list.
    """
    if not file.is_file():
        raise FormatError(
            f"{file}: missing; check out a commit of the Anthology from before "
            "people.yaml replaced it"
        )
    ids: list[str] = []
    by_name: dict[Name, tuple[str, ...]] = {}
    for line, entry in _read_entries(file):
        canonical = _parse_name(entry.get("canonical")) if isinstance(entry, dict) else None
        if canonical is None:
            problems.reject(
                str(file),
                line,
                "canonical",
                "is not a {first, last} name",
                "give the entry its canonical name",
            )
            continue
        identifier = str(entry.get("id") or _build_slug(canonical))
        ids.append(identifier)
        variants = entry.get("variants") or []
        for variant in (
            canonical,
            *map(_parse_name, variants if isinstance(variants, list) else [None]),
        ):
            if variant is None:
                problems.warn(
                    str(file),
                    line,
                    "variants",
                    "one is not a {first, last} name",
                    "ignored; correct the entry",
                )
            elif identifier not in by_name.get(variant, ()):
                by_name[variant] = (*by_name.get(variant, ()), identifier)
    return People(frozenset(ids), by_name)


def _read_entries(file: Path) -> Iterator[tuple[int, Any]]:
    """Yield the entries of the YAML list, each with its first line."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(file.read_bytes())
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.SequenceNode):
            raise FormatError(f"{file}: not a YAML list of people; see its form in the Anthology")
        for node in root.value:
            yield node.start_mark.line + 1, loader.construct_object(node, deep=True)
    except yaml.YAMLError as error:
        detail = " ".join(str(error).split())
        raise FormatError(
            f"{file}: not YAML ({detail}); correct it or check it out again"
        ) from error
    finally:
        loader.dispose()


def _read_collection(file: Path, people: People, problems: Problems) -> Iterator[LabelledWork]:
    """Stream the papers of one XML file; finished papers are freed from memory."""
    context = etree.iterparse(
        str(file), events=("start", "end"), no_network=True, resolve_entities=False, load_dtd=False
    )
    collection = volume = ""
    meta: dict[str, str] = {}
    try:
        for event, node in context:
            if event == "start":
                if node.tag == "collection":
                    collection = node.get("id", "")
                elif node.tag == "volume":
                    volume, meta = node.get("id", ""), {}
                continue
            if node.tag == "meta":
                meta = {tag: _get_text(node.find(tag)) for tag in ("booktitle", "year")}
            elif node.tag == "paper":
                work_id = f"acl:{collection}-{volume}-{node.get('id', '')}"
                entry = _parse_paper(node, work_id, meta, people, str(file), problems)
                if entry is not None:
                    yield entry
                _free_node(node)
    except etree.XMLSyntaxError as error:
        problems.reject(
            str(file),
            error.lineno or 0,
            "file",
            f"not well-formed XML ({error.msg})",
            "the papers before this line were read; check the file out again",
        )
        return
    if not collection:
        problems.reject(
            str(file),
            1,
            "collection",
            "missing",
            "this is not the Anthology's form since mid 2019; check out a later commit",
        )


def _free_node(node: etree._Element) -> None:
    """Free a finished paper and its preceding siblings."""
    node.clear()
    parent = node.getparent()
    while parent is not None and node.getprevious() is not None:
        del parent[0]


def _parse_paper(
    node: etree._Element,
    work_id: str,
    meta: dict[str, str],
    people: People,
    file: str,
    problems: Problems,
) -> LabelledWork | None:
    line = node.sourceline or 0
    title = _get_text(node.find("title"))
    authors = [
        author for author in node.findall("author") if _format_name(_get_printed_name(author))
    ]
    if not title or not authors:
        field = "title" if not title else "author"
        problems.reject(file, line, field, f"{work_id} has none", f"give the paper its <{field}>")
        return None
    year = _get_text(node.find("year")) or meta.get("year", "")
    venue = _get_text(node.find("booktitle")) or _get_text(node.find("journal"))
    doi = _get_text(node.find("doi"))
    work = Work(
        id=work_id,
        title=title,
        authors=tuple(_parse_author(author) for author in authors),
        abstract=_get_text(node.find("abstract")) or None,
        venue=venue or meta.get("booktitle") or None,
        year=int(year) if re.fullmatch(r"[0-9]{4}", year) else None,
        ids=(("doi", doi),) if doi else (),
    )
    labels = _build_labels(authors, work, people, file, problems)
    return LabelledWork(work, tuple(labels))


def _parse_author(node: etree._Element) -> Author:
    first, last = _get_printed_name(node)
    affiliations = tuple(text for text in map(_get_text, node.findall("affiliation")) if text)
    orcid = node.get("orcid")
    return Author(_format_name((first, last)), first or None, last or None, affiliations, orcid)


def _build_labels(
    authors: list[etree._Element], work: Work, people: People, file: str, problems: Problems
) -> Iterator[Label]:
    position_by_person: dict[str, int] = {}
    for position, node in enumerate(authors):
        name, identifier = _get_printed_name(node), node.get("id")
        line = node.sourceline or 0
        if identifier and identifier not in people.ids:
            problems.warn(
                file,
                line,
                "author",
                f"id {identifier!r} is not in name_variants.yaml",
                "used as a person; check out XML and YAML of one commit",
            )
        person = people.find_person(name, identifier)
        if person is None:
            problems.warn(
                file,
                line,
                "author",
                f"{_format_name(name)!r} is ambiguous and has no id",
                "kept without a label; give the author an id",
            )
        elif person in position_by_person:
            problems.warn(
                file,
                line,
                "author",
                f"{person} is already author {position_by_person[person]} of {work.id}",
                "kept without a label; give one of the two an id",
            )
        else:
            position_by_person[person] = position
            block = compute_gold_block(_format_name(name), name[1])
            yield Label(Signature(work.id, position), person, _format_name(name), block)


def _get_printed_name(node: etree._Element) -> Name:
    return _get_text(node.find("first")), _get_text(node.find("last"))


def _format_name(name: Name) -> str:
    return " ".join(part for part in name if part)


def _build_slug(name: Name) -> str:
    return _NOT_SLUG.sub("-", anyascii(_format_name(name)).lower()).strip("-")


def _get_text(node: etree._Element | None) -> str:
    """Return text without markup (fixed-case, italics, formulas), with single spaces."""
    return " ".join("".join(node.itertext()).split()) if node is not None else ""


def _parse_name(value: object) -> Name | None:
    if not isinstance(value, dict):
        return None
    first, last = value.get("first") or "", value.get("last") or ""
    name = (" ".join(str(first).split()), " ".join(str(last).split()))
    return name if any(name) else None
