"""Blocks of labelled signatures, the common input of this package and S2AND."""

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

    ``people[i]`` is the person of ``signatures[i]``, used for evaluation only.
    """

    corpus: str
    name: str
    signatures: tuple[Signature, ...]
    people: tuple[str, ...]

    @property
    def key(self) -> str:
        """``corpus/block``, unique over corpora."""
        return f"{self.corpus}/{self.name}"

    @property
    def n_pairs(self) -> int:
        """Number of pairs of signatures in the block."""
        return len(self.signatures) * (len(self.signatures) - 1) // 2


def list_labelled_blocks(folders: Sequence[CorpusFolder], split: str) -> list[LabelledBlock]:
    """List the blocks of the labels of one split, by corpus, in the order of the labels.

    Signatures without a label in the split are in no block, and no block mixes corpora.

    Raises
    ------
    InputError
        Two corpora share a name, a corpus has no label in the split, or a label states no block.
    """
    # Imported here: the peer's process imports this module and should not load the engine.
    from labeled.corpora import read_split_labels

    names = [folder.name for folder in folders]
    duplicate = next((name for name in names if names.count(name) > 1), None)
    if duplicate is not None:
        raise InputError(f"{duplicate}: two corpora have this name; rename one of the folders")
    return [
        block
        for folder in folders
        for block in _group_labels(folder.name, read_split_labels(folder.labels, split))
    ]


def _group_labels(corpus: str, labels: Sequence[Label]) -> list[LabelledBlock]:
    members: dict[str, list[Label]] = {}
    for label in labels:
        members.setdefault(label.block, []).append(label)
    return [
        LabelledBlock(
            corpus,
            name,
            tuple(x.signature for x in signatures),
            tuple(x.person for x in signatures),
        )
        for name, signatures in members.items()
    ]
