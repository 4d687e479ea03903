"""First-level probabilities of labelled pairs, to evaluate their calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from disambig.arrays import Bool, Float32, Int32, Int64
from disambig.blocking.blocks import Comparisons, make_blocks
from disambig.blocking.pairs import PairBatch, find_positions, list_pairs
from disambig.clustering.batch import check_model
from disambig.clustering.two_level import predict_pairs
from disambig.corpus.index import CorpusIndex
from disambig.domain import Label
from disambig.features.groups import UNLISTED_PROBABILITY
from disambig.features.pair import compute_pair_features
from disambig.model.model import Model


@dataclass(frozen=True, eq=False)
class LabelledPairs:
    """Pairs within blocks both of whose signatures are labelled, in order of the blocks.

    ``left`` < ``right`` int32[n] are signature rows, ``probability`` float32[n] is that of the
    first level, ``same`` bool[n] whether the labels name one person.
    """

    left: Int32
    right: Int32
    probability: Float32
    same: Bool


def score_labelled_pairs(
    index: CorpusIndex,
    model: Model,
    labels: Iterable[Label],
    progress: Callable[[int], None] = lambda n: None,
) -> LabelledPairs:
    """Score every pair of labelled signatures that share a block, calibrated.

    Blocks are those of a run over the whole corpus, since some features depend on the block; only
    labelled pairs are scored. Pairs that a run does not compare get the probability that it
    assumes, :data:`disambig.features.groups.UNLISTED_PROBABILITY`. Memory holds the features of one
    batch of blocks at a time (:data:`disambig.blocking.blocks.PAIRS_PER_BATCH` pairs, or one large
    block) and 13 bytes for each labelled pair.

    Parameters
    ----------
    index : CorpusIndex
        Of the corpus that the labels refer to.
    model : Model
    labels : iterable of Label
        Each signature at most once.
    progress : callable
        Called with the number of pairs done since the last call.

    Raises
    ------
    InputError
        A label names an unknown signature.
    ModelError
        The model does not fit this version.
    """
    check_model(model)
    person = _number_people(index, labels)
    empty = np.empty(0, dtype=np.int32)
    parts = [LabelledPairs(empty, empty, empty.astype(np.float32), empty.astype(bool))]
    comparisons = Comparisons.plan(index, _list_blocks_with_pairs(index, person))
    for number in range(len(comparisons.batches)):
        batch = comparisons.make_batch(number)
        of_row = person[batch.rows]
        a, b = of_row[batch.left], of_row[batch.right]
        labelled = np.flatnonzero((a >= 0) & (b >= 0))
        columns = {
            name: column[labelled] for name, column in compute_pair_features(index, batch).items()
        }
        _, probability = predict_pairs(model, columns, index.doublings)
        parts.append(_add_absent_pairs(batch, of_row, labelled, probability))
        progress(batch.n_pairs)
    return LabelledPairs(
        np.concatenate([part.left for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.same for part in parts]),
    )


def _add_absent_pairs(
    batch: PairBatch, person: Int32, scored_pairs: Int64, scored_probability: Float32
) -> LabelledPairs:
    """Return all labelled pairs of a batch: those scored, and those not compared."""
    labelled = np.flatnonzero(person >= 0)
    start = np.searchsorted(labelled, batch.start)
    left, right = (labelled[end] for end in list_pairs(start))
    probability = np.full(len(left), UNLISTED_PROBABILITY, dtype=np.float32)
    width = len(batch.rows)
    scored_codes = batch.left[scored_pairs].astype(np.int64) * width + batch.right[scored_pairs]
    index = find_positions(left.astype(np.int64) * width + right, scored_codes)
    probability[index] = scored_probability
    ends = batch.rows[left], batch.rows[right]
    same = person[left] == person[right]
    return LabelledPairs(np.minimum(*ends), np.maximum(*ends), probability, same)


def _number_people(index: CorpusIndex, labels: Iterable[Label]) -> Int32:
    """Number the person of each signature, -1 without a label."""
    person = np.full(index.corpus.n_signatures, -1, dtype=np.int32)
    codes: dict[str, int] = {}
    for label in labels:
        person[index.corpus.row_of(label.signature)] = codes.setdefault(label.person, len(codes))
    return person


def _list_blocks_with_pairs(index: CorpusIndex, person: Int32) -> list[Int32]:
    """List the blocks that contain two labelled signatures or more."""
    return [block for block in make_blocks(index.corpus) if (person[block] >= 0).sum() > 1]
