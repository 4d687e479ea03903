"""Fit the semantic space in ``disambig/data/semantic.npz``: run this module with ``python -m``.

A sentence transformer knows that "mining software histories" is near "predicting defects", but
reads about two hundred titles a second. This module distils it into word vectors of nearly the
same quality: the sum over a bag of words is pulled towards the transformer's embedding of the
text. The training texts are

* every word of the vocabulary alone,
* the titles of unlabelled works,
* title, abstract and keywords of those works, pulled towards the embedding of the *title*, which
  reduces the weight of words that are in every abstract,
* invented titles over the subjects in ``semantic/topics.txt``, for fields of computing that are
  rare among the works.

No author, label or identity is read. The space in the package was made from the ACL Anthology and
machine learning works only: with the titles of the homonym corpora among the training texts, their
similarities would look better than those of new works, and a classifier trained on them would rely
on the space too much.

Needs the extra ``space`` (PyTorch, transformers) and a folder with a sentence transformer such as
all-MiniLM-L6-v2 (Apache-2.0). One core: about a quarter of an hour.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import scipy.sparse as sp

from disambig.arrays import Float32, Int64
from disambig.corpus.embeddings import SemanticSpace, normalise_rows, normalise_venue, split_words
from disambig.domain import Work

DIMENSION = 96  # reduced from the transformer's 384 without loss on the train splits
INVENTED_TITLES = 40_000
MIN_TEXTS = 5  # a word is in the vocabulary if at least so many texts have it,
MIN_TITLES = 2  # or so many titles
LOG_EVERY = 200  # steps

_ONE_SUBJECT = (
    "{a}",
    "a survey of {a}",
    "{a} revisited",
    "an introduction to {a}",
    "on {a}",
    "the design of {a} systems",
    "{a} techniques",
    "experiments with {a}",
    "new results on {a}",
    "{a} tools",
)
_TWO_SUBJECTS = (
    "{a} for {b}",
    "{a} in {b}",
    "{a} of {b}",
    "{a} using {b}",
    "{a} based on {b}",
    "a novel approach to {a} with {b}",
    "{a} and {b}",
    "on the {a} of {b}",
    "an efficient algorithm for {a} in {b}",
    "improving {a} through {b}",
    "a study of {a} under {b}",
    "{a} via {b}",
    "from {a} to {b}",
    "performance analysis of {a} for {b}",
    "a framework for {a} and its application to {b}",
    "{a}-based {b}",
    "towards {a} for {b}",
    "design and implementation of {a} with {b}",
    "a comparison of {a} and {b}",
    "modeling {a} in {b}",
    "{a}: {b} approach",
)
_THREE_SUBJECTS = (
    "{a} for {b} using {c}",
    "{a} and {b} in {c}",
    "{c}: {a} for {b}",
    "an {a} approach to {b} of {c}",
    "{a} with {b} based on {c}",
    "using {a} and {b} for {c}",
)


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of the word vectors; the defaults are those of the shipped space.

    They were chosen on the train splits: half the dropout, structure 0 or 4, other rates and
    sizes change the mean AUC by .003 or less.
    """

    epochs: int = 6
    batch: int = 256
    rate: float = 3e-3
    dropout: float = 0.3  # share of words left out of a text at each step
    structure: float = 10.0  # weight of the loss on cosines between the texts of a batch
    seed: int = 0


@dataclass(frozen=True)
class TrainingTexts:
    """Bags of words, csr (n, words), and the unit vectors they are pulled towards, (n, d)."""

    bags: sp.csr_array
    targets: Float32


def invent_titles(n: int, seed: int) -> list[str]:
    """Make ``n`` titles over the subjects in ``semantic/topics.txt``, most within one field."""
    rng = np.random.default_rng(seed)
    fields = [names for _, names in _read_lists("topics.txt")]
    subjects = [(field, name) for field in fields for name in field]

    def pick(names: Sequence[Any]) -> Any:
        return names[int(rng.integers(len(names)))]

    def pick_related(field: Sequence[str]) -> str:
        return str(pick(field) if rng.random() < 0.8 else pick(subjects)[1])

    titles = []
    for _ in range(n):
        field, name = pick(subjects)
        kind = rng.random()
        form = pick(
            _ONE_SUBJECT if kind < 0.15 else _TWO_SUBJECTS if kind < 0.7 else _THREE_SUBJECTS
        )
        titles.append(form.format(a=name, b=pick_related(field), c=pick_related(field)))
    return titles


def build_vocabulary(works: Sequence[Work], others: Sequence[str]) -> list[str]:
    """Return the vocabulary, sorted: words that the works use more than once, and ``others``."""
    in_titles: Counter[str] = Counter()
    in_texts: Counter[str] = Counter()
    for work in works:
        title = set(split_words(work.title))
        in_titles.update(title)
        in_texts.update(title | set(split_words(join_texts(work))))
    frequent = {w for w, n in in_texts.items() if n >= MIN_TEXTS or in_titles[w] >= MIN_TITLES}
    return sorted(filter(_is_word, frequent | set(others)))


