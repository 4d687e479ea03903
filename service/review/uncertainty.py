"""Uncertainty: select the blocks with most expected errors, and score them again for tasks.

A mention's confidence is the probability that its published identity is correct. The expected
number of errors in a block is therefore the sum of one minus confidence. The blocks with the most
expected errors are scored again as published, under the decisions in force.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection, func, select

from disambig.arrays import Float32, Int32, Int64
from service.db.bulk import is_in, read_integer_table
from service.db.database import Database
from service.db.tables import Membership, Signature
from service.runs.full_run import Engine
from service.runs.incremental_run import index_snapshot, read_blocks
from service.works.read import signature_place_key

if TYPE_CHECKING:
    from disambig.active_learning.questions import Question


MAX_MENTIONS = 20_000
"""Maximum number of mentions in all blocks that are scored."""
MAX_BLOCKS = 2_000
"""Maximum number of blocks that are scored."""
MIN_EXPECTED_ERRORS = 0.01
"""Minimum expected number of errors in a block that is scored."""
UNASSIGNED = -1


@dataclass(frozen=True, eq=False)
class UncertainCase:
    """An uncertain decision of the engine about two identities, or two parts of one.

    Attributes
    ----------
    question : Question
    left, right : int64[a], int64[b]
        Keys of the mentions on each side.
    sides : (int, int)
        Identity keys of the sides: two to merge, the same one twice to split.
    """

    question: Question
    left: Int64
    right: Int64
    sides: tuple[int, int]

    @property
    def identities(self) -> tuple[int, ...]:
        """Key of the identity to split, or keys of the two to merge."""
        return tuple(sorted(set(self.sides)))


@dataclass(frozen=True, eq=False)
class UncertainCases:
    """Uncertain cases of blocks, most valuable first, as of event ``based_on``."""

    blocks: tuple[int, ...]
    based_on: int
    cases: tuple[UncertainCase, ...]


def list_uncertain_blocks(
    connection: Connection, mentions: int = MAX_MENTIONS, most: int = MAX_BLOCKS
) -> list[int]:
    """Return keys of the blocks with the most expected errors.

    ``mentions`` limits the total number of their mentions.
    """
    wrong = func.sum(1 - Membership.confidence)
    query = (
        select(Signature.block_key, func.count().label("n"))
        .join(Membership, Membership.signature_key == Signature.key)
        .where(Signature.retired_version.is_(None), Signature.block_key.is_not(None))
        .group_by(Signature.block_key)
        .having(func.count() > 1, wrong >= MIN_EXPECTED_ERRORS)
        .order_by(wrong.desc(), Signature.block_key)
        .limit(most)
    )
    block_keys: list[int] = []
    left = mentions
    for key, n in connection.execute(query):
        if key is not None and n <= left:
            block_keys.append(key)
            left -= n
    return block_keys


def find_uncertain_cases(
    database: Database, engine: Engine, blocks: Sequence[int], each: int
) -> UncertainCases | None:
    """Find uncertain cases in blocks as published; None without the statistics of a full run.

    Parameters
    ----------
    max_per_block : int
        Maximum number of cases of one block.

    Raises
    ------
    ConstraintError, ModelError, Unavailable
    """
    model = engine.load_model()
    with engine.progress("Reading works", None, "works"), database.read() as connection:
        part = read_blocks(connection, blocks)
        if part is None:
            return None
        published = _published(connection, part.signature_keys.key)
    index, work_keys, constraints = index_snapshot(database, engine, model, part)
    corpus = index.corpus
    place = signature_place_key(work_keys[corpus.signature_work], corpus.signature_position)
    key = part.signature_keys.look_up(place)
    identity = _looked_up(published, key)

    from disambig.active_learning.questions import ClusteredBlocks
    from disambig.blocking.blocks import Comparisons, make_blocks
    from disambig.clustering.two_level import ScoredPairs, predict_groups, predict_pairs

    def pairs(
        columns: dict[str, Float32],
    ) -> tuple[Float32, Float32]:
        return predict_pairs(model, columns, index.doublings)

    def between(columns: dict[str, Float32]) -> Float32:
        return predict_groups(model, columns, index.doublings)

    compared = Comparisons.of(index, make_blocks(corpus))
    cases: list[UncertainCase] = []
    with engine.progress("Looking for questions", len(compared.batches), "batches") as advance:
        for number in range(len(compared.batches)):
            scored = ScoredPairs.of(index, compared.make_batch(number), constraints, pairs)
            settled = ClusteredBlocks.of(scored, model)
            rows = scored.batch.rows
            group = _as_published(scored.batch.block, identity[rows])
            last = scored.score_groups(group, between)
            questions = replace(
                settled,
                group=group,
                groups=last.groups,
                group_probability=last.probability,
            ).list_questions(model)
            cases += _kept(questions, key[rows], identity[rows], each)
            advance(1)
    cases.sort(key=lambda doubt: -doubt.question.gain)
    return UncertainCases(tuple(blocks), part.based_on, tuple(cases))


def _kept(
    asked: Sequence[Question], key: Int64, identity: Int64, each: int
) -> Iterator[UncertainCase]:
    """Yield the best cases of each block about published identities, each subject once."""
    left: dict[int, int] = {}
    seen: set[tuple[int, ...]] = set()
    for question in asked:
        sides = int(identity[question.left[0]]), int(identity[question.right[0]])
        about = tuple(sorted(set(sides)))
        if UNASSIGNED in sides or about in seen or left.get(question.block, each) == 0:
            continue
        seen.add(about)
        left[question.block] = left.get(question.block, each) - 1
        yield UncertainCase(question, key[question.left], key[question.right], sides)


def _as_published(block: Int32, identity: Int64) -> Int32:
    """Return groups of a batch's rows by block and identity, numbered as linkage does; int32[R].

    An unassigned mention is a group of its own.
    """
    alone = np.flatnonzero(identity == UNASSIGNED)
    own = identity.copy()
    own[alone] = -2 - alone
    _, label = np.unique(own, return_inverse=True)
    both = block.astype(np.int64) * (int(label.max(initial=0)) + 1) + label
    found: Int32 = np.unique(both, return_inverse=True)[1].astype(np.int32)
    return found


def _published(connection: Connection, signatures: Int64) -> Int64:
    """Read signature and identity keys of published mentions; int64[n, 2], by signature."""
    query = select(Membership.signature_key, Membership.identity_key).where(
        is_in(connection, Membership.signature_key, signatures.tolist())
    )
    rows = read_integer_table(connection, query)
    return rows[np.argsort(rows[:, 0], kind="stable")]


def _looked_up(published: Int64, key: Int64) -> Int64:
    """Return the identity key of each signature, UNASSIGNED for those without."""
    if not len(published):
        return np.full(len(key), UNASSIGNED, dtype=np.int64)
    at = np.minimum(np.searchsorted(published[:, 0], key), len(published) - 1)
    return np.where(published[at, 0] == key, published[at, 1], UNASSIGNED)
