"""Works as columns: the only module that converts ids and strings to indices.

A :class:`Corpus` is what every later stage reads. Row ``s`` of a ``signature_*`` array is one
author mention; row ``w`` of a ``work_*`` column is one work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TypeVar

import numpy as np

from disambig.arrays import Float32, Int32, UInt64
from disambig.corpus.coauthors import CoauthorKeys, hash_names
from disambig.corpus.collaborations import list_collaboration_keys
from disambig.corpus.key_lists import KeyLists, KeyListsBuilder
from disambig.corpus.tokenise import hash_words
from disambig.domain import Signature, Work
from disambig.errors import InputError
from disambig.names import NameKind, ParsedName, classify_name, parse_name

_T = TypeVar("_T")

StatedName = tuple[str, str | None, str | None]
"""A name as printed, and given and family name where the source states them."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Columns of a set of works, sorted by work id. Build one with :meth:`from_works`.

    Sorting makes every later stage independent of the order of the input.

    Attributes
    ----------
    work_ids, titles, abstracts, venues : list of str, length n_works
        ``""`` where the source states nothing.
    years : float32[n_works]
        NaN where unknown.
    author_start : int32[n_works + 1]
        Signatures of work ``w`` are rows ``author_start[w]:author_start[w + 1]``.
    signature_work, signature_position, signature_name : int32[n_signatures]
        Index of the work, position on it, and index into ``stated_names`` and ``names``.
    stated_names : list of (str, str or None, str or None), length n_names
        Each distinct name as printed, and given and family name where stated.
    affiliations, orcids, emails : list of str, length n_signatures
        Affiliations of one signature are joined with ``"; "``.
    references : KeyLists of n_works lists
        Keys of the cited ids; that of a work of this corpus is in :attr:`work_keys`.
    collaborations : KeyLists of n_works lists
        Keys of the names, see :func:`disambig.corpus.collaborations.make_collaboration_key`.
    coauthors : CoauthorKeys or None
        All authors of each work, where only some of them are signatures of this corpus; None
        where all are.
    parsed_names : list of ParsedName or None
        ``names``, if they are already parsed.
    """

    work_ids: list[str]
    titles: list[str]
    abstracts: list[str]
    venues: list[str]
    keywords: list[str]
    years: Float32
    author_start: Int32
    signature_work: Int32
    signature_position: Int32
    signature_name: Int32
    stated_names: list[StatedName]
    affiliations: list[str]
    orcids: list[str]
    emails: list[str]
    references: KeyLists
    collaborations: KeyLists
    coauthors: CoauthorKeys | None = None
    parsed_names: list[ParsedName] | None = None

    @cached_property
    def names(self) -> list[ParsedName]:
        """``stated_names``, parsed on first access: sending text to another process and parsing it
        there is faster than sending parsed names.
        """
        return (
            [parse_name(*name) for name in self.stated_names]
            if self.parsed_names is None
            else self.parsed_names
        )

    @cached_property
    def name_keys(self) -> tuple[UInt64, UInt64]:
        """Full and initial key of each name, see :func:`disambig.corpus.coauthors.hash_names`."""
        return hash_names(self.names)

    @cached_property
    def work_keys(self) -> UInt64:
        """Key of each work's id, uint64[n_works], by which ``references`` name it."""
        return hash_words(self.work_ids)

    def list_reference_keys(self) -> UInt64:
        """List the keys of the works and of all that they cite, ascending and distinct."""
        return np.union1d(self.references.key, self.work_keys)

    @property
    def n_works(self) -> int:
        """Number of works."""
        return len(self.work_ids)

    @property
    def n_signatures(self) -> int:
        """Number of signatures (author mentions with a name)."""
        return len(self.signature_work)

    @cached_property
    def work_index(self) -> dict[str, int]:
        """Work id to row."""
        return {identifier: row for row, identifier in enumerate(self.work_ids)}

    def without_texts(self) -> Corpus:
        """Return a copy with the arrays and ids, and without the names and all other text.

        Clustering reads no text after indexing; without it a corpus is fast to send to a process.
        """
        return replace(
            self,
            titles=[],
            abstracts=[],
            venues=[],
            keywords=[],
            affiliations=[],
            orcids=[],
            emails=[],
            stated_names=[],
            coauthors=None,
            parsed_names=None,
        )

    def signature(self, row: int) -> Signature:
        """Return the public key of a signature row."""
        return Signature(self.work_ids[self.signature_work[row]], int(self.signature_position[row]))

    def printed_name(self, row: int) -> str:
        """Return the name of a signature as its source prints it."""
        printed: str = self.names[self.signature_name[row]].printed
        return printed

    def row_of(self, signature: Signature) -> int:
        """Return the row of a signature.

        Raises
        ------
        InputError
            If the work is unknown or has no author at that position.
        """
        work = self.work_index.get(signature.work)
        if work is None:
            raise InputError(f"no work has the id {signature.work!r}; check the spelling")
        low, high = self.author_start[work], self.author_start[work + 1]
        matches = np.flatnonzero(self.signature_position[low:high] == signature.position)
        if not len(matches):
            raise InputError(
                f"work {signature.work!r} has no author at position {signature.position}; "
                f"its positions are counted from 0 and it has {high - low} authors"
            )
        return int(low + matches[0])

    def signatures(self) -> Iterator[Signature]:
        """Iterate over the signatures in row order."""
        for work, position in zip(
            self.signature_work.tolist(), self.signature_position.tolist(), strict=True
        ):
            yield Signature(self.work_ids[work], position)

    @classmethod
    def from_works(cls, works: Iterable[Work]) -> Corpus:
        """Read works, once and in any order, into columns sorted by work id.

        An author without a name is no signature, but counts in the positions of the others.

        Raises
        ------
        InputError
            If two works have one id.
        """
        ids: list[str] = []
        titles: list[str] = []
        abstracts: list[str] = []
        venues: list[str] = []
        keywords: list[str] = []
        years: list[float] = []
        size: list[int] = []
        position_of: list[int] = []
        name_of: list[int] = []
        affiliations: list[str] = []
        orcids: list[str] = []
        emails: list[str] = []
        references, collaborations = KeyListsBuilder(), KeyListsBuilder()
        interned: dict[StatedName, int] = {}
        group_names: set[str] = set()
        for work in works:
            ids.append(work.id)
            titles.append(work.title)
            abstracts.append(work.abstract or "")
            venues.append(work.venue or "")
            keywords.append("; ".join(work.keywords))
            years.append(np.nan if work.year is None else work.year)
            references.append(work.references)
            before = len(position_of)
            groups: list[str] = []
            for position, author in enumerate(work.authors):
                if not author.name.strip():
                    continue
                position_of.append(position)
                key = (author.name, author.given, author.family)
                if key not in interned and classify_name(author.name) is NameKind.GROUP:
                    group_names.add(author.name)
                if author.name in group_names:
                    groups.append(author.name)
                name_of.append(interned.setdefault(key, len(interned)))
                affiliations.append("; ".join(author.affiliations))
                orcids.append(author.orcid or "")
                emails.append((author.email or "").lower())
            size.append(len(position_of) - before)
            collaborations.append(list_collaboration_keys([*work.collaborations, *groups]))
        work_order = sorted(range(len(ids)), key=ids.__getitem__)
        ids = _take(ids, work_order)
        for work_id, next_id in pairwise(ids):
            if work_id == next_id:
                raise InputError(
                    f"two works have the id {work_id!r}; give each work an id of its own"
                )
        start = [0, *accumulate(size)]
        order = [s for w in work_order for s in range(start[w], start[w + 1])]
        sizes = np.asarray(_take(size, work_order), dtype=np.int64)
        name_of = _take(name_of, order)
        code = {name: number for number, name in enumerate(dict.fromkeys(name_of))}
        printed = list(interned)
        return cls(
            work_ids=ids,
            titles=_take(titles, work_order),
            abstracts=_take(abstracts, work_order),
            venues=_take(venues, work_order),
            keywords=_take(keywords, work_order),
            years=np.asarray(_take(years, work_order), dtype=np.float32),
            author_start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
            signature_work=np.repeat(np.arange(len(ids), dtype=np.int32), sizes),
            signature_position=np.asarray(_take(position_of, order), dtype=np.int32),
            signature_name=np.asarray([code[name] for name in name_of], dtype=np.int32),
            stated_names=[printed[name] for name in code],
            affiliations=_take(affiliations, order),
            orcids=_take(orcids, order),
            emails=_take(emails, order),
            references=references.build().take(np.asarray(work_order, dtype=np.int64)),
            collaborations=collaborations.build().take(np.asarray(work_order, dtype=np.int64)),
        )


def _take(values: list[_T], order: list[int]) -> list[_T]:
    """Return ``values`` in another order."""
    return [values[i] for i in order]