def join_texts(work: Work) -> str:
    """Join title, keywords and abstract with spaces."""
    return " ".join((work.title, *work.keywords, work.abstract or ""))


def fit_words(start: Float32, texts: TrainingTexts, settings: Settings) -> Float32:
    """Fit word vectors, (words, d), whose sums over bags have the directions of the targets.

    The loss is one minus the cosine of sum and target, plus ``structure`` times the squared
    error of the cosines between texts of one batch. Deterministic.
    """
    import torch

    torch.manual_seed(settings.seed)
    torch.set_num_threads(1)
    table = torch.nn.EmbeddingBag(*start.shape, mode="sum", sparse=True)
    table.weight.data.copy_(torch.from_numpy(start))
    optimiser = torch.optim.SparseAdam(table.parameters(), lr=settings.rate)
    targets = torch.from_numpy(texts.targets)
    batches = list(_iterate_batches(texts.bags.shape[0], settings))
    for step, rows in enumerate(batches):
        bag = texts.bags[rows]
        weights = torch.from_numpy(bag.data)
        weights = weights * (torch.rand_like(weights) > settings.dropout)
        sums = table(
            torch.from_numpy(bag.indices.astype(np.int64)),
            torch.from_numpy(bag.indptr[:-1].astype(np.int64)),
            per_sample_weights=weights,
        )
        predicted, expected = torch.nn.functional.normalize(sums, dim=1), targets[rows]
        loss = (1 - (predicted * expected).sum(1)).mean()
        loss = (
            loss
            + settings.structure * ((predicted @ predicted.T - expected @ expected.T) ** 2).mean()
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = settings.rate * max(0.02, 1 - step / len(batches))
        optimiser.step()
        if step % LOG_EVERY == 0:
            _log(f"step {step:,} of {len(batches):,}: loss {float(loss.detach()):.3f}")
    vectors: Float32 = table.weight.data.numpy().copy()
    return vectors


def make_space(
    works: Sequence[Work],
    embed: Callable[[Sequence[str]], Float32],
    known_words: Sequence[str],
    about: dict[str, Any],
    settings: Settings,
) -> SemanticSpace:
    """Fit a semantic space on unlabelled works.

    Args:
        works: only titles, abstracts and keywords are read.
        embed: texts to unit rows, float32 (n, any dimension of :data:`DIMENSION` or more).
        known_words: words of the vocabulary that the works need not contain.
        about: metadata of the file on its sources.
        settings: see :class:`Settings`.
    """
    invented = invent_titles(INVENTED_TITLES, settings.seed)
    words = build_vocabulary(works, [*known_words, *split_words(" ".join(invented))])
    word_rows, title_rows = embed(words), embed([work.title for work in works])
    invented_rows = embed(invented)
    axes = _compute_principal_axes(np.concatenate([word_rows, title_rows, invented_rows]))
    start = (word_rows @ axes) * _compute_rarity(words, works)[:, None]
    blank = _make_space(words, start, {})
    has_abstract = np.array([bool(work.abstract) for work in works])
    texts = _make_training_texts(
        blank,
        (words, word_rows @ axes),
        ([work.title for work in works], title_rows @ axes),
        (invented, invented_rows @ axes),
        ([join_texts(w) for w in works if w.abstract], (title_rows @ axes)[has_abstract]),
    )
    _log(f"{len(words):,} words, {texts.bags.shape[0]:,} texts")
    return add_venues(_make_space(words, fit_words(start, texts, settings), about))


def add_venues(space: SemanticSpace) -> SemanticSpace:
    """Add the venues of ``semantic/venues.txt`` to a space, with vectors of their subjects.

    Vectors come from subjects and not from the works of a venue: a mean over few works, some of
    them by the person in question, would represent that person and not the venue.
    """
    abbreviations = dict(
        line.split("=", 1) for line in _read_data_file("abbreviations.txt").split() if line
    )
    subjects: dict[str, list[str]] = defaultdict(list)
    for subject, names in _read_lists("venues.txt"):
        for name in names:
            subjects[normalise_venue(name, abbreviations)].append(subject)
    subjects.pop("", None)
    rows = space.embed_texts([" ".join(subject) for subject in subjects.values()])
    keys = {key: row for row, key in enumerate(subjects)}
    return SemanticSpace(space.words, space.word_vectors, keys, rows, abbreviations, space.about)


class Transformer:
    """A sentence transformer read from a folder: mean over tokens, unit length.

    Reimers and Gurevych, "Sentence-BERT" (EMNLP 2019).
    """

    def __init__(self, folder: Path) -> None:
        """Load the model from the folder; nothing is downloaded."""
        import torch
        from transformers import AutoModel, AutoTokenizer

        torch.set_num_threads(1)
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()

    def list_words(self) -> list[str]:
        """List the whole words in the vocabulary of the transformer."""
        return [word for word in self._tokenizer.get_vocab() if re.fullmatch("[a-z0-9]+", word)]

    def __call__(self, texts: Sequence[str], batch: int = 128) -> Float32:
        """Return unit rows, float32 (n, the model's dimension); texts are cut after 32 tokens."""
        import torch

        order = np.argsort([len(text) for text in texts], kind="stable")
        parts = []
        with torch.inference_mode():
            for at in range(0, len(order), batch):
                tokens = self._tokenizer(
                    [texts[i] for i in order[at : at + batch]],
                    padding=True,
                    truncation=True,
                    max_length=32,
                    return_tensors="pt",
                )
                states = self._model(**tokens).last_hidden_state
                mask = tokens["attention_mask"].unsqueeze(-1).float()
                parts.append(((states * mask).sum(1) / mask.sum(1)).numpy())
                if at // batch % 100 == 0:
                    _log(f"embedded {at:,} of {len(order):,}")
        rows = np.concatenate(parts)
        return normalise_rows(rows[np.argsort(order)])


def _is_word(word: str) -> bool:
    return 1 < len(word) <= 24 and not (word.isdigit() and len(word) > 3)


def _compute_rarity(words: Sequence[str], works: Sequence[Work]) -> Float32:
    """Return the initial length of word vectors: .01 / (.01 + share of works with it), halved."""
    texts: Counter[str] = Counter()
    for work in works:
        texts.update(set(split_words(join_texts(work))))
    share = np.array([max(texts[word], 1) for word in words], np.float32) / max(len(works), 1)
    return (0.5 * 0.01 / (0.01 + share)).astype(np.float32)


def _compute_principal_axes(rows: Float32) -> Float32:
    """Return the first :data:`DIMENSION` principal axes as columns, without centring."""
    _, axes = np.linalg.eigh(rows.T @ rows)
    return np.ascontiguousarray(axes[:, ::-1][:, :DIMENSION]).astype(np.float32)


def _make_training_texts(
    space: SemanticSpace, *texts: tuple[Sequence[str], Float32]
) -> TrainingTexts:
    bags = sp.csr_array(sp.vstack([space.make_bags(strings) for strings, _ in texts]))
    targets = np.concatenate([rows for _, rows in texts])
    is_not_empty = np.diff(bags.indptr) > 0
    return TrainingTexts(bags[is_not_empty], normalise_rows(targets[is_not_empty]))


def _iterate_batches(n: int, settings: Settings) -> Iterator[Int64]:
    rng = np.random.default_rng(settings.seed)
    for _ in range(settings.epochs):
        order = rng.permutation(n)
        for at in range(0, n - settings.batch + 1, settings.batch):
            yield order[at : at + settings.batch]


def _make_space(words: Sequence[str], vectors: Float32, about: dict[str, Any]) -> SemanticSpace:
    index = {word: row for row, word in enumerate(words)}
    return SemanticSpace(index, vectors, {}, np.zeros((0, vectors.shape[1]), np.float32), {}, about)


def _read_data_file(name: str) -> str:
    return (Path(__file__).parents[1] / "semantic" / name).read_text(encoding="utf-8")


def _read_lists(name: str) -> list[tuple[str, list[str]]]:
    """Read the lines "subject: name, name" of a data file."""
    lines = (line.split(":", 1) for line in _read_data_file(name).splitlines() if line)
    return [(subject, [n.strip() for n in names.split(",")]) for subject, names in lines]


def _log(text: str) -> None:
    click.echo(text, file=sys.stderr)


@click.command()
@click.argument("works", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--transformer", required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--teacher", required=True, help="Name and licence of the transformer, stored in the file."
)
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--seed", default=0, show_default=True)
def main(works: tuple[Path, ...], transformer: Path, teacher: str, out: Path, seed: int) -> None:
    """Fit a semantic space on the titles and abstracts of WORKS with a sentence transformer.

    Labels and authors are not used. The works should not include those of the evaluation.
    """
    from disambig.ingest import read_works

    work_list = list(read_works(works))
    embed = Transformer(transformer)
    about = {
        "made_by": "python -m labeled.training.embeddings",
        "works": len(work_list),
        "with_abstract": sum(bool(work.abstract) for work in work_list),
        "invented_titles": INVENTED_TITLES,
        "teacher": teacher,
        "seed": seed,
    }
    space = make_space(work_list, embed, embed.list_words(), about, Settings(seed=seed))
    space.save(out)
    _log(f"{out}: {SemanticSpace.load(out).fingerprint}")


if __name__ == "__main__":
    main()
