"""The benchmark's own arithmetic, on partitions worked out by hand."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from disambig import Author, Corpus, Work
from disambig.arrays import Int64
from disambig.blocking.blocks import make_blocks
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.names import is_compatible, parse_name
from disambig.names.frequency import NameFrequency
from labeled.benchmark.errors import WrongPair, sample_wrong_pairs
from labeled.benchmark.metrics import (
    BlockingLoss,
    Speed,
    Target,
    count_agreeing_pairs,
    measure_blocking_loss,
    measure_variant_recall,
)
from labeled.benchmark.pairs import count_compared_pairs, count_linked_pairs
from labeled.benchmark.reports.tables import sum_speeds


def codes(*values: int) -> Int64:
    return np.array(values, dtype=np.int64)


# Ann has mentions 0 1 2, the last in another block; Bob has 3 and 4 in a third.
LOSS = measure_blocking_loss(
    person=codes(0, 0, 0, 1, 1),
    identity=codes(5, 5, 5, 6, 7),
    block=codes(0, 0, 1, 2, 2),
    compared=1,
    linked=0,
)


def test_pairs_together_counts_pairs_that_agree_in_every_code() -> None:
    assert count_agreeing_pairs(codes(0, 0, 0, 1), codes(7, 7, 8, 8)) == 1


def test_blocking_loss_follows_each_true_pair() -> None:
    # 3 pairs of Ann and 1 of Bob; 2 of Ann's part at the block and end in one identity
    expected = BlockingLoss(true_pairs=4, parted=2, linked_back=2, compared=1, linked=0)
    assert expected == LOSS
    assert LOSS.within == 2


LEES = ("Ann Lee", "A. Lee", "Anna Lee", "Al Lee")


def lees(person: list[int]) -> tuple[CorpusIndex, list[np.ndarray], np.ndarray]:
    """The four Lees, each on a work of one's own: index, blocks and persons."""
    works = [
        Work(str(k), "A title", (Author(name), Author(f"{'Qx' if k % 2 else 'Rx'} Ru")))
        for k, name in enumerate(LEES)
    ]
    index = CorpusIndex.from_corpus(
        Corpus.from_works(works), SemanticSpace.load(), NameFrequency.fit([])
    )
    people = np.full(index.corpus.n_signatures, -1, dtype=np.int64)
    people[index.corpus.author_start[:-1]] = person
    return index, make_blocks(index.corpus), people


def compared(person: list[int]) -> int:
    """True pairs that are scored of the four Lees."""
    return count_compared_pairs(*lees(person))


def test_pairs_of_one_person_whose_names_disagree_are_not_compared() -> None:
    agreeing = [is_compatible(*pair) for pair in combinations(map(parse_name, LEES), 2)]
    assert compared([0, 0, 0, 0]) == sum(agreeing)
    assert 3 <= sum(agreeing) < 6


def test_pairs_are_linked_by_way_of_others_where_each_is_compared_with_the_nearest_alone() -> None:
    # A., who agrees with all, is compared with by each; Ann and Al are linked by way of A. alone
    assert count_linked_pairs(*lees([0, 0, 0, 0]), nearest=3) == 6
    assert count_linked_pairs(*lees([0, -1, 0, 0]), nearest=3) == 1
    assert count_linked_pairs(*lees([0, 1, 2, 3]), nearest=3) == 0


def test_pairs_without_labels_and_of_two_people_are_not_counted() -> None:
    # Ann and A. are one person
    assert compared([0, 0, -1, 1]) == 1


# Id 0 is printed a, a, b on works 0 1 2; id 1 is printed c, d on works 2 3. Identity 1 takes
# all of id 0 and the first mention of id 1, with which it shares work 2.
SILVER = {
    "person": codes(0, 0, 0, 1, 1),
    "identity": codes(1, 1, 1, 1, 2),
    "name": codes(0, 0, 1, 2, 3),
    "work": codes(0, 1, 2, 2, 3),
}


def test_variants_are_pairs_of_one_id_and_two_names() -> None:
    found = measure_variant_recall(**SILVER, block=codes(0, 0, 0, 0, 0))
    assert (found.variant_pairs, found.variants_found) == (3, 2)


def test_all_pairs_of_one_id_are_counted_beside_the_variants() -> None:
    found = measure_variant_recall(**SILVER, block=codes(0, 0, 0, 0, 0))
    assert (found.pairs, found.found) == (4, 3)


def test_two_ids_on_one_work_are_known_apart_and_found_merged() -> None:
    found = measure_variant_recall(**SILVER, block=codes(0, 0, 0, 0, 0))
    assert (found.rivals, found.rivals_merged, found.same_work_merged) == (1, 1, 1)


def test_ids_without_a_common_block_are_no_rivals() -> None:
    found = measure_variant_recall(**SILVER, block=codes(0, 0, 0, 1, 1))
    assert (found.rivals, found.rivals_merged) == (0, 0)


# Identity 0 is {0 1}, identity 1 is {2 3}; Ann is {0}, Bob is {1 2 3}.
PREDICTED, TRUTH = codes(0, 0, 1, 1), codes(0, 1, 1, 1)
ONE_BLOCK = codes(0, 0, 0, 0)


def test_every_wrong_pair_can_be_drawn_and_no_other() -> None:
    drawn = sample_wrong_pairs(PREDICTED, TRUTH, ONE_BLOCK, 10)
    assert set(drawn) == {
        WrongPair(merged=True, a=0, b=1, damage=2 / 2),
        WrongPair(merged=False, a=1, b=2, damage=2 / 3),
        WrongPair(merged=False, a=1, b=3, damage=2 / 3),
    }


def test_wrong_pairs_lie_within_one_block() -> None:
    drawn = sample_wrong_pairs(PREDICTED, TRUTH, codes(0, 1, 1, 1), 10)
    assert {(pair.a, pair.b) for pair in drawn} == {(1, 2), (1, 3)}


def test_a_pair_is_drawn_as_often_as_its_share_of_the_damage() -> None:
    first = Counter(
        pair.merged
        for seed in range(500)
        for pair in sample_wrong_pairs(PREDICTED, TRUTH, ONE_BLOCK, 1, seed)
    )
    assert first[True] / 500 == pytest.approx(3 / 7, abs=0.08)


def test_a_perfect_partition_has_no_errors_to_draw() -> None:
    assert sample_wrong_pairs(TRUTH, TRUTH, ONE_BLOCK, 10) == []


@pytest.mark.parametrize(
    ("f1", "word"), [(0.859, "BELOW"), (0.86, "floor"), (0.919, "floor"), (0.92, "goal")]
)
def test_a_figure_is_placed_between_floor_and_goal(f1: float, word: str) -> None:
    assert Target(0.86, 0.92).compare(f1) == word


def test_speed_of_several_corpora_adds_up_but_memory_does_not() -> None:
    small = Speed(1, 4, 6, 5, 2.0, {"read": 0.5, "compare": 1.5}, 300, 0)
    large = Speed(2, 8, 28, 20, 3.0, {"read": 1.0, "compare": 2.0}, 200, 100)
    together = Speed(3, 12, 34, 25, 5.0, {"read": 1.5, "compare": 3.5}, 300, 100)
    assert sum_speeds([small, large]) == together
