"""Build the sections of the report from clusters, labels and works."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from disambig.arrays import Float64, Int64
from disambig.domain import Work
from disambig.errors import InputError
from disambig.evaluation.compare import Comparison, Key, format_first
from disambig.evaluation.metrics import bcubed_by_signature
from disambig.evaluation.report import (
    ErrorCase,
    ErrorPart,
    PairScores,
    SampledMention,
    Section,
    SliceTable,
)
from disambig.evaluation.slices import (
    Mixture,
    count_block_sizes,
    find_largest_mixtures,
    slice_by_flags,
    slice_by_size,
)

_MAX_CASES, _MAX_PARTS, _MAX_MENTIONS, _MAX_NAMES = 8, 6, 3, 4

_MISSING: Mapping[str, Callable[[Work, int], bool]] = {
    "no abstract": lambda work, position: not work.abstract,
    "no co-authors": lambda work, position: len(work.authors) == 1,
    "no venue": lambda work, position: not work.venue,
    "no affiliation": lambda work, position: not work.authors[position].affiliations,
    "no year": lambda work, position: work.year is None,
}


@dataclass(frozen=True, slots=True)
class Context:
    """Metadata of one mention: how to show it, and which metadata is missing.

    ``missing`` has one flag for each of :data:`_MISSING`, in its order.
    """

    mention: SampledMention
    missing: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class Contexts:
    """Contexts of the requested mentions, and the number of mentions of each printed name.

    ``name_counts`` is keyed by case-folded printed name and counts every mention read.
    """

    by_key: Mapping[Key, Context]
    name_counts: Mapping[str, int]


def read_contexts(works: Iterable[Work], keys: Collection[Key]) -> Contexts:
    """Read all works once and keep only what the report shows of the mentions in ``keys``."""
    by_key: dict[Key, Context] = {}
    counts: Counter[str] = Counter()
    for work in works:
        for position, author in enumerate(work.authors):
            counts[author.name.casefold()] += 1
            if (work.id, position) in keys:
                by_key[work.id, position] = _make_context(work, position)
    return Contexts(by_key, counts)


def build_section(
    name: str, comparison: Comparison, contexts: Contexts, pair_scores: PairScores | None = None
) -> Section:
    """Build the section of one labels file.

    Raises
    ------
    InputError
        A labelled mention is not in the works that were read.
    """
    rows = _list_contexts(comparison, contexts)
    precision, recall = bcubed_by_signature(
        comparison.predicted, comparison.truth, comparison.block
    )
    people = [label.person for label in comparison.labels]
    identities = [assignment.identity for assignment in comparison.assignments]
    overmerges = find_largest_mixtures(comparison.predicted, comparison.truth, _MAX_CASES)
    oversplits = find_largest_mixtures(comparison.truth, comparison.predicted, _MAX_CASES)
    return Section(
        name=name,
        within=comparison.evaluate_within_blocks(),
        whole=comparison.evaluate_whole(),
        missing=len(comparison.missing),
        pair_scores=pair_scores,
        slices=_make_tables(comparison.block, rows, contexts, precision, recall),
        overmerges=tuple(_make_case(mixture, identities, people, rows) for mixture in overmerges),
        oversplits=tuple(_make_case(mixture, people, identities, rows) for mixture in oversplits),
    )


def _make_context(work: Work, position: int) -> Context:
    name = work.authors[position].name
    mention = SampledMention(name, work.title, work.venue or None, work.year)
    return Context(mention, tuple(lacks(work, position) for lacks in _MISSING.values()))


def _list_contexts(comparison: Comparison, contexts: Contexts) -> list[Context]:
    """List the context of each row of the comparison."""
    signatures = [label.signature for label in comparison.labels]
    rows = [contexts.by_key.get((s.work, s.position)) for s in signatures]
    missing = [s for s, context in zip(signatures, rows, strict=True) if context is None]
    if missing:
        raise InputError(
            f"{len(missing):,} labelled mentions are in no work that was read "
            f"(first: {format_first(missing)}); pass all works files that the clusters were made "
            "from"
        )
    return [context for context in rows if context is not None]


def _make_tables(
    block: Int64 | None,
    rows: Sequence[Context],
    contexts: Contexts,
    precision: Float64,
    recall: Float64,
) -> tuple[SliceTable, ...]:
    counts = np.array([contexts.name_counts[row.mention.name.casefold()] for row in rows])
    missing = np.array([row.missing for row in rows], dtype=bool)
    flags = {label: missing[:, column] for column, label in enumerate(_MISSING)}
    tables = [
        SliceTable(
            "Name frequency",
            "count",
            "how many mentions, labelled or not, carry the same printed name",
            slice_by_size(counts, precision, recall),
        ),
        SliceTable(
            "Missing metadata",
            "the mention has",
            "rows overlap, except the last",
            slice_by_flags(flags, precision, recall, otherwise="all of these"),
        ),
    ]
    if block is not None:
        by_block = SliceTable(
            "Block size",
            "size",
            "how many labelled mentions the block has",
            slice_by_size(count_block_sizes(block), precision, recall),
        )
        tables.insert(0, by_block)
    return tuple(tables)


def _make_case(
    mixture: Mixture, clusters: Sequence[str], parts: Sequence[str], rows: Sequence[Context]
) -> ErrorCase:
    """Make the error case of a mixture; ``clusters`` and ``parts`` name cluster and part by row."""
    error_parts = tuple(
        ErrorPart(
            label=parts[part[0]],
            size=len(part),
            mentions=_sample_mentions([rows[row].mention for row in part]),
        )
        for part in mixture.parts[:_MAX_PARTS]
    )
    names = Counter(rows[row].mention.name for part in mixture.parts for row in part)
    return ErrorCase(
        label=clusters[mixture.parts[0][0]],
        names=tuple(name for name, _ in names.most_common(_MAX_NAMES)),
        size=mixture.signatures,
        n_parts=len(mixture.parts),
        parts=error_parts,
    )


def _sample_mentions(mentions: Sequence[SampledMention]) -> tuple[SampledMention, ...]:
    """Select a few mentions spread over the years, to show the course of a career."""
    by_year = sorted(mentions, key=lambda mention: (mention.year or 0, mention.title))
    positions = np.linspace(0, len(by_year) - 1, min(_MAX_MENTIONS, len(by_year)))
    return tuple(by_year[int(position)] for position in positions)
