"""Blocks through both levels: what one batch comes to."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from disambig.arrays import Int32
from disambig.blocking.blocks import make_blocks
from disambig.blocking.pairs import NamePairs, PairBatch
from disambig.clustering import two_level
from disambig.clustering.batch import BatchResult, cluster_batch
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.clustering.two_level import (
    MAX_ROUNDS,
    BatchConstraints,
    Round,
    ScoredPairs,
    join_groups,
    predict_pairs,
    predict_probabilities,
    run_second_level,
    stack_columns,
)
from disambig.corpus.index import CorpusIndex
from disambig.domain import Work
from disambig.features import group
from disambig.features.groups import GroupBatch
from disambig.names import is_compatible
from tests.support.constraint_cases import cannot, must
from tests.support.invented import indexed, model, population, rows, work


@cache
def invented() -> tuple[CorpusIndex, Constraints]:
    index = indexed(list(population(7, families=8)[0]))
    return index, compile_constraints(index.corpus, ())


def ints(*values: int) -> Int32:
    return np.array(values, dtype=np.int32)


def batch_of(first: int | None = None, last: int | None = None) -> PairBatch:
    """The pairs of some blocks of the invented corpus."""
    index, _ = invented()
    blocks = make_blocks(index.corpus)[first:last]
    return NamePairs.compare(index, blocks).make_batch(0, len(blocks))


def resolved(batch: PairBatch) -> BatchResult:
    index, constraints = invented()
    return cluster_batch(index, model(), constraints, batch)


def test_blocks_do_not_influence_each_other() -> None:
    index, _ = invented()
    together = resolved(batch_of())
    following = at = 0
    for number in range(len(make_blocks(index.corpus))):
        alone = resolved(batch_of(number, number + 1))
        own = slice(at, at + len(alone.rows))
        assert together.rows[own].tolist() == alone.rows.tolist()
        assert (together.group[own] - following).tolist() == alone.group.tolist()
        assert together.confidence[own].tolist() == alone.confidence.tolist()
        at, following = own.stop, following + int(alone.group.max()) + 1


def test_pairs_are_counted_with_and_without_those_that_names_keep_apart() -> None:
    index = indexed(
        [
            work(k, "Speech", name)
            for k, name in zip("abc", ("Ada Byron", "A. Byron", "Alan Byron"), strict=True)
        ]
    )
    block = rows(index, ("a", 0), ("b", 0), ("c", 0))
    batch = NamePairs.compare(index, [block]).make_batch(0, 1)
    found = cluster_batch(index, model(), compile_constraints(index.corpus, ()), batch)
    assert (found.considered, found.scored) == (3, 2)


def test_two_names_alone_that_could_not_be_one_persons_are_two_people() -> None:
    same = ("Speech recognition of speaker audio", "Bo Li", "Cy Ito")
    index = indexed(
        [work("a", same[0], "Ada Byron", *same[1:]), work("b", same[0], "Alan Byron", *same[1:])]
    )
    batch = NamePairs.compare(index, [rows(index, ("a", 0), ("b", 0))]).make_batch(0, 1)
    found = cluster_batch(index, model(), compile_constraints(index.corpus, ()), batch)
    assert found.group.tolist() == [0, 1]
    assert ((found.confidence > 0.5) & (found.confidence < 1)).all()


def test_a_must_link_joins_even_names_that_could_not_be_one_persons() -> None:
    index = indexed([work("a", "Speech", "Ada Byron"), work("b", "Robots", "Alan Byron")])
    names = index.corpus.names
    assert not is_compatible(names[0], names[1])
    constraints = compile_constraints(index.corpus, [must("a:0", "b:0")])
    batch = NamePairs.compare(index, [rows(index, ("a", 0), ("b", 0))]).make_batch(0, 1)
    assert cluster_batch(index, model(), constraints, batch).group.tolist() == [0, 0]


def rounds(batch: PairBatch, threshold: float = 0.5) -> tuple[ScoredPairs, np.ndarray, list[Round]]:
    """The first level's groups, and every round of the second."""
    index, constraints = invented()
    fitted = model()
    scored = ScoredPairs.score(index, batch, constraints, lambda c: predict_pairs(fitted, c, 0))
    first = scored.cluster(0.8)
    score = lambda c: predict_probabilities(fitted.group, fitted.group_calibration, c)  # noqa: E731
    return scored, first, list(run_second_level(scored, first, score, threshold))


def test_rounds_go_on_while_they_join_anything() -> None:
    _, first, found = rounds(batch_of())
    groups = [int(first.max()) + 1, *(int(step.final.max()) + 1 for step in found)]
    assert 1 <= len(found) <= MAX_ROUNDS
    assert groups == sorted(groups, reverse=True)
    assert len(set(groups[:-1])) == len(groups) - 1
    assert len(found) == MAX_ROUNDS or groups[-1] == groups[-2]


def test_a_round_is_about_the_blocks_that_the_one_before_changed() -> None:
    scored, first, found = rounds(batch_of())
    batch = scored.batch
    assert len(found) > 1
    for before, step, labels in zip(
        [first, *(s.final for s in found)], found[1:], [s.final for s in found], strict=False
    ):
        for block in range(len(batch.start) - 1):
            own = slice(int(batch.start[block]), int(batch.start[block + 1]))
            changed = len(set(before[own].tolist())) > len(set(labels[own].tolist()))
            looked_at = bool((step.groups.block[step.groups.left] == block).any())
            assert changed or not looked_at
            if not changed:
                assert len(set(step.final[own].tolist())) == len(set(labels[own].tolist()))


