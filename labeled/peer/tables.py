"""Convert works and blocks to the Arrow tables that S2AND 0.51.2 reads.

The schema is that of ``s2and.incremental_linking.feature_block.FeatureBlock``; missing values are
null. This module does not import S2AND.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from disambig.domain import Author, Signature, Work
from disambig.errors import InputError
from labeled.peer.blocks import LabelledBlock

Row = tuple[Any, ...]
#: First, middle and last name; None if missing.
NameParts = tuple[str | None, str | None, str | None]

_TEXT, _INTEGER, _TEXTS = pa.string(), pa.int64(), pa.list_(pa.string())

SIGNATURES = pa.schema(
    {
        "signature_id": _TEXT,
        "paper_id": _TEXT,
        "author_first": _TEXT,
        "author_middle": _TEXT,
        "author_last": _TEXT,
        "author_suffix": _TEXT,
        "author_affiliations": _TEXTS,
        "author_orcid": _TEXT,
        "author_position": _INTEGER,
        "author_block": _TEXT,
        "author_email": _TEXT,
        "source_author_ids": _TEXTS,
    }
)
PAPERS = pa.schema(
    {
        "paper_id": _TEXT,
        "title": _TEXT,
        "abstract": _TEXT,
        "venue": _TEXT,
        "journal_name": _TEXT,
        "year": _INTEGER,
        "predicted_language": _TEXT,
        "is_reliable": pa.bool_(),
    }
)
PAPER_AUTHORS = pa.schema({"paper_id": _TEXT, "position": _INTEGER, "author_name": _TEXT})


@dataclass(frozen=True, slots=True)
class PeerTables:
    """Input of S2AND: three tables of the works in blocks, and name counts.

    ``names`` counts the mentions of each name over all works of the corpora.
    """

    signatures: pa.Table
    papers: pa.Table
    paper_authors: pa.Table
    names: Counter[NameParts]


def build_signature_id(corpus: str, signature: Signature) -> str:
    """Build ``corpus/work:position``, unique over corpora."""
    return f"{corpus}/{signature}"


def build_block_members(blocks: Sequence[LabelledBlock]) -> dict[str, list[str]]:
    """Map each block's key to its signature ids, the input of S2AND's clusterer."""
    return {b.key: [build_signature_id(b.corpus, s) for s in b.signatures] for b in blocks}


def build_tables(
    works: Mapping[str, Iterable[Work]], blocks: Sequence[LabelledBlock]
) -> PeerTables:
    """Build tables of the works in blocks; other works only add to ``names``.

    Parameters
    ----------
    works : mapping of corpus to its works
        Each is iterated once.

    Raises
    ------
    InputError
        A block contains a signature that is in no work.
    """
    signatures: list[Row] = []
    papers: list[Row] = []
    authors: list[Row] = []
    names: Counter[NameParts] = Counter()
    for corpus, positions_by_work in _map_positions(blocks).items():
        for work in works[corpus]:
            names.update(split_name(author) for author in work.authors if author.name)
            positions = positions_by_work.pop(work.id, None)
            if positions is None:
                continue
            paper = f"{corpus}/{work.id}"
            papers.append(_build_paper_row(paper, work))
            authors.extend(_build_author_rows(paper, work))
            signatures.extend(_build_signature_rows(corpus, paper, work, positions))
        if positions_by_work:
            raise InputError(
                f"{corpus}: labels refer to work {min(positions_by_work)}, which is not among works"
            )
    return PeerTables(
        signatures=_build_table(signatures, SIGNATURES),
        papers=_build_table(papers, PAPERS),
        paper_authors=_build_table(authors, PAPER_AUTHORS),
        names=names,
    )


def split_name(author: Author) -> NameParts:
    """Split a name: stated parts, else the last name is the last word or precedes a comma."""
    if author.family:
        given_names, last = author.given or "", author.family
    elif "," in author.name:
        last, _, given_names = author.name.partition(",")
    else:
        given_names, _, last = author.name.strip().rpartition(" ")
    first, _, middle = given_names.strip().partition(" ")
    return first or None, middle.strip() or None, last.strip() or None


def _map_positions(blocks: Sequence[LabelledBlock]) -> dict[str, dict[str, dict[int, str]]]:
    """Map each position of a block to the block's name, by corpus and work."""
    positions_by_corpus: dict[str, dict[str, dict[int, str]]] = {}
    for block in blocks:
        corpus = positions_by_corpus.setdefault(block.corpus, {})
        for signature in block.signatures:
            corpus.setdefault(signature.work, {})[signature.position] = block.name
    return positions_by_corpus


def _build_paper_row(paper: str, work: Work) -> Row:
    return paper, work.title, work.abstract, work.venue, None, work.year, None, None


def _build_author_rows(paper: str, work: Work) -> Iterator[Row]:
    for position, author in enumerate(work.authors):
        if author.name:
            parts = " ".join(part for part in split_name(author) if part)
            yield paper, position, parts


def _build_signature_rows(
    corpus: str, paper: str, work: Work, block_by_position: Mapping[int, str]
) -> Iterator[Row]:
    for position, block in block_by_position.items():
        signature = Signature(work.id, position)
        if not 0 <= position < len(work.authors):
            raise InputError(
                f"{corpus}: labels refer to {signature}, which is not among the authors"
            )
        author = work.authors[position]
        yield (
            build_signature_id(corpus, signature),
            paper,
            *split_name(author),
            None,
            list(author.affiliations),
            author.orcid,
            position,
            block,
            author.email,
            [],
        )


def _build_table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    arrays = [pa.array(c, type=field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
