"""Compare a clusters file with gold labels: join both by signature, as arrays to evaluate."""

from __future__ import annotations

import gzip
import json
import zlib
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from disambig.arrays import Int64
from disambig.domain import Assignment, Label, Signature
from disambig.errors import FormatError, InputError, RecordError
from disambig.evaluation.metrics import Metrics, evaluate

Key = tuple[str, int]

_MAX_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Comparison:
    """Labelled signatures and their predicted identities; row *i* of every array is one signature.

    ``labels`` and ``assignments`` have length n; ``predicted``, ``truth`` and ``block`` are
    int64[n] codes, ``block`` None when the labels have no blocks; ``missing`` are the
    labelled signatures without a row in the clusters; no array includes them.
    """

    labels: tuple[Label, ...]
    assignments: tuple[Assignment, ...]
    predicted: Int64
    truth: Int64
    block: Int64 | None
    missing: tuple[Signature, ...]

    def evaluate_within_blocks(self) -> Metrics | None:
        """Return metrics with both partitions divided along blocks; None without blocks."""
        return None if self.block is None else evaluate(self.predicted, self.truth, self.block)

    def evaluate_whole(self) -> Metrics:
        """Return metrics over the whole corpus, across blocks."""
        return evaluate(self.predicted, self.truth)


def read_assignments(path: Path) -> Iterator[Assignment]:
    """Stream the rows of a clusters file, plain or gzipped JSONL.

    Raises
    ------
    RecordError
        A row is not a JSON object, or its work, position, identity, name or confidence has
        the wrong type.
    FormatError
        The file is damaged gzip.
    """
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if is_gzip else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _parse_assignment(str(path), number, line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"{path}: damaged gzip file ({error}); write it again") from error


def read_identities(
    path: Path, keys: Collection[Key], advance: Callable[[int], None]
) -> dict[Key, Assignment]:
    """Read the rows of a clusters file for the signatures in ``keys``, keyed (work, position).

    Memory grows with these rows and by eight bytes for each other row.

    Raises
    ------
    InputError
        Any signature has more than one row; or as :func:`read_assignments`.
    """
    by_key: dict[Key, Assignment] = {}
    hashes = array("q")
    for row in read_assignments(path):
        key = (row.signature.work, row.signature.position)
        hashes.append(hash(key))
        if key in keys:
            by_key[key] = row
        advance(1)
    sorted_hashes = np.sort(np.frombuffer(hashes, dtype=np.int64))
    suspects = set(sorted_hashes[1:][sorted_hashes[1:] == sorted_hashes[:-1]].tolist())
    if suspects:
        _refuse_duplicates(path, suspects)
    return by_key


def compare(by_key: dict[Key, Assignment], labels: Iterable[Label]) -> Comparison:
    """Join labels to the identities that their signatures are assigned to.

    An exactly repeated label counts once.

    Raises
    ------
    InputError
        One signature is labelled as two persons, or only some labels have a block.
    """
    unique: dict[Key, Label] = {}
    for label in labels:
        key = (label.signature.work, label.signature.position)
        if unique.setdefault(key, label).person != label.person:
            raise InputError(
                f"{label.signature} is labelled both {unique[key].person} and {label.person}; "
                "keep one of the two labels"
            )
    rows = [(label, by_key[key]) for key, label in unique.items() if key in by_key]
    matched_labels = tuple(label for label, _ in rows)
    assignments = tuple(assignment for _, assignment in rows)
    return Comparison(
        labels=matched_labels,
        assignments=assignments,
        predicted=_encode_names([row.identity for row in assignments]),
        truth=_encode_names([label.person for label in matched_labels]),
        block=_encode_blocks(matched_labels),
        missing=tuple(label.signature for key, label in unique.items() if key not in by_key),
    )


def refuse_missing(comparison: Comparison, clusters: Path, labels: str) -> None:
    """Raise :class:`InputError` when a labelled signature has no row in the clusters."""
    if comparison.missing:
        total = len(comparison.missing) + len(comparison.labels)
        raise InputError(
            f"{len(comparison.missing):,} of {total:,} signatures labelled in {labels} are not "
            f"in {clusters} (first: {format_first(comparison.missing)}); cluster the works of "
            "these labels, or pass --allow-missing to evaluate only the others"
        )


def format_first(items: Sequence[object]) -> str:
    """Format the first three items, with an ellipsis when there are more."""
    return ", ".join(map(str, items[:_MAX_SHOWN])) + (", …" if len(items) > _MAX_SHOWN else "")


def _encode_blocks(labels: Sequence[Label]) -> Int64 | None:
    blank = [label.signature for label in labels if not label.block]
    if len(blank) == len(labels):
        return None
    if blank:
        raise InputError(
            f"{len(blank):,} labels have no block (first: {format_first(blank)}) while others do; "
            "give all labels a block or none"
        )
    return _encode_names([label.block for label in labels])


def _encode_names(names: Sequence[str]) -> Int64:
    """Number names in order of first appearance, int64[n]."""
    codes: dict[str, int] = {}
    numbers = [codes.setdefault(name, len(codes)) for name in names]
    return np.array(numbers, dtype=np.int64)


def _refuse_duplicates(path: Path, suspects: set[int]) -> None:
    """Raise if signatures repeat; equal hashes of different signatures are no error."""
    keys: set[Key] = set()
    duplicates: list[Signature] = []
    for row in read_assignments(path):
        key = (row.signature.work, row.signature.position)
        if hash(key) in suspects:
            if key in keys:
                duplicates.append(row.signature)
            keys.add(key)
    if duplicates:
        raise InputError(
            f"{path}: {len(duplicates):,} rows repeat a signature (first: "
            f"{format_first(duplicates)}); a signature has one identity, so keep one row for each"
        )


def _parse_assignment(file: str, line: int, text: bytes) -> Assignment:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(file, line, "row", f"not JSON ({error})", _REMEDY) from error
    if not isinstance(row, dict):
        raise RecordError(file, line, "row", "not a JSON object", _REMEDY)
    position, confidence = row.get("position"), row.get("confidence", float("nan"))
    if row.get("kind") and row.get("identity") is None:
        # a group or placeholder is nobody else
        identity = f"{row['kind']} {row.get('work')}:{position}"
        row, confidence = {**row, "identity": identity}, float("nan")
    for field in ("work", "identity"):
        if not isinstance(row.get(field), str) or not row[field]:
            raise RecordError(file, line, field, "is empty or not text", _REMEDY)
    if type(position) is not int or position < 0:
        raise RecordError(file, line, "position", "not an integer of 0 or more", _REMEDY)
    if not isinstance(row.get("name", ""), str):
        raise RecordError(file, line, "name", "not text", _REMEDY)
    if type(confidence) not in (int, float):
        raise RecordError(file, line, "confidence", "not a number", _REMEDY)
    return Assignment(
        Signature(row["work"], position), row.get("name", ""), row["identity"], float(confidence)
    )


_REMEDY = (
    'write each row as {"work": "W1", "position": 0, "name": "…", "identity": "…", '
    '"confidence": 0.9}, as disambig cluster does'
)
