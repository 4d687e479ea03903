"""Folders of labelled corpora, their labels, and the peak memory of a process."""

from __future__ import annotations

import gzip
import json
import re
import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disambig.domain import Label, Signature
from disambig.errors import InputError
from disambig.ingest import read_labels


@dataclass(frozen=True, slots=True)
class CorpusFolder:
    """Files of one labelled corpus.

    ``silver`` labels are reliable for positive pairs only; ``others`` are mentions known to be none
    of the labelled persons of their block.
    """

    name: str
    works: Path
    labels: Path
    silver: Path | None = None
    others: Path | None = None


def find_corpora(paths: Sequence[Path]) -> list[CorpusFolder]:
    """Find corpora in folders: each contains works and labels, or folders that do.

    Raises
    ------
    InputError
        A folder contains neither.
    """
    corpora = []
    for path in paths:
        inner = sorted(p for p in path.iterdir() if p.is_dir() and _find_file(p, "works"))
        folders = [path] if _find_file(path, "works") else inner
        if not folders:
            raise InputError(f"{path}: no works.jsonl.gz in it or in its folders")
        for folder in folders:
            works, labels = _find_file(folder, "works"), _find_file(folder, "labels")
            if works is None or labels is None:
                raise InputError(f"{folder}: works without labels.jsonl; add a labels file")
            name = folder.resolve().name
            silver, others = _find_file(folder, "silver_labels"), _find_file(folder, "others")
            corpora.append(CorpusFolder(name, works, labels, silver, others))
    return corpora


def _find_file(folder: Path, stem: str) -> Path | None:
    candidates = (folder / f"{stem}{ending}" for ending in (".jsonl.gz", ".jsonl"))
    return next((path for path in candidates if path.is_file()), None)


def read_split_labels(file: Path, split: str) -> list[Label]:
    """Read the labels of one split.

    Raises
    ------
    InputError
        There are none, or a label has no block.
    """
    rows = list(read_labels([file]))
    labels = [label for label in rows if label.split == split]
    if not labels:
        splits = ", ".join(sorted({label.split for label in rows})) or "none"
        raise InputError(f"{file}: no labels in split {split!r}; its splits are {splits}")
    blank = next((label for label in labels if not label.block), None)
    if blank is not None:
        raise InputError(f"{file}: {blank.signature} has no block; give every label a block")
    return labels


def read_split_others(folder: CorpusFolder, split: str) -> list[Label]:
    """Read the mentions of one split that are none of the labelled persons, if there is a file.

    Each gets a person of its own, ``other WORK:POSITION``.

    Raises
    ------
    InputError
        A row is damaged or has no block.
    """
    if folder.others is None:
        return []
    others = []
    for line, row in read_json_rows(folder.others):
        signature, block = read_signature(folder.others, line, row), row.get("block")
        if not isinstance(block, str) or not block:
            raise InputError(f"{folder.others}:{line}: block: is missing; give every row a block")
        if row.get("split") == split:
            name = str(row.get("name", ""))
            others.append(Label(signature, f"other {signature}", name, block, split))
    return others


def read_json_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read JSON objects, one a line, plain or gzipped, with their line numbers from 1.

    Raises
    ------
    InputError
        A line is not a JSON object.
    """
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"{file}:{number}: is not JSON ({error})") from error
            if not isinstance(row, dict):
                raise InputError(f"{file}:{number}: is not a JSON object; write one in a line")
            yield number, row


def read_signature(file: Path, line: int, row: dict[str, Any]) -> Signature:
    """Read ``work`` and ``position`` of a row.

    Raises
    ------
    InputError
        One is missing or of another type.
    """
    work, position = row.get("work"), row.get("position")
    if not isinstance(work, str) or not work:
        raise InputError(f"{file}:{line}: work: is empty or not text; state the id of the work")
    if type(position) is not int or position < 0:
        raise InputError(
            f"{file}:{line}: position: is not a count from 0; state the author's position"
        )
    return Signature(work, position)


def read_peak_memory() -> int:
    """Return the peak resident memory of this process, bytes.

    On Linux, ``ru_maxrss`` is inherited from the parent process; VmHWM is not.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        match = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        if match:
            return int(match.group(1)) * 1024
    return _to_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _to_bytes(maxrss: int) -> int:
    """``ru_maxrss`` in bytes: macOS counts it in bytes, others in kilobytes."""
    return maxrss if sys.platform == "darwin" else maxrss * 1024
