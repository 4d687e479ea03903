"""The engine as a scikit-learn estimator: fit on labels, predict identities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator

from disambig.blocking.blocks import Comparisons, make_blocks
from disambig.clustering.batch import BatchResult, check_model, cluster_batch
from disambig.clustering.constraints import Constraints, compile_constraints
from disambig.clustering.cross_block import join_across_blocks, renumber
from disambig.clustering.doubled_entries import (
    describe_doubled_entries,
    summarise_doubled_entries,
)
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.domain import Author, Constraint, Label, Work
from disambig.kernels.compile import count_kernels, is_cold, watch_compilation
from disambig.model.model import Model
from disambig.partition import Partition
from disambig.processes import prepare_pool, run_batches
from disambig.progress import Progress, no_progress
from disambig.training.fit import LabelledCorpus, fit_model


class Disambiguator(BaseEstimator):  # type: ignore[misc]
    """Assign the author mentions of a corpus to identities.

    Two levels: pairs of signatures are scored by a gradient-boosted forest and grouped at high
    precision by constrained average linkage; pairs of groups are scored by a second forest over
    group features and grouped again. Identities of different blocks are then joined where names
    have changed, swapped order or are divided differently.

    Parameters
    ----------
    model : Model, path or None
        Fitted model or its file; None is the bundled model.
    constraints : sequence of Constraint
        Must-links and cannot-links, enforced at every level.
    identifiers : bool
        Whether equal ORCID iDs and personal e-mail addresses are must-links, and different ORCID
        iDs cannot-links.
    workers : int
        Number of processes. The result does not depend on it. A script with more than one needs
        ``if __name__ == "__main__":``, see :mod:`disambig.processes`.
    seed : int
        For :meth:`fit`.
    progress : Progress
        Progress display, see :mod:`disambig.progress`.

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
        progress: Progress = no_progress,
    ) -> None:
        """Store the parameters; nothing is loaded before it is needed."""
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
        """Assign every signature to an identity.

        Raises
        ------
        ConstraintError
            If must-links contradict cannot-links. Constraints on unknown signatures are ignored
            and reported in the partition's ``problems``.
        ModelError
            If the model does not fit this version.
        """
        compile_kernels(self.progress)
        return self._predict(corpus)

    def _predict(self, corpus: Corpus) -> Partition:
        prepare_pool(self.workers)
        model = self._load_model()
        constraints = compile_constraints(
            corpus, self.constraints, identifiers=self.identifiers, strict=False
        )
        space = SemanticSpace.load()
        model.check_space(space.fingerprint)
        with self.progress("Indexing", None, "words"):
            index = CorpusIndex.from_corpus(corpus, space, model.frequency)
        return cluster_index(
            index, model, constraints, workers=self.workers, progress=self.progress
        )

    def fit_predict(self, corpus: Corpus, labels: Iterable[Label]) -> Partition:
        """Fit on the labels, then assign every signature of the same corpus to an identity."""
        return self.fit(corpus, labels).predict(corpus)

    def _load_model(self) -> Model:
        if not hasattr(self, "model_") or self._source is not self.model:
            source = self.model
            self.model_ = source if isinstance(source, Model) else Model.load(source)
            self._source = source
        check_model(self.model_)
        return self.model_


def cluster_index(
    index: CorpusIndex,
    model: Model,
    constraints: Constraints,
    *,
    workers: int = 1,
    progress: Progress = no_progress,
) -> Partition:
    """Assign every signature of an index to an identity.

    Parameters
    ----------
    index : CorpusIndex
        Of a corpus, or of some of its blocks with the statistics of the whole corpus.
    model : Model
        Fitted to the features and the semantic space of the index.
    constraints : Constraints
        Of the index's corpus.
    workers, progress
        As for :class:`Disambiguator`.
    """
    corpus = index.corpus
    n = corpus.n_signatures
    with progress("Blocking", None, "names"):
        comparisons = Comparisons.plan(index, make_blocks(corpus))
    identity = np.full(n, -1, dtype=np.int32)
    block_of, crowded = renumber(comparisons.number_blocks(n)), comparisons.mask_crowded(n)
    confidence = np.ones(n, dtype=np.float32)
    doubled = [np.empty((0, 2), dtype=np.int32)]
    considered = scored = next_identity = 0
    seconds: dict[str, float] = {}
    total = sum(comparisons.get_load(number) for number in range(len(comparisons.batches)))
    with progress("Comparing", total, "pairs") as advance:
        lean = replace(index, corpus=corpus.without_texts())  # workers read arrays only
        state = (lean, model, constraints, comparisons.with_index(lean))
        results = run_batches(_resolve_batch, state, len(comparisons.batches), workers)
        for number, result in enumerate(results):
            advance(comparisons.get_load(number))
            identity[result.rows] = result.group + next_identity
            confidence[result.rows] = result.confidence
            doubled.append(result.doubled)
            next_identity += int(result.group.max(initial=-1)) + 1
            considered += result.considered
            scored += result.scored
            for stage, spent in result.seconds.items():
                seconds[stage] = seconds.get(stage, 0.0) + spent
    doubled_rows = np.concatenate(doubled)
    left_out = np.zeros(n, dtype=bool)
    left_out[doubled_rows[:, 0]] = True
    warnings = summarise_doubled_entries(describe_doubled_entries(corpus, doubled_rows))
    with progress("Joining across blocks", None, "candidates") as advance:
        identity = join_across_blocks(
            index, model, constraints, renumber(identity), block_of, crowded, left_out, advance
        )
    return Partition(
        corpus,
        identity,
        confidence,
        considered,
        scored,
        (*constraints.problems, *warnings),
        seconds,
    )


def compile_kernels(progress: Progress = no_progress) -> None:
    """Compile the kernels by clustering a few invented works, if no compiled code is stored.

    Compilation takes about half a minute on one core, once after an installation. Without this
    function, the first run would spend that time within other stages, in each of its workers.
    """
    if not is_cold():
        return
    n = count_kernels()
    with (
        progress("Compiling kernels (first run only)", n, "kernels") as advance,
        watch_compilation(advance),
    ):
        Disambiguator()._predict(Corpus.from_works(_invented_works()))


def _invented_works() -> list[Work]:
    """List works that call the kernels: a crowded block, initials, swapped names, many words."""
    names = ("Ada Byron", "Bo Fox", "A. Byron", "Byron Ada", "Cy Ray", "Ada M. Byron", "B. Fox")
    topics = ("parallel database query systems", "inference in probabilistic networks")
    return [
        Work(
            id=f"W{k}",
            title=f"On {topics[k % 2]}",
            authors=tuple(
                Author(name, affiliations=(f"University of Bern {k % 5}",))
                for name in ("Yi Wang", names[k % 7], names[k % 3], f"Di Ox{k % 90}")
            ),
            abstract=f"We study {topics[k % 2]} " + " ".join(f"a{k}b{n}" for n in range(50)),
            venue=f"Conference on {topics[k % 2]}",
            year=2000 + k % 9,
        )
        for k in range(400)
    ]


def _resolve_batch(
    state: tuple[CorpusIndex, Model, Constraints, Comparisons], number: int
) -> BatchResult:
    index, model, constraints, comparisons = state
    return cluster_batch(index, model, constraints, comparisons.make_batch(number))
