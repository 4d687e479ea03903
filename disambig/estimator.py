"""The engine as a scikit-learn-like object: fit on labels, predict identities."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from disambig.across import join_across, renumber
from disambig.apart import end_with_parent
from disambig.blocking import Comparisons, blocks_of
from disambig.constraints import Constraints, compile_constraints
from disambig.corpus import Corpus
from disambig.domain import Constraint, Label
from disambig.engine import Resolved, resolve
from disambig.group_features import GROUP_FEATURES
from disambig.index import CorpusIndex
from disambig.model import Model
from disambig.pair_features import PAIR_FEATURES
from disambig.partition import Partition
from disambig.progress import Progress, silent
from disambig.semantic import SemanticSpace
from disambig.training import LabelledCorpus, fit_model

Int32 = npt.NDArray[np.int32]


class Disambiguator(BaseEstimator):  # type: ignore[misc]
    """Decide which author mentions of a corpus are one person.

    Two levels: pairs of signatures are scored by a gradient-boosted forest and grouped at high
    precision by average linkage; pairs of groups are scored by a second forest over group-level
    evidence and grouped again. Identities of different blocks are then joined where names have
    changed, swapped order or are divided differently.

    Parameters
    ----------
    model : Model, path or None
        Fitted model or its file; None is the model that ships.
    constraints : sequence of Constraint
        What must or cannot be one person; holds at every level.
    identifiers : bool
        Whether equal ORCID iDs and personal e-mail addresses bind, and different ORCID iDs part.
    workers : int
        Processes. The result does not depend on it.
    seed : int
        For :meth:`fit`.
    progress : Progress
        How to show what is going on, see :mod:`disambig.progress`.

    Attributes
    ----------
    model_ : Model
        The model in use after :meth:`fit` or :meth:`predict`.

    Examples
    --------
    >>> from disambig import Corpus, Disambiguator, read_works
    >>> corpus = Corpus.from_works(read_works(["works.jsonl"]))  # doctest: +SKIP
    >>> people = Disambiguator().predict(corpus)  # doctest: +SKIP
    >>> people.n_identities  # doctest: +SKIP
    286
    """

    def __init__(
        self,
        *,
        model: Model | str | Path | None = None,
        constraints: Sequence[Constraint] = (),
        identifiers: bool = True,
        workers: int = 1,
        seed: int = 0,
        progress: Progress = silent,
    ) -> None:
        """Keep the parameters; nothing is loaded before it is needed."""
        self.model = model
        self.constraints = constraints
        self.identifiers = identifiers
        self.workers = workers
        self.seed = seed
        self.progress = progress

    def fit(self, corpus: Corpus, labels: Iterable[Label]) -> Disambiguator:
        """Fit a new model on a labelled corpus.

        Raises
        ------
        InputError
            If a label names a signature the corpus does not have, or too few people are labelled.
        """
        self.model_ = fit_model(
            [LabelledCorpus("corpus", corpus, list(labels))],
            seed=self.seed,
            progress=self.progress,
        )
        self._source = self.model
        return self

    def predict(self, corpus: Corpus) -> Partition:
        """Give every signature an identity.

        Raises
        ------
        ConstraintError
            If must-links contradict cannot-links. Constraints on unknown signatures are left
            out and told in the partition's ``problems``.
        ModelError
            If the model does not fit this version.
        """
        model = self._fitted()
        constraints = compile_constraints(
            corpus, self.constraints, identifiers=self.identifiers, strict=False
        )
        space = SemanticSpace.load()
        model.check_space(space.fingerprint)
        with self.progress("Indexing", None, "words"):
            index = CorpusIndex.of(corpus, space, model.frequency)
        return cluster_index(
            index, model, constraints, workers=self.workers, progress=self.progress
        )

    def fit_predict(self, corpus: Corpus, labels: Iterable[Label]) -> Partition:
        """Fit on the labels, then give every signature of the same corpus an identity."""
        return self.fit(corpus, labels).predict(corpus)

    def _fitted(self) -> Model:
        if not hasattr(self, "model_") or self._source is not self.model:
            given = self.model
            self.model_ = given if isinstance(given, Model) else Model.load(given)
            self._source = given
        self.model_.check_features(PAIR_FEATURES, GROUP_FEATURES)
        return self.model_


def cluster_index(
    index: CorpusIndex,
    model: Model,
    constraints: Constraints,
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> Partition:
    """Give every signature of an index an identity.

    Parameters
    ----------
    index : CorpusIndex
        Of a corpus, or of some blocks of one with the statistics of the whole.
    model : Model
        Fitted to the features and the space that the index was made with.
    constraints : Constraints
        Of the index's corpus.
    workers, progress
        As for :class:`Disambiguator`.
    """
    corpus = index.corpus
    n = corpus.n_signatures
    with progress("Blocking", None, "names"):
        compared = Comparisons.of(index, blocks_of(corpus))
    identity = np.full(n, -1, dtype=np.int32)
    block_of, crowded = renumber(compared.block_of(n)), compared.crowded(n)
    confidence = np.ones(n, dtype=np.float32)
    considered = scored = next_identity = 0
    seconds: dict[str, float] = {}
    total = sum(compared.load(number) for number in range(len(compared.batches)))
    with progress("Comparing", total, "pairs") as advance:
        for number, found in enumerate(run_batches(index, model, constraints, compared, workers)):
            advance(compared.load(number))
            identity[found.rows] = found.group + next_identity
            confidence[found.rows] = found.confidence
            next_identity += int(found.group.max(initial=-1)) + 1
            considered += found.considered
            scored += found.scored
            for stage, spent in found.seconds.items():
                seconds[stage] = seconds.get(stage, 0.0) + spent
    with progress("Joining across blocks", None, "candidates") as advance:
        identity = join_across(
            index, model, constraints, renumber(identity), block_of, crowded, advance
        )
    return Partition(
        corpus, identity, confidence, considered, scored, constraints.problems, seconds
    )


_shared: tuple[CorpusIndex, Model, Constraints, Comparisons] | None = None


def _resolve_shared(number: int) -> Resolved:
    if _shared is None:
        raise RuntimeError("worker started without its corpus")
    index, model, constraints, compared = _shared
    return resolve(index, model, constraints, compared.batch(number))


def run_batches(
    index: CorpusIndex,
    model: Model,
    constraints: Constraints,
    compared: Comparisons,
    workers: int,
) -> Iterator[Resolved]:
    """Cluster all batches in order, in this process or in forked ones that share its arrays."""
    numbers = range(len(compared.batches))
    if workers <= 1 or len(numbers) <= 1:
        yield from (resolve(index, model, constraints, compared.batch(n)) for n in numbers)
        return
    global _shared  # forked workers read the parent's arrays in place; nothing is pickled
    _shared = (index, model, constraints, compared)
    try:
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(workers, fork, end_with_parent) as pool:
            yield from pool.map(_resolve_shared, numbers)
    finally:
        _shared = None
