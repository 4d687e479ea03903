"""Constraints of people and the same-work rule, as arrays; properties with identifiers too."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.blocking.pairs import PairBatch
from disambig.clustering.constraints import Constraints, compile_constraints, find_cannot_pairs
from disambig.corpus.corpus import Corpus
from disambig.domain import Author, Constraint, ConstraintKind, Work
from disambig.errors import ConstraintError
from disambig.out_of_core.shards import make_corpus, make_shard_tables
from tests.support.constraint_cases import (
    ONE,
    THREE,
    TWO,
    ada,
    barred,
    cannot,
    must,
    one_block,
    orcid_of,
    signature,
    solo,
    works,
)

# --- what people say ---------------------------------------------------------------------------


def test_nothing_stated_constrains_nothing() -> None:
    corpus = solo(2)
    found = compile_constraints(corpus, [])
    assert found.must.tolist() == [-1, -1]
    assert found.orcid.tolist() == [-1, -1]
    assert barred(found, corpus) == []


def test_an_empty_corpus_can_be_compiled() -> None:
    corpus = solo(0)
    found = compile_constraints(corpus, [])
    assert find_cannot_pairs(found, PairBatch.without_pairs([])).shape == (0, 2)


def test_must_is_transitive_and_numbered_by_first_signature() -> None:
    found = compile_constraints(
        solo(6), [must("w4:0", "w5:0"), must("w3:0", "w0:0"), must("w3:0", "w2:0")]
    )
    assert found.must.tolist() == [0, -1, 0, 0, 1, 1]


def test_cannot_is_a_pair_of_rows_lower_first() -> None:
    found = compile_constraints(solo(3), [cannot("w2:0", "w0:0"), cannot("w0:0", "w2:0")])
    assert found.cannot.tolist() == [[0, 2]]


def test_cannot_holds_for_all_that_must_be_one_with_either_side() -> None:
    corpus = solo(5)
    found = compile_constraints(
        corpus, [must("w0:0", "w1:0"), must("w2:0", "w3:0"), cannot("w1:0", "w2:0")]
    )
    assert barred(found, corpus) == [[0, 2], [0, 3], [1, 2], [1, 3]]


def test_cannot_reaches_a_block_through_a_must_link_into_it() -> None:
    # 0 must be 1, in another block; 1 cannot be 2: so 0 cannot be 2
    corpus = solo(3)
    found = compile_constraints(corpus, [must("w0:0", "w1:0"), cannot("w1:0", "w2:0")])
    assert barred(found, corpus, [0, 2], [1]) == [[0, 2]]


def test_cannot_pairs_stay_within_a_block() -> None:
    corpus = solo(2)
    found = compile_constraints(corpus, [cannot("w0:0", "w1:0")])
    assert barred(found, corpus, [0], [1]) == []


def test_an_unknown_signature_fails_with_its_name() -> None:
    with pytest.raises(ConstraintError, match=r"must w0:0 gone:3 \(user\): no work has the id"):
        compile_constraints(solo(1), [must("w0:0", "gone:3")])


def test_an_unknown_signature_is_left_out_when_not_strict() -> None:
    found = compile_constraints(solo(2), [must("w0:0", "w1:7"), must("w0:0", "w1:0")], strict=False)
    assert found.must.tolist() == [0, 0]
    assert [p.startswith("left out: must w0:0 w1:7 (user)") for p in found.problems] == [True]


def test_hostile_ids_are_escaped_in_messages() -> None:
    with pytest.raises(ConstraintError) as caught:
        compile_constraints(solo(1), [must("w0:0", "\x1b[2J\u202e:0")])
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


def test_bans_between_large_must_groups_and_of_many_orcids_are_few() -> None:
    # 0 to 299 must be one, and so must 300 to 599; each of these is stated not to be each of
    # those. 600 others bear 600 ORCID iDs.
    people = [Author("Ada Byron", email=f"{k // 300}@b.org") for k in range(600)]
    people += [Author("Ada Byron", orcid=orcid_of(k)) for k in range(600)]
    corpus = Corpus.from_works(Work(f"w{k:04}", "T", (a,)) for k, a in enumerate(people))
    links = [cannot(f"w{k:04}:0", f"w{k + 300:04}:0") for k in range(300)]
    found = compile_constraints(corpus, links)
    assert find_cannot_pairs(found, one_block(corpus)).tolist() == [[0, 300]]
    assert sorted(found.orcid.tolist()) == [-1] * 600 + list(range(600))


# --- contradictions ----------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [True, False])
def test_a_contradiction_fails_with_the_chain_that_leads_to_it(strict: bool) -> None:
    with pytest.raises(ConstraintError) as caught:
        compile_constraints(
            solo(4),
            [
                must("w0:0", "w1:0"),
                must("w2:0", "w1:0"),
                must("w2:0", "w3:0"),
                Constraint(ConstraintKind.CANNOT, signature("w2:0"), signature("w0:0"), "reviewer"),
            ],
            strict=strict,
        )
    assert (
        "w0:0 and w2:0: they cannot be one person (reviewer), yet w0:0 must be w1:0 (user), "
        "w1:0 must be w2:0 (user); remove one of these constraints"
    ) in str(caught.value)


def test_every_contradiction_is_listed() -> None:
    with pytest.raises(ConstraintError) as caught:
        compile_constraints(
            solo(4),
            [
                must("w0:0", "w1:0"),
                cannot("w0:0", "w1:0"),
                must("w2:0", "w3:0"),
                cannot("w3:0", "w2:0"),
                must("w0:0", "lost:0"),
            ],
        )
    lines = str(caught.value).splitlines()[1:]
    assert [line.split(":0")[0] for line in lines] == ["  must w0", "  w0", "  w2"]


def test_a_signature_cannot_differ_from_itself() -> None:
    with pytest.raises(ConstraintError, match="w0:0 is itself"):
        compile_constraints(solo(1), [cannot("w0:0", "w0:0")])


# --- two authors of one work -------------------------------------------------------------------


def test_two_authors_of_one_work_are_two_persons() -> None:
    corpus = works((ada(), ada()), (ada(),))
    assert barred(compile_constraints(corpus, []), corpus) == [[0, 1]]


def test_a_pair_that_is_barred_twice_is_listed_once() -> None:
    corpus = works((ada(orcid=ONE), ada(orcid=TWO)))
    found = compile_constraints(corpus, [cannot("a:0", "a:1")])
    assert barred(found, corpus) == [[0, 1]]


def test_a_must_link_on_one_work_overrides_the_rule() -> None:
    corpus = works((ada(), ada(), ada()))
    found = compile_constraints(corpus, [must("a:0", "a:1")])
    assert found.must.tolist() == [0, 0, -1]
    assert barred(found, corpus) == [[0, 2], [1, 2]]


def test_a_must_group_excludes_the_co_authors_of_all_its_members() -> None:
    # a:0 must be b:0, so a:1 cannot be b:0 either, though b is another block
    corpus = works((ada(), ada()), (ada(),))
    found = compile_constraints(corpus, [must("a:0", "b:0")])
    assert barred(found, corpus, [1, 2], [0]) == [[1, 2]]


def test_two_must_groups_with_works_in_common_exclude_each_other() -> None:
    # rows: a:0 a:1 b:0 c:0
    corpus = works((ada(), ada()), (ada(),), (ada(),))
    found = compile_constraints(corpus, [must("a:0", "b:0"), must("a:1", "c:0")])
    assert barred(found, corpus, [2, 3]) == [[2, 3]]


def roundabout() -> tuple[Corpus, list[Constraint]]:
    return works((ada(), ada()), (ada(),)), [must("a:0", "b:0"), must("b:0", "a:1")]


def test_joining_authors_of_one_work_in_a_roundabout_way_fails() -> None:
    corpus, stated = roundabout()
    with pytest.raises(ConstraintError, match="two authors of one work, yet a:0 must be b:0"):
        compile_constraints(corpus, stated)


def test_joining_them_so_is_obeyed_and_listed_when_not_strict() -> None:
    corpus, stated = roundabout()
    found = compile_constraints(corpus, stated, strict=False)
    assert found.must.tolist() == [0, 0, 0]
    assert len(found.problems) == 1


def test_joining_them_so_is_allowed_once_stated_outright() -> None:
    corpus, stated = roundabout()
    found = compile_constraints(corpus, [*stated, must("a:0", "a:1")])
    assert found.must.tolist() == [0, 0, 0]
    assert found.problems == ()


# --- properties --------------------------------------------------------------------------------


@st.composite
def stated(draw: st.DrawFn) -> tuple[Corpus, list[Constraint]]:
    """Works by people of one name with any identifiers, and any statements about them."""
    author = st.builds(
        ada,
        orcid=st.sampled_from([None, None, ONE, TWO, THREE]),
        email=st.sampled_from([None, None, "a@b.org", "c@d.org"]),
    )
    corpus = works(*draw(st.lists(st.lists(author, max_size=3).map(tuple), max_size=6)))
    names = [str(s) for s in corpus.signatures()]
    pairs = list(combinations(names, 2))
    if not pairs:
        return corpus, []
    make: st.SearchStrategy[Callable[[str, str], Constraint]] = st.sampled_from([must, cannot])
    row = st.tuples(make, st.sampled_from(pairs)).map(lambda x: x[0](*x[1]))
    return corpus, draw(st.lists(row, max_size=5))


def compiled(corpus: Corpus, constraints: list[Constraint]) -> Constraints | None:
    try:
        return compile_constraints(corpus, constraints, strict=False)
    except ConstraintError:
        return None


@given(stated())
@settings(deadline=None)
def test_what_people_state_always_holds(case: tuple[Corpus, list[Constraint]]) -> None:
    corpus, constraints = case
    found = compiled(corpus, constraints)
    if found is None:
        return
    together = {
        (i, j)
        for i, j in combinations(range(corpus.n_signatures), 2)
        if found.must[i] == found.must[j] >= 0
    }
    apart = {(i, j) for i, j in barred(found, corpus)}
    for constraint in constraints:
        pair = tuple(sorted((corpus.row_of(constraint.a), corpus.row_of(constraint.b))))
        assert pair in (together if constraint.kind is ConstraintKind.MUST else apart)


@given(stated())
@settings(deadline=None)
def test_no_pair_must_and_cannot(case: tuple[Corpus, list[Constraint]]) -> None:
    corpus, constraints = case
    found = compiled(corpus, constraints)
    if found is not None:
        assert all(
            found.must[i] < 0 or found.must[i] != found.must[j] for i, j in barred(found, corpus)
        )


@given(stated())
@settings(deadline=None)
def test_identifiers_join_no_authors_of_one_work(case: tuple[Corpus, list[Constraint]]) -> None:
    corpus, _ = case
    found = compile_constraints(corpus, [])
    bound = np.flatnonzero(found.must >= 0)
    places = list(zip(found.must[bound], corpus.signature_work[bound], strict=True))
    assert len(places) == len(set(places))


@given(case=stated(), cuts=st.lists(st.integers(0, 18), max_size=3))
@settings(deadline=None)
def test_bans_are_those_of_the_definition(
    case: tuple[Corpus, list[Constraint]], cuts: list[int]
) -> None:
    corpus, constraints = case
    found = compiled(corpus, constraints)
    if found is None:
        return
    n, must = corpus.n_signatures, found.must.tolist()
    mates = [[j for j in range(n) if j == i or must[i] == must[j] >= 0] for i in range(n)]
    works = [{int(corpus.signature_work[m]) for m in mine} for mine in mates]
    said = {tuple(pair) for pair in found.cannot.tolist()}
    orcid = found.orcid.tolist()

    def apart(i: int, j: int) -> bool:
        ends = {(min(a, b), max(a, b)) for a in mates[i] for b in mates[j]}
        two = min(orcid[i], orcid[j]) >= 0 and orcid[i] != orcid[j]
        return j not in mates[i] and bool(two or works[i] & works[j] or ends & said)

    edges = [0, *sorted(min(cut, n) for cut in cuts), n]
    blocks = [list(range(low, high)) for low, high in pairwise(edges)]
    expected = [[i, j] for b in blocks for i, j in combinations(b, 2) if apart(i, j)]
    assert barred(found, corpus, *blocks) == expected


@given(stated())
@settings(deadline=None)
def test_bans_are_closed_under_must(case: tuple[Corpus, list[Constraint]]) -> None:
    corpus, constraints = case
    found = compiled(corpus, constraints)
    if found is None:
        return
    apart = {frozenset(p) for p in barred(found, corpus)}
    for pair in apart:
        a, b = sorted(pair)
        for other in range(corpus.n_signatures):
            if found.must[other] == found.must[a] >= 0:
                assert frozenset((other, b)) in apart
            if found.must[other] == found.must[b] >= 0:
                assert frozenset((a, other)) in apart


@given(case=stated(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_order_of_statements_does_not_matter(
    case: tuple[Corpus, list[Constraint]], seed: int
) -> None:
    corpus, constraints = case
    order = np.random.default_rng(seed).permutation(len(constraints))
    one = compiled(corpus, constraints)
    other = compiled(corpus, [constraints[k] for k in order])
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one.must.tolist() == other.must.tolist()
        assert barred(one, corpus) == barred(other, corpus)


@given(case=stated(), cuts=st.lists(st.integers(0, 18), max_size=3))
@settings(deadline=None)
def test_a_batch_of_blocks_has_the_cannot_pairs_of_each_block(
    case: tuple[Corpus, list[Constraint]], cuts: list[int]
) -> None:
    corpus, constraints = case
    found = compiled(corpus, constraints)
    if found is None:
        return
    every = list(range(corpus.n_signatures))
    edges = [0, *sorted(cuts), len(every)]
    blocks = [every[low:high] for low, high in pairwise(edges)]
    alone = [pair for block in blocks for pair in barred(found, corpus, block)]
    assert barred(found, corpus, *blocks) == alone


# --- parts of a corpus -------------------------------------------------------------------------


def part_of(corpus: Corpus, rows: list[int]) -> Corpus:
    """The corpus of some signatures alone."""
    shard = np.ones(corpus.n_signatures, dtype=np.int64)
    shard[rows] = 0
    return make_corpus(make_shard_tables(corpus, shard, 2)[0])


@given(case=stated(), data=st.data())
@settings(deadline=None)
def test_constraints_on_a_part_are_those_of_the_whole(
    case: tuple[Corpus, list[Constraint]], data: st.DataObject
) -> None:
    corpus, constraints = case
    found = compiled(corpus, constraints)
    if found is None:
        return
    every = st.sampled_from(range(corpus.n_signatures)) if corpus.n_signatures else st.nothing()
    rows = sorted(data.draw(st.sets(every)) if corpus.n_signatures else set())
    part = part_of(corpus, rows)
    there = found.transfer(corpus, part)
    assert there.must.tolist() == found.must[rows].tolist()
    assert there.orcid.tolist() == found.orcid[rows].tolist()
    assert (there.cannot[:, 0] < there.cannot[:, 1]).all()
    here = [[rows[i], rows[j]] for i, j in barred(there, part)]
    assert here == barred(found, corpus, rows)


@given(case=stated(), data=st.data())
@settings(deadline=None)
def test_constraints_of_a_part_are_carried_to_a_larger_corpus(
    case: tuple[Corpus, list[Constraint]], data: st.DataObject
) -> None:
    corpus, constraints = case
    if not corpus.n_signatures:
        return
    rows = sorted(data.draw(st.sets(st.sampled_from(range(corpus.n_signatures)), min_size=1)))
    part = part_of(corpus, rows)
    found = compiled(part, [c for c in constraints if {c.a, c.b} <= set(part.signatures())])
    if found is None:
        return
    there = found.transfer(part, corpus)
    assert there.must[rows].tolist() == found.must.tolist()
    elsewhere = sorted(set(range(corpus.n_signatures)) - set(rows))
    assert (there.must[elsewhere] == -1).all()
    assert (there.orcid[elsewhere] == -1).all()
    assert barred(there, corpus, rows) == [[rows[i], rows[j]] for i, j in barred(found, part)]


def test_a_cannot_link_of_a_signature_elsewhere_holds_for_its_must_group_here() -> None:
    # 0 must be 1, 1 cannot be 2; 1 is not in the part
    corpus = solo(3)
    found = compile_constraints(corpus, [must("w0:0", "w1:0"), cannot("w1:0", "w2:0")])
    part = part_of(corpus, [0, 2])
    assert found.transfer(corpus, part).cannot.tolist() == [[0, 1]]


def test_must_groups_that_share_a_work_elsewhere_exclude_each_other_here() -> None:
    # rows: a:0 a:1 b:0 c:0; b:0 and c:0 follow two authors of a, which is elsewhere
    corpus = works((ada(), ada()), (ada(),), (ada(),))
    found = compile_constraints(corpus, [must("a:0", "b:0"), must("a:1", "c:0")])
    part = part_of(corpus, [2, 3])
    assert barred(found.transfer(corpus, part), part) == [[0, 1]]
