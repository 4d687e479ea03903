"""Extend the semantic space to the words of all fields: run this module with ``python -m``.

The space of :mod:`labeled.training.embeddings` was distilled on computer science, so many words of
physics, biology, economics and patents have no vector in it, and others have the vector of what
they mean in computing. This module adds the evidence of plain text of all fields:

1. A word without a vector gets the direction that its contexts predict: the mean embedding of the
   texts that use it, mapped by ridge regression fitted on the words that have a vector (à la carte
   embedding, Khodak et al., ACL 2018), and the length of known words as frequent.
2. Latent semantic analysis of the texts, weighted by smooth inverse frequency (Arora, Liang and Ma,
   ICLR 2017), gives every word a second vector. Its first axis, common to all texts, is dropped.
3. Both vectors side by side are reduced to the dimension of the space by the principal axes of the
   texts within each corpus, each corpus with equal weight.

No author, label or identity is read. About a minute on one core::

    python -m labeled.training.field_space CORPORA… --start distilled.npz --out semantic.npz

The shipped space was made with the nine labelled corpora; ``--start`` must be a space that is not
extended yet. Area under the curve of one person, pairs of a block, from title, keywords and
abstract, with the space fitted without the works that are measured (train split, before -> after):
acl .633 -> .633, aminer .825 -> .843, crossref .807 -> .844, dblp .821 -> .827, economics
.631 -> .647, hep .741 -> .864, ml .848 -> .851, plants .823 -> .837. On dev with the shipped
space, which read those works: acl .628 -> .630, aminer .782 -> .788, crossref .907 -> .922, dblp
.825 -> .842, economics .608 -> .664, hep .749 -> .810, ml .901 -> .904, patents .924 -> .945,
plants .809 -> .866.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import scipy.sparse as sp
from sklearn.utils.extmath import randomized_svd

from disambig.arrays import Float32, Float64, Int64
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.tokenise import count_columns, tokenise
from labeled.training.embeddings import add_venues, join_texts

MAX_TEXTS = 30_000
"""Texts of one corpus that are read."""
MIN_TEXTS = 3
"""A word is in the vocabulary if at least so many texts have it."""
AXES = 200
"""Axes of the latent semantic analysis."""
COMMON_SHARE = 0.003
"""Share of texts at which the weight of a word is halved."""
LATENT_LENGTH = 0.7
"""Mean length of the latent vectors of texts, relative to those of the present space."""
MIN_CONTEXTS = 10
"""Least texts of a word that the prediction of directions is fitted on."""
RIDGE = 0.01


@dataclass(frozen=True, eq=False)
class FieldTexts:
    """Texts of several corpora as bags of words.

    ``bags`` csr float32[n, words] has one plus the logarithm of each count, ``corpus`` int64[n] the
    corpus of each text.
    """

    words: list[str]
    bags: sp.csr_array
    corpus: Int64

    @classmethod
    def from_texts(cls, corpora: Sequence[Sequence[str]], seed: int) -> FieldTexts:
        """Count the words of at most :data:`MAX_TEXTS` texts of each corpus."""
        rng = np.random.default_rng(seed)
        chosen: list[str] = []
        sizes = []
        for texts in corpora:
            rows = np.sort(rng.permutation(len(texts))[:MAX_TEXTS])
            chosen += [texts[row] for row in rows.tolist()]
            sizes.append(len(rows))
        tokens = tokenise(chosen)
        n_words = len(tokens.words)
        columns = np.arange(n_words, dtype=np.int32)
        bags = sp.csr_array(
            count_columns(tokens, tokens.start[:-1], tokens.start[1:], columns, n_words)
        )
        words = tokens.words.to_pylist()
        used = np.bincount(bags.indices, minlength=n_words) >= MIN_TEXTS
        is_word = np.array([1 < len(word) <= 24 and not word.isdigit() for word in words])
        vocabulary = np.flatnonzero(used & is_word)
        bags = sp.csr_array(bags[:, vocabulary])
        bags.data = (1 + np.log(bags.data)).astype(np.float32)
        corpus = np.repeat(np.arange(len(sizes)), sizes)
        return cls([words[k] for k in vocabulary.tolist()], bags, corpus)

    def weigh_texts(self) -> Float32:
        """Return weights of the texts by which all corpora count alike, float32[n], sum 1."""
        size = np.bincount(self.corpus)
        return (1 / size[self.corpus] / len(size)).astype(np.float32)

    def measure_shares(self) -> Float64:
        """Return the share of texts with each word, corpora counting alike, float64[words]."""
        binary = self.bags.copy()
        binary.data = np.ones_like(binary.data)
        shares: Float64 = np.asarray(binary.T @ self.weigh_texts(), dtype=np.float64)
        return shares


def extend_space(space: SemanticSpace, texts: FieldTexts, about: dict[str, Any]) -> SemanticSpace:
    """Add the words of texts of all fields, and what the texts say of all words.

    Venue vectors are made again from their subjects.
    """
    share = texts.measure_shares()
    present = _predict_missing_words(space, texts, share)
    latent = _analyse_texts(texts, share)
    scale = 1 / np.linalg.norm(texts.bags @ present, axis=1).mean()
    present *= scale
    latent *= LATENT_LENGTH / np.linalg.norm(texts.bags @ latent, axis=1).mean()
    vectors = np.hstack([present, latent]).astype(np.float32)
    axes = _compute_axes_within_corpora(_scale_rows(texts.bags @ vectors), texts.corpus)
    axes = axes[:, : space.dimension]
    others = sorted(space.words.keys() - set(texts.words))
    known = space.find_rows(texts.words) >= 0
    old = scale * space.word_vectors[[space.words[word] for word in others]]
    # words that no text has: their latent vectors are predicted from the present ones
    penalty = 0.1 * known.sum() * np.mean(present[known] ** 2)
    other = np.hstack([old, old @ _fit_ridge(present[known], latent[known], float(penalty))])
    words = {word: row for row, word in enumerate([*texts.words, *others])}
    rows = np.vstack([vectors @ axes, other @ axes]).astype(np.float32)
    empty = np.zeros((0, space.dimension), np.float32)
    return add_venues(
        replace(space, words=words, word_vectors=rows, venues={}, venue_rows=empty, about=about)
    )


def _predict_missing_words(space: SemanticSpace, texts: FieldTexts, share: Float64) -> Float32:
    """Return vectors of all words in the present space, float32[words, d]."""
    rows = space.find_rows(texts.words)
    known = rows >= 0
    vectors = np.zeros((len(rows), space.dimension), np.float32)
    vectors[known] = space.word_vectors[rows[known]]
    count = np.asarray(texts.bags.sum(axis=0)).ravel()[:, None]
    context = _scale_rows((texts.bags.T @ _scale_rows(texts.bags @ vectors)) / count)
    frequent = known & (np.bincount(texts.bags.indices, minlength=len(rows)) >= MIN_CONTEXTS)
    direction = _scale_rows(
        context @ _fit_ridge(context[frequent], _scale_rows(vectors[frequent]), RIDGE)
    )
    length = np.linalg.norm(vectors[frequent], axis=1)
    curve = np.polyfit(np.log(share[frequent]), np.log(length), 2)
    predicted = np.exp(np.polyval(curve, np.log(share[~known])))
    vectors[~known] = direction[~known] * predicted[:, None]
    return vectors


def _analyse_texts(texts: FieldTexts, share: Float64) -> Float32:
    """Return the latent vectors of all words without the first axis, float32[words, AXES - 1]."""
    rarity = (COMMON_SHARE / (COMMON_SHARE + share)).astype(np.float32)
    bags = sp.csr_array(texts.bags @ sp.diags_array(rarity))
    length = np.sqrt(np.asarray(bags.multiply(bags).sum(axis=1)).ravel())
    # the fourth root of the weight: corpora of many texts still count more, but far less
    weight = (texts.weigh_texts() * len(length)) ** 0.25 / np.where(length == 0, 1, length)
    bags = sp.csr_array(sp.diags_array(weight.astype(np.float32)) @ bags)
    n_axes = min(AXES, min(bags.shape) - 1)
    _, _, axes = randomized_svd(bags, n_axes, n_iter=2, n_oversamples=20, random_state=0)
    latent: Float32 = (rarity[:, None] * axes.T[:, 1:]).astype(np.float32)
    return latent


def _compute_axes_within_corpora(rows: Float32, corpus: Int64) -> Float32:
    """Return the principal axes of the mean covariance within corpora, as columns."""
    covariances = []
    for number in range(int(corpus.max()) + 1):
        own = rows[corpus == number]
        mean = own.mean(axis=0)
        covariances.append(own.T @ own / len(own) - np.outer(mean, mean))
    _, axes = np.linalg.eigh(np.mean(covariances, axis=0))
    return np.ascontiguousarray(axes[:, ::-1]).astype(np.float32)


def _scale_rows(rows: Float32 | Float64) -> Float32:
    """Scale rows to length one; rows of zeros stay."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Float32 = (rows / np.where(length == 0, 1, length)).astype(np.float32)
    return scaled


