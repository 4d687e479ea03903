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
from service.db.database import Database
from service.db.signatures import read_identity_keys
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
    connection: Connection, mentions: int = MAX_MENTIONS, max_blocks: int = MAX_BLOCKS
) -> list[int]:
    """Return keys of the blocks with the most expected errors.

    ``mentions`` limits the total number of their mentions.
    """
    expected_errors = func.sum(1 - Membership.confidence)
    query = (
        select(Signature.block_key, func.count().label("n"))
        .join(Membership, Membership.signature_key == Signature.key)
        .where(Signature.retired_version.is_(None), Signature.block_key.is_not(None))
        .group_by(Signature.block_key)
        .having(func.count() > 1, expected_errors >= MIN_EXPECTED_ERRORS)
        .order_by(expected_errors.desc(), Signature.block_key)
        .limit(max_blocks)
    )
    block_keys: list[int] = []
    mentions_left = mentions
    for key, n in connection.execute(query):
        if key is not None and n <= mentions_left:
            block_keys.append(key)
            mentions_left -= n
    return block_keys


def find_uncertain_cases(
    database: Database, engine: Engine, blocks: Sequence[int], max_per_block: int
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
        snapshot = read_blocks(connection, blocks)
        if snapshot is None:
            return None
        identity_keys = read_identity_keys(connection, snapshot.signature_keys.key.tolist())
    index, work_keys, constraints = index_snapshot(database, engine, model, snapshot)
    corpus = index.corpus
    place_keys = signature_place_key(work_keys[corpus.signature_work], corpus.signature_position)
    key = snapshot.signature_keys.look_up(place_keys)
    identity = np.array(
        [identity_keys.get(signature, UNASSIGNED) for signature in key.tolist()], dtype=np.int64
    )

    from disambig.active_learning.questions import ClusteredBlocks
    from disambig.blocking.blocks import Comparisons, make_blocks
    from disambig.clustering.two_level import ScoredPairs, predict_groups, predict_pairs

    def score_pairs(
        columns: dict[str, Float32],
    ) -> tuple[Float32, Float32]:
        return predict_pairs(model, columns, index.doublings)

    def score_groups(columns: dict[str, Float32]) -> Float32:
        return predict_groups(model, columns, index.doublings)

    comparisons = Comparisons.plan(index, make_blocks(corpus))
    cases: list[UncertainCase] = []
    with engine.progress("Looking for questions", len(comparisons.batches), "batches") as advance:
        for number in range(len(comparisons.batches)):
            scored = ScoredPairs.score(
                index, comparisons.make_batch(number), constraints, score_pairs
            )
            clustered = ClusteredBlocks.of(scored, model)
            rows = scored.batch.rows
            group = _group_as_published(scored.batch.block, identity[rows])
            last = scored.score_groups(group, score_groups)
            questions = replace(
                clustered,
                group=group,
                groups=last.groups,
                group_probability=last.probability,
            ).list_questions(model)
            cases += _select_cases(questions, key[rows], identity[rows], max_per_block)
            advance(1)
    cases.sort(key=lambda case: -case.question.gain)
    return UncertainCases(tuple(blocks), snapshot.based_on, tuple(cases))


def _select_cases(
    questions: Sequence[Question], key: Int64, identity: Int64, max_per_block: int
) -> Iterator[UncertainCase]:
    """Yield the best cases of each block about published identities, each subject once."""
    questions_left: dict[int, int] = {}
    seen_subjects: set[tuple[int, ...]] = set()
    for question in questions:
        sides = int(identity[question.left[0]]), int(identity[question.right[0]])
        subject = tuple(sorted(set(sides)))
        if (
            UNASSIGNED in sides
            or subject in seen_subjects
            or questions_left.get(question.block, max_per_block) == 0
        ):
            continue
        seen_subjects.add(subject)
        questions_left[question.block] = questions_left.get(question.block, max_per_block) - 1
        yield UncertainCase(question, key[question.left], key[question.right], sides)


def _group_as_published(block: Int32, identity: Int64) -> Int32:
    """Return groups of a batch's rows by block and identity, numbered as linkage does; int32[R].

    An unassigned mention is a group of its own.
    """
    unassigned_rows = np.flatnonzero(identity == UNASSIGNED)
    group_identity = identity.copy()
    group_identity[unassigned_rows] = -2 - unassigned_rows
    _, label = np.unique(group_identity, return_inverse=True)
    group_code = block.astype(np.int64) * (int(label.max(initial=0)) + 1) + label
    group: Int32 = np.unique(group_code, return_inverse=True)[1].astype(np.int32)
    return group
