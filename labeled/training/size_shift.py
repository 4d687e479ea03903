"""Fit the size shift of a model: evidence in corpora larger than any that is labelled.

``python -m labeled.training.size_shift MODEL --out MODEL`` generates corpora of a million author
mentions and more, clusters some of their shards as a run would, and fits the second forest of each
level (:mod:`disambig.model.size_shift`) on pairs of known people. All statistics are those of the
whole corpus, so features are what a run over it computes. ``python -m labeled.benchmark.scaling``
measures on corpora of another seed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from disambig import console
from disambig.arrays import Float32
from disambig.blocking.blocks import make_blocks
from disambig.cli import options
from disambig.clustering.two_level import predict_groups, predict_pairs, predict_probabilities
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import CorpusIndex
from disambig.features.group import GROUP_FEATURES
from disambig.ingest import read_labels, read_works
from disambig.model.forest import Forest, fit_forest
from disambig.model.model import Model
from disambig.model.size_shift import SIZE_FEATURES, SIZE_SHIFT_FEATURES, add_size_features
from disambig.out_of_core.shards import make_corpus
from disambig.out_of_core.staging import load_statistics, read_shard, stage
from disambig.progress import Progress, no_progress
from disambig.training.examples import (
    Columns,
    Gold,
    Scorers,
    TrainingRows,
    make_group_rows,
    make_pair_rows,
)
from disambig.training.fit import GROUP_MONOTONE, PAIR_MONOTONE, split_by_label
from labeled.generator.command import generate_corpus

SEED = 1
"""Seed of the generated corpora; those for measuring scaling have another."""
SIGNATURES_PER_SHARD = 125_000
PAIR_TREES, GROUP_TREES, LEAVES, RATE, MIN_LEAF, L2 = 480, 800, 8, 0.1, 40, 2.0
FIRST_LEVEL = 0.93
"""First-level threshold in large corpora; chosen on shards of the same corpora that are not used
for fitting, like :data:`disambig.training.examples.SETTINGS` on the dev split."""
EASY_LOG_ODDS = -4.5
"""Log-odds of the first forest below which pairs of different persons are easy: most rows, and all
similar."""
EASY_SHARE = 0.2
"""Share of easy rows that is sampled; their weight is increased accordingly."""

ALL_GROUP_FEATURES = (*GROUP_FEATURES, *SIZE_SHIFT_FEATURES)
"""Features of the second forest of groups, in addition to the score of the first."""
LABELLED_SIGNATURES = {1_000_000: 150_000, 4_000_000: 150_000, 16_000_000: 300_000}
"""Author mentions of each corpus, and the number of labelled ones used for fitting."""


def count_shards(signatures: int) -> int:
    """Return the number of shards of a corpus."""
    return max(1, signatures // SIGNATURES_PER_SHARD)


def stage_corpus(folder: Path, signatures: int, progress: Progress = no_progress) -> None:
    """Generate a corpus into ``folder/works`` and divide it into shards in ``folder/staged``."""
    generate_corpus(folder / "works", signatures, seed=SEED)
    target = folder / "staged"
    target.mkdir()
    with progress("Dividing works", None, "works") as advance:
        works = read_works([folder / "works" / "works.jsonl.gz"])
        stage(works, target, count_shards(signatures), advance=advance)


def load_golds(
    folder: Path, signatures: int, labelled: int, model: Model, rng: np.random.Generator
) -> list[Gold]:
    """Load shards of a corpus from :func:`stage_corpus`, with the statistics of the whole corpus.

    Labelled blocks are sampled until they have ``labelled`` mentions.
    """
    statistics = load_statistics(folder / "staged" / "statistics")
    labels = {
        (label.signature.work, label.signature.position): label.person
        for label in read_labels([folder / "works" / "labels.jsonl.gz"])
    }
    labelled_works = pa.array(sorted({work for work, _ in labels}), pa.string())
    codes: dict[str, int] = {}
    golds: list[Gold] = []
    remaining = labelled
    for shard in range(count_shards(signatures)):
        table = read_shard(folder / "staged", shard)
        # blocks are labelled as a whole, so those of labelled works are complete
        corpus = make_corpus(table.filter(pc.is_in(table["work"], labelled_works)))
        index = CorpusIndex.from_corpus(corpus, SemanticSpace.load(), model.frequency, statistics)
        person = np.full(corpus.n_signatures, -1, dtype=np.int32)
        for row, signature in enumerate(corpus.signatures()):
            name = labels.get((signature.work, signature.position))
            if name is not None:
                person[row] = codes.setdefault(name, len(codes))
        blocks = [block for block in make_blocks(corpus) if (person[block] >= 0).any()]
        size = np.array([(person[block] >= 0).sum() for block in blocks])
        order = rng.permutation(len(blocks))
        block_numbers = np.sort(order[np.cumsum(size[order]) <= remaining]).tolist()
        remaining -= int(size[block_numbers].sum())
        fold = np.zeros(len(block_numbers), dtype=np.int64)
        golds.append(Gold(index, person, [blocks[k] for k in block_numbers], fold))
        if len(block_numbers) < len(blocks):
            break
    return golds


def fit_size_shift(
    model: Model,
    golds: Sequence[Sequence[Gold]],
    *,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Model:
    """Fit a second forest for each level and return the extended model.

    Parameters
    ----------
    golds : sequence of sequences of Gold
        Shards of each corpus; all corpora have the same weight.
    """
    rng = np.random.default_rng(seed)

    def score_first_pair(columns: Columns) -> Float32:
        return predict_probabilities(model.pair, model.pair_calibration, columns)

    def score_first_group(columns: Columns) -> Float32:
        return predict_probabilities(model.group, model.group_calibration, columns)

    with progress("Pair features", None, "pairs") as advance:
        rows = [[(g, r) for g in of for r in make_pair_rows(g, rng, advance)] for of in golds]
    pair = _fit_forest(_add_size_features(rows, score_first_pair), PAIR_MONOTONE, PAIR_TREES, seed)
    extended = replace(model, pair_size_shift=pair, group_size_shift=None)
    group_parts = [list[tuple[Gold, TrainingRows]]() for _ in golds]
    for stage_name in ("Group features", "Group features, later rounds"):
        with progress(stage_name, None, "pairs") as advance:
            for corpus_golds, parts in zip(golds, group_parts, strict=True):
                for gold in corpus_golds:
                    scorers = _make_scorers(extended, gold.index.doublings)
                    parts += [
                        (gold, rows)
                        for rows in make_group_rows(gold, scorers, rng, advance, ALL_GROUP_FEATURES)
                    ]
        sampled = [
            [(gold, _drop_easy_rows(rows, score_first_group, rng)) for gold, rows in of]
            for of in group_parts
        ]
        group = _fit_forest(
            _add_size_features(sampled, score_first_group), GROUP_MONOTONE, GROUP_TREES, seed
        )
        extended = replace(extended, group_size_shift=group)
    training = [
        {
            "doublings": of[0].index.doublings,
            "signatures": sum(len(block) for gold in of for block in gold.blocks),
        }
        for of in golds
    ]
    return replace(
        extended,
        settings={**model.settings, "first_level_growth": FIRST_LEVEL},
        metadata={**model.metadata, "growth": training},
    )


def _make_scorers(model: Model, doublings: int) -> Scorers:
    def score_pairs(fold: int, columns: Columns) -> tuple[Float32, Float32]:
        return predict_pairs(model, columns, doublings)

    def score_groups(fold: int, columns: Columns) -> Float32:
        return predict_groups(model, columns, doublings)

    return Scorers(score_pairs, score_groups if model.group_size_shift else None)


def _add_size_features(
    corpora: Sequence[Sequence[tuple[Gold, TrainingRows]]],
    score_first: Callable[[Columns], Float32],
) -> TrainingRows:
    """Append the size features to rows and scale the total weight of each corpus to 1."""
    out = []
    for parts in corpora:
        total = sum(float(rows.weight.sum()) for _, rows in parts)
        for gold, rows in parts:
            columns = dict(zip(rows.features, rows.X.T, strict=True))
            X = add_size_features(score_first(columns), columns, gold.index.doublings)
            features = (*rows.features, *SIZE_FEATURES)
            out.append(TrainingRows(X, rows.y, rows.weight / total, rows.fold, features))
    return TrainingRows.concatenate(out)


def _drop_easy_rows(
    rows: TrainingRows, score_first: Callable[[Columns], Float32], rng: np.random.Generator
) -> TrainingRows:
    """Drop most of the easy rows, see :data:`EASY_LOG_ODDS`."""
    probability = score_first(dict(zip(rows.features, rows.X.T, strict=True)))
    is_easy = (rows.y == 0) & (probability < 1 / (1 + np.exp(-EASY_LOG_ODDS)))
    is_sampled = ~is_easy | (rng.random(len(is_easy)) < EASY_SHARE)
    weight = np.where(is_easy, rows.weight / EASY_SHARE, rows.weight).astype(np.float32)
    return TrainingRows(
        rows.X[is_sampled],
        rows.y[is_sampled],
        weight[is_sampled],
        rows.fold[is_sampled],
        rows.features,
    )


def _fit_forest(rows: TrainingRows, monotone: Mapping[str, int], trees: int, seed: int) -> Forest:
    X, y, weight = split_by_label(rows, np.ones(len(rows.y), dtype=bool))
    return fit_forest(
        X,
        y,
        weight / weight.mean(),
        rows.features,
        n_trees=trees,
        leaves=LEAVES,
        learning_rate=RATE,
        min_leaf=MIN_LEAF,
        l2=L2,
        monotone={**monotone, "log_odds": 1},
        seed=seed,
    )


@click.command()
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.out_option("the model")
@click.option(
    "--scratch",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the generated corpora, about 15 GB; the system's temporary folder by default.",
)
@click.option("--seed", default=0, show_default=True)
@options.quiet_option
def main(model: Path, out: Path, scratch: Path | None, seed: int, quiet: bool) -> None:
    """Fit the second forests of MODEL on generated corpora.

    Takes about an hour and up to 17 GB of memory.
    """
    progress = partial(console.show_progress, quiet=quiet)
    fitted_model, golds = Model.load(model), []
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for signatures, labelled in LABELLED_SIGNATURES.items():
            corpus_folder = Path(folder, str(signatures))
            stage_corpus(corpus_folder, signatures, progress)
            golds.append(load_golds(corpus_folder, signatures, labelled, fitted_model, rng))
        fit_size_shift(fitted_model, golds, seed=seed, progress=progress).save(out)


if __name__ == "__main__":
    main()
