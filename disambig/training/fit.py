"""Fit a model from labelled corpora: pairs, then groups and confidence on cross-fitted scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version

import numpy as np

from disambig.arrays import Bool, Float32
from disambig.blocking.blocks import make_blocks
from disambig.clustering.two_level import predict_probabilities
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.domain import Label
from disambig.errors import InputError
from disambig.model.calibration import Calibration, fit_calibration
from disambig.model.forest import Forest, fit_forest
from disambig.model.model import Model
from disambig.names.frequency import NameFrequency
from disambig.progress import Progress, no_progress
from disambig.training.examples import (
    FOLDS,
    SETTINGS,
    Columns,
    Gold,
    Scorers,
    TrainingRows,
    make_confidence_rows,
    make_group_rows,
    make_pair_rows,
)
from disambig.training.thinning import (
    ABSENT_FIELDS,
    Field,
    choose_fields,
    select_works,
    thin_corpus,
)

THINNED_COPIES = len(ABSENT_FIELDS)
"""Thinned copies of each corpus."""
COPIED_LABELS = 2_500
"""Labelled signatures of a thinned copy, about."""
COPY_WEIGHT = 0.3
"""Weight of an example of a thinned copy."""

PAIR_MONOTONE = {
    "coauthors_shared": 1,
    "coauthors_rarity": 1,
    "coauthors_rarest": 1,
    "coauthors_initial_shared": 1,
    "coauthors_hop": 1,
    "text_meaning": 1,
    "title_meaning": 1,
    "affiliation_cosine": 1,
    "citation": 1,
    "citation_rarity": 1,
    "references_shared": 1,
    "references_rarity": 1,
    "references_rarest": 1,
    "references_cosine": 1,
    "references_by_name": 1,
    "collaboration_rarest": 1,
    "year_gap": -1,
}
CONFIDENCE_MONOTONE = {
    "inside_mean": 1,
    "inside_pair_mean": 1,
    "identity_mean": 1,
    "rival_greatest": -1,
    "rival_pair_greatest": -1,
    "rival_sum": -1,
}
GROUP_MONOTONE = {
    "score_mean": 1,
    "score_greatest": 1,
    "coauthors_rarity": 1,
    "coauthors_weight": 1,
    "profile_meaning": 1,
    "affiliation_closest": 1,
    "affiliation_nearest": 1,
    "citations_between": 1,
    "citations_lift": 1,
    "citations_share": 1,
    "references_shared": 1,
    "references_rarest": 1,
    "references_rarest_mean": 1,
    "references_cosine": 1,
    "collaborations_rarest": 1,
    "years_gap": -1,
}


def split_by_label(rows: TrainingRows, mask: Bool) -> tuple[Float32, Float32, Float32]:
    """Return features, labels and weights, with mixed rows in both classes.

    A row whose pairs are partly of one person is divided by its share of same-person pairs.
    """
    X, y, w = rows.X[mask], rows.y[mask], rows.weight[mask]
    is_positive, is_negative = y > 0, y < 1
    return (
        np.concatenate([X[is_positive], X[is_negative]]),
        np.concatenate([np.ones(is_positive.sum()), np.zeros(is_negative.sum())]).astype(
            np.float32
        ),
        np.concatenate([w[is_positive] * y[is_positive], w[is_negative] * (1 - y[is_negative])]),
    )


@dataclass(frozen=True)
class ForestSettings:
    """Size and regularisation of one gradient-boosted forest."""

    n_trees: int
    leaves: int
    learning_rate: float
    min_leaf: int
    l2: float


PAIR_FOREST = ForestSettings(n_trees=150, leaves=8, learning_rate=0.15, min_leaf=40, l2=1.0)
CONFIDENCE_FOREST = ForestSettings(n_trees=60, leaves=8, learning_rate=0.1, min_leaf=80, l2=5.0)
GROUP_FOREST = ForestSettings(n_trees=150, leaves=8, learning_rate=0.05, min_leaf=40, l2=5.0)


def _fit_forest(
    rows: TrainingRows, mask: Bool, settings: ForestSettings, monotone: Mapping[str, int], seed: int
) -> Forest:
    X, y, weight = split_by_label(rows, mask)
    if not 0 < y.mean() < 1:
        raise InputError(
            "the labels are too few or too easy to learn from: in one step all pairs or none are "
            "of one person; add labelled people with similar names"
        )
    return fit_forest(
        X,
        y,
        weight / weight.mean(),
        rows.features,
        n_trees=settings.n_trees,
        leaves=settings.leaves,
        learning_rate=settings.learning_rate,
        min_leaf=settings.min_leaf,
        l2=settings.l2,
        monotone=monotone,
        seed=seed,
    )


def cross_fit(
    rows: TrainingRows,
    settings: ForestSettings,
    monotone: Mapping[str, int],
    seed: int,
    progress: Callable[[int], None],
) -> tuple[Forest, list[Forest], Float32]:
    """Fit one forest per left-out fold; return their mean, the forests, and out-of-fold raw scores.

    The mean becomes the model: it was no less accurate than one forest on all rows, and its
    accuracy depended less on the linkage threshold.
    """
    forests = []
    raw = np.empty(len(rows.y), dtype=np.float32)
    for fold in range(FOLDS):
        in_fold = rows.fold == fold
        forest = _fit_forest(rows, ~in_fold, settings, monotone, seed + fold)
        raw[in_fold] = forest.compute_log_odds(np.asfortranarray(rows.X[in_fold]))
        forests.append(forest)
        progress(1)
    return Forest.average(forests), forests, raw


def _score_unseen_groups(
    forests: Sequence[Forest], calibration: Calibration, fold: int, columns: Columns
) -> Float32:
    return predict_probabilities(forests[fold], calibration, columns)


@dataclass(frozen=True, eq=False)
class LabelledCorpus:
    """One training corpus with its name and the labels that may be used.

    ``different_persons`` are pairs of labelled persons known to be different; None: all are.
    ``weight`` multiplies the weight of its examples.
    """

    name: str
    corpus: Corpus
    labels: Sequence[Label]
    different_persons: Sequence[tuple[str, str]] | None = None
    weight: float = 1.0


def make_thinned_copy(
    corpus: LabelledCorpus, absent: Field, rng: np.random.Generator
) -> LabelledCorpus:
    """Copy some labelled blocks of a corpus without one field, and without others at random."""
    rows = {label: corpus.corpus.row_of(label.signature) for label in corpus.labels}
    is_labelled = np.zeros(corpus.corpus.n_signatures, dtype=bool)
    is_labelled[list(rows.values())] = True
    blocks = [b for b in make_blocks(corpus.corpus) if is_labelled[b].any()]
    size = np.array([is_labelled[b].sum() for b in blocks])
    order = rng.permutation(len(blocks))
    chosen = order[np.cumsum(size[order]) - size[order] < COPIED_LABELS]
    is_copied = np.zeros(corpus.corpus.n_signatures, dtype=bool)
    is_copied[np.concatenate([blocks[k] for k in chosen.tolist()])] = True
    works = np.unique(corpus.corpus.signature_work[is_copied])
    copy = thin_corpus(select_works(corpus.corpus, works), choose_fields(absent, rng))
    labels = [label for label, row in rows.items() if is_copied[row]]
    return replace(corpus, corpus=copy, labels=labels, weight=corpus.weight * COPY_WEIGHT)


def fit_model(
    corpora: Sequence[LabelledCorpus],
    *,
    settings: Mapping[str, float] = SETTINGS,
    metadata: Mapping[str, object] | None = None,
    space: SemanticSpace | None = None,
    n_copies: int | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Model:
    """Fit both levels and the confidence on labelled corpora, cross-fitted and calibrated.

    Parameters
    ----------
    corpora : sequence of LabelledCorpus
    n_copies : int, optional
        Thinned copies of each corpus to fit on in addition (:mod:`disambig.training.thinning`);
        :data:`THINNED_COPIES` by default.
    settings : mapping
        Linkage thresholds.
    metadata : mapping
        Additional metadata for the model, such as dev metrics.
    progress : Progress
        See :mod:`disambig.progress`.
    """
    space = space or SemanticSpace.load()
    frequency = NameFrequency.fit(name for c in corpora for name in c.corpus.names)
    rng = np.random.default_rng(seed)

    def index_labels(corpus: LabelledCorpus) -> Gold:
        index = CorpusIndex.from_corpus(corpus.corpus, space, frequency)
        return Gold.of(index, corpus.labels, corpus.different_persons, corpus.weight)

    golds = [index_labels(corpus) for corpus in corpora]
    for number in range(THINNED_COPIES if n_copies is None else n_copies):
        absent = ABSENT_FIELDS[number % len(ABSENT_FIELDS)]
        golds += [index_labels(make_thinned_copy(corpus, absent, rng)) for corpus in corpora]
    total = None
    with progress("Pair features", total, "pairs") as advance:
        rows = TrainingRows.concatenate(
            [part for g in golds for part in make_pair_rows(g, rng, advance)]
        )
    with progress("Fitting the pair forest", FOLDS, "forests") as advance:
        pair, folds, raw = cross_fit(rows, PAIR_FOREST, PAIR_MONOTONE, seed, advance)
    # Squared weights give blocks of up to PAIRS_PER_BLOCK pairs equal weight: with equal pairs, the
    # few largest blocks would set the base rate for all others (dev: .046 instead of .013 on dblp).
    pair_calibration = fit_calibration(raw, rows.y, rows.weight**2)

    def score_unseen_pairs(fold: int, columns: Columns) -> tuple[Float32, Float32]:
        probability = predict_probabilities(folds[fold], pair_calibration, columns)
        return probability, probability

    scorers = Scorers(score_unseen_pairs)
    group_parts: list[TrainingRows] = []
    for stage in ("Group features", "Group features, later rounds"):
        with progress(stage, total, "pairs") as advance:
            for gold in golds:
                group_parts += make_group_rows(gold, scorers, rng, advance)
        rows = TrainingRows.concatenate(group_parts)
        with progress("Fitting the group forest", FOLDS, "forests") as advance:
            group, group_folds, raw = cross_fit(rows, GROUP_FOREST, GROUP_MONOTONE, seed, advance)
        group_calibration = fit_calibration(raw, rows.y, rows.weight)
        scorers = Scorers(
            score_unseen_pairs, partial(_score_unseen_groups, group_folds, group_calibration)
        )
    with progress("Confidence", total, "pairs") as advance:
        rows = TrainingRows.concatenate(
            [part for gold in golds for part in make_confidence_rows(gold, scorers, advance)]
        ).add_prior()
    with progress("Fitting the confidence forest", FOLDS, "forests") as advance:
        confidence, _, raw = cross_fit(rows, CONFIDENCE_FOREST, CONFIDENCE_MONOTONE, seed, advance)
    return Model(
        pair=pair,
        pair_calibration=pair_calibration,
        group=group,
        group_calibration=group_calibration,
        confidence=confidence,
        confidence_calibration=fit_calibration(raw, rows.y, rows.weight),
        frequency=frequency,
        settings=dict(settings),
        metadata={**_describe_training(corpora, golds, space, seed), **(metadata or {})},
    )


def _describe_training(
    corpora: Sequence[LabelledCorpus], golds: Sequence[Gold], space: SemanticSpace, seed: int
) -> dict[str, object]:
    """Describe the training of a model for its metadata."""
    return {
        "space": space.fingerprint,
        "seed": seed,
        "versions": {name: version(name) for name in ("disambig", "numpy", "scikit-learn")},
        "training": [
            {
                "corpus": c.name,
                "works": c.corpus.n_works,
                "labelled_signatures": int((g.person >= 0).sum()),
                "people": int(g.person.max()) + 1,
                "blocks": len(g.blocks),
                "splits": sorted({label.split for label in c.labels}),
            }
            for c, g in zip(corpora, golds, strict=False)
        ],
    }