def _fit_ridge(X: Float32, y: Float32, penalty: float) -> Float32:
    """Fit the coefficients of a linear map with a penalty on their squares, float32[d, k]."""
    identity = np.eye(X.shape[1], dtype=np.float32)
    fitted: Float32 = np.linalg.solve(X.T @ X + penalty * identity, X.T @ y)
    return fitted.astype(np.float32)


@click.command()
@click.argument("corpora", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--start",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="Space of labeled.training.embeddings.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--seed", default=0, show_default=True)
def main(corpora: tuple[Path, ...], start: Path, out: Path, seed: int) -> None:
    """Extend a semantic space by the titles, keywords and abstracts of CORPORA."""
    from labeled.benchmark.run import iterate_works
    from labeled.corpora import find_corpora

    folders = find_corpora(corpora)
    space = SemanticSpace.load(start)
    corpus_texts = [[join_texts(work) for work in iterate_works(folder)] for folder in folders]
    texts = FieldTexts.from_texts(corpus_texts, seed)
    about = {
        **space.about,
        "extended_by": "python -m labeled.training.field_space",
        "corpora": [folder.name for folder in folders],
        "texts": len(texts.corpus),
        "extension_seed": seed,
    }
    extend_space(space, texts, about).save(out)
    click.echo(f"{out}: {SemanticSpace.load(out).fingerprint}", file=sys.stderr)


if __name__ == "__main__":
    main()
