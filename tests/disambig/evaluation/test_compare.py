"""Reading clusters and joining them to labels."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from disambig.domain import Assignment, Label, Signature
from disambig.errors import FormatError, InputError, RecordError
from disambig.evaluation.compare import compare, read_assignments, read_identities


def row(work: str, position: int, identity: str, **more: object) -> str:
    return json.dumps({"work": work, "position": position, "identity": identity, **more})


def assignment(work: str, identity: str) -> Assignment:
    return Assignment(Signature(work, 0), "", identity, 1.0)


def label(work: str, person: str, block: str = "b") -> Label:
    return Label(Signature(work, 0), person, block=block)


def written(folder: Path, *lines: str) -> Path:
    path = folder / "clusters.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def found(path: Path, *wanted: tuple[str, int]) -> dict[tuple[str, int], Assignment]:
    return read_identities(path, set(wanted), lambda n: None)


def test_a_row_becomes_an_assignment(tmp_path: Path) -> None:
    path = written(tmp_path, row("W1", 2, "p1", name="Ann Lee", confidence=0.75))
    expected = Assignment(Signature("W1", 2), "Ann Lee", "p1", 0.75)
    assert list(read_assignments(path)) == [expected]


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "clusters.jsonl"
    path.write_bytes(gzip.compress(row("W1", 0, "p1").encode()))
    assert [a.identity for a in read_assignments(path)] == ["p1"]


def test_damaged_gzip_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "clusters.jsonl.gz"
    path.write_bytes(gzip.compress(row("W1", 0, "p1").encode() * 50)[:-12])
    with pytest.raises(FormatError, match="damaged gzip"):
        list(read_assignments(path))


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ("{", "row"),
        ("[]", "row"),
        ("[" * 100_000, "row"),
        ('{"work": "W1", "position": 0}', "identity"),
        ('{"work": "", "position": 0, "identity": "p"}', "work"),
        ('{"work": "W1", "position": -1, "identity": "p"}', "position"),
        ('{"work": "W1", "position": true, "identity": "p"}', "position"),
        ('{"work": "W1", "position": 0, "identity": 7}', "identity"),
        ('{"work": "W1", "position": 0, "identity": "p", "name": 7}', "name"),
        ('{"work": "W1", "position": 0, "identity": "p", "confidence": "x"}', "confidence"),
    ],
)
def test_a_bad_row_is_named_by_line_and_field(tmp_path: Path, bad: str, field: str) -> None:
    path = written(tmp_path, row("W0", 0, "p1"), bad)
    with pytest.raises(RecordError) as caught:
        list(read_assignments(path))
    assert (caught.value.line, caught.value.field) == (2, field)


def test_bytes_that_are_no_utf8_are_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "clusters.jsonl"
    path.write_bytes(b'{"work": "W\xff", "position": 0, "identity": "p"}\n')
    with pytest.raises(RecordError, match="not JSON"):
        list(read_assignments(path))


def test_only_wanted_rows_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, row("W1", 0, "p1"), row("W2", 0, "p2"))
    assert set(found(path, ("W2", 0), ("W3", 0))) == {("W2", 0)}


def test_a_signature_with_two_rows_is_refused_even_when_unlabelled(tmp_path: Path) -> None:
    path = written(tmp_path, row("W1", 0, "p1"), row("W2", 0, "p2"), row("W1", 0, "p1"))
    with pytest.raises(InputError, match=r"1 rows repeat a signature \(first: W1:0"):
        found(path, ("W2", 0))


def test_equal_hashes_of_different_signatures_are_no_duplicate(tmp_path: Path) -> None:
    # In CPython hash(-1) == hash(-2), but positions are not negative: 2**61 - 1 wraps to 0.
    path = written(tmp_path, row("W1", 0, "p1"), row("W1", 2**61 - 1, "p2"))
    assert hash(("W1", 0)) == hash(("W1", 2**61 - 1))
    assert len(found(path, ("W1", 0), ("W1", 2**61 - 1))) == 2


def test_labels_and_identities_become_codes_row_by_row() -> None:
    identities = {("W1", 0): assignment("W1", "p"), ("W2", 0): assignment("W2", "p")}
    comparison = compare(identities, [label("W1", "ann"), label("W2", "bob")])
    assert comparison.predicted.tolist() == [0, 0]
    assert comparison.truth.tolist() == [0, 1]


def test_labelled_signatures_without_a_row_are_listed_not_measured() -> None:
    comparison = compare({("W1", 0): assignment("W1", "p")}, [label("W1", "a"), label("W9", "b")])
    assert comparison.missing == (Signature("W9", 0),)
    assert comparison.evaluate_whole().signatures == 1


def test_a_label_stated_twice_counts_once() -> None:
    comparison = compare({("W1", 0): assignment("W1", "p")}, [label("W1", "a"), label("W1", "a")])
    assert comparison.evaluate_whole().signatures == 1


def test_a_signature_labelled_as_two_persons_is_refused() -> None:
    with pytest.raises(InputError, match="W1:0 is labelled both a and b"):
        compare({}, [label("W1", "a"), label("W1", "b")])


def test_labels_without_blocks_are_measured_over_the_whole_only() -> None:
    comparison = compare({("W1", 0): assignment("W1", "p")}, [label("W1", "a", block="")])
    assert comparison.evaluate_within_blocks() is None


def test_blocks_on_some_labels_only_are_refused() -> None:
    identities = {("W1", 0): assignment("W1", "p"), ("W2", 0): assignment("W2", "p")}
    with pytest.raises(InputError, match=r"1 labels have no block \(first: W2:0"):
        compare(identities, [label("W1", "a"), label("W2", "a", block="")])
