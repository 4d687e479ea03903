"""Predict what the next clustering would change after an arrangement.

The pairs of the board are clustered again under the decisions in force and the arrangement. The
result is compared with the identities that the arrangement leaves; differences that the engine had
before the arrangement are marked as not new.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from disambig import domain
from disambig.arrays import Int64
from service.constraints.links import Link
from service.constraints.store import read_links_around, read_signatures, remove_retired_signatures
from service.identities.continuity import match_identities
from service.identities.lifecycle import UNASSIGNED
from service.identities.store import read_identities
from service.memberships.change import read_memberships

if TYPE_CHECKING:
    from service.board.block_cache import BlockView
    from service.board.request import ArrangementPlan

MAX_CHANGES = 20
"""Maximum changes listed."""


@dataclass(frozen=True, slots=True)
class EngineChange:
    """Mentions that the next clustering would move to another identity, or to a new one.

    Attributes
    ----------
    kind : str
        ``merge``, ``split`` or ``move``.
    source : int
        Current identity.
    target : int
        Future identity; UNASSIGNED for a new one.
    mentions : frozenset of int
        Signature keys.
    """

    kind: str
    source: int
    target: int
    mentions: frozenset[int]


def diff_clustering(
    signature: Sequence[int], identity: Int64, cluster: Int64
) -> list[EngineChange]:
    """Compare a clustering with identities and return the differences, largest first.

    Parameters
    ----------
    signature : sequence of int
        Keys.
    identity : int64[n]
        Identity of each signature; negative: unassigned, and ignored.
    cluster : int64[n]
        Cluster of each signature.
    """
    continues = match_identities(identity, cluster)
    size = Counter(identity.tolist())
    went: dict[tuple[int, int], list[int]] = defaultdict(list)
    for key, of, c in zip(signature, identity.tolist(), cluster.tolist(), strict=True):
        to = continues.get(c, UNASSIGNED)
        if of != to and of >= 0:
            went[of, to if to != UNASSIGNED else -2 - c].append(key)
    found = []
    for (of, to), some in went.items():
        whole = len(some) == size[of]
        kind = "split" if to < 0 else "merge" if whole else "move"
        found.append(EngineChange(kind, of, max(to, UNASSIGNED), frozenset(some)))
    return sorted(found, key=lambda s: (-len(s.mentions), s.source, s.target, min(s.mentions)))


def preview_reclustering(
    connection: Connection, view: BlockView, found: ArrangementPlan, gone: Collection[str]
) -> list[dict[str, Any]]:
    """Return what the next clustering would change after an arrangement, new changes first.

    Parameters
    ----------
    plan : ArrangementPlan
        The arrangement.
    overridden_ids : collection of str
        Ids of decisions that it overrides.
    """
    keys = view.signature.tolist()
    links = remove_retired_signatures(connection, read_links_around(connection, keys))
    left = [link for link in links if link.decision not in gone]
    places = read_signatures(
        connection, {e for k in (*links, *found.build_links("d-")) for e in (k.a, k.b)}
    )
    now = _cluster_under(view, [*left, *found.build_links("d-")], places)
    before = _cluster_under(view, links, places)
    published = {s: place.identity for s, place in read_memberships(connection, keys).items()}
    current, target = _read_identities(published, found, keys)
    block = view.scored.batch.block.astype(np.int64)
    known = {(s.kind, s.mentions) for s in diff_clustering(keys, *_split_by_block(current, before, block))}
    after = diff_clustering(keys, *_split_by_block(target, now, block))
    told = [((shift.kind, shift.mentions) in known, shift) for shift in after]
    told.sort(key=lambda pair: pair[0])
    width = int(block.max(initial=0)) + 1
    rows = read_identities(connection, {*published.values()})
    names = {key: f"{row.name} ({row.id})" for key, row in rows.items()}
    return [
        {
            "kind": shift.kind,
            "text": _phrase_change(shift, width, names),
            "mentions": len(shift.mentions),
            "new": not old,
        }
        for old, shift in told[:MAX_CHANGES]
    ]


def _cluster_under(
    view: BlockView, links: Sequence[Link], places: Mapping[int, domain.Signature]
) -> Int64:
    kind = {True: domain.ConstraintKind.MUST, False: domain.ConstraintKind.CANNOT}
    stated = [
        domain.Constraint(kind[k.must], places[k.a], places[k.b], f"decision {k.decision}")
        for k in links
    ]
    return view.cluster(view.apply_constraints(stated)).astype(np.int64)


def _read_identities(
    published: Mapping[int, int], found: ArrangementPlan, keys: Sequence[int]
) -> tuple[Int64, Int64]:
    """Return the identity of each signature before and after; new ones get larger numbers."""
    current = np.array([published.get(k, UNASSIGNED) for k in keys], dtype=np.int64)
    plan = found.arrangement
    first = max([*published.values(), *plan.current.values(), 0]) + 1
    after = [plan.target.get(k, published.get(k, UNASSIGNED)) for k in keys]
    target = np.array([of if of >= UNASSIGNED else first - 2 - of for of in after], dtype=np.int64)
    return current, target


def _split_by_block(identity: Int64, cluster: Int64, block: Int64) -> tuple[Int64, Int64]:
    """Split identities by block, because nothing is compared across blocks."""
    width = int(block.max(initial=0)) + 1
    return np.where(identity >= 0, identity * width + block, UNASSIGNED), cluster


def _phrase_change(shift: EngineChange, width: int, names: Mapping[int, str]) -> str:
    n = len(shift.mentions)
    some = "1 paper" if n == 1 else f"{n} papers"
    source = names.get(shift.source // width, "the new profile")
    if shift.kind == "split":
        return f"{some} of {source} would become a new profile"
    target = names.get(shift.target // width, "the new profile")
    if shift.kind == "merge":
        return f"{source} with {some} would merge into {target}"
    return f"{some} of {source} would move to {target}"
