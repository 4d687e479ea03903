"""Errata: labels that are wrong, with the reason, to give figures with and without them.

A row is ``{"work", "position", "person", "reason"}``: the mention is of ``person``, not of the
person that the labels state. ``person`` null removes the label: the printed record cannot decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from disambig.domain import Label, Signature
from disambig.errors import InputError
from labeled.corpora import read_json_rows, read_signature


@dataclass(frozen=True, slots=True)
class Erratum:
    """A wrong label: ``person`` is the right one, None if it cannot be decided."""

    signature: Signature
    person: str | None
    reason: str


def read_errata(files: Iterable[Path]) -> list[Erratum]:
    """Read errata from JSON lines, plain or gzipped.

    Raises
    ------
    InputError
        A row is damaged, has no reason, or repeats a mention.
    """
    errata: dict[Signature, Erratum] = {}
    for file in files:
        for line, row in read_json_rows(file):
            signature = read_signature(file, line, row)
            person, reason = row.get("person", ""), row.get("reason")
            if person is not None and (not isinstance(person, str) or not person):
                raise InputError(
                    f"{file}:{line}: person: is empty or not text; state the right person, or null "
                    "if it cannot be decided"
                )
            if not isinstance(reason, str) or not reason.strip():
                raise InputError(f"{file}:{line}: reason: is missing; say why the label is wrong")
            if signature in errata:
                raise InputError(f"{file}:{line}: {signature} has another row; keep one of the two")
            errata[signature] = Erratum(signature, person, reason)
    return list(errata.values())


def apply_errata(labels: Sequence[Label], errata: Iterable[Erratum]) -> tuple[list[Label], int]:
    """Return the labels with corrected persons, and the number of labels that changed.

    Errata of mentions that are not among the labels are ignored: they are of another split.
    """
    by_signature = {erratum.signature: erratum for erratum in errata}
    corrected, changed = [], 0
    for label in labels:
        erratum = by_signature.get(label.signature)
        if erratum is None or erratum.person == label.person:
            corrected.append(label)
            continue
        changed += 1
        if erratum.person is not None:
            corrected.append(replace(label, person=erratum.person))
    return corrected, changed
