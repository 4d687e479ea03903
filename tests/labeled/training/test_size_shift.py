"""The second forests, taught on generated corpora."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from disambig.clustering.batch import check_model
from disambig.corpus.statistics import count_doublings
from disambig.ingest import read_labels, read_works
from disambig.model.model import Model
from labeled.training import size_shift
from labeled.training.size_shift import fit_size_shift, load_golds, stage_corpus
from tests.support.invented import model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A generated corpus in four shards."""
    path = tmp_path_factory.mktemp("growth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(size_shift, "SIGNATURES_PER_SHARD", 1_500)
        patch.setattr(size_shift, "PAIR_TREES", 20)
        patch.setattr(size_shift, "GROUP_TREES", 20)
        stage_corpus(path, 6_000)
        yield path


def test_shards_have_the_statistics_of_the_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disambig.corpus.statistics.LOG2_FITTED_WORKS", 0)
    n_works = sum(1 for _ in read_works([folder / "works" / "works.jsonl.gz"]))
    golds = load_golds(folder, 6_000, 6_000, model(), np.random.default_rng(0))
    assert len(golds) == 4
    assert {gold.index.doublings for gold in golds} == {count_doublings(n_works)}
    assert all(gold.index.corpus.n_works < n_works / 1.2 for gold in golds)


def test_every_label_is_found_once(folder: Path) -> None:
    golds = load_golds(folder, 6_000, 10_000, model(), np.random.default_rng(0))
    found = sum(int((gold.person[np.concatenate(gold.blocks)] >= 0).sum()) for gold in golds)
    assert found == sum(1 for _ in read_labels([folder / "works" / "labels.jsonl.gz"]))


def test_as_many_mentions_are_learned_from_as_asked_for(folder: Path) -> None:
    golds = load_golds(folder, 6_000, 2_000, model(), np.random.default_rng(0))
    sizes = [sum(len(block) for block in gold.blocks) for gold in golds]
    assert 1_900 <= sum(sizes) <= 2_000
    assert len(sizes) == 2


def test_both_levels_are_taught_and_the_first_forests_stay(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disambig.corpus.statistics.LOG2_FITTED_WORKS", 8)
    golds = load_golds(folder, 6_000, 6_000, model(), np.random.default_rng(0))
    found = fit_size_shift(model(), [golds])
    assert found.pair is model().pair
    assert found.group is model().group
    found.save(tmp_path / "grown.model")
    again = Model.load(tmp_path / "grown.model")
    check_model(again)
    assert again.digest == found.digest
    assert again.digest != model().digest
    assert again.pair_size_shift is not None
    assert again.metadata["growth"][0]["doublings"] == golds[0].index.doublings > 0


def test_the_command_writes_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("disambig.corpus.statistics.LOG2_FITTED_WORKS", 8)
    monkeypatch.setattr(size_shift, "LABELLED_SIGNATURES", {3_000: 3_000})
    monkeypatch.setattr(size_shift, "PAIR_TREES", 5)
    monkeypatch.setattr(size_shift, "GROUP_TREES", 5)
    model().save(tmp_path / "bare.model")
    command = [str(tmp_path / "bare.model"), "--out", str(tmp_path / "grown.model"), "--quiet"]
    result = CliRunner().invoke(size_shift.main, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert Model.load(tmp_path / "grown.model").group_size_shift is not None
