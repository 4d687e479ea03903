"""Joins decided among the identities they speak of are those decided among all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from disambig.blocking.cross_block import get_identity_blocks
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.clustering.cross_block import join_must_groups, join_probable, renumber
from disambig.corpus.corpus import Corpus
from disambig.domain import Author
from disambig.errors import ConstraintError
from disambig.spark.joins import compute_joins, compute_moves
from tests.support.constraint_cases import cannot, must, works

MODEL = SimpleNamespace(settings={"across": 0.5})


@dataclass
class Case:
    """Signatures of a corpus, each with an identity of one block, and constraints."""

    corpus: Corpus
    identity: np.ndarray
    block: np.ndarray
    constraints: Constraints

    def table(self, rows: np.ndarray, **numbers: np.ndarray) -> pa.Table:
        """Some signatures, last one first: the order of rows must not matter."""
        signatures = [self.corpus.signature(row) for row in rows[::-1].tolist()]
        columns = {
            "work": [s.work for s in signatures],
            "position": [s.position for s in signatures],
        }
        return pa.table({**columns, **{k: v[rows][::-1] for k, v in numbers.items()}})


@st.composite
def cases(draw: st.DrawFn) -> Case:
    sizes = draw(st.lists(st.integers(1, 2), min_size=2, max_size=9))
    corpus = works(*(tuple(Author("Ada Byron") for _ in range(size)) for size in sizes))
    n = corpus.n_signatures
    # numbers with gaps, in no order: identities are named by Spark, not counted
    identity = np.array(draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))) * 7 % 11
    block_of = draw(st.lists(st.integers(0, 3), min_size=11, max_size=11))
    rows = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] != p[1])

    def drawn(kind: object) -> list:
        return [
            kind(*(str(corpus.signature(row)) for row in pair))
            for pair in draw(st.lists(rows, max_size=3))
        ]

    try:
        constraints = compile_constraints(corpus, [*drawn(must), *drawn(cannot)], strict=False)
    except ConstraintError:
        constraints = compile_constraints(corpus, [])
    return Case(corpus, identity, np.array(block_of)[identity], constraints)


@given(cases())
def test_must_links_move_what_they_move_in_the_whole_corpus(case: Case) -> None:
    whole = join_must_groups(case.constraints, renumber(case.identity))
    # an atom is named by its first signature, an identity by its first atom
    code = case.identity * 100 + case.constraints.must
    first = {c: row for row, c in reversed(list(enumerate(code.tolist())))}
    atom = np.array([first[c] for c in code.tolist()])
    name = np.array([atom[case.identity == i].min() for i in case.identity])
    spanning = defaultdict(set)
    for group, identity in zip(case.constraints.must.tolist(), name.tolist(), strict=True):
        spanning[group].add(identity)
    touched = {i for g, found in spanning.items() if g >= 0 and len(found) > 1 for i in found}
    rows = np.flatnonzero(np.isin(name, list(touched)))
    if len(rows):
        blocks = np.unique(case.block)
        at = [case.corpus.signature(np.flatnonzero(case.block == b)[0]) for b in blocks]
        places = [{"work": s.work, "position": s.position} for s in at]
        moves = compute_moves(
            case.table(rows, atom=atom, identity=name, block=case.block),
            pa.table({"block": blocks, "first": places}),
            case.corpus,
            case.constraints,
        )
        to = {a: (i, b) for a, i, b in zip(*moves.to_pydict().values(), strict=True)}
    else:
        to = {}
    found = [
        to.get(a, (i, b))
        for a, i, b in zip(atom.tolist(), name.tolist(), case.block.tolist(), strict=True)
    ]
    assert renumber(np.array([i for i, _ in found])).tolist() == whole.tolist()
    _, ranks = np.unique(renumber(case.block), return_index=True)
    of_identity = case.block[ranks][get_identity_blocks(whole, renumber(case.block))]
    assert [b for _, b in found] == of_identity[whole].tolist()


@given(cases(), st.data())
def test_likely_joins_are_those_of_the_whole_corpus(case: Case, data: st.DataObject) -> None:
    # joining comes after must-links were held: a must-group lies in one identity
    number = join_must_groups(case.constraints, renumber(case.identity))
    block_of = get_identity_blocks(number, case.block)
    n = int(number.max()) + 1
    names = np.array(data.draw(st.permutations(range(0, 2 * n, 2))))
    identity = names[number]
    apart = [(a, b) for b in range(n) for a in range(b) if block_of[a] != block_of[b]]
    chosen = data.draw(st.lists(st.sampled_from(apart), unique=True)) if apart else []
    if not chosen:
        return
    probability = np.array([data.draw(st.sampled_from([0.6, 0.7])) for _ in chosen], np.float32)
    pairs = np.array(chosen)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    whole = join_probable(
        case.constraints, number, block_of, pairs[order], probability[order], MODEL
    )
    moves = compute_joins(
        case.table(
            np.flatnonzero(np.isin(number, pairs)), identity=identity, block=block_of[number]
        ),
        pa.table({"a": names[pairs[:, 0]], "b": names[pairs[:, 1]], "probability": probability}),
        case.corpus,
        case.constraints,
        MODEL,
    )
    to = dict(zip(*(moves.column(c).to_pylist() for c in moves.column_names), strict=True))
    found = [to.get(i, i) for i in identity.tolist()]
    assert renumber(np.array(found)).tolist() == whole.tolist()
