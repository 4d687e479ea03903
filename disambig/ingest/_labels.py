"""Read gold labels of signatures and constraints on pairs of signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from disambig.domain import Constraint, ConstraintKind, Label, Signature
from disambig.errors import FormatError
from disambig.ingest._json_records import read_raw_records
from disambig.ingest._native import decode_line, explain_validation_error
from disambig.ingest._problems import BadRecord, Problem, ProblemLog, quote_value
from disambig.ingest._s2and import group_datasets, read_dataset_labels, to_text_id
from disambig.ingest._sniff import FORMAT_OF, Kind, describe_head, detect_kind
from disambig.ingest._source import Source, expand_paths, open_source

_CONFIG = ConfigDict(strict=True, extra="ignore")
_Id = Annotated[str, BeforeValidator(to_text_id), Field(min_length=1, max_length=512)]
_Position = Annotated[int, Field(ge=0, le=100_000)]


class SignatureRow(BaseModel):
    """One author mention."""

    model_config = _CONFIG

    work: _Id
    position: _Position


class LabelRow(SignatureRow):
    """One row of a labels file."""

    person: _Id
    name: str | None = None
    block: str | None = None
    split: str | None = None


class ConstraintRow(BaseModel):
    """One row of a constraints file."""

    model_config = _CONFIG

    kind: Literal["must", "cannot"]
    a: SignatureRow
    b: SignatureRow
    source: str | None = None


_Row = TypeVar("_Row", bound=BaseModel)


def read_labels(
    paths: Sequence[str | Path],
    *,
    strict: bool = True,
    on_problem: Callable[[Problem], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Label]:
    """Read gold labels from files and folders, plain or gzipped, JSONL or one JSON array.

    A row is ``{"work", "position", "person", "name"?, "block"?, "split"?}``. In a folder the
    label files are recognised by content; the clusters of an S2AND data set are labels. A
    signature labelled twice with one person counts once.

    Parameters
    ----------
    strict
        Stop at the first bad row (the default, since a metric over half the labels misleads);
        otherwise call ``on_problem`` and continue.

    Raises
    ------
    RecordError
        A bad row, or a signature with two persons, when strict.
    FormatError
        A file contains no labels.
    """
    log = ProblemLog(strict=strict, on_problem=on_problem)
    s2and: list[tuple[Source, Kind]] = []
    person_by_signature: dict[Signature, str] = {}
    for source, kind in _select_sources(Kind.LABELS, paths, log):
        if FORMAT_OF.get(kind) == "s2and":
            s2and.append((source, kind))
            continue
        for line, row, raw in _validate_rows(LabelRow, source, log, progress):
            signature = Signature(row.work, row.position)
            known_person = person_by_signature.get(signature)
            if known_person is None:
                person_by_signature[signature] = row.person
                yield Label(signature, row.person, row.name or "", row.block or "", row.split or "")
            elif known_person != row.person:
                problem = f"{signature} is already labelled as {quote_value(known_person)}"
                error = BadRecord("person", problem, "keep one of the two rows")
                log.reject(source.name, line, error, raw)
    for data in group_datasets(s2and):
        yield from read_dataset_labels(data, log, max_year=date.today().year + 2)


def read_s2and_labels(
    folder: str | Path,
    *,
    strict: bool = True,
    on_problem: Callable[[Problem], None] | None = None,
) -> Iterator[Label]:
    """Read the labels of the S2AND data sets in a folder: the cluster id is the person.

    Signatures refer to the works that :func:`read_works` returns for the same folder.
    """
    yield from read_labels([folder], strict=strict, on_problem=on_problem)


def read_constraints(
    path: str | Path,
    *,
    strict: bool = True,
    on_problem: Callable[[Problem], None] | None = None,
) -> list[Constraint]:
    """Read constraints, rows of ``{"kind": "must" | "cannot", "a", "b", "source"?}``.

    ``a`` and ``b`` are ``{"work", "position"}``. Equal rows count once.

    Raises
    ------
    RecordError
        A bad row, when strict: a constraint skipped unnoticed would be violated.
    FormatError
        The file contains no constraints.
    """
    log = ProblemLog(strict=strict, on_problem=on_problem)
    constraints: dict[Constraint, None] = {}
    for source, _ in _select_sources(Kind.CONSTRAINTS, [path], log):
        for line, row, raw in _validate_rows(ConstraintRow, source, log, None):
            a, b = (Signature(end.work, end.position) for end in (row.a, row.b))
            if a == b:
                error = BadRecord("b", f"a and b are both {a}", "name two mentions")
                log.reject(source.name, line, error, raw)
                continue
            constraint = Constraint(ConstraintKind(row.kind), a, b, row.source or "user")
            constraints.setdefault(constraint)
    return list(constraints)


def _select_sources(
    expected_kind: Kind, paths: Sequence[str | Path], log: ProblemLog
) -> Iterator[tuple[Source, Kind]]:
    """Yield the sources with rows of a kind; for labels, S2AND data as well."""
    for source in expand_paths(list(paths)):
        if not source.is_rereadable:
            yield source, expected_kind
            continue
        with open_source(source) as file:
            kind = detect_kind(file.head)
        is_dataset = expected_kind is Kind.LABELS and FORMAT_OF.get(kind) == "s2and"
        # a first row too broken to be recognised passes as native; its validation reports why
        if kind is expected_kind or is_dataset or (kind in _AMBIGUOUS and not source.in_folder):
            yield source, kind
        elif kind is Kind.EMPTY:
            log.warn(source.name, 0, "file", "is empty", "check that it was written")
        elif not source.in_folder:
            description = describe_head(file.head) if kind is Kind.UNKNOWN else kind.value
            raise FormatError(
                f"{source.name}: contains no {expected_kind.value}; it looks like {description}; "
                f"give JSONL rows of {_ROW_SHAPES[expected_kind]}"
            )


_AMBIGUOUS = (Kind.NATIVE, Kind.ARRAY)
_ROW_SHAPES = {
    Kind.LABELS: '{"work", "position", "person"}',
    Kind.CONSTRAINTS: '{"kind", "a": {"work", "position"}, "b": {"work", "position"}}',
}


def _validate_rows(
    model: type[_Row],
    source: Source,
    log: ProblemLog,
    progress: Callable[[int], None] | None,
) -> Iterator[tuple[int, _Row, bytes]]:
    with open_source(source, progress) as file:
        for line, record, raw in read_raw_records(source, file):
            try:
                if isinstance(record, BadRecord):
                    raise record
                row = _validate(model, record)
            except BadRecord as error:
                log.reject(source.name, line, error, raw)
                continue
            yield line, row, raw


def _validate(model: type[_Row], record: bytes) -> _Row:
    try:
        return model.model_validate_json(record)
    except ValidationError:
        value: Any = decode_line(record)[0]
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise explain_validation_error(error) from error
