"""Read S2AND data sets: ``signatures.json`` and ``papers.json``, and ``clusters.json`` as labels.

A paper becomes a work; a signature adds given and family name, affiliations, e-mail and ORCID iD
to the author at its position. One file at a time is in memory as text, and the signatures as
objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from anyascii import anyascii
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from disambig.domain import Label, Signature
from disambig.errors import FormatError
from disambig.ingest._json_records import read_entries
from disambig.ingest._json_scanner import Entry
from disambig.ingest._native import ParsedWork, explain_validation_error, parse_record
from disambig.ingest._problems import BadRecord, ProblemLog, quote_value
from disambig.ingest._sniff import Kind
from disambig.ingest._source import Source, open_source

_FILE_NAME = re.compile(r"(.*?)(?:signatures|papers|clusters)\.json(?:\.gz)?", re.DOTALL)
_CONFIG = ConfigDict(strict=True, extra="ignore")


def to_text_id(value: Any) -> Any:
    """Convert an id to text; some files write it as a number."""
    return str(value) if type(value) is int else value


_Id = Annotated[str, BeforeValidator(to_text_id), Field(min_length=1, max_length=512)]
_Position = Annotated[int, Field(ge=0, le=100_000)]


class AuthorInfo(BaseModel):
    """``author_info`` of a signature."""

    model_config = _CONFIG

    position: _Position
    block: str | None = None
    first: str | None = None
    middle: str | None = None
    last: str | None = None
    suffix: str | None = None
    email: str | None = None
    affiliations: list[str] | None = None
    orcid: str | None = None
    source_id_source: str | None = None
    source_ids: list[_Id] | None = None


class SignatureRecord(BaseModel):
    """One entry of ``signatures.json``."""

    model_config = _CONFIG

    signature_id: _Id
    paper_id: _Id
    author_info: AuthorInfo


class PaperAuthor(BaseModel):
    """One entry of a paper's ``authors``."""

    model_config = _CONFIG

    position: _Position
    author_name: str | None = None


class ClusterRecord(BaseModel):
    """One entry of ``clusters.json``."""

    model_config = _CONFIG

    cluster_id: _Id
    signature_ids: list[_Id]


_Unmatched = tuple[int, Any, BadRecord]
_AUTHORS = TypeAdapter(list[PaperAuthor])


