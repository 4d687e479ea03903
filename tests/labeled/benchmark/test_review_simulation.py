"""Simulated review of a small invented corpus: the labels answer, the error falls."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from disambig.blocking.blocks import make_blocks
from disambig.blocking.pairs import NamePairs
from disambig.clustering.constraints import compile_constraints
from disambig.clustering.two_level import ScoredPairs, predict_pairs
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.model.model import Model
from disambig.progress import no_progress
from labeled.benchmark.command import _print_reviews, _simulate_reviews
from labeled.benchmark.reports.svg import to_svg_file
from labeled.benchmark.review_simulation import (
    Curve,
    ReviewBlock,
    ask_boards,
    ask_groups,
    ask_pairs,
    draw_figure,
    simulate,
)
from labeled.corpora import find_corpora
from tests.support.invented import space, work


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load()


@pytest.fixture(scope="module")
def scored(model: Model) -> ScoredPairs:
    """Six papers by Wei Wang, three in speech and three in robots."""
    topics = {"s": "speech recognition acoustic speaker", "r": "robot grasping arm gripper"}
    works = [
        work(f"{topic}{k}", f"{words} {k}", "Wei Wang", year=2001 + k)
        for topic, words in topics.items()
        for k in range(3)
    ]
    corpus = Corpus.from_works(works)
    index = CorpusIndex.from_corpus(corpus, space(), model.frequency)
    rows = next(b for b in make_blocks(corpus) if len(b) == 6)

    def score(columns):
        return predict_pairs(model, columns, index.doublings)

    batch = NamePairs.compare(index, [rows]).make_batch(0, 1)
    return ScoredPairs.score(index, batch, compile_constraints(corpus, ()), score)


def block(scored: ScoredPairs, *person: int) -> ReviewBlock:
    return ReviewBlock(scored, np.array(person, dtype=np.int32))


def test_answers_bind_every_pair_that_follows_from_them(scored, model) -> None:
    found = block(scored, 0, 0, 1, 1, 2, 2)
    one, other = np.array([0, 2], np.int32), np.array([1, 3], np.int32)
    found.answers.append((np.array([0], np.int32), np.array([1], np.int32), True))
    found.answers.append((one[:1], other[1:], False))
    bonds = found.cluster(model).scored.constraints
    assert bonds.must[0] == bonds.must[1] >= 0
    assert {(0, 3), (1, 3)} <= set(map(tuple, bonds.cannot.tolist()))
    group = found.clustered.group
    assert group[0] == group[1] != group[3]


def test_answers_bring_orcids_to_all_that_must_be_one(scored, model) -> None:
    orcid = np.array([-1, 0, -1, 1, -1, -1], dtype=np.int32)
    found = block(
        replace(scored, constraints=replace(scored.constraints, orcid=orcid)), 0, 0, 1, 1, 2, 2
    )
    found.answers.append((np.array([0], np.int32), np.array([1], np.int32), True))
    bonds = found.cluster(model).scored.constraints
    assert bonds.orcid.tolist() == [0, 0, -1, 1, -1, -1]
    assert {(0, 3), (1, 3)} == set(map(tuple, bonds.cannot.tolist()))


def test_error_mass_is_b_cubed_summed_over_labelled_rows(scored, model) -> None:
    found = block(scored, 0, 0, 0, 0, -1, -1)
    found.answers.append((np.arange(2, dtype=np.int32), np.arange(2, 4, dtype=np.int32), True))
    found.cluster(model)
    assert found.sum_bcubed() == (4.0, 4.0, 4)


@pytest.mark.parametrize("order", ["boards", "ranked", "pairs"])
def test_every_error_is_mended_and_nothing_is_asked_twice(scored, model, order) -> None:
    # people across the topics: whatever is published first is wrong
    asked = []

    ways = {
        "boards": ask_boards(model),
        "ranked": ask_groups(model, lambda q: q.gain),
        "pairs": partial(ask_pairs, threshold=model.settings["second_level"]),
    }

    def ask(of: ReviewBlock):
        found = ways[order](of)
        if found is not None:
            asked.extend((tuple(a.tolist()), tuple(b.tolist())) for a, b in found.questions)
        return found

    found = simulate([block(scored, 0, 1, 1, 0, 1, 1)], model, ask, 40, no_progress, ("x", order))
    assert found.error[0] > 0.1
    assert found.error[-1] == pytest.approx(0)
    assert len(set(asked)) == len(asked) == found.questions


def test_a_board_asks_about_as_many_identities_as_fit_the_best_first(scored, model) -> None:
    found = block(scored, 0, 1, 2, 3, 4, 5)
    rows = np.arange(6, dtype=np.int32)
    found.answers = [(rows[k : k + 1], rows[j : j + 1], False) for k in range(6) for j in range(k)]
    found.cluster(model)
    found.answers, found.clustered = [], replace(found.clustered, scored=scored)
    best = ask_groups(model, lambda q: q.gain)(found)
    pair, wide = ask_boards(model, 2)(found), ask_boards(model)(found)
    assert [a.tolist() for a in pair.questions[0]] == [a.tolist() for a in best.questions[0]]
    assert len(pair.questions) == 1 < len(wide.questions)
    assert wide.worth > pair.worth == pytest.approx(best.worth)


def test_mentions_without_labels_are_not_asked_about_and_count_for_nothing(scored, model) -> None:
    rows = np.arange(6, dtype=np.int32)
    known, all_ = block(scored, 0, -1, -1, 0, -1, -1), block(scored, 0, 0, 0, 0, 0, 0)
    for found in (known, all_):
        sides = [(rows[:3], rows[3:], False)]
        found.answers = sides
        found.cluster(model)
        found.answers, found.clustered = [], replace(found.clustered, scored=scored)
    part, whole = ask_boards(model)(known), ask_boards(model)(all_)
    assert [[a.tolist(), b.tolist()] for a, b in part.questions] == [[[0], [3]]]
    assert part.worth < whole.worth


def test_a_right_clustering_needs_no_more_decisions_than_asked_for(scored, model) -> None:
    found = simulate(
        [block(scored, 0, 1, 1, 0, 1, 1)],
        model,
        ask_groups(model, lambda q: q.gain),
        2,
        no_progress,
        ("x", "ranked"),
    )
    assert len(found.error) <= 3


def test_curves_tell_when_the_error_is_halved() -> None:
    assert Curve("x", "ranked", (0.4, 0.3, 0.2, 0.1), 3).count_decisions(0.5) == 2
    slow = Curve("x", "random", (0.4, 0.3), 5)
    assert slow.count_decisions(0.5) is None
    assert slow.to_text() == "x random: error 0.4000; never halved, 1 decisions made on 5 questions"


def test_curves_are_drawn_into_a_file_of_their_own(tmp_path: Path) -> None:
    from lxml import etree

    found = [Curve("<x>", "ranked", (0.4, 0.1), 1), Curve("<x>", "random", (0.4, 0.3), 1)]
    text = to_svg_file(draw_figure(found))
    root = etree.fromstring(text.encode())
    assert "Review of <x>" in root.get("aria-label")
    assert "halved after 1 decisions" in root.get("aria-label")
    assert "ranked" in text


def test_the_benchmark_simulates_every_order_on_the_labels_of_a_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = space()
    monkeypatch.setattr(SemanticSpace, "load", lambda path=None: known)
    folder = tmp_path / "tiny"
    folder.mkdir()
    works = [
        {"id": f"w{k}", "title": f"speech recognition {k}", "authors": [{"name": "Wei Wang"}]}
        for k in range(4)
    ]
    labels = [
        {"work": f"w{k}", "position": 0, "person": f"p{k % 2}", "block": "wei wang", "split": "dev"}
        for k in range(4)
    ]
    for name, rows in (("works", works), ("labels", labels)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    found = _simulate_reviews(find_corpora([folder]), "dev", None, 9, True)
    told = _print_reviews(found, tmp_path / "plots")
    assert [curve["order"] for curve in told] == ["boards", "ranked", "random", "pairs"]
    assert len({curve["error"][0] for curve in told}) == 1
    assert (tmp_path / "plots" / "review-tiny.svg").is_file()
    assert "tiny ranked: error" in capsys.readouterr().out
    assert _simulate_reviews(find_corpora([folder]), "dev", None, 0, True) == []
