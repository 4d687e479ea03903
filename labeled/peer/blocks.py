"""Blocks of labelled signatures: what the benchmark gives to this package and to its peer alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from disambig.domain import Label, Signature
from disambig.errors import InputError

if TYPE_CHECKING:
    from labeled.corpora import CorpusFolder


@dataclass(frozen=True, slots=True)
class LabelledBlock:
    """The labelled signatures of one block of one corpus, in the order of its labels.

    ``people[i]`` is who ``signatures[i]`` is; it is for measuring only.
    """

    corpus: str
    name: str
    signatures: tuple[Signature, ...]
    people: tuple[str, ...]

    @property
    def key(self) -> str:
        """``corpus/block``: what keeps equal block names of two corpora apart."""
        return f"{self.corpus}/{self.name}"

    @property
    def pairs(self) -> int:
        """How many pairs of signatures the block holds."""
        return len(self.signatures) * (len(self.signatures) - 1) // 2


def labelled_blocks(folders: Sequence[CorpusFolder], split: str) -> list[LabelledBlock]:
    """Blocks of the labels of one split, corpus after corpus, in the order labels name them.

    Signatures without a label in the split are in no block, and no block mixes corpora.

    Raises
    ------
    InputError
        Two corpora share a name, a corpus has no label in the split, or a label states no block.
    """
    # Imported here: the fresh process of the peer reads this file, and should not hold our engine.
    from labeled.corpora import read_split_labels

    names = [folder.name for folder in folders]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{twice}: two corpora have this name; rename one of the folders")
    return [
        block
        for folder in folders
        for block in _blocks(folder.name, read_split_labels(folder.labels, split))
    ]


def _blocks(corpus: str, labels: Sequence[Label]) -> list[LabelledBlock]:
    members: dict[str, list[Label]] = {}
    for label in labels:
        members.setdefault(label.block, []).append(label)
    return [
        LabelledBlock(
            corpus, name, tuple(x.signature for x in found), tuple(x.person for x in found)
        )
        for name, found in members.items()
    ]
