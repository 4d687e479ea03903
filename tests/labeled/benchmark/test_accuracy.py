"""Labels, others, errata, slices and the baseline of printed names, worked out by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from disambig.domain import Label, Signature
from disambig.errors import InputError
from labeled.benchmark.accuracy import GoldMentions, measure_accuracy, name_ranges
from labeled.benchmark.errata import Erratum, apply_errata, read_errata
from labeled.corpora import CorpusFolder, find_corpora, read_split_others


def label(work: str, person: str, block: str = "w wang") -> Label:
    return Label(Signature(work, 0), person, "Wei Wang", block, "dev")


def write_rows(file: Path, *rows: dict[str, Any]) -> Path:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


# Ann has works 0 1 2 and Bob work 3, one block; identities are {0 1} and {2 3}.
GOLD = GoldMentions.of([label("0", "a"), label("1", "a"), label("2", "a"), label("3", "b")])
FOUND = np.array([0, 0, 1, 1])
SIZES = np.array([4, 4, 4, 400])
NAMES = ["Wei Wang", "WEI  WANG", "W. Wang", "W. Wang"]


def measure(*errata: Erratum):
    return measure_accuracy(GOLD, FOUND, NAMES, SIZES, errata)


def test_persons_are_sliced_by_their_number_of_mentions() -> None:
    alone, few = measure().persons[:2]
    assert (alone.name, alone.units, alone.signatures) == ("1", 1, 1)
    assert (few.name, few.units, few.signatures) == ("2–9", 1, 3)
    assert few.figures["bcubed_recall"] == pytest.approx(5 / 9)
    assert few.figures["pairwise_recall"] == pytest.approx(1 / 3)


def test_recall_of_large_persons_is_that_of_more_than_150_mentions() -> None:
    person = ["big"] * 151 + ["small"] * 150
    gold = GoldMentions.of([label(str(k), name) for k, name in enumerate(person)])
    half = np.array([0] * 151 + [1] * 75 + [2] * 75)
    accuracy = measure_accuracy(gold, half, NAMES[:1] * 301, np.full(301, 301))
    assert accuracy.persons[-1].signatures == 151
    assert accuracy.find_recall_of_large_persons() == 1.0
    assert accuracy.persons[-2].figures["bcubed_recall"] == 0.5


def test_blocks_are_sliced_by_all_their_mentions() -> None:
    slices = {part.name: part.signatures for part in measure().blocks if part.units}
    assert slices == {"1–9": 3, "200–999": 1}


def test_ranges_are_named_by_their_bounds() -> None:
    assert name_ranges((1, 2, 10, 1000)) == ("1", "2–9", "10–999", "over 999")


def test_printed_names_are_compared_without_case_and_spacing() -> None:
    # {0 1} and {2 3}, as the identities
    baseline = measure().printed_names
    assert baseline.compute_figures() == measure().sums.compute_figures()


def test_errata_change_a_copy_of_the_labels() -> None:
    # work 2 is Bob's: the identities are right
    accuracy = measure(Erratum(Signature("2", 0), "b", "his own page lists it"))
    assert accuracy.corrected.compute_figures()["bcubed_f1"] == 1.0
    assert accuracy.sums.compute_figures()["bcubed_f1"] < 1.0
    assert accuracy.n_errata == 1


def test_a_label_that_cannot_be_decided_is_left_out() -> None:
    accuracy = measure(Erratum(Signature("2", 0), None, "no trace of the author"))
    assert accuracy.corrected.signatures.tolist() == [3]
    assert accuracy.corrected.compute_figures()["bcubed_f1"] == 1.0


def test_errata_that_agree_or_are_of_another_split_change_nothing() -> None:
    errata = [Erratum(Signature("0", 0), "a", "as is"), Erratum(Signature("9", 0), "b", "train")]
    assert apply_errata(GOLD.labels, errata) == (list(GOLD.labels), 0)


def test_without_errata_there_are_no_corrected_figures() -> None:
    assert measure().corrected is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"work": "w", "position": 0, "person": "b"}, r"e:1: reason: is missing"),
        ({"work": "w", "position": 0, "person": "", "reason": "r"}, r"e:1: person: is empty"),
        ({"work": "w", "position": 0, "reason": "r"}, r"e:1: person: is empty"),
        ({"work": "w", "position": "0", "person": "b", "reason": "r"}, r"e:1: position: "),
        ({"position": 0, "person": "b", "reason": "r"}, r"e:1: work: "),
    ],
)
def test_a_damaged_erratum_is_refused(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_errata([write_rows(tmp_path / "e", row)])


def test_two_errata_of_one_mention_are_refused(tmp_path: Path) -> None:
    row = {"work": "w", "position": 0, "person": "b", "reason": "r"}
    with pytest.raises(InputError, match="e:2: w:0 has another row"):
        read_errata([write_rows(tmp_path / "e", row, row)])


def test_a_line_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e").write_text("{}}\n", encoding="utf-8")
    with pytest.raises(InputError, match="e:1: is not JSON"):
        read_errata([tmp_path / "e"])


def test_others_count_in_the_blocks_of_labels_only() -> None:
    others = [label("o", "other o"), label("p", "other p", "l wang"), label("3", "other 3")]
    gold = GoldMentions.of(GOLD.labels, others)
    assert [x.signature.work for x in gold.mentions] == ["0", "1", "2", "3", "o"]
    assert gold.is_other.tolist() == [False] * 4 + [True]


def test_others_are_read_beside_the_labels_of_a_corpus(tmp_path: Path) -> None:
    (tmp_path / "works.jsonl").touch()
    (tmp_path / "labels.jsonl").touch()
    rows = [
        {"work": w, "position": 1, "block": "w wang", "split": s}
        for w, s in (("a", "dev"), ("b", "dev"), ("c", "train"))
    ]
    with gzip.open(tmp_path / "others.jsonl.gz", "wt") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)
    others = read_split_others(find_corpora([tmp_path])[0], "dev")
    assert [str(x.signature) for x in others] == ["a:1", "b:1"]
    assert len({x.person for x in others}) == 2


def test_an_other_without_a_block_is_refused(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "others.jsonl", {"work": "a", "position": 0, "split": "dev"})
    folder = CorpusFolder("c", file, file, others=file)
    with pytest.raises(InputError, match=r"others\.jsonl:1: block: is missing"):
        read_split_others(folder, "dev")
