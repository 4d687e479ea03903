"""Labels and constraints: rows that must not be lost unseen."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from disambig.domain import Constraint, ConstraintKind, Label, Signature
from disambig.errors import FormatError, RecordError
from disambig.ingest import Problem, read_constraints, read_labels
from tests.support.ingest_reading import record

Write = Callable[..., Path]
LABEL = {"work": "w1", "position": 0, "person": "p1"}
MUST = {
    "kind": "must",
    "a": {"work": "w1", "position": 0},
    "b": {"work": "w2", "position": 1},
}


def test_a_label_is_read_with_its_name_block_and_split(jsonl: Write) -> None:
    row = LABEL | {"name": "Ada", "block": "a byron", "split": "dev"}
    assert list(read_labels([jsonl(row)])) == [
        Label(Signature("w1", 0), "p1", "Ada", "a byron", "dev")
    ]


def test_what_a_label_does_not_state_is_empty(jsonl: Write) -> None:
    assert list(read_labels([jsonl(LABEL)])) == [Label(Signature("w1", 0), "p1")]


def test_numbers_as_ids_are_text(jsonl: Write) -> None:
    (label,) = read_labels([jsonl(LABEL | {"work": 5, "person": 7})])
    assert (label.signature.work, label.person) == ("5", "7")


def test_labels_may_be_packed_or_an_array(jsonl: Write, tmp_path: Path) -> None:
    packed, listed = tmp_path / "a", tmp_path / "b"
    packed.write_bytes(gzip.compress(json.dumps(LABEL).encode()))
    listed.write_text(json.dumps([LABEL | {"work": "w2"}]))
    assert [label.signature.work for label in read_labels([packed, listed])] == ["w1", "w2"]


def test_labels_are_found_in_a_folder_among_works(jsonl: Write) -> None:
    folder = jsonl(record()).parent
    jsonl(LABEL, name="labels.jsonl")
    assert len(list(read_labels([folder]))) == 1


def test_a_repeated_label_counts_once(jsonl: Write) -> None:
    assert len(list(read_labels([jsonl(LABEL, LABEL)]))) == 1


BAD_LABELS: list[tuple[Any, str]] = [
    (LABEL | {"person": "p2"}, "person"),
    (LABEL | {"position": -1}, "position"),
    (LABEL | {"position": "0"}, "position"),
    (LABEL | {"person": ""}, "person"),
    (LABEL | {"person": None}, "person"),
    ({"work": "w1", "position": 0}, "person"),
    (b"{", "record"),
    (b"[]", "record"),
    (b"\xff", "encoding"),
]


@pytest.mark.parametrize(("row", "field"), BAD_LABELS)
def test_a_bad_label_stops_the_reading(jsonl: Write, row: Any, field: str) -> None:
    with pytest.raises(RecordError) as caught:
        list(read_labels([jsonl(LABEL, row)]))
    assert (caught.value.line, caught.value.field) == (2, field)


@pytest.mark.parametrize(("row", "field"), BAD_LABELS)
def test_a_bad_label_is_told_when_not_strict(jsonl: Write, row: Any, field: str) -> None:
    problems: list[Problem] = []
    path = jsonl(LABEL, row, LABEL | {"work": "w2"})
    labels = list(read_labels([path], strict=False, on_problem=problems.append))
    assert (len(labels), [problem.field for problem in problems]) == (2, [field])


def test_works_are_no_labels(jsonl: Write) -> None:
    with pytest.raises(RecordError, match=r":1: work: is missing; give the id of the work"):
        list(read_labels([jsonl(record())]))


def test_constraints_are_no_labels(jsonl: Write) -> None:
    with pytest.raises(FormatError, match="contains no labels; it looks like constraints"):
        list(read_labels([jsonl(MUST)]))


def test_a_constraint_is_read(jsonl: Write) -> None:
    (found,) = read_constraints(jsonl(MUST | {"source": "orcid"}))
    assert found == Constraint(ConstraintKind.MUST, Signature("w1", 0), Signature("w2", 1))
    assert found.source == "orcid"


def test_a_repeated_constraint_counts_once_and_order_is_kept(jsonl: Write) -> None:
    cannot = MUST | {"kind": "cannot"}
    kinds = [found.kind.value for found in read_constraints(jsonl(cannot, MUST, cannot))]
    assert kinds == ["cannot", "must"]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (MUST | {"kind": "maybe"}, "kind"),
        (MUST | {"b": MUST["a"]}, "b"),
        (MUST | {"a": "w1:0"}, "a"),
        (MUST | {"a": {"work": "w1"}}, "a.position"),
        (b"must", "record"),
    ],
)
def test_a_bad_constraint_stops_the_reading(jsonl: Write, row: Any, field: str) -> None:
    with pytest.raises(RecordError) as caught:
        read_constraints(jsonl(MUST, row))
    assert (caught.value.line, caught.value.field) == (2, field)


def test_a_bad_constraint_is_told_when_not_strict(jsonl: Write) -> None:
    problems: list[Problem] = []
    found = read_constraints(jsonl(MUST, b"?"), strict=False, on_problem=problems.append)
    assert (len(found), len(problems)) == (1, 1)