@dataclass(slots=True)
class Dataset:
    """The files of one data set; None for a missing one."""

    name: str
    papers: Source | None = None
    signatures: Source | None = None
    clusters: Source | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper: its line, its raw record, and the work or the error.

    ``positions`` maps the matched signatures to their positions on the work; ``signatures`` are
    all that refer to the paper.
    """

    line: int
    raw: object
    parsed: ParsedWork | BadRecord
    positions: Mapping[str, int] = field(default_factory=dict)
    signatures: tuple[SignatureRecord, ...] = ()

    def to_received(self) -> dict[str, object]:
        """Return the paper and the signatures matched with its authors, as in the files."""
        matched = [s for s in self.signatures if s.signature_id in self.positions]
        return {
            "papers": self.raw,
            "signatures": {s.signature_id: s.model_dump(exclude_none=True) for s in matched},
        }


def group_datasets(sources: list[tuple[Source, Kind]]) -> list[Dataset]:
    """Group S2AND files by folder and by what precedes ``papers.json`` in the name.

    Raises
    ------
    FormatError
        Signatures without papers.
    """
    datasets: dict[tuple[Path, str], Dataset] = {}
    for source, kind in sources:
        path = source.path or Path("-")
        name = _FILE_NAME.fullmatch(path.name)
        prefix = name[1] if name else ""
        data = datasets.setdefault((path.parent, prefix), Dataset(str(path.parent / prefix)))
        match kind:
            case Kind.PAPERS:
                data.papers = source
            case Kind.SIGNATURES:
                data.signatures = source
            case _:
                data.clusters = source
    for data in datasets.values():
        if data.papers is None and data.signatures is not None:
            raise FormatError(
                f"{data.signatures.name}: signatures without papers; "
                "give the folder, or papers.json as well"
            )
    return list(datasets.values())


def read_dataset(
    data: Dataset,
    log: ProblemLog,
    *,
    max_year: int,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Paper]:
    """Read the papers of a data set, each with its signatures matched with its authors.

    Signatures that cannot be read or matched are counted as read and rejected in ``ledger``.
    """
    if data.papers is None:
        return
    signatures_by_paper = (
        _read_signatures(data.signatures, log, progress) if data.signatures else {}
    )
    for entry in _read_file(data.papers, progress):
        if entry.error is not None:
            yield Paper(entry.line, entry.text, entry.error)
            continue
        paper_id = str(entry.value.get("paper_id", entry.key)) if _is_dict(entry) else entry.key
        signatures = signatures_by_paper.pop(paper_id, [])
        try:
            raw, index = _parse_paper(entry, paper_id)
            positions, unmatched = _match_signatures(raw["authors"], index, signatures)
            parsed: ParsedWork | BadRecord = parse_record(raw, max_year=max_year)
        except BadRecord as error:
            yield Paper(entry.line, {entry.key: entry.value}, error)
            continue
        _reject_signatures(data, unmatched, log)
        records = tuple(record for _, record in signatures)
        yield Paper(entry.line, {entry.key: entry.value}, parsed, positions, records)
    for line, record in (item for items in signatures_by_paper.values() for item in items):
        problem = f"no paper {quote_value(record.paper_id)} in {data.papers.name}"
        orphan = BadRecord("paper_id", problem, "add the paper, or remove the signature")
        _reject_signatures(data, [(line, record.model_dump(), orphan)], log)


def _reject_signatures(data: Dataset, unmatched: list[_Unmatched], log: ProblemLog) -> None:
    for line, record, error in unmatched:
        log.read += 1
        log.reject(data.signatures.name if data.signatures else "", line, error, record)


def read_dataset_labels(data: Dataset, log: ProblemLog, *, max_year: int) -> Iterator[Label]:
    """Read the labels of a data set: the cluster id is the person, the block the signature's."""
    if data.clusters is None or data.signatures is None or data.papers is None:
        raise FormatError(
            f"{data.name}: labels need papers.json, signatures.json and clusters.json together"
        )
    silent_log = ProblemLog()
    signature_by_id: dict[str, tuple[Signature, str]] = {}
    for paper in read_dataset(data, silent_log, max_year=max_year):
        if isinstance(paper.parsed, ParsedWork):
            work = paper.parsed.work
            for signature_id, at in paper.positions.items():
                signature_by_id[signature_id] = Signature(work.id, at), work.authors[at].name
    blocks = {
        record.signature_id: record.author_info.block or ""
        for items in _read_signatures(data.signatures, silent_log).values()
        for _, record in items
    }
    for entry in _read_file(data.clusters):
        try:
            cluster = _validate(ClusterRecord, entry)
        except BadRecord as error:
            log.reject(data.clusters.name, entry.line, error, entry.text)
            continue
        for signature_id in cluster.signature_ids:
            if signature_id in signature_by_id:
                signature, name = signature_by_id.pop(signature_id)
                yield Label(signature, cluster.cluster_id, name, blocks[signature_id])
            else:
                unmatched = _make_unmatched_error(signature_id, known=signature_id in blocks)
                log.reject(data.clusters.name, entry.line, unmatched, entry.value)


def _make_unmatched_error(signature_id: str, *, known: bool) -> BadRecord:
    if known:
        problem = f"{quote_value(signature_id)} is in two clusters, or its paper was rejected"
    else:
        problem = f"{quote_value(signature_id)} is not a signature"
    return BadRecord("signature_ids", problem, "correct the cluster or the paper")


def _read_file(source: Source, progress: Callable[[int], None] | None = None) -> Iterator[Entry]:
    with open_source(source, progress) as file:
        yield from read_entries(source, file)


def _is_dict(entry: Entry) -> bool:
    return isinstance(entry.value, dict)


_Model = TypeVar("_Model", bound=BaseModel)


def _validate(model: type[_Model], entry: Entry) -> _Model:
    if entry.error is not None:
        raise entry.error
    try:
        return model.model_validate(entry.value)
    except ValidationError as error:
        raise explain_validation_error(error) from error


