"""Accuracy of one corpus on the labels of one split, with baseline, slices and errata."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from disambig.arrays import Bool, Int64, Integer
from disambig.corpus.corpus import Corpus
from disambig.domain import Label, Signature
from labeled.benchmark.errata import Erratum, apply_errata
from labeled.benchmark.intervals import BlockSums, SignatureScores
from labeled.corpora import CorpusFolder, read_split_labels, read_split_others

#: Least sizes of the slices by labelled mentions of a person, and by mentions of a block of a run.
PERSON_SIZES, BLOCK_SIZES = (1, 2, 10, 50, 151), (1, 10, 50, 200, 1000)


@dataclass(frozen=True)
class GoldMentions:
    """Labelled mentions of one split of one corpus, then others of the same blocks.

    ``is_other`` marks mentions known to be none of the labelled persons of their block.
    """

    labels: tuple[Label, ...]
    others: tuple[Label, ...] = ()

    @classmethod
    def read(cls, folder: CorpusFolder, split: str) -> GoldMentions:
        """Read labels and others of a corpus.

        Raises
        ------
        InputError
            As :func:`~labeled.corpora.read_split_labels` and
            :func:`~labeled.corpora.read_split_others`.
        """
        return cls.of(read_split_labels(folder.labels, split), read_split_others(folder, split))

    @classmethod
    def of(cls, labels: Sequence[Label], others: Sequence[Label] = ()) -> GoldMentions:
        """Combine labels with the others of their blocks, except others that have a label."""
        blocks, labelled = {x.block for x in labels}, {x.signature for x in labels}
        usable = (x for x in others if x.block in blocks and x.signature not in labelled)
        return cls(tuple(labels), tuple(usable))

    @property
    def mentions(self) -> tuple[Label, ...]:
        """Labelled mentions, then others."""
        return self.labels + self.others

    @cached_property
    def is_other(self) -> Bool:
        """Whether each mention is an other, bool[n]."""
        return np.arange(len(self.mentions)) >= len(self.labels)

    @cached_property
    def block_names(self) -> tuple[str, ...]:
        """Names of the blocks, in order of first appearance."""
        return tuple(dict.fromkeys(x.block for x in self.labels))

    @cached_property
    def block(self) -> Int64:
        """Block of each mention, an index into ``block_names``, int64[n]."""
        return encode_names([x.block for x in self.mentions])

    @cached_property
    def person(self) -> Int64:
        """Person of each mention, int64[n]; each other is a person of its own."""
        return encode_names([x.person for x in self.mentions])

    def find_rows(
        self, corpus: Corpus, locate: Callable[[Signature], Signature] | None = None
    ) -> Int64:
        """Find the signature row of each mention, int64[n].

        Parameters
        ----------
        locate : callable, optional
            Maps the signature of a label to that of the corpus, if it differs.

        Raises
        ------
        InputError
            A mention names an unknown signature.
        """
        signatures = [x.signature for x in self.mentions]
        if locate is not None:
            signatures = [locate(signature) for signature in signatures]
        return np.array([corpus.row_of(signature) for signature in signatures], dtype=np.int64)

    def score(self, identity: Integer) -> BlockSums:
        """Compare the identity of each mention, integers[n], with its person, by block."""
        return BlockSums.of(identity, self.person, self.block, self.block_names, self.is_other)

    def score_printed_names(self, names: Sequence[str]) -> BlockSums:
        """Score the baseline *one printed name of a block, case-folded, is one person*."""
        return self.score(encode_names([" ".join(name.casefold().split()) for name in names]))


@dataclass(frozen=True, slots=True)
class Slice:
    """Accuracy on the signatures of persons, or of blocks, of one range of sizes.

    ``units`` counts the persons or blocks, ``figures`` are those of
    :data:`~labeled.benchmark.intervals.FIGURES` that are no means over blocks.
    """

    name: str
    units: int
    signatures: int
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Accuracy of one corpus.

    ``printed_names`` is the baseline that one printed name of a block is one person; ``corrected``
    is measured with errata applied, ``n_errata`` of them to labels of this split.
    """

    sums: BlockSums
    printed_names: BlockSums
    persons: tuple[Slice, ...] = ()
    blocks: tuple[Slice, ...] = ()
    corrected: BlockSums | None = None
    n_errata: int = 0

    def find_recall_of_large_persons(self) -> float:
        """Return the B-cubed recall of persons of the largest slice; NaN if there are none."""
        return self.persons[-1].figures["bcubed_recall"] if self.persons else float("nan")


def measure_accuracy(
    gold: GoldMentions,
    identity: Integer,
    names: Sequence[str],
    block_size: Integer,
    errata: Sequence[Erratum] = (),
) -> Accuracy:
    """Measure all of :class:`Accuracy`.

    Parameters
    ----------
    identity : integers[n]
        Identity of each mention.
    names : sequence of str, length n
        Printed name of each mention.
    block_size : integers[n]
        Number of mentions, labelled or not, of the block in which the run clustered each mention.
    """
    sums = gold.score(identity)
    scores = SignatureScores.of(identity, gold.person, gold.block, gold.is_other)
    is_labelled = ~gold.is_other
    person, block = gold.person[is_labelled], gold.block[is_labelled]
    person_size = np.bincount(person)[person]
    corrected, n_errata = None, 0
    if errata:
        labels, n_errata = apply_errata(gold.labels, errata)
        fixed = GoldMentions.of(labels, gold.others)
        position = {x.signature: i for i, x in enumerate(gold.mentions)}
        rows = np.array([position[x.signature] for x in fixed.mentions], dtype=np.int64)
        corrected = fixed.score(identity[rows])
    return Accuracy(
        sums=sums,
        printed_names=gold.score_printed_names(names),
        persons=slice_by_size(scores, person_size, person, PERSON_SIZES),
        blocks=slice_by_size(scores, block_size[is_labelled], block, BLOCK_SIZES),
        corrected=corrected,
        n_errata=n_errata,
    )


def slice_by_size(
    scores: SignatureScores, size: Integer, unit: Integer, least: Sequence[int]
) -> tuple[Slice, ...]:
    """Divide signatures by the size of their unit and measure each slice.

    Parameters
    ----------
    size : integers[n]
        Size of the unit of each signature.
    unit : integers[n]
        Person or block of each signature.
    least : sequence of int
        Least size of each slice, ascending.
    """
    names = name_ranges(least)
    group = np.searchsorted(np.array(least), size, side="right") - 1
    sums = scores.sum_by(group, names, None)
    figures = sums.compute_figures_by_block()
    return tuple(
        Slice(
            name,
            units=len(np.unique(unit[group == number])),
            signatures=int(sums.signatures[number]),
            figures={
                key: float(values[number])
                for key, values in figures.items()
                if key.startswith(("bcubed_", "pairwise_"))
            },
        )
        for number, name in enumerate(names)
    )


def name_ranges(least: Sequence[int]) -> tuple[str, ...]:
    """Name ranges by their least values: (1, 2, 10) gives "1", "2–9" and "over 9"."""
    ranges = (str(a) if b == a + 1 else f"{a:,}–{b - 1:,}" for a, b in pairwise(least))
    return (*ranges, f"over {least[-1] - 1:,}")


def encode_names(names: Sequence[str]) -> Int64:
    """Number names in order of first appearance, int64[n]."""
    codes: dict[str, int] = {}
    return np.array([codes.setdefault(name, len(codes)) for name in names], dtype=np.int64)
