"""Compare a clustering with gold labels: exact matches, merged and split people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from disambig.domain import Assignment, Label
from disambig.evaluation.metrics import Metrics, evaluate


@dataclass(frozen=True, slots=True)
class Mistake:
    """Several people merged in one identity, or one person split over several.

    ``parts`` holds the printed name and the number of mentions of each person in the identity, or
    of each identity of the person.
    """

    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class NameVariants:
    """A gold person with several printed names, and the identities of these names."""

    person: str
    forms: tuple[str, ...]
    identities: tuple[str, ...]
    mentions: int


@dataclass(frozen=True)
class LabelComparison:
    """Result of the comparison. ``n_exact`` people match one identity exactly."""

    metrics: Metrics
    n_people: int
    n_exact: int
    merged: tuple[Mistake, ...]
    split: tuple[Mistake, ...]
    variants: tuple[NameVariants, ...]
    gold_people_by_name: dict[str, int]


def compare_with_labels(
    assignments: Iterable[Assignment], labels: Iterable[Label]
) -> LabelComparison | None:
    """Compare assignments with labels on labelled mentions; None if there are none."""
    rows = {row.signature: row for row in assignments}
    labelled_rows = [(rows[label.signature], label) for label in labels if label.signature in rows]
    if not labelled_rows:
        return None
    persons: dict[str, dict[str, list[Label]]] = defaultdict(lambda: defaultdict(list))
    identities: dict[str, dict[str, list[Label]]] = defaultdict(lambda: defaultdict(list))
    people_by_name: dict[str, set[str]] = defaultdict(set)
    for row, label in labelled_rows:
        persons[label.person][row.identity].append(label)
        identities[row.identity][label.person].append(label)
        people_by_name[row.name.casefold()].add(label.person)
    n_exact = sum(
        len(spread) == 1 and len(identities[next(iter(spread))]) == 1 for spread in persons.values()
    )
    return LabelComparison(
        evaluate(
            _encode([row.identity for row, _ in labelled_rows]),
            _encode([label.person for _, label in labelled_rows]),
        ),
        n_people=len(persons),
        n_exact=n_exact,
        merged=_find_mistakes(identities),
        split=_find_mistakes(persons),
        variants=_find_variants(persons),
        gold_people_by_name={name: len(people) for name, people in people_by_name.items()},
    )


def _encode(values: list[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int64)


def _find_mistakes(groups: dict[str, dict[str, list[Label]]]) -> tuple[Mistake, ...]:
    """Find groups with several parts, most mentions outside the largest part first."""
    mistakes = []
    for parts in groups.values():
        if len(parts) > 1:
            named_parts = [(_choose_name(labels), len(labels)) for labels in parts.values()]
            mistakes.append(
                Mistake(tuple(sorted(named_parts, key=lambda part: (-part[1], part[0]))))
            )
    return tuple(sorted(mistakes, key=lambda m: (-sum(n for _, n in m.parts[1:]), m.parts)))


def _find_variants(persons: dict[str, dict[str, list[Label]]]) -> tuple[NameVariants, ...]:
    variants = []
    for person, by_identity in persons.items():
        labels = [label for part in by_identity.values() for label in part]
        forms = sorted({label.name for label in labels})
        if len(forms) > 1:
            variants.append(
                NameVariants(person, tuple(forms), tuple(sorted(by_identity)), len(labels))
            )
    return tuple(sorted(variants, key=lambda v: (-len(v.forms), -v.mentions, v.forms)))


def _choose_name(labels: list[Label]) -> str:
    names = [label.name for label in labels]
    return max(set(names), key=lambda name: (names.count(name), len(name), name))