def _read_signatures(
    source: Source, log: ProblemLog, progress: Callable[[int], None] | None = None
) -> dict[str, list[tuple[int, SignatureRecord]]]:
    """Read the signatures by paper, each with its line."""
    by_paper: dict[str, list[tuple[int, SignatureRecord]]] = {}
    signature_ids: set[str] = set()
    for entry in _read_file(source, progress):
        try:
            record = _validate(SignatureRecord, entry)
            if record.signature_id in signature_ids:
                raise BadRecord("signature_id", "appears a second time", "give it another id")
        except BadRecord as error:
            log.read += 1
            log.reject(source.name, entry.line, error, entry.value or entry.text)
            continue
        signature_ids.add(record.signature_id)
        by_paper.setdefault(record.paper_id, []).append((entry.line, record))
    return by_paper


def _parse_paper(entry: Entry, paper_id: str) -> tuple[dict[str, Any], dict[int, int]]:
    """Convert a paper to a native record; also return the index of each position in ``authors``."""
    if not isinstance(entry.value, dict):
        raise BadRecord(
            "paper", f"{quote_value(entry.value)} is not an object", "write each as an object"
        )
    try:
        authors = _AUTHORS.validate_python(entry.value.get("authors") or [])
    except ValidationError as error:
        raise explain_validation_error(error, "authors") from error
    authors.sort(key=lambda author: author.position)
    positions = [author.position for author in authors]
    first = positions[0] if positions else 0
    if first > 1 or positions != list(range(first, first + len(positions))):
        raise BadRecord(
            "authors",
            f"positions {quote_value(positions)} leave gaps or repeat",
            "number the authors 0, 1, 2 and so on",
        )
    raw = {key: entry.value.get(key) for key in ("title", "abstract", "year")}
    raw["id"] = paper_id
    references = entry.value.get("references")
    raw["references"] = (
        [to_text_id(cited) for cited in references] if isinstance(references, list) else references
    )
    raw["collaborations"] = entry.value.get("collaborations")
    raw["venue"] = entry.value.get("venue") or entry.value.get("journal_name")
    raw["authors"] = [{"name": author.author_name or ""} for author in authors]
    return raw, {position: index for index, position in enumerate(positions)}


def _match_signatures(
    authors: list[dict[str, Any]],
    index: Mapping[int, int],
    signatures: list[tuple[int, SignatureRecord]],
) -> tuple[dict[str, int], list[_Unmatched]]:
    """Add the fields of signatures to their authors; return positions and unmatched signatures.

    A signature is the author at its position if their names agree. If not, or if positions count
    from another start, it is the only author of that name.
    """
    positions: dict[str, int] = {}
    unmatched: list[_Unmatched] = []
    for line, record in signatures:
        info = record.author_info
        at = index.get(info.position)
        if at is None or not _is_same_name(authors[at]["name"], info):
            matches = [n for n, author in enumerate(authors) if _is_same_name(author["name"], info)]
            at = matches[0] if len(matches) == 1 else None
        if at is None or at in positions.values():
            problem = f"{quote_value(_join_name(info))} is not author {info.position} of the paper"
            error = BadRecord("author_info.position", problem, "correct the position or the name")
            unmatched.append((line, record.model_dump(), error))
            continue
        positions[record.signature_id] = at
        authors[at].update(_get_author_fields(authors[at]["name"], info))
    return positions, unmatched


def _get_author_fields(name: str, info: AuthorInfo) -> dict[str, Any]:
    source = (info.source_id_source or "").upper()
    ids = info.source_ids or [] if source == "ORCID" else []
    return {
        "name": name.strip() or _join_name(info),
        "given": " ".join(filter(None, (info.first, info.middle))),
        "family": info.last,
        "affiliations": info.affiliations,
        "email": info.email,
        "orcid": info.orcid or next(iter(ids), None),
    }


def _join_name(info: AuthorInfo) -> str:
    return " ".join(filter(None, (info.first, info.middle, info.last, info.suffix)))


def _is_same_name(name: str, info: AuthorInfo) -> bool:
    """Whether a printed name can be that of a signature: same family name and first initial.

    An empty printed name agrees with any.
    """
    words = _split_words(name)
    last, first = _split_words(info.last or ""), _split_words(info.first or "")
    if not words:
        return True
    # "O'Neill", "De la Cruz" and "Jean-Luc" are split into words differently on the two sides
    return "".join(last) in "".join(words) and (
        not first or any(word[0] == first[0][0] for word in words)
    )


def _split_words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", anyascii(name).casefold())
