"""Read the published signatures and the constraints that concern one new work.

The candidates are the signatures in the blocks of its authors. Of a large block only the most
promising are read: signatures with the author's printed name or ORCID iD, on works that share
co-authors with the new one, and a few of every other identity. Constraints are the must-links
and cannot-links of decisions on the signatures being assigned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection, select

from disambig.arrays import Int64
from service.assignment.policy import SignatureConstraint
from service.constraints.links import Link
from service.constraints.store import read_links_around, remove_retired_signatures
from service.db.signatures import read_identity_keys
from service.db.tables import Block, Membership, Name, Signature, Work
from service.text import compute_block_text, fold_name, to_indexable, to_storable
from service.works.read import read_works

if TYPE_CHECKING:
    from disambig import domain

MAX_SIGNATURES = 600
"""Most signatures that are read for one work."""
MAX_PER_BLOCK = 160
"""Most signatures that are read of one block; twice what is compared with an author."""
MIN_PER_BLOCK = 8
"""Lower bound of this limit, for works of very many authors."""
MAX_NAMES = 500
"""Most names, and most ORCID iDs, that are looked up."""


@dataclass(frozen=True, eq=False)
class NearbySignatures:
    """Published signatures to compare a new work with.

    Attributes
    ----------
    works : dict of int to Work
        By key.
    identity : dict of (int, int) to int
        Key of the identity of each published signature (work key, position).
    """

    works: dict[int, domain.Work]
    identity: dict[tuple[int, int], int]


def read_nearby(connection: Connection, work: domain.Work) -> NearbySignatures:
    """Read the candidates of a work; exclude signatures of the work itself."""
    texts = {
        text
        for author in work.authors
        if author.name.strip()
        and (text := compute_block_text(author.name, author.given, author.family))
    }
    blocks = list(connection.scalars(select(Block.key).where(Block.text.in_(sorted(texts)))))
    rows = _read_signatures(connection, blocks)
    own = connection.scalar(select(Work.key).where(Work.id == to_storable(work.id)))
    rows = rows[rows[:, 1] != own] if own is not None else rows
    limit = max(min(MAX_PER_BLOCK, MAX_SIGNATURES // max(len(blocks), 1)), MIN_PER_BLOCK)
    parts = [rows[rows[:, 4] == block] for block in blocks]
    if any(len(part) > limit for part in parts):
        hints = _Hints.read(connection, work)
        parts = [hints.select_rows(part, limit) for part in parts]
    rows = np.concatenate([rows[:0], *parts])
    identity = {(int(r[1]), int(r[2])): int(r[5]) for r in rows}
    return NearbySignatures(read_works(connection, {key for key, _ in identity}), identity)


def _read_signatures(connection: Connection, blocks: Sequence[int]) -> Int64:
    """Read signature, work, position, name, block and identity keys, int64[n, 6]."""
    query = (
        select(
            Signature.key,
            Signature.work_key,
            Signature.position,
            Signature.name_key,
            Signature.block_key,
            Membership.identity_key,
        )
        .join(Membership, Membership.signature_key == Signature.key)
        .where(Signature.block_key.in_(blocks), Signature.retired_version.is_(None))
    )
    rows = [tuple(row) for row in connection.execute(query)]
    return np.array(rows, dtype=np.int64).reshape(-1, 6)


@dataclass(frozen=True, eq=False)
class _Hints:
    """Evidence for ranking candidates: name keys and signatures with an ORCID iD of the new work.

    ``coauthor_counts`` counts the signatures with one of the names on each work.
    """

    names: list[int]
    coauthor_counts: Mapping[int, int]
    orcid_signatures: list[int]

    @classmethod
    def read(cls, connection: Connection, work: domain.Work) -> _Hints:
        folded = {fold_name(a.name) for a in work.authors if a.name.strip()}
        name_query = select(Name.key).where(Name.folded.in_(sorted(folded)[:MAX_NAMES]))
        names = list(connection.scalars(name_query))
        works_query = select(Signature.work_key).where(
            Signature.name_key.in_(names), Signature.retired_version.is_(None)
        )
        orcids = {to_indexable(a.orcid) for a in work.authors if a.orcid}
        orcid_query = select(Signature.key).where(Signature.orcid.in_(sorted(orcids)[:MAX_NAMES]))
        return cls(
            names, Counter(connection.scalars(works_query)), list(connection.scalars(orcid_query))
        )

    def select_rows(self, rows: Int64, limit: int) -> Int64:
        """Return the most promising rows of a block, about ``limit``."""
        if len(rows) <= limit:
            return rows
        from disambig.assignment.candidates import select_signatures

        has_name = np.isin(rows[:, 3], self.names)
        # do not count the signature itself among the co-authors of its work
        n_coauthors = (
            np.array([self.coauthor_counts.get(w, 0) for w in rows[:, 1].tolist()]) - has_name
        )
        evidence = (
            has_name
            + 2.0 * np.minimum(n_coauthors, 3)
            + 4.0 * np.isin(rows[:, 0], self.orcid_signatures)
        )
        label = np.unique(rows[:, 5], return_inverse=True)[1].astype(np.int32)
        return rows[select_signatures(label, np.arange(len(rows), dtype=np.int32), evidence, limit)]


def read_constraints(
    connection: Connection, signatures: Collection[int]
) -> dict[int, SignatureConstraint]:
    """Return the constraints of decisions in force; omit unconstrained signatures."""
    links = remove_retired_signatures(connection, read_links_around(connection, signatures))
    if not links:
        return {}
    ends = {end for link in links for end in (link.a, link.b)}
    return derive_constraints(signatures, links, read_identity_keys(connection, ends))


def derive_constraints(
    signatures: Iterable[int], links: Iterable[Link], identity: Mapping[int, int]
) -> dict[int, SignatureConstraint]:
    """Derive constraints from links and the identities of published signatures; pure.

    Must-links are transitive. A cannot-link of any must-linked signature excludes the identities of
    all signatures that its other end is must-linked with.
    """
    must: dict[int, set[int]] = defaultdict(set)
    cannot: dict[int, set[int]] = defaultdict(set)
    for link in links:
        partners = must if link.must else cannot
        partners[link.a].add(link.b)
        partners[link.b].add(link.a)
    constraints = {}
    for signature in signatures:
        same = _find_reachable({signature}, must)
        different = _find_reachable({far for near in same for far in cannot.get(near, ())}, must)
        must_identities = frozenset(identity[m] for m in same if m in identity and m != signature)
        excluded = frozenset(identity[m] for m in different if m in identity)
        if must_identities or excluded:
            constraints[signature] = SignatureConstraint(must_identities, excluded)
    return constraints


def _find_reachable(start: set[int], neighbours: Mapping[int, set[int]]) -> set[int]:
    reached, pending = set(start), list(start)
    while pending:
        for neighbour in neighbours.get(pending.pop(), ()):
            if neighbour not in reached:
                reached.add(neighbour)
                pending.append(neighbour)
    return reached
