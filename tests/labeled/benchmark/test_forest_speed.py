"""Every way of evaluation that is compared gives the forest's scores."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from disambig.model.forest import fit_forest
from labeled.benchmark.forest_speed import METHODS, invent_rows, main, make_node_walk, thin_forest


@pytest.fixture(scope="module")
def forest():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 4)).astype(np.float32)
    X[rng.random(X.shape) < 0.1] = np.nan
    y = np.nan_to_num(X[:, 0]) + rng.normal(size=2000) > 0
    return fit_forest(X, y, None, "abcd", n_trees=10)


@pytest.mark.parametrize("way", METHODS)
def test_every_way_gives_the_scores_of_the_trees_walked_node_by_node(way, forest):
    X = invent_rows(forest, 1500)
    assert METHODS[way](forest)(X) == pytest.approx(make_node_walk(forest)(X), abs=1e-5)


def test_walking_node_by_node_is_what_contributions_add_up_to(forest):
    X = invent_rows(forest, 100)
    total = forest.compute_contributions(X).sum(axis=1)
    assert make_node_walk(forest)(X) == pytest.approx(total, abs=1e-5)


def test_fewer_trees_are_evenly_spaced_and_whole(forest):
    fewer = thin_forest(forest, 5)
    assert fewer.n_trees == 5
    roots = forest.tree_start[[0, 2, 4, 6, 8]]
    assert fewer.feature[fewer.tree_start[:-1]].tolist() == forest.feature[roots].tolist()
    assert thin_forest(forest, 10).value.tolist() == forest.value.tolist()


def test_the_table_has_a_line_for_each_way_and_a_column_for_each_number_of_trees():
    result = CliRunner().invoke(
        main, ["--n", "50", "--trees", "2", "--trees", "5", "--repeats", "1"]
    )
    lines = result.stdout.splitlines()
    assert lines[0].split()[-4:] == ["5", "trees", "2", "trees"]
    assert [line[:32].strip() for line in lines[1:]] == list(METHODS)
