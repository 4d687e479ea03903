"""Read gold labels of signatures and constraints on pairs of signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from disambig.domain import Constraint, ConstraintKind, Label, Signature
from disambig.errors import FormatError
from disambig.ingest._json_records import rows
from disambig.ingest._native import decode_line, explained
from disambig.ingest._problems import BadRecord, ProblemLog, Problem, quote_value
from disambig.ingest._s2and import datasets, read_labels_of, text_id
from disambig.ingest._sniff import FORMAT_OF, Kind, describe_head, detect_kind
from disambig.ingest._source import Source, expand_paths, open_source

_CONFIG = ConfigDict(strict=True, extra="ignore")
_Id = Annotated[str, BeforeValidator(text_id), Field(min_length=1, max_length=512)]
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
    ledger = ProblemLog(strict=strict, on_problem=on_problem)
    s2and: list[tuple[Source, Kind]] = []
    seen: dict[Signature, str] = {}
    for source, kind in _sources_with(Kind.LABELS, paths, ledger):
        if FORMAT_OF.get(kind) == "s2and":
            s2and.append((source, kind))
            continue
        for line, row, raw in _validated_rows(LabelRow, source, ledger, progress):
            signature = Signature(row.work, row.position)
            first = seen.get(signature)
            if first is None:
                seen[signature] = row.person
                yield Label(signature, row.person, row.name or "", row.block or "", row.split or "")
            elif first != row.person:
                problem = f"{signature} is already labelled as {quote_value(first)}"
                bad = BadRecord("person", problem, "keep one of the two rows")
                ledger.reject(source.name, line, bad, raw)
    for data in datasets(s2and):
        yield from read_labels_of(data, ledger, max_year=date.today().year + 2)


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
    ledger = ProblemLog(strict=strict, on_problem=on_problem)
    found: dict[Constraint, None] = {}
    for source, _ in _sources_with(Kind.CONSTRAINTS, [path], ledger):
        for line, row, raw in _validated_rows(ConstraintRow, source, ledger, None):
            a, b = (Signature(end.work, end.position) for end in (row.a, row.b))
            if a == b:
                bad = BadRecord("b", f"a and b are both {a}", "name two mentions")
                ledger.reject(source.name, line, bad, raw)
                continue
            constraint = Constraint(ConstraintKind(row.kind), a, b, row.source or "user")
            found.setdefault(constraint)
    return list(found)


def _sources_with(
    wanted: Kind, paths: Sequence[str | Path], ledger: ProblemLog
) -> Iterator[tuple[Source, Kind]]:
    """Yield the sources with rows of a kind; for labels, S2AND data as well."""
    for source in expand_paths(list(paths)):
        if not source.is_rereadable:
            yield source, wanted
            continue
        with open_source(source) as file:
            kind = detect_kind(file.head)
        s2and = wanted is Kind.LABELS and FORMAT_OF.get(kind) == "s2and"
        # a first row too broken to be recognised passes as native; its validation reports why
        if kind is wanted or s2and or (kind in _UNTOLD and not source.in_folder):
            yield source, kind
        elif kind is Kind.EMPTY:
            ledger.warn(source.name, 0, "file", "is empty", "check that it was written")
        elif not source.in_folder:
            looks = describe_head(file.head) if kind is Kind.UNKNOWN else kind.value
            raise FormatError(
                f"{source.name}: contains no {wanted.value}; it looks like {looks}; "
                f"give JSONL rows of {_SHAPES[wanted]}"
            )


_UNTOLD = (Kind.NATIVE, Kind.ARRAY)
_SHAPES = {
    Kind.LABELS: '{"work", "position", "person"}',
    Kind.CONSTRAINTS: '{"kind", "a": {"work", "position"}, "b": {"work", "position"}}',
}


def _validated_rows(
    model: type[_Row],
    source: Source,
    ledger: ProblemLog,
    progress: Callable[[int], None] | None,
) -> Iterator[tuple[int, _Row, bytes]]:
    with open_source(source, progress) as file:
        for line, record, raw in rows(source, file):
            try:
                if isinstance(record, BadRecord):
                    raise record
                row = _validated(model, record)
            except BadRecord as bad:
                ledger.reject(source.name, line, bad, raw)
                continue
            yield line, row, raw


def _validated(model: type[_Row], record: bytes) -> _Row:
    try:
        return model.model_validate_json(record)
    except ValidationError:
        value: Any = decode_line(record)[0]
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise explained(error) from error
