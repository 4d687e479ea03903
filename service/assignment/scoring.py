"""Score a new work against published signatures, and describe the strongest evidence."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from disambig import domain
from disambig.arrays import Float32, UInt64
from disambig.assignment.assign import Assigner, AuthorAssignment
from disambig.console import escape_text
from disambig.corpus.coauthors import hash_names
from disambig.corpus.contents import Contents
from disambig.corpus.corpus import Corpus
from disambig.corpus.embeddings import SemanticSpace
from disambig.corpus.index import get_coauthor_keys, tokenise_corpus
from disambig.corpus.statistics import Statistics
from disambig.explain.facts import Facts, SharedItem
from disambig.explain.phrases import BLOCK, SCORES, get_group_phrase
from disambig.model.model import Model
from service.assignment.candidates import NearbySignatures

if TYPE_CHECKING:
    from disambig.assignment.assign import WorkComparison
    from disambig.features.groups import GroupBatch
    from disambig.model.model import Model
    from disambig.names import ParsedName

MAX_REASONS = 3
"""Most reasons of one verdict."""
MAX_LENGTH = 300
"""Most characters of one reason."""


@dataclass(frozen=True, eq=False)
class _PublishedFacts(Facts):
    """Facts whose co-authors are outside the index, and are named by ``printed`` instead.

    ``printed`` has a name for each full key and each initial key.
    """

    printed: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def coauthors(self) -> tuple[SharedItem, ...]:
        """Co-authors shared by full name, the rarest first."""
        return self._list_named_coauthors(
            self.index.full_keys, self.index.full_works, initials=False
        )

    @cached_property
    def coauthors_by_initial(self) -> tuple[SharedItem, ...]:
        """Co-authors shared by family name and first initial, the rarest first."""
        return self._list_named_coauthors(
            self.index.initial_keys, self.index.initial_works, initials=True
        )

    def _list_named_coauthors(
        self, keys: UInt64, works: Float32, *, initials: bool
    ) -> tuple[SharedItem, ...]:
        from disambig.corpus.index import list_coauthors

        column_sets = [
            set(list_coauthors(self.index, rows, initials=initials).column.tolist())
            for rows in (self.a, self.b)
        ]
        shared_codes = sorted(column_sets[0] & column_sets[1], key=lambda code: (works[code], code))
        names = ((self.printed.get(int(keys[code])), int(works[code])) for code in shared_codes)
        return tuple(SharedItem(name, n) for name, n in names if name)


def map_coauthor_names(names: Sequence[ParsedName]) -> dict[int, str]:
    """Map the full key and the initial key of each name to a printed name."""
    printed: dict[int, str] = {}
    for keys in hash_names(list(names)):
        for key, name in zip(keys.tolist(), names, strict=True):
            printed.setdefault(key, name.printed)
    return printed


@dataclass(frozen=True, eq=False)
class AssignmentEvidence:
    """Evidence on the authors of a compared work, described on demand.

    ``keys`` are the identity keys of the labels of ``compared``, ascending; ``printed`` has a name
    for each key of a co-author.
    """

    compared: WorkComparison
    keys: Sequence[int]
    model: Model
    printed: Mapping[int, str]

    @cached_property
    def _scored_groups(self) -> tuple[GroupBatch, dict[str, Float32]]:
        batch, label = self.compared.scored.batch, self.compared.label
        key = (batch.block + 1).astype(np.int64) * (int(label.max(initial=0)) + 2)
        _, group = np.unique(key + label, return_inverse=True)
        groups, columns = self.compared.scored.compute_group_features(group.astype(np.int32))
        size = self.compared.block_size[groups.block[groups.left]]
        columns["block_size"] = size.astype(np.float32)
        return groups, columns

    def describe(self, author: int, identity: int) -> tuple[str, ...]:
        """Return the strongest evidence between an author (row of the new work) and an identity.

        Each entry begins with "for: " or "against: "; empty for an identity that was not compared.
        """
        index = bisect_left(self.keys, identity)
        if index == len(self.keys) or self.keys[index] != identity:
            return ()
        groups, columns = self._scored_groups
        batch, label = self.compared.scored.batch, self.compared.label
        low, high = int(batch.start[author]), int(batch.start[author + 1])
        published_rows = low + np.flatnonzero(label[low : high - 1] == index)
        if not len(published_rows):
            return ()
        ends = sorted((int(groups.group[high - 1]), int(groups.group[published_rows[0]])))
        pair = groups.find_pair(*ends)
        if pair < 0:
            return ("against: the names could not be one person's",)
        row = {name: float(columns[name][pair]) for name in self.model.group.features}
        facts = _PublishedFacts(
            self.compared.scored.index,
            batch.rows[high - 1 : high],
            batch.rows[published_rows],
            self.printed,
        )
        X = np.array([list(row.values())], dtype=np.float32)
        parts = self.model.group.compute_contributions(X)[0][: len(row)]
        return _describe_themes(list(row.items()), parts, facts)


def _describe_themes(
    row: Sequence[tuple[str, float]], parts: Float32, facts: Facts
) -> tuple[str, ...]:
    """Describe the themes of most weight, each by its strongest feature that facts describe.

    Block size and first-level scores are omitted: a reviewer cannot check them.
    """
    themes: dict[str, list[int]] = defaultdict(list)
    for at, (name, value) in enumerate(row):
        if get_group_phrase(name).theme not in (BLOCK, SCORES) and not np.isnan(value):
            themes[get_group_phrase(name).theme].append(at)
    total = {theme: float(parts[columns].sum()) for theme, columns in themes.items()}
    reasons = []
    for theme in sorted(total, key=lambda theme: -abs(total[theme]))[:MAX_REASONS]:
        side = 1 if total[theme] > 0 else -1
        best = max(
            themes[theme],
            key=lambda at: (
                parts[at] * side > 0,
                get_group_phrase(row[at][0]).describe is not None,
                parts[at] * side,
            ),
        )
        name, value = row[best]
        phrase = get_group_phrase(name).to_text(value, facts)
        reasons.append(escape_text(f"{'for' if side > 0 else 'against'}: {phrase}")[:MAX_LENGTH])
    return tuple(reasons)


def score_work(
    nearby: NearbySignatures,
    work: domain.Work,
    model: Model,
    space: SemanticSpace,
    statistics: Statistics,
) -> tuple[Sequence[AuthorAssignment], list[int], AssignmentEvidence]:
    """Return the engine's assignments of the authors, the identity keys, and the evidence."""
    corpus = Corpus.from_works(nearby.works.values())
    key_of = {identity_keys.id: key for key, identity_keys in nearby.works.items()}
    works = [key_of[i] for i in corpus.work_ids]
    signatures = zip(
        corpus.signature_work.tolist(), corpus.signature_position.tolist(), strict=True
    )
    published = [nearby.identity.get((works[w], at)) for w, at in signatures]
    rows = np.array([r for r, key in enumerate(published) if key is not None], dtype=np.int32)
    keys, label = np.unique([published[r] for r in rows.tolist()], return_inverse=True)
    contents = Contents.from_corpus(
        corpus, get_coauthor_keys(corpus), tokenise_corpus(corpus), space, model.frequency
    )
    assigner = Assigner.from_contents(
        contents.select(rows), statistics, label.astype(np.int32), model, space
    )
    compared = assigner.compare(work)
    printed = map_coauthor_names([*corpus.names, *Corpus.from_works([work]).names])
    placements = assigner.decide(work, compared)
    identity_keys = [int(key) for key in keys.tolist()]
    return placements, identity_keys, AssignmentEvidence(compared, identity_keys, model, printed)