def test_groups_inherit_what_holds_for_their_rows() -> None:
    bonds = BatchConstraints(ints(-1, 3, -1, 3), ints(0, 2).reshape(1, 2), ints(7, -1, -1, 8))
    between = bonds.lift_to_groups(ints(1, 1, 0, 2))
    assert between.must.tolist() == [-1, 3, 3]
    assert between.cannot.tolist() == [[0, 1]]
    assert between.orcid.tolist() == [-1, 7, 8]


def test_pairs_are_barred_that_are_listed_or_have_two_orcids() -> None:
    bonds = BatchConstraints(ints(-1, -1, -1, -1), ints(0, 1).reshape(1, 2), ints(-1, 5, 6, 5))
    left, right = ints(0, 0, 1, 1, 2), ints(1, 2, 2, 3, 3)
    assert bonds.is_excluded(left, right).tolist() == [True, False, True, False, True]


def test_groups_that_mostly_state_two_suffixes_are_separate() -> None:
    bonds = BatchConstraints(ints(-1, -1, -1, 5, -1), ints().reshape(0, 2), ints(*[-1] * 5))
    # the fourth group has a must-link, the last is of another block
    found = bonds.exclude_suffixes(ints(1, -1, 2, 2, 2), ints(0, 0, 0, 0, 1))
    assert found.cannot.tolist() == [[0, 2]]


def test_papers_without_a_suffix_do_not_join_father_and_son() -> None:
    index = indexed(
        [
            work(k, "T", f"Ada Byron{s}")
            for k, s in zip("abcd", (", Sr.", "", "", ", Jr."), strict=True)
        ]
    )
    batch = PairBatch.from_blocks(index, [ints(0, 1, 2, 3)])
    scored = ScoredPairs.score(
        index,
        batch,
        compile_constraints(index.corpus, ()),
        lambda c: (np.ones(len(c["year_gap"]), np.float32),) * 2,
    )
    groups = GroupBatch.from_groups(scored.batch, ints(0, 0, 1, 1))
    joined = join_groups(groups, np.ones(groups.n_pairs, np.float32), scored.constraints, 0.5)
    assert joined.tolist() == [0, 0, 1, 1]


def test_an_entry_listed_twice_moves_no_mention_on_another_work() -> None:
    single = [work(k, "T", "Ada Byron", "Bo Fox") for k in "abc"]
    twice = [work("a", "T", "Ada Byron", "Bo Fox", "Ada Byron"), *single[1:]]
    groups = []
    for works in (single, twice):
        index = indexed(works)
        blocks = [np.flatnonzero(index.corpus.signature_position != 1).astype(np.int32)]
        batch = NamePairs.compare(index, blocks).make_batch(0, 1)
        result = cluster_batch(index, model(), compile_constraints(index.corpus, ()), batch)
        groups.append(result)
    assert groups[1].doubled.tolist() == [[2, 0]]
    of_twice = groups[1].group.tolist()
    assert of_twice.count(of_twice[1]) == 1
    assert np.array_equal(
        groups[0].group[:, None] == groups[0].group,
        np.delete(groups[1].group, 1)[:, None] == np.delete(groups[1].group, 1),
    )


def test_bonds_of_a_batch_are_those_among_its_rows() -> None:
    works: list[Work] = [work(k, "T", "Ada Byron") for k in "abcd"]
    index = indexed(works)
    constraints = compile_constraints(index.corpus, [must("a:0", "c:0"), cannot("c:0", "d:0")])
    batch = PairBatch.without_pairs([np.array([0, 1, 3], dtype=np.int32)])
    bonds = BatchConstraints.select(batch, constraints)
    assert bonds.must.tolist() == [0, -1, -1]
    assert bonds.cannot.tolist() == [[0, 2]]
    assert bonds.orcid.tolist() == [-1, -1, -1]


def test_columns_stand_side_by_side_in_their_order() -> None:
    columns = {"one": np.array([1, 2], np.float32), "other": np.array([3, np.nan], np.float32)}
    found = stack_columns(columns, ("other", "one"))
    assert np.array_equal(found, [[3, 1], [np.nan, 2]], equal_nan=True)
    assert found.flags.f_contiguous


def test_what_is_looked_at_in_pieces_comes_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = resolved(batch_of())
    scored, _, rounds_whole = rounds(batch_of())
    monkeypatch.setattr(two_level, "PAIRS_AT_ONCE", 5)
    for module in (two_level, group):
        monkeypatch.setattr(module, "GROUP_PAIRS_AT_ONCE", 7)
    pieces = resolved(batch_of())
    assert pieces.group.tolist() == whole.group.tolist()
    assert pieces.confidence.tolist() == whole.confidence.tolist()
    again, _, rounds_pieces = rounds(batch_of())
    assert again.probability.tolist() == scored.probability.tolist()
    assert len(rounds_pieces) == len(rounds_whole)
    for one, other in zip(rounds_pieces, rounds_whole, strict=True):
        assert one.probability.tolist() == other.probability.tolist()
    assert rounds_whole[0].groups.n_pairs > 7
    assert rounds_whole[0].columns is not None
    assert rounds_pieces[0].columns is None
